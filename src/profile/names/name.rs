//! A name that the first who comes gives to a place, without a lock.

use std::hint;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A place for a name. Whoever has claimed it stores the name in two steps, and nobody waits for
/// the second one for long: a fork may come in between, and leave a child in which it never comes.
#[derive(Debug)]
pub(super) struct Name {
    /// Null: the place is free. Else claimed, by the one whose exchange succeeded. Relaxed:
    /// `len_plus_one` publishes it.
    start: AtomicPtr<u8>,
    /// 0: not there yet. Stored once, with `Release`, after `start`, by who has claimed the place;
    /// the `Acquire` in `get` is its partner.
    len_plus_one: AtomicUsize,
}

impl Name {
    pub(super) const fn new() -> Self {
        Self {
            start: AtomicPtr::new(ptr::null_mut()),
            len_plus_one: AtomicUsize::new(0),
        }
    }

    pub(super) fn get(&self) -> Option<&'static str> {
        let len = self.len_plus_one.load(Ordering::Acquire).checked_sub(1)?;
        let start = self.start.load(Ordering::Relaxed);
        // SAFETY: both are those of the one `&'static str` that was given to the place: its start
        // was stored before its length, which `Acquire` has seen, and neither is ever changed.
        Some(unsafe { str::from_utf8_unchecked(slice::from_raw_parts(start, len)) })
    }

    /// The name of the place, which is `name` if it had none. `None`: another thread is giving it
    /// one.
    pub(super) fn get_or_set(&self, name: &'static str) -> Option<&'static str> {
        /// The other thread has one store left to do. Should it lose its processor there, the name
        /// gets another place, under which it is the same.
        const TRIES: u32 = 100;

        if let Some(known) = self.get() {
            return Some(known);
        }
        let start = name.as_ptr().cast_mut();
        let relaxed = Ordering::Relaxed;
        let claimed = self
            .start
            .compare_exchange(ptr::null_mut(), start, relaxed, relaxed);
        if claimed.is_ok() {
            self.len_plus_one.store(name.len() + 1, Ordering::Release);
            return Some(name);
        }
        (0..TRIES).find_map(|_| {
            hint::spin_loop();
            self.get()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_stays() {
        let place = Name::new();
        assert_eq!(place.get(), None);
        assert_eq!(place.get_or_set("one"), Some("one"));
        assert_eq!(place.get_or_set("other"), Some("one"));
        assert_eq!(place.get(), Some("one"));
        assert_eq!(Name::new().get_or_set(""), Some(""));
    }

    #[test]
    fn threads_agree_on_a_name() {
        static NAMES: [&str; 4] = ["a", "bc", "def", ""];
        for _ in 0..100 {
            let place = Name::new();
            let seen: Vec<_> = std::thread::scope(|scope| {
                let place = &place;
                let give = |name| scope.spawn(move || place.get_or_set(name));
                let threads = NAMES.map(give);
                threads.map(|thread| thread.join().unwrap()).into()
            });
            let name = place.get().unwrap();
            assert!(seen.iter().flatten().all(|seen| *seen == name), "{seen:?}");
        }
    }

    /// As a fork leaves it that comes between the two steps.
    #[test]
    fn a_place_that_never_gets_its_name_keeps_nobody() {
        let place = Name::new();
        place.start.store(ptr::dangling_mut(), Ordering::Relaxed);
        assert_eq!(place.get_or_set("other"), None);
    }
}
