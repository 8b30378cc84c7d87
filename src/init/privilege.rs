//! Whether the process has rights that whoever started it has not.
//!
//! The environment is made by whoever starts a program. Where the program is set-user-id, these
//! variables would let any user write files as its owner, so nothing of the environment is obeyed
//! there.

/// As C's `secure_getenv` has it. Programs that have laid down their rights stay privileged: they
/// may have opened what their user may not see.
#[cfg(unix)]
pub(super) fn is_privileged() -> bool {
    // SAFETY: these ask for numbers, and always succeed.
    let ids = unsafe {
        [
            (libc::getuid(), libc::geteuid()),
            (libc::getgid(), libc::getegid()),
        ]
    };
    decide(says_system(), ids)
}

/// Elsewhere programs have the rights of those who start them.
#[cfg(not(unix))]
pub(super) fn is_privileged() -> bool {
    false
}

/// Real and effective ids that differ are a sign by themselves, on systems that say nothing.
#[cfg(unix)]
fn decide(says_system: bool, ids: [(u32, u32); 2]) -> bool {
    says_system || ids.into_iter().any(|(real, effective)| real != effective)
}

/// The kernel's word when it started the program: set-user-id, set-group-id, capabilities of the
/// file, or what a security module thinks.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn says_system() -> bool {
    // SAFETY: asks for a number; 0 where the kernel did not give it.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "openbsd",
    target_os = "netbsd",
    target_os = "dragonfly",
    target_os = "solaris",
    target_os = "illumos"
))]
fn says_system() -> bool {
    unsafe extern "C" {
        /// The libc crate has it for some of these systems only.
        fn issetugid() -> libc::c_int;
    }
    // SAFETY: asks for a number, and always succeeds.
    unsafe { issetugid() != 0 }
}

#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "openbsd",
        target_os = "netbsd",
        target_os = "dragonfly",
        target_os = "solaris",
        target_os = "illumos"
    ))
))]
fn says_system() -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn any_sign_counts() {
        let plain = [(7, 7), (8, 8)];
        assert!(!decide(false, plain));
        assert!(decide(true, plain));
        assert!(decide(false, [(7, 0), (8, 8)]));
        assert!(decide(false, [(7, 7), (8, 0)]));
        // Less rights than its user has: it was switched meanwhile, so the environment may be
        // another user's.
        assert!(decide(false, [(0, 7), (8, 8)]));
    }
}
