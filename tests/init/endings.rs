//! When files are written, and when not.

use std::fs;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::process::Child;
use std::thread;
use std::time::Instant;

use crate::program::{Program, Run, await_word, loads_in};

const MUTEX: &str = "CONTEND_MUTEX_PROFILE";

fn assert_written_after(what: &str, code: i32) {
    let mut program = Program::that_does(what).with(MUTEX, "mutex.pb.gz");
    let run = program.run();
    assert_eq!(run.code, Some(code), "{run:?}");
    assert_eq!(run.lines(), [""; 0]);
    let loads = loads_in(&program.folder.file("mutex.pb.gz"));
    assert_eq!(loads, ["program::first_load"]);
}

/// Nothing else writes here: the program does not get to its end.
#[cfg(not(feature = "auto-init"))]
#[test]
fn the_guard_writes_when_it_is_dropped() {
    let mut program = Program::that_does("drop and abort").with(MUTEX, "mutex.pb.gz");
    let run = program.run();
    assert_eq!(run.code, None, "{run:?}");
    let loads = loads_in(&program.folder.file("mutex.pb.gz"));
    assert_eq!(loads, ["program::first_load"]);
}

/// 101: the harness says so of a test that failed.
#[test]
fn an_error_writes() {
    assert_written_after("error", 101);
}

#[test]
fn a_panic_writes() {
    assert_written_after("panic", 101);
}

#[cfg(unix)]
#[test]
fn an_exit_writes() {
    assert_written_after("exit", 3);
}

#[cfg(unix)]
#[test]
fn a_relative_path_is_of_the_folder_at_the_start() {
    assert_written_after("change folder", 0);
}

#[test]
fn two_calls_are_one_session() {
    let mut program = Program::that_does("init twice").with(MUTEX, "mutex.pb.gz");
    program.run().assert_quiet_success();
    let loads = loads_in(&program.folder.file("mutex.pb.gz"));
    assert_eq!(loads, ["program::first_load", "program::second_load"]);
}

#[test]
fn a_folder_that_is_gone_at_the_end_is_named() {
    let mut program = Program::that_does("wait").with(MUTEX, "gone/mutex.pb.gz");
    let folder = program.folder.file("gone");
    fs::create_dir(&folder).unwrap();
    let mut child = program.start();
    await_word(&mut child, "waits");
    fs::remove_dir(folder).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    let [line] = *run.lines() else {
        panic!("one line, not {run:?}");
    };
    assert!(line.contains("gone/mutex.pb.gz: "), "{line}");
}

#[cfg(unix)]
#[test]
fn a_forked_child_leaves_the_file_to_its_parent() {
    let mut program = Program::that_does("fork").with(MUTEX, "mutex.pb.gz");
    let mut child = program.start();
    await_word(&mut child, "forked");
    assert_eq!(program.folder.entries(), [""; 0], "the child has exited");
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(program.folder.entries(), ["mutex.pb.gz"]);
}

/// Killed while it runs, while it writes, or when it has just written: the old file or the whole
/// new one.
#[test]
fn a_killed_program_leaves_no_half_file() {
    let mut program = Program::that_does("load").with(MUTEX, "mutex.pb.gz");
    let path = program.folder.file("mutex.pb.gz");
    let begin = Instant::now();
    program.run().assert_quiet_success();
    let duration = begin.elapsed();
    const ROUNDS: u32 = 8;
    for round in 0..ROUNDS {
        fs::write(&path, "old").unwrap();
        let mut child = program.start();
        // The later ones are after the end, unless the machine has become slower.
        thread::sleep(duration * round / (ROUNDS - 2));
        child.kill().unwrap();
        child.wait().unwrap();
        if fs::read(&path).unwrap() != b"old" {
            assert_eq!(loads_in(&path), ["program::first_load"]);
        }
    }
}

#[test]
fn a_program_killed_in_its_middle_leaves_nothing() {
    let mut program = Program::that_does("wait").with(MUTEX, "mutex.pb.gz");
    let mut child = program.start();
    await_word(&mut child, "waits");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(program.folder.entries(), [""; 0]);
}

#[test]
fn processes_with_one_path_do_not_mix() {
    for _ in 0..2 {
        let first = Program::that_does("load");
        let path = first.folder.file("mutex.pb.gz");
        let mut programs = vec![first];
        for what in ["other load", "load", "other load"] {
            programs.push(Program::that_does(what));
        }
        programs = programs
            .into_iter()
            .map(|program| program.with(MUTEX, &path))
            .collect();
        let children: Vec<Child> = programs.iter_mut().map(Program::start).collect();
        for child in children {
            Run::of(child.wait_with_output().unwrap()).assert_quiet_success();
        }
        assert_eq!(loads_in(&path).len(), 1, "of one of them, and whole");
        assert_eq!(programs[0].folder.entries(), ["mutex.pb.gz"]);
    }
}

/// The reader of a pipe gets the profile; asking whether it can be written must not wait for one.
#[cfg(unix)]
#[test]
fn a_pipe_gets_the_profile_at_the_end() {
    let mut program = Program::that_does("wait").with(MUTEX, "pipe");
    let path = program.folder.file("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let mut child = program.start();
    await_word(&mut child, "waits");
    // Opened before the program writes. A small profile fits into the pipe.
    let mut reader = fs::File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path)
        .unwrap();
    drop(child.stdin.take());
    Run::of(child.wait_with_output().unwrap()).assert_quiet_success();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let copy = program.folder.file("copy");
    fs::write(&copy, bytes).unwrap();
    assert_eq!(loads_in(&copy), ["program::first_load"]);
}

/// However it ends, and whatever takes no profile: there is a line, and an end.
#[cfg(unix)]
#[test]
fn what_takes_no_profile_does_not_keep_the_program_from_ending() {
    use std::os::unix::net::UnixListener;
    for (what, code) in [("load", 0), ("exit", 3), ("panic", 101)] {
        let mut program = Program::that_does(what)
            .with(MUTEX, "pipe")
            .with("CONTEND_BLOCK_PROFILE", "other.pb.gz");
        let path = program.folder.file("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let run = program.run();
        assert_eq!(run.code, Some(code), "{run:?}");
        let expected = format!("contend: {}: nobody reads from it", path.display());
        assert_eq!(run.lines(), [expected]);
        // The other one is written all the same.
        loads_in(&program.folder.file("other.pb.gz"));
    }
    let mut program = Program::that_does("load").with(MUTEX, "socket");
    let _socket = UnixListener::bind(program.folder.file("socket")).unwrap();
    let run = program.run();
    assert_eq!(run.code, Some(0), "{run:?}");
    let [line] = run.lines()[..] else {
        panic!("{run:?}");
    };
    assert!(
        line.contains("is a socket, which takes connections and no files"),
        "{line}"
    );
}
