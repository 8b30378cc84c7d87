//! A wait as a dump sees it while it goes on.

use crate::engine::blame::{Holder, LockRef};
use crate::engine::clock;
use crate::engine::lock_names::Name;
use crate::engine::registry::{self, InProgress, Member, Registers};
use crate::profile::kind::Kind;
use crate::profile::lock_name::LockName;

/// Where a thread is about to block. A [`Kind`] alone is a wait for nothing that has a holder, and
/// that ends only when what is waited for comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    pub(super) kind: Kind,
    /// The lock's.
    pub(super) name: LockName,
    /// The flag's address; 0: none.
    subject: u64,
    holder_then: Holder,
    is_timed: bool,
    is_upgrade: bool,
    is_scope_end: bool,
    /// `None`: those of the frame that publishes it.
    registers: Option<Registers>,
}

impl From<Kind> for Blocked {
    #[inline(always)]
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            name: LockName::NONE,
            subject: 0,
            holder_then: Holder::NOBODY,
            is_timed: false,
            is_upgrade: false,
            is_scope_end: false,
            registers: None,
        }
    }
}

impl Blocked {
    /// A wait that ends by itself after a time.
    #[inline(always)]
    pub(crate) fn for_a_time(kind: Kind) -> Self {
        Self {
            is_timed: true,
            ..kind.into()
        }
    }

    /// The same wait, of a thread that holds the lock for reading and waits until others do not.
    #[inline(always)]
    #[allow(dead_code)] // Only some skins have such locks.
    pub(crate) fn upgrading(self) -> Self {
        Self {
            is_upgrade: true,
            ..self
        }
    }

    /// The same wait, for a lock that may have a name.
    #[inline(always)]
    pub(crate) fn named(self, name: Name) -> Self {
        Self {
            name: name.number(),
            ..self
        }
    }

    /// The same wait, for what the holder of this lock has.
    #[inline(always)]
    pub(crate) fn at<'a>(self, lock: impl Into<LockRef<'a>>) -> Self {
        let lock = lock.into();
        Self {
            subject: lock.key() as u64,
            holder_then: lock.holder(),
            ..self
        }
    }

    /// The same wait, for all threads of a scope.
    #[inline(always)]
    pub(crate) fn at_end_of_scope<S>(self, scope: &S) -> Self {
        Self {
            subject: std::ptr::from_ref(scope).addr() as u64,
            is_scope_end: true,
            ..self
        }
    }

    /// The same wait, seen from the frame in which this is called, which must stay until it is
    /// over: for where a callback publishes it.
    #[inline(always)]
    pub(crate) fn seen_from_here(self) -> Self {
        Self {
            registers: Some(Registers::here()),
            ..self
        }
    }
}

/// Lets a dump see this wait while the result lives. Inlined, so that the registers are those of
/// the skin's outlined function, whose frame stays as long.
#[inline(always)]
pub(crate) fn in_progress(blocked: Blocked) -> Option<InProgress> {
    registry::publish(registry::Wait {
        kind: blocked.kind,
        name: blocked.name,
        subject: blocked.subject,
        since: clock::monotonic(),
        is_timed: blocked.is_timed,
        is_upgrade: blocked.is_upgrade,
        is_scope_end: blocked.is_scope_end,
        holder_then: blocked.holder_then,
        registers: match blocked.registers {
            Some(registers) => registers,
            None => Registers::here(),
        },
    })
}

/// This thread was spawned in the scope, whose end waits for it until the result is dropped.
pub(crate) fn member_of(scope: usize) -> Member {
    registry::join_scope(scope as u64)
}
