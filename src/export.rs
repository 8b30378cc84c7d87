//! The forms in which a profile leaves the program.

pub(crate) mod diff_table;
#[cfg(feature = "flamegraph")]
pub(crate) mod flamegraph;
pub(crate) mod form;
mod methods;
pub(crate) mod pprof;
pub(crate) mod sites;
pub(crate) mod table;
pub(crate) mod text;

use crate::profile::Profile;

/// A deadlock leaves the profile empty, too.
const IN_PROGRESS: &str = "; those in progress are recorded when they end";

/// Why a profile has no samples, as a sentence for whoever expected some.
pub(crate) fn why_empty(profile: &Profile) -> String {
    let name = profile.kind().name();
    if cfg!(not(feature = "profiling")) {
        format!("the {name} profile is empty: contend was built without its feature `profiling`")
    } else if profile.rate() == 0 {
        let switch_on = profile.kind().descriptor().switch_on;
        format!("the {name} profile is empty: it is off; call {switch_on} to record")
    } else if profile.lost().total() > 0 {
        let lost = profile.lost();
        format!(
            "the {name} profile is empty: no contention was recorded, but events were lost ({lost})"
        )
    } else if profile.duration().is_some() {
        format!("the {name} profile is empty: no wait has ended in this time{IN_PROGRESS}")
    } else {
        format!(
            "the {name} profile is empty: no wait has ended since it was turned on{IN_PROGRESS}"
        )
    }
}

// They read with prost.
#[cfg(all(test, feature = "cli"))]
mod tests;
