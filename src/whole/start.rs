//! The hooks in the program: before its `main`, at its end, and in its forks.

use std::env;
use std::ffi::{CString, OsStr, OsString, c_int};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process;
use std::sync::OnceLock;

use super::region::{Orders, Region, plan_of_children};
use super::{chain, hand_over, interposed, objects, real, waiting};
use crate::engine::recorder;
use crate::profile::kind::ProfileKind;
use crate::text::say::say;

/// The file with the memory, as its number. A name of its own: the program may have contend in it,
/// which obeys the other `CONTEND_…` variables.
pub(super) const FILE: &str = "CONTEND_PRELOAD_FILE";
pub(super) const PRELOAD: &str = "LD_PRELOAD";
/// In its place, where the programs that this one starts are recorded too: see [`Invitation`].
pub(super) const CHILDREN: &str = "CONTEND_PRELOAD_CHILDREN";

/// Asks every program that finds it to make memory of its own and to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Invitation {
    pub(super) orders: Orders,
    /// The word to send along.
    pub(super) word: hand_over::Word,
    /// The name of the socket.
    pub(super) name: String,
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orders { fraction, rate, io } = self.orders;
        write!(f, "{fraction} {rate} {io} {} {}", self.word, self.name)
    }
}

impl Invitation {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(5, ' ');
        Some(Self {
            orders: Orders {
                fraction: words.next()?.parse().ok()?,
                rate: words.next()?.parse().ok()?,
                io: words.next()?.parse().ok()?,
            },
            word: words.next()?.parse().ok()?,
            name: words.next()?.to_owned(),
        })
    }

    /// Makes the memory and sends it. Small, as there may be hundreds of programs.
    fn accept(&self) -> io::Result<Region> {
        let (region, file) = Region::create(self.orders, plan_of_children())?;
        hand_over::send(&self.name, self.word, &file)?;
        Ok(region)
    }
}

static REGION: OnceLock<Region> = OnceLock::new();

/// Begins to record, if the command asks for it. Called by the loader; it must not panic.
pub(super) fn start() {
    if let Some(invitation) = env::var_os(CHILDREN) {
        let invitation = invitation.to_str().and_then(Invitation::parse);
        // The command may have ended: then this one runs as it would without it.
        if let Some(Ok(region)) = invitation.map(|invitation| invitation.accept()) {
            record(region);
        }
        return;
    }
    let Some(file) = env::var_os(FILE) else {
        return;
    };
    forget_variables();
    let Some(file) = file.to_str().and_then(|file| file.parse::<c_int>().ok()) else {
        return;
    };
    let opened = Region::open(file);
    // SAFETY: the number is that of the file that the command has left open for this, which nobody
    // else knows; the mapping stays.
    unsafe { libc::close(file) };
    match opened {
        Ok(region) => record(region),
        Err(error) => say(format_args!("{error}; nothing is profiled")),
    }
}

/// Takes the variables out, so that what the program starts goes without.
fn forget_variables() {
    remove(FILE);
    let before = env::var_os(PRELOAD).unwrap_or_default();
    // Ours is the first.
    let mut rest = before
        .as_bytes()
        .splitn(2, |byte| matches!(byte, b':' | b' '));
    match rest.nth(1).filter(|rest| !rest.is_empty()) {
        Some(rest) => set(PRELOAD, OsStr::from_bytes(rest)),
        None => remove(PRELOAD),
    }
}

fn remove(name: &str) {
    let name = CString::new(name).expect("the name has no zero");
    // SAFETY: a string of C's. No other thread runs before `main` that could read the environment.
    unsafe { libc::unsetenv(name.as_ptr()) };
}

fn set(name: &str, value: &OsStr) {
    let name = CString::new(name).expect("the name has no zero");
    let Ok(value) = CString::new(OsString::from_vec(value.as_bytes().to_vec()).into_vec()) else {
        return;
    };
    // SAFETY: as above.
    unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
}

fn record(region: Region) {
    let Some(store) = region.store(false) else {
        return;
    };
    let region = *REGION.get_or_init(|| region);
    region.count_losses();
    recorder::start_with(|| store);
    // SAFETY: the hook is a function of the right type that lives for ever, and does what a child
    // may.
    unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    // SAFETY: as above.
    unsafe { libc::atexit(at_exit) };
    objects::tell(&region, false);
    region.set_process(process::id());
    let Orders { fraction, rate, io } = region.orders();
    recorder::set_rate(ProfileKind::Mutex, fraction.into());
    recorder::set_rate(ProfileKind::Block, rate);
    real::look_all_up();
    waiting::switch_on();
    if io {
        interposed::io::switch_on();
    }
}

/// The store is the parent's too, so what a child records is added to the same profile. Its waiters
/// and its locks are its own.
extern "C" fn in_child() {
    // SAFETY: this runs in the child, inside `fork`, where this thread is the only one.
    unsafe { recorder::open_after_fork() };
    chain::forget_after_fork();
    crate::loader::list::after_fork_in_child();
}

/// Tells what was loaded since the start. A child of a fork leaves that to its parent.
extern "C" fn at_exit() {
    let Some(region) = REGION.get() else { return };
    if region.process() == Some(process::id()) {
        let _ = std::panic::catch_unwind(|| objects::tell(region, true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_read_as_it_was_written() {
        let invitation = Invitation {
            orders: Orders {
                fraction: 100,
                rate: u64::MAX,
                io: true,
            },
            word: 7,
            name: "contend-0a".to_owned(),
        };
        let text = invitation.to_string();
        assert_eq!(Invitation::parse(&text), Some(invitation));
        assert_eq!(Invitation::parse("1 2"), None);
        assert_eq!(Invitation::parse(""), None);
    }
}
