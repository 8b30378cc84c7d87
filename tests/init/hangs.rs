//! A program that hangs, and its words to a watchdog, a monitor, a signal.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use crate::program::{Program, Run};

/// Reads what it says on the standard error up to a word.
fn await_complaint(child: &mut Child, word: &str) -> String {
    let stderr = child.stderr.as_mut().unwrap();
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(word) {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        said.push(byte[0]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// Reads what it says to its end, which is an abort.
fn until_aborted(mut program: Program) -> String {
    let mut child = program.start();
    // Kept open: the program waits for its end.
    let input = child.stdin.take();
    let mut said = String::new();
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let status = child.wait().unwrap();
    drop(input);
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{said}");
    said
}

#[test]
fn a_watchdog_says_what_hangs_and_aborts() {
    let said = until_aborted(Program::that_does("watchdog"));
    assert!(
        said.contains("contend: the watchdog's 50.0ms are over"),
        "{said}"
    );
    // The thread that waits for input, with its stack.
    assert!(
        said.contains("[IO wait]") && said.contains("wait_for_end_of_input"),
        "{said}"
    );
    let words = said.matches("are over").count();
    assert_eq!(words, 1, "the others were dropped in time, or have time");
}

#[test]
fn a_variable_sets_a_watchdog_for_all_of_the_program() {
    let said = until_aborted(Program::that_does("hang").with("CONTEND_WATCHDOG", "1s"));
    assert!(said.contains("the watchdog's 1.00s are over"), "{said}");
    assert!(said.contains(" hangs [waiting: mutex]"), "{said}");
    assert!(
        said.contains("deadlock: 2 threads wait for each other"),
        "{said}"
    );
    let mut program = Program::that_does("load").with("CONTEND_WATCHDOG", "3600s");
    program.run().assert_quiet_success();
    let bad = Program::that_does("load")
        .with("CONTEND_WATCHDOG", "60")
        .run();
    assert_eq!(bad.code, Some(0), "{bad:?}");
    assert!(
        bad.lines()[0].contains("such as 60s; nothing is profiled"),
        "{bad:?}"
    );
}

#[test]
fn a_variable_starts_a_monitor() {
    let settings = "10ms,wait=50ms,deadlock,file=alarm-{rule}.txt";
    let mut program = Program::that_does("hang").with("CONTEND_MONITOR", settings);
    let mut child = program.start();
    let said = await_complaint(&mut child, "alarm-deadlock.txt\n");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.contains("contend: alarm: "), "{said}");
    assert!(said.contains(" in mutex 0x"), "{said}");
    let text = std::fs::read_to_string(program.folder.file("alarm-wait.txt")).unwrap();
    assert!(text.contains(" hangs [waiting: mutex]"), "{text}");
    let text = std::fs::read_to_string(program.folder.file("alarm-deadlock.txt")).unwrap();
    assert!(
        text.contains("BAD  2 threads wait for each other: "),
        "{text}"
    );
    assert!(
        text.contains("deadlock: 2 threads wait for each other"),
        "{text}"
    );
}

#[test]
fn a_signal_asks_what_goes_on() {
    let mut program = Program::that_does("signal");
    let mut child = program.start();
    let said = await_complaint(&mut child, "[waiting: mutex]");
    assert!(
        said.contains("contend: signal 3 asks what the threads do"),
        "{said}"
    );
    drop(child.stdin.take());
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("goes on"), "{run:?}");
}
