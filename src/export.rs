//! The forms in which a profile leaves the program.

pub(crate) mod diff_table;
#[cfg(feature = "flamegraph")]
pub(crate) mod flamegraph;
pub(crate) mod form;
#[cfg(feature = "http")]
pub(crate) mod labels;
mod methods;
pub(crate) mod pprof;
pub(crate) mod sites;
pub(crate) mod table;
pub(crate) mod text;

use crate::profile::{InProgress, Profile};
use crate::text::units::human;

/// Why a profile has no samples, as a sentence for whoever expected some.
pub(crate) fn why_empty(profile: &Profile) -> String {
    let name = profile.kind().name();
    let why = if cfg!(not(feature = "profiling")) {
        "contend was built without its feature `profiling`".to_owned()
    } else if profile.rate() == 0 {
        let switch_on = profile.kind().descriptor().switch_on;
        format!("it is off; call {switch_on} to record")
    } else if profile.lost().total() > 0 {
        let lost = profile.lost();
        format!("no contention was recorded, but events were lost ({lost})")
    } else if profile.duration().is_some() {
        "no wait has ended in this time".to_owned()
    } else {
        "no wait has ended since it was turned on".to_owned()
    };
    format!("the {name} profile is empty: {why}{}", in_progress(profile))
}

/// A deadlock leaves the profile empty, too.
fn in_progress(profile: &Profile) -> String {
    let InProgress { count, longest } = profile.in_progress();
    let longest = human(longest);
    match count {
        0 if profile.rate() == 0 || profile.lost().total() > 0 => String::new(),
        0 => "; those in progress are recorded when they end".to_owned(),
        1 => format!("; 1 wait is in progress, for {longest} up to now: look at the threads"),
        _ => format!(
            "; {count} waits are in progress, the longest for {longest} up to now: look at the \
             threads"
        ),
    }
}

// They read with prost.
#[cfg(all(test, feature = "cli"))]
mod tests;
