//! Text for people and files: units, durations, dates, columns, escaping, saving.

pub(crate) mod columns;
#[cfg(feature = "cli")]
pub(crate) mod demangle;
pub(crate) mod duration;
pub(crate) mod escape;
pub(crate) mod save;
pub(crate) mod say;
pub(crate) mod template;
pub(crate) mod units;
pub(crate) mod utc;
