//! Events that were chosen but could not be recorded in full, counted by cause.

use std::fmt;

const CAUSES: usize = 6;

/// How many events were chosen by the sampler but not recorded in full, by cause.
///
/// The counts cover both profiles since the process started, or since
/// [`reset`](crate::reset). They count events as they happened, not scaled by their weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The table of stacks was full. Delay and contentions are in the totals, under the frame
    /// `contend::overflow`.
    pub stack_table_full: u64,
    /// Too many locks were waited for at once. These waits are missing from the mutex profile.
    pub lock_table_full: u64,
    /// The thread was already recording an event, as in a signal handler or an allocator.
    /// These events are missing.
    pub reentrant: u64,
    /// The stack could not be walked, or too little of it was left. Delay and contentions are
    /// in the totals, under the frame `contend::no_stack`.
    pub no_stack: u64,
    /// Scopes of [labels](crate::Labels) for which there was no room. Their events are recorded
    /// with the label `labels=contend::overflow`.
    pub label_table_full: u64,
    /// Too many different stacks waited for locks at once. Delay and contentions of these waits
    /// are in the pairs profile under the frame `contend::unknown_waiter`, and in the others as
    /// they should.
    pub waiter_table_full: u64,
}

impl Lost {
    /// All causes together.
    pub fn total(&self) -> u64 {
        self.causes().into_iter().map(|(_, count)| count).sum()
    }

    /// The losses since `earlier`; a cause that was reset in between counts from the reset.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let since = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        Self {
            stack_table_full: since(self.stack_table_full, earlier.stack_table_full),
            lock_table_full: since(self.lock_table_full, earlier.lock_table_full),
            reentrant: since(self.reentrant, earlier.reentrant),
            no_stack: since(self.no_stack, earlier.no_stack),
            label_table_full: since(self.label_table_full, earlier.label_table_full),
            waiter_table_full: since(self.waiter_table_full, earlier.waiter_table_full),
        }
    }

    /// Those of two processes.
    #[allow(dead_code)] // Where programs are profiled from outside.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            stack_table_full: self.stack_table_full.saturating_add(other.stack_table_full),
            lock_table_full: self.lock_table_full.saturating_add(other.lock_table_full),
            reentrant: self.reentrant.saturating_add(other.reentrant),
            no_stack: self.no_stack.saturating_add(other.no_stack),
            label_table_full: self.label_table_full.saturating_add(other.label_table_full),
            waiter_table_full: self
                .waiter_table_full
                .saturating_add(other.waiter_table_full),
        }
    }

    pub(crate) fn causes(&self) -> [(&'static str, u64); CAUSES] {
        [
            ("stack table full", self.stack_table_full),
            ("lock table full", self.lock_table_full),
            ("reentrant", self.reentrant),
            ("no stack", self.no_stack),
            ("label table full", self.label_table_full),
            ("waiter table full", self.waiter_table_full),
        ]
    }
}

/// Names each cause that happened and its count: `stack table full 3, reentrant 1`; `none`
/// where nothing was lost.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (cause, count) in self.causes().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{cause} {count}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}
