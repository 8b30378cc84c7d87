//! However a program ends, its profile is there, and it ends as it would without us.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::{compiled, delay_of, recorded};

#[test]
fn each_end_is_the_programs_own_and_leaves_a_profile() {
    let Some(program) = compiled("endings.c", &[]) else {
        return;
    };
    for ending in [
        "return",
        "_exit",
        "abort",
        "kill",
        "terminate",
        "exec",
        "nobody",
        "chroot",
    ] {
        let bare = Command::new(&program).arg(ending).output().unwrap();
        let recorded = recorded(&program, &[ending]);
        let (status, expected) = (recorded.output.status, bare.status);
        assert_eq!(status.code(), expected.code(), "{ending}");
        assert_eq!(status.signal(), expected.signal(), "{ending}");
        assert_eq!(recorded.output.stdout, bare.stdout, "{ending}");
        let delay = delay_of(&recorded.profile("mutex"), "holds", Some("mutex"));
        assert!(delay > 1_000_000, "{ending}: {delay}");
    }
}
