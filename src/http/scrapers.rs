//! The profile that each scraper was told last, to tell it what changed since then.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ask::control;
use crate::profile::Profile;
use crate::profile::kind::ProfileKind;

/// Profiles that are kept. A service has a scraper or two, for two profiles each; the rest is for
/// people, and a bound for whoever invents names. One of a thousand stacks takes half a megabyte.
const MAX_REMEMBERED: usize = 16;

/// Characters of a name by which scrapers are told apart.
const MAX_NAME_CHARS: usize = 256;

/// Clones share what is remembered.
#[derive(Clone, Default)]
pub(super) struct Scrapers(Arc<Mutex<Vec<Told>>>);

struct Told {
    scraper: String,
    profile: Profile,
}

/// Without the profiles, which would fill pages.
impl fmt::Debug for Scrapers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrapers(…)")
    }
}

impl Scrapers {
    /// The events since this scraper asked last; everything, if it is not remembered.
    pub(super) fn delta(&self, scraper: &str, which: ProfileKind) -> Profile {
        let scraper: String = scraper.chars().take(MAX_NAME_CHARS).collect();
        // Held while the profile is taken, so that two requests of one scraper at once divide
        // what is new between them: with the profiles in another order than the requests, the
        // older one would have nothing to be compared with.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = control::profile(which);
        let delta = match take(&mut told, &scraper, which) {
            Some(before) => now.since(&before),
            None => now.clone(),
        };
        remember(
            &mut told,
            Told {
                scraper,
                profile: now,
            },
        );
        delta
    }
}

fn take(told: &mut Vec<Told>, scraper: &str, which: ProfileKind) -> Option<Profile> {
    let is_it = |it: &Told| it.scraper == scraper && it.profile.kind() == which;
    let index = told.iter().position(is_it)?;
    Some(told.remove(index).profile)
}

/// The one that was seen last stands at the end.
fn remember(told: &mut Vec<Told>, latest: Told) {
    told.push(latest);
    if told.len() > MAX_REMEMBERED {
        told.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::tests::profile;

    fn told(number: usize) -> Told {
        Told {
            scraper: format!("scraper {number}"),
            profile: profile(Vec::new()),
        }
    }

    #[test]
    fn who_was_not_seen_for_longest_is_forgotten() {
        let mut all = Vec::new();
        for number in 0..MAX_REMEMBERED {
            remember(&mut all, told(number));
        }
        assert!(take(&mut all, "scraper 0", ProfileKind::Mutex).is_some());
        remember(&mut all, told(0));
        remember(&mut all, told(100));
        assert_eq!(all.len(), MAX_REMEMBERED);
        assert!(take(&mut all, "scraper 1", ProfileKind::Mutex).is_none());
        assert!(take(&mut all, "scraper 0", ProfileKind::Mutex).is_some());
    }

    #[test]
    fn the_profiles_of_a_scraper_are_told_apart() {
        let mut all = vec![told(1)];
        assert!(take(&mut all, "scraper 1", ProfileKind::Block).is_none());
        assert!(take(&mut all, "scraper 1", ProfileKind::Mutex).is_some());
    }
}
