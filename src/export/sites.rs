//! The samples of a profile summed by call site, which is what people want to read first.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use crate::profile::address::{WAKEUP_NAME, is_stand_in};
use crate::profile::kind::{Class, Kind, ProfileKind};
use crate::profile::owner::is_of_library;
use crate::profile::{Frame, Profile, Sample, mean_delay, std_error};
use crate::text::units::{human, percent, shortened};

/// A kind and the line that called the wrapper.
#[derive(Clone, Debug)]
pub(crate) struct Site<'p> {
    pub(crate) kind: Kind,
    pub(crate) caller: Option<&'p Frame>,
    pub(crate) contentions: f64,
    pub(crate) delay_nanos: u64,
    /// In the mutex profile, the part of the delay in which what was released here was held: what
    /// all threads together waited for these holds.
    pub(crate) could_win_nanos: u64,
    pub(crate) variance: f64,
}

/// Largest delay first.
pub(crate) fn sites(profile: &Profile) -> Vec<Site<'_>> {
    let mut sites: Vec<Site<'_>> = Vec::new();
    let mut index_of = HashMap::new();
    for sample in profile.samples() {
        let caller = caller(sample);
        let place = caller.map(|frame| (frame.function(), frame.file(), frame.line()));
        let index = *index_of.entry((sample.kind, place)).or_insert(sites.len());
        if index == sites.len() {
            sites.push(Site::new(sample.kind, caller));
        }
        sites[index].add(sample);
    }
    // Stable, and samples come in a fixed order: so do sites that are equal.
    sites.sort_by_key(|site| Reverse(site.delay_nanos));
    sites
}

/// Call sites that wait for work, folded into one line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Idle {
    pub(crate) sites: usize,
    pub(crate) contentions: f64,
    pub(crate) delay_nanos: u64,
}

impl Idle {
    /// The sentence about them, without the words that get them back.
    pub(crate) fn words(&self, total_nanos: u64) -> String {
        format!(
            "waiting for work is left out: {} ({}) in {:.0} contentions at {} call sites",
            human(Duration::from_nanos(self.delay_nanos)),
            percent(self.delay_nanos, total_nanos),
            self.contentions,
            self.sites,
        )
    }
}

/// A block profile's call sites without those of the class `idle`, and these as one; `None` where
/// there are none. Other profiles do not say where somebody waited, so they stay whole.
pub(crate) fn fold_idle<'p>(
    profile: &Profile,
    sites: Vec<Site<'p>>,
) -> (Vec<Site<'p>>, Option<Idle>) {
    if profile.kind() != ProfileKind::Block {
        return (sites, None);
    }
    let is_idle = |site: &Site<'_>| site.kind.class() == Class::Idle;
    let (idle, busy): (Vec<_>, Vec<_>) = sites.into_iter().partition(is_idle);
    let folded = idle.iter().fold(Idle::default(), |sum, site| Idle {
        sites: sum.sites + 1,
        contentions: sum.contentions + site.contentions,
        delay_nanos: sum.delay_nanos.saturating_add(site.delay_nanos),
    });
    (busy, (folded.sites > 0).then_some(folded))
}

/// The waits of threads that run tasks, as a block profile has them; `None` where there are none.
pub(crate) fn blocked_workers(profile: &Profile) -> Option<Profile> {
    if profile.kind() != ProfileKind::Block || !profile.samples().iter().any(Sample::blocks_worker)
    {
        return None;
    }
    let (_, blocked) = profile.split(Sample::blocks_worker);
    Some(blocked)
}

impl<'p> Site<'p> {
    fn new(kind: Kind, caller: Option<&'p Frame>) -> Self {
        Self {
            kind,
            caller,
            contentions: 0.0,
            delay_nanos: 0,
            could_win_nanos: 0,
            variance: 0.0,
        }
    }

    fn add(&mut self, sample: &Sample) {
        self.contentions += sample.contentions;
        self.delay_nanos = self.delay_nanos.saturating_add(sample.delay_nanos);
        self.variance += sample.variance;
        let leaf = sample.stack.frames_in_place().next();
        if leaf.is_some_and(|leaf| !is_stand_in(leaf.function())) {
            let could_win = self.could_win_nanos.saturating_add(sample.delay_nanos);
            self.could_win_nanos = could_win;
        }
    }

    pub(crate) fn could_win(&self) -> Duration {
        Duration::from_nanos(self.could_win_nanos)
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos)
    }

    /// One standard error of the delay. Zero where everything was recorded.
    pub(crate) fn error(&self) -> Duration {
        std_error(self.variance)
    }

    /// The delay of one contention on average.
    pub(crate) fn mean_delay(&self) -> Duration {
        mean_delay(self.delay_nanos, self.contentions)
    }

    /// The caller's name; `-` where there is no frame at all.
    pub(crate) fn function(&self) -> &'p str {
        self.caller.map_or("-", Frame::function)
    }

    pub(crate) fn file(&self) -> Option<&'p str> {
        self.caller.and_then(Frame::file)
    }

    pub(crate) fn line(&self) -> Option<u32> {
        self.caller.and_then(Frame::line)
    }

    /// `…/shop/src/cart.rs:12`, as far as it is known.
    pub(crate) fn place(&self) -> String {
        match (self.file().map(shortened), self.line()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file,
            (None, _) => "-".to_owned(),
        }
    }
}

/// The cells of the column "could win" for each of these sites. `None` where it would say the same
/// as the delay, as it does where nobody waited for a processor, or nothing at all, as in the block
/// profile.
///
/// In a window it says as well how many threads more could have run at any moment, on average.
pub(crate) fn could_win(profile: &Profile, sites: &[Site<'_>]) -> Option<Vec<String>> {
    let is_wanted = profile.kind() == ProfileKind::Mutex && profile.samples().iter().any(is_wakeup);
    let window = profile.duration().map(|window| window.as_secs_f64());
    is_wanted.then(|| {
        let cell = |site: &Site<'_>| {
            let time = site.could_win();
            match window {
                Some(secs) if secs > 0.0 => {
                    format!("{} ({:.2} threads)", human(time), time.as_secs_f64() / secs)
                }
                _ => human(time),
            }
        };
        sites.iter().map(cell).collect()
    })
}

fn is_wakeup(sample: &Sample) -> bool {
    let leaf = sample.stack.frames_in_place().next();
    leaf.is_some_and(|leaf| leaf.function() == WAKEUP_NAME)
}

/// The user's frame that called the wrapper. Frames of the standard library between the two,
/// such as `core::mem::drop` or the glue that drops a struct with a guard in it, are passed
/// over, unless nothing else is there.
pub(crate) fn caller(sample: &Sample) -> Option<&Frame> {
    // Not `Sample::frames`, which would lay out and keep the frames of every sample.
    let frames = sample.stack.frames_in_place();
    let after_wrapper = frames.clone().skip(sample.stack.starts_in_wrapper.into());
    after_wrapper
        .clone()
        .find(|frame| !is_of_library(frame.function(), frame.file()))
        .or(after_wrapper.clone().next())
        .or(frames.clone().next())
}
