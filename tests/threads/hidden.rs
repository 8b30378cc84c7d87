//! A program that must not look into its own `/proc`, as after `PR_SET_DUMPABLE` 0.

use std::process::Command;
use std::sync::mpsc;

use contend::sync::Mutex;

use crate::common::{spawn, thread_when, turn};

const IS_CHILD: &str = "CONTEND_TEST_HIDDEN";

/// Files of `/proc` that belong to root are closed to others than root.
fn hide() {
    const NOBODY: u32 = 65534;
    // SAFETY: these calls change what this process may do, and touch no memory.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setresgid(NOBODY, NOBODY, NOBODY), 0);
            assert_eq!(libc::setresuid(NOBODY, NOBODY, NOBODY), 0);
        }
        assert_eq!(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
    }
}

/// A note says what cannot be seen; the rest is there.
#[test]
fn a_hidden_proc_is_a_note() {
    const NAME: &str = "hidden::a_hidden_proc_is_a_note";
    if std::env::var_os(IS_CHILD).is_none() {
        let _turn = turn();
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", NAME, "--nocapture"]);
        let output = child.env(IS_CHILD, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    hide();
    static LOCK: Mutex<()> = Mutex::new(());
    let (sender, receiver) = mpsc::channel::<()>();
    let held = LOCK.lock().unwrap();
    let asleep = spawn("asleep", move || assert!(receiver.recv().is_err()));
    let waits = spawn("waits", || drop(LOCK.lock()));

    let thread = thread_when("waits", |thread| thread.wait().is_some());
    assert!(!thread.frames().is_empty(), "{thread:?}");
    assert_eq!(thread.wait().unwrap().kind(), "mutex");
    thread_when("asleep", |thread| thread.frames().is_empty());
    let notes = contend::threads().notes().join("\n");
    assert!(
        notes.contains("/proc/self/task/TID/syscall cannot be read here"),
        "{notes}"
    );
    assert!(contend::deadlocks().is_empty());
    #[cfg(feature = "http")]
    for form in ["page", "text", "json"] {
        use contend::http::{Handler, Request};
        let target = format!("/debug/pprof/threads?form={form}");
        let answer = Handler::new().handle(&Request::new("GET", &target));
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert_eq!(answer.status(), 200, "{text}");
        assert!(text.contains("TID/syscall cannot be read here"), "{text}");
    }
    drop((held, sender));
    asleep.join().unwrap();
    waits.join().unwrap();
}
