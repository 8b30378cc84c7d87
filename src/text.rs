//! Text for people and files: units, durations, dates, columns, escaping, saving.

pub(crate) mod columns;
pub(crate) mod duration;
#[cfg(any(feature = "cli", feature = "flamegraph", feature = "http"))]
pub(crate) mod escape;
pub(crate) mod save;
pub(crate) mod units;
#[cfg(any(feature = "cli", feature = "http"))]
pub(crate) mod utc;
