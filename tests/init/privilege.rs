//! A program with rights that its user has not obeys nothing of the environment, with `init` and
//! without.

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::program::Program;

const NOBODY: u32 = 65_534;

/// A way to be privileged, which a test can only go as root but for the last.
#[derive(Clone, Copy, Debug)]
enum Way {
    SetUserId,
    SetGroupId,
    Capability,
    /// Set-group-id, for a group that this user is in beside the first one.
    OtherGroup(u32),
}

/// The ways that this user can go.
fn ways() -> Vec<Way> {
    // SAFETY: these ask for numbers.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    if user == 0 {
        return vec![Way::SetUserId, Way::SetGroupId, Way::Capability];
    }
    let mut groups = vec![0; 1024];
    // SAFETY: as many as there is room for.
    let count = unsafe { libc::getgroups(groups.len() as i32, groups.as_mut_ptr()) };
    groups.truncate(count.max(0) as usize);
    let other = groups.into_iter().find(|other| *other != group);
    other.map(Way::OtherGroup).into_iter().collect()
}

impl Way {
    fn change(self, program: &Path) {
        let mode = |mode| fs::set_permissions(program, Permissions::from_mode(mode)).unwrap();
        match self {
            Self::SetUserId => mode(0o4755),
            Self::SetGroupId => mode(0o2755),
            Self::Capability => {
                mode(0o755);
                give_capability(program);
            }
            Self::OtherGroup(group) => {
                chown(program, None, Some(group)).unwrap();
                mode(0o2755);
            }
        }
    }

    fn start(self, command: &mut Command) {
        if !matches!(self, Self::OtherGroup(_)) {
            command.uid(NOBODY).gid(NOBODY);
        }
    }
}

/// `setcap cap_net_bind_service=ep`.
fn give_capability(program: &Path) {
    let path = CString::new(program.as_os_str().as_bytes()).unwrap();
    // Version 2, effective; then permitted and inheritable, twice.
    let words = [0x0200_0001_u32, 1 << 10, 0, 0, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let name = c"security.capability".as_ptr();
    // SAFETY: texts with their ends, and a value with its length.
    let set = unsafe { libc::setxattr(path.as_ptr(), name, value.as_ptr().cast(), value.len(), 0) };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
}

fn program(calls_init: bool) -> Program {
    match calls_init {
        true => Program::that_does("say whether secure"),
        false => Program::without_init("say whether secure"),
    }
}

#[test]
fn nothing_is_obeyed() {
    let ways = ways();
    if ways.is_empty() {
        // Not `println!`, which the harness would keep to itself.
        let what = "not run: this user is not root and has no second group";
        writeln!(io::stderr(), "privilege::nothing_is_obeyed: {what}").unwrap();
    }
    for way in ways {
        for calls_init in [true, false] {
            let program = program(calls_init);
            let files = program.folder.file("files");
            fs::create_dir(&files).unwrap();
            fs::set_permissions(&files, Permissions::from_mode(0o777)).unwrap();
            let mut program = program
                .with("CONTEND_MUTEX_PROFILE", files.join("mutex.pb.gz"))
                .with("CONTEND_BLOCK_PROFILE_RATE", "\u{1b}[2J")
                .with("CONTEND_HTTP", "127.0.0.1:0")
                .copied(|copy| way.change(copy), |command| way.start(command));
            let run = program.run();
            assert_eq!(run.code, Some(0), "{way:?}: {run:?}");
            if run.stdout.contains("secure: false") {
                let what = "not run: the temporary folder allows no privileges";
                writeln!(io::stderr(), "privilege::nothing_is_obeyed: {way:?} {what}").unwrap();
                continue;
            }
            assert!(run.stdout.contains("rates: (0, 0)"), "{way:?}: {run:?}");
            assert_eq!(fs::read_dir(&files).unwrap().count(), 0, "{way:?}");
            let is_asked = calls_init || cfg!(feature = "auto-init");
            let lines = run.lines();
            assert_eq!(lines.len(), usize::from(is_asked), "{way:?}: {run:?}");
            for line in lines {
                assert!(line.contains("are not obeyed: "), "{line}");
                assert!(!line.contains('\u{1b}'), "{line}");
            }
        }
    }
}

/// Without such variables there is nothing to say.
#[test]
fn a_privileged_program_is_quiet() {
    for way in ways() {
        let change = |copy: &Path| way.change(copy);
        let mut program = program(true).copied(change, |command| way.start(command));
        program.run().assert_quiet_success();
    }
}
