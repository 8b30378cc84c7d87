//! A value that is made once and read by all from then on, without a lock.
//!
//! `OnceLock` makes whoever comes second wait. A fork in the middle of its initialisation leaves a
//! child in which that wait never ends, and no hook can open it. Here nobody waits: whoever finds
//! nothing makes a value of its own, the first one that is stored counts, and the others are
//! dropped. So a thread may die, a process fork, or a signal come in at any point.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// For statics: what was published stays for the life of the process.
#[derive(Debug)]
pub(crate) struct Published<T>(
    /// Null, or a leaked box. Stored with `Release`; the `Acquire` of `get` is its
    /// partner and sees the value whole.
    AtomicPtr<T>,
);

impl<T: Send + Sync + 'static> Published<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or a box that `get_or_publish` leaked: it is never freed, and of what is in
        // it only shared references are made. `T: Sync` lets threads share them.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Makes room for another value. This one stays, for those who have it, and is never freed.
    pub(crate) fn forget(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }

    /// The value, made if there is none. `make` may run in several threads at once.
    pub(crate) fn get_or_publish(&self, make: impl FnOnce() -> T) -> &'static T {
        if let Some(value) = self.get() {
            return value;
        }
        let new = Box::into_raw(Box::new(make()));
        let stored =
            self.0
                .compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Acquire);
        match stored {
            // SAFETY: came from `Box::into_raw`, and nobody frees it from now on.
            Ok(_) => unsafe { &*new },
            Err(theirs) => {
                // SAFETY: another thread was first, so `new` was not published: it is still ours
                // alone, and came from `Box::into_raw` above.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: as in `get`; the `Acquire` of the failed exchange saw the pointer.
                unsafe { &*theirs }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn all_get_the_same_one() {
        static NUMBER: Published<usize> = Published::new();
        assert_eq!(NUMBER.get(), None);
        let start = Barrier::new(4);
        let seen: Vec<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|thread| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        *NUMBER.get_or_publish(|| thread)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(seen.iter().all(|number| Some(number) == NUMBER.get()));
    }

    #[test]
    fn what_is_forgotten_stays_for_who_has_it() {
        static NUMBER: Published<usize> = Published::new();
        let first = NUMBER.get_or_publish(|| 1);
        NUMBER.forget();
        assert_eq!(NUMBER.get(), None);
        assert_eq!((*first, *NUMBER.get_or_publish(|| 2)), (1, 2));
    }

    #[test]
    fn it_is_made_once_where_nobody_else_makes_it() {
        static NUMBER: Published<usize> = Published::new();
        NUMBER.get_or_publish(|| 7);
        let again = NUMBER.get_or_publish(|| unreachable!("it is there"));
        assert_eq!(*again, 7);
    }
}
