//! Programs in a sandbox that refuses what a dump asks the system for.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use contend::sync::Mutex;

use crate::common::{NEVER, spawn, thread_when, turn};

/// The case that the child is.
const REFUSED: &str = "CONTEND_TEST_REFUSED";

/// Refuses this call of the system's, with this error, to the calling thread and to those that it
/// starts.
fn refuse(call: libc::c_long, error: libc::c_int) {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut filter = [
        step(LOAD, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, call as u32),
        step(
            RETURN,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | error.cast_unsigned(),
        ),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter is a valid one that lives during the call, and concerns this thread alone.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &program), 0);
    }
}

/// Dumps until one has the note, in a process with a thread that sleeps, one that runs, and one
/// that waits for a lock. The one that runs is asked only while it keeps its processor.
fn has_note_without(call: libc::c_long, error: libc::c_int, note: &str) {
    static LOCK: Mutex<()> = Mutex::new(());
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel::<()>();
    let held = LOCK.lock().unwrap();
    let asleep = spawn("asleep", move || assert!(receiver.recv().is_err()));
    let waits = spawn("waits", || drop(LOCK.lock()));
    let runs = spawn("runs", || {
        while !IS_OVER.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    thread_when("waits", |thread| thread.wait().is_some());
    thread_when("asleep", |thread| !thread.frames().is_empty());
    refuse(call, error);
    let start = Instant::now();
    loop {
        let threads = contend::threads();
        if threads.notes().iter().any(|said| said.contains(note)) {
            println!("{threads}");
            break;
        }
        assert!(start.elapsed() < NEVER / 6, "no note:\n{threads}");
    }
    assert!(contend::deadlocks().is_empty());
    #[cfg(feature = "http")]
    assert_pages_answer();
    drop((held, sender));
    IS_OVER.store(true, Ordering::Relaxed);
    for thread in [asleep, waits, runs] {
        thread.join().unwrap();
    }
}

/// None is an error page. The note is not asked for: the next dump may find no thread that it would
/// send a signal to.
#[cfg(feature = "http")]
fn assert_pages_answer() {
    use contend::http::{Handler, Request};
    let handler = Handler::new();
    for page in [
        "threads?form=page",
        "threads?form=text",
        "threads?form=json",
        "goroutine",
        "goroutine?debug=1",
        "goroutine?debug=2",
        "deadlock?form=page",
    ] {
        let target = format!("/debug/pprof/{page}");
        let answer = handler.handle(&Request::new("GET", &target));
        let text = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status(), 200, "{page}: {text}");
    }
}

/// A note says what is missing, and why.
#[test]
fn what_a_sandbox_refuses_is_a_note() {
    const NAME: &str = "sandboxed::what_a_sandbox_refuses_is_a_note";
    let cases = [
        (libc::SYS_process_vm_readv, "by their innermost frame alone"),
        (libc::SYS_tgkill, "refused to send them a signal"),
        (libc::SYS_openat, "only this thread is shown"),
    ];
    // Sandboxes answer with either.
    let errors = [libc::EPERM, libc::ENOSYS];
    if let Ok(refused) = std::env::var(REFUSED) {
        let refused = refused.parse::<usize>().unwrap();
        let (call, note) = cases[refused / errors.len()];
        return has_note_without(call, errors[refused % errors.len()], note);
    }
    let _turn = turn();
    for refused in 0..cases.len() * errors.len() {
        let (_, note) = cases[refused / errors.len()];
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", NAME, "--nocapture"]);
        let output = child.env(REFUSED, refused.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let failure = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{refused}, {note}: {text}{failure}"
        );
        assert!(text.contains("1 passed"), "{text}");
    }
}
