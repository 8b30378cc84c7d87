//! What tells a dump which thread a join waits for.

use std::sync::Arc;

use super::Scope;
use crate::skin::{self, Access, Flag};

/// A flag that a thread holds from the beginning of its function to the end. This is the part of the
/// handle that joins it.
pub(super) struct Running {
    flag: Arc<Flag>,
}

impl Running {
    pub(super) fn new() -> Self {
        Self {
            flag: Arc::new(Flag::new()),
        }
    }

    /// The part of the thread.
    pub(super) fn runner(&self) -> Runner {
        Runner {
            flag: Arc::clone(&self.flag),
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
        &self.flag
    }
}

/// See [`Running`].
pub(super) struct Runner {
    flag: Arc<Flag>,
    scope: Option<usize>,
}

impl Runner {
    /// The calling thread runs until the result is dropped.
    pub(super) fn begin(&self) -> impl Drop + '_ {
        let member = self.scope.map(skin::member_of);
        skin::acquired(Access::Exclusive, &self.flag);
        skin::OnDrop(move || {
            let _leaves_after_this = &member;
            skin::begin_release(Access::Exclusive, &self.flag);
        })
    }
}
