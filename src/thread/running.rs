//! The note that tells a dump which thread a join waits for.

use std::any;
use std::sync::Arc;

use super::Scope;
use crate::skin::{self, Access, Flag, WakeFlag, WakeKey, WakeRef, Whom};

/// A flag that a thread holds from the beginning of its function to the end. This is the part of
/// the handle that joins it.
pub(super) struct Running {
    flags: Arc<Flags>,
}

struct Flags {
    runs: Flag,
    /// The thread that joins it.
    wakes: WakeFlag,
}

impl Running {
    pub(super) fn new() -> Self {
        Self {
            flags: Arc::new(Flags {
                runs: Flag::new(),
                wakes: WakeFlag::new(),
            }),
        }
    }

    /// The part of the thread.
    pub(super) fn runner(&self) -> Runner {
        Runner {
            flags: Arc::clone(&self.flags),
            scope: None,
        }
    }

    /// The part of a thread of this scope.
    pub(super) fn runner_in(&self, scope: &Scope<'_, '_>) -> Runner {
        Runner {
            scope: Some(scope.address()),
            ..self.runner()
        }
    }

    pub(super) fn flag(&self) -> &Flag {
        &self.flags.runs
    }

    /// The thread that joins this one.
    pub(super) fn wakes(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.flags.wakes)
    }
}

/// Where the end of a scope waits for its threads.
pub(super) fn key_of_scope(scope: usize) -> WakeKey {
    WakeKey::of_number(scope as u64)
}

/// See [`Running`].
pub(super) struct Runner {
    flags: Arc<Flags>,
    scope: Option<usize>,
}

impl Runner {
    /// The calling thread runs a function of type `F` until the result is dropped.
    pub(super) fn begin<F>(&self) -> impl Drop + '_ {
        let member = self.scope.map(skin::member_of);
        skin::acquired(Access::Exclusive, &self.flags.runs);
        skin::OnDrop(move || {
            let _leaves_after_this = &member;
            skin::begin_release(Access::Exclusive, &self.flags.runs);
            self.ends(any::type_name::<F>());
        })
    }

    /// Those who wait for the thread go on soon.
    fn ends(&self, function: &'static str) {
        let joins = WakeRef::beside(&self.flags.wakes);
        if !joins.is_idle() {
            skin::thread_ends(function, Whom::All, joins);
        }
        if let Some(scope) = self.scope.map(|scope| key_of_scope(scope).wakes())
            && !scope.is_idle()
        {
            // It may be the last one of its scope.
            skin::thread_ends(function, Whom::Perhaps, scope);
        }
    }
}
