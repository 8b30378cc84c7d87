//! The numbers that each scraper was told last, for the profiles of what changed since then.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Response;
use super::memory::{Memory, Reserved};
use crate::ask::control::{self, Mark, Moment};
use crate::profile::kind::ProfileKind;

/// Profiles that are kept. A service has a scraper or two, for two profiles each; the rest is for
/// people, and a bound for whoever invents names.
const MAX_REMEMBERED: usize = 16;

/// A scraper that does not ask for so long has gone. Scrapers ask every few seconds or minutes.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// Characters of a name by which scrapers are told apart.
const MAX_NAME_CHARS: usize = 256;

/// The one that asked last stands at the end. Clones share what is remembered.
#[derive(Clone, Default)]
pub(super) struct Scrapers(Arc<Mutex<VecDeque<Told>>>);

struct Told {
    scraper: String,
    mark: Mark,
    asked: Instant,
    _memory: Reserved,
}

/// Without the marks, which would fill pages.
impl fmt::Debug for Scrapers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrapers(…)")
    }
}

impl Scrapers {
    /// The part that was recorded since this scraper asked last; everything, if it is not
    /// remembered.
    pub(super) fn delta(
        &self,
        scraper: &str,
        which: ProfileKind,
        memory: &Memory,
    ) -> Result<Moment, Response> {
        let scraper: String = scraper.chars().take(MAX_NAME_CHARS).collect();
        // Held while the numbers are taken, so that two requests of one scraper at once divide
        // what is new between them: with the numbers in another order than the requests, the
        // older ones would have nothing to be compared with.
        let mut told = self.told();
        let [now] = control::moments([which]);
        let delta = take(&mut told, &scraper, which).map(|before| now.since(&before));
        let mark = now.mark();
        let reserved = reserve(&mut told, memory, mark.bytes()).ok_or_else(no_memory)?;
        remember(
            &mut told,
            Told {
                scraper,
                mark,
                asked: Instant::now(),
                _memory: reserved,
            },
        );
        Ok(delta.unwrap_or(now))
    }

    /// Memory for something else that a request makes the process keep. Scrapers make room for it.
    pub(super) fn make_room(&self, memory: &Memory, bytes: usize) -> Result<Reserved, Response> {
        reserve(&mut self.told(), memory, bytes).ok_or_else(no_memory)
    }

    /// Forgets those that have gone.
    pub(super) fn expire(&self) {
        // Whoever holds the lock is asked by a scraper, and leaves this for the next request.
        if let Ok(mut told) = self.0.try_lock() {
            expire(&mut told, Instant::now());
        }
    }

    /// Every change is one step, so it is valid after a panic.
    fn told(&self) -> MutexGuard<'_, VecDeque<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_memory() -> Response {
    let message = "requests have made the process keep as much as they may: try again later";
    Response::error(503, message)
}

fn take(told: &mut VecDeque<Told>, scraper: &str, which: ProfileKind) -> Option<Mark> {
    let index = told
        .iter()
        .position(|told| told.scraper == scraper && told.mark.which() == which)?;
    Some(told.remove(index)?.mark)
}

/// Forgets scrapers, those first that did not ask for longest, until there is as much memory.
fn reserve(told: &mut VecDeque<Told>, memory: &Memory, bytes: usize) -> Option<Reserved> {
    loop {
        match memory.reserve(bytes) {
            Some(reserved) => return Some(reserved),
            None => drop(told.pop_front()?),
        }
    }
}

fn remember(told: &mut VecDeque<Told>, latest: Told) {
    told.push_back(latest);
    if told.len() > MAX_REMEMBERED {
        told.pop_front();
    }
}

fn expire(told: &mut VecDeque<Told>, now: Instant) {
    told.retain(|told| now.saturating_duration_since(told.asked) < MAX_AGE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: usize, memory: &Memory) -> Told {
        let [moment] = control::moments([ProfileKind::Mutex]);
        Told {
            scraper: format!("scraper {number}"),
            mark: moment.mark(),
            asked: Instant::now(),
            _memory: memory.reserve(10).expect("there is room"),
        }
    }

    #[test]
    fn who_was_not_seen_for_longest_is_forgotten() {
        let (mut all, memory) = (VecDeque::new(), Memory::default());
        for number in 0..MAX_REMEMBERED {
            remember(&mut all, told(number, &memory));
        }
        assert!(take(&mut all, "scraper 0", ProfileKind::Mutex).is_some());
        remember(&mut all, told(0, &memory));
        remember(&mut all, told(100, &memory));
        assert_eq!(all.len(), MAX_REMEMBERED);
        assert!(take(&mut all, "scraper 1", ProfileKind::Mutex).is_none());
        assert!(take(&mut all, "scraper 0", ProfileKind::Mutex).is_some());
    }

    #[test]
    fn the_profiles_of_a_scraper_are_told_apart() {
        let mut all = VecDeque::from([told(1, &Memory::default())]);
        assert!(take(&mut all, "scraper 1", ProfileKind::Block).is_none());
        assert!(take(&mut all, "scraper 1", ProfileKind::Mutex).is_some());
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let memory = Memory::default();
        let mut all = VecDeque::from([told(1, &memory), told(2, &memory)]);
        let soon = Instant::now() + MAX_AGE / 2;
        all[1].asked = soon;
        expire(&mut all, soon);
        assert_eq!(all.len(), 2);
        let later = all[0].asked + MAX_AGE;
        expire(&mut all, later);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].scraper, "scraper 2");
    }

    #[test]
    fn scrapers_make_room_for_others() {
        let memory = Memory::new(30);
        let mut all: VecDeque<Told> = (0..3).map(|number| told(number, &memory)).collect();
        let reserved = reserve(&mut all, &memory, 15).expect("two of them are forgotten");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].scraper, "scraper 2");
        assert!(
            reserve(&mut all, &memory, 16).is_none(),
            "the window has 15"
        );
        drop(reserved);
        assert!(reserve(&mut all, &memory, 30).is_some());
    }
}
