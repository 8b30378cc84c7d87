//! A skin for what has none: any blocking call, under a name of its own.
#![forbid(unsafe_code)]

use crate::skin;

/// Runs `operation`, a blocking call of any kind, and records the time it takes as a wait of kind
/// `name` in the block profile.
///
/// For what has no wrapper here: a file lock, a database call, a channel of another crate. The
/// whole time counts, whether the call blocked or not, by the same sampling as every other wait; a
/// panic ends it too. `name` becomes the `kind` label. The first 1024 different names of a
/// process are kept; later ones are `other`.
///
/// # Overhead
///
/// One reading of the clock and a search for the name, so that a dump of the
/// [`threads`](crate::threads) shows the call; two readings more while the block profile is on.
///
/// # Examples
///
/// ```
/// let answer = contend::blocking("database", || 6 * 7);
/// assert_eq!(answer, 42);
/// ```
#[inline(always)]
pub fn blocking<T>(name: &'static str, operation: impl FnOnce() -> T) -> T {
    skin::blocking_named(name, operation)
}
