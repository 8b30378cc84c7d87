//! Text for people and files: units, durations, dates, columns, escaping, saving.

pub(crate) mod columns;
#[cfg(feature = "cli")]
pub(crate) mod demangle;
pub(crate) mod duration;
pub(crate) mod escape;
#[cfg(all(feature = "flamegraph", feature = "http"))]
pub(crate) mod name;
pub(crate) mod save;
pub(crate) mod say;
#[cfg(feature = "cli")]
pub(crate) mod sources;
pub(crate) mod template;
pub(crate) mod units;
pub(crate) mod utc;

/// The last boundary between characters of the text that is not behind `at`.
pub(crate) fn floor_char_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let mut inwards = (0..=at).rev();
    inwards.find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
