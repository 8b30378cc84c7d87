//! Programs in a sandbox that refuses what a dump asks the system for.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use contend::sync::Mutex;

use crate::common::{NEVER, spawn, thread_when, turn};

/// The call that is refused in the child.
const REFUSED: &str = "CONTEND_TEST_REFUSED";

/// Refuses this call of the system's to the calling thread, and to those that it starts.
fn refuse(call: libc::c_long) {
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
            libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(),
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
fn has_note_without(call: libc::c_long, note: &str) {
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
    refuse(call);
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
    drop((held, sender));
    IS_OVER.store(true, Ordering::Relaxed);
    for thread in [asleep, waits, runs] {
        thread.join().unwrap();
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
    if let Ok(refused) = std::env::var(REFUSED) {
        let (call, note) = cases[refused.parse::<usize>().unwrap()];
        return has_note_without(call, note);
    }
    let _turn = turn();
    for (case, (_, note)) in cases.iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", NAME, "--nocapture"]);
        let output = child.env(REFUSED, case.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{note}: {text}{errors}");
        assert!(text.contains("1 passed"), "{text}");
    }
}
