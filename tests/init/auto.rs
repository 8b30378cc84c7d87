//! The variables are obeyed without a call of `init`.

use std::fs;

use crate::program::{Program, Run, await_word, loads_in};

const MUTEX: &str = "CONTEND_MUTEX_PROFILE";
const FRACTION: &str = "CONTEND_MUTEX_PROFILE_FRACTION";

#[test]
fn without_variables_nothing_happens() {
    let mut program = Program::without_init("load");
    let run = program.run();
    run.assert_quiet_success();
    assert!(run.stdout.contains("rates: (0, 0)"), "{run:?}");
    assert_eq!(program.folder.entries(), [""; 0]);
}

#[test]
fn profiles_are_written_at_the_end_however_that_comes() {
    for (what, code) in [("load", 0), ("error", 101), ("panic", 101), ("exit", 3)] {
        let mut program = Program::without_init(what)
            .with(MUTEX, "mutex.pb.gz")
            .with("CONTEND_BLOCK_PROFILE", "block.txt");
        let run = program.run();
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stdout.contains("rates: (1, 1)"), "{run:?}");
        assert_eq!(run.lines(), [""; 0]);
        assert_eq!(program.folder.entries(), ["block.txt", "mutex.pb.gz"]);
        let loads = loads_in(&program.folder.file("mutex.pb.gz"));
        assert_eq!(loads, ["program::first_load"]);
    }
}

#[test]
fn calls_of_init_change_nothing() {
    let mut program = Program::that_does("init twice").with(MUTEX, "mutex.txt");
    program.run().assert_quiet_success();
    let loads = loads_in(&program.folder.file("mutex.txt"));
    assert_eq!(loads, ["program::first_load", "program::second_load"]);
}

#[test]
fn a_bad_value_is_one_line() {
    for program in [Program::without_init("load"), Program::that_does("load")] {
        let run = program.with(FRACTION, "many").run();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.lines().len(), 1, "{run:?}");
        assert!(run.lines()[0].starts_with("contend: CONTEND_MUTEX_PROFILE_FRACTION=\"many\": "));
    }
}

/// Before `main` the signal of a broken pipe is not yet ignored.
#[test]
fn nobody_who_reads_the_line_is_no_reason_to_die() {
    let mut program = Program::without_init("load").with(FRACTION, "many");
    let mut child = program.start_with_broken_stderr();
    drop(child.stdin.take());
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("rates: (0, 0)"), "{run:?}");
}

#[test]
fn a_forked_child_leaves_the_file_to_its_parent() {
    let mut program = Program::without_init("fork").with(MUTEX, "{pid}.pb.gz");
    let mut child = program.start();
    await_word(&mut child, "forked");
    assert_eq!(program.folder.entries(), [""; 0], "the child has exited");
    let pid = child.id();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(program.folder.entries(), [format!("{pid}.pb.gz")]);
}

#[test]
fn an_existing_file_is_replaced() {
    let mut program = Program::without_init("load").with(MUTEX, "mutex.pb.gz");
    let path = program.folder.file("mutex.pb.gz");
    fs::write(&path, "old").unwrap();
    program.run().assert_quiet_success();
    assert_eq!(loads_in(&path), ["program::first_load"]);
}
