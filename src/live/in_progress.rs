//! Profiles with the waits that are not over.
#![forbid(unsafe_code)]

use crate::profile::Profile;

impl Profile {
    /// The profile, and besides what the waits in progress have waited up to it. A profile has
    /// waits that are over; that of a program that is stuck is empty but for these.
    ///
    /// Each wait is a sample of its own and one contention, sampled or not. In the block profile it
    /// has the stack of the thread that waits. In the mutex profile, where only waits for locks and
    /// initialisers are, it has the stack on which the thread that holds the lock is now; where
    /// that is not known, the frame `contend::unattributed`.
    ///
    /// In a difference ([`since`](Profile::since)) a wait that goes on counts from the earlier
    /// profile on. One that has ended counts as a whole in the window in which it ended.
    ///
    /// Waits that began after the profile was taken are left out, and those that ended since. On a
    /// profile that has waits in progress already this changes nothing.
    ///
    /// # Overhead
    ///
    /// The registry of [`threads`](crate::threads).
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::sync::Mutex;
    ///
    /// let lock = Mutex::new(());
    /// let guard = lock.lock().unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| drop(lock.lock()));
    ///     # #[cfg(feature = "profiling")]
    ///     while contend::block_profile().with_waits_in_progress().samples().is_empty() {}
    ///     drop(guard);
    /// });
    /// ```
    #[must_use]
    #[inline(never)]
    pub fn with_waits_in_progress(self) -> Profile {
        #[cfg(feature = "profiling")]
        return imp::with_waits_in_progress(self);
        #[cfg(not(feature = "profiling"))]
        self
    }
}

#[cfg(feature = "profiling")]
mod imp {
    use std::sync::Arc;
    use std::time::Instant;

    use crate::live::thread::{Thread, WaitInProgress};
    use crate::profile::kind::{Kind, ProfileKind};
    use crate::profile::labels::LabelSet;
    use crate::profile::lock_waits::LOCK_LABEL;
    use crate::profile::{Ongoing, Profile, Sample, Stack, address};
    use crate::symbols;

    pub(super) fn with_waits_in_progress(profile: Profile) -> Profile {
        if profile.has_ongoing() {
            return profile;
        }
        let now = Instant::now();
        let threads = crate::live::threads();
        let all = threads.threads();
        let waits = all
            .iter()
            .filter_map(|thread| Some((thread, thread.wait()?)));
        let ongoing = waits.filter_map(|(thread, wait)| {
            let (stack, labels) = match profile.kind() {
                ProfileKind::Block => (of_thread(thread), thread.labels),
                ProfileKind::Mutex if wait.lock().is_some() => {
                    (of_holder(wait, all), LabelSet::NONE)
                }
                // Nobody has ended it yet.
                ProfileKind::Mutex | ProfileKind::Wake | ProfileKind::Pairs => return None,
            };
            Some(Ongoing {
                began: now.checked_sub(wait.waited())?,
                sample: Sample {
                    kind: Kind::named(wait.kind),
                    labels: named(labels, wait),
                    contentions: 1.0,
                    delay_nanos: 0,
                    variance: 0.0,
                    stack: Arc::new(stack),
                },
            })
        });
        let ongoing = ongoing.collect();
        profile.with_ongoing(ongoing, threads.mappings())
    }

    fn named(labels: LabelSet, wait: &WaitInProgress) -> LabelSet {
        match wait.lock_name() {
            None => labels,
            Some(name) => labels
                .with([(LOCK_LABEL, name)])
                .unwrap_or(LabelSet::OVERFLOW),
        }
    }

    fn of_thread(thread: &Thread) -> Stack {
        if thread.stack.is_empty() {
            return stand_in(address::NO_STACK);
        }
        let is_ours = thread.wait.is_some();
        // As recorded: return addresses.
        let addresses = thread.stack.iter().map(|at| at.address as usize + 1);
        Stack::new(addresses.collect(), thread.stack.to_vec().into(), is_ours)
    }

    fn of_holder(wait: &WaitInProgress, threads: &[Thread]) -> Stack {
        let certain = wait.holders().iter().find(|holder| holder.is_certain());
        let thread = certain.and_then(|holder| {
            let mut threads = threads.iter();
            threads.find(|thread| thread.tid() == holder.tid())
        });
        match thread {
            Some(thread) => of_thread(thread),
            None => stand_in(address::UNATTRIBUTED),
        }
    }

    fn stand_in(address: usize) -> Stack {
        symbols::symbolizer().stack([address].into())
    }
}
