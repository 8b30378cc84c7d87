//! Numbers and paths as people read them.
#![forbid(unsafe_code)]

use std::time::Duration;

/// How many parts of a path are shown: enough to tell `a/src/lib.rs` from `b/src/lib.rs`.
const PATH_PARTS: usize = 3;

pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", part as f64 / whole as f64 * 100.0)
}

/// Three digits and a unit: `1.23s`, `45.1ms`, `812µs`, `90ns`.
pub(crate) fn human(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    let (value, unit) = match nanos {
        // A number that would be rounded to 1000 of a unit belongs to the next one.
        ..999.5 => (nanos, "ns"),
        ..999.5e3 => (nanos / 1e3, "µs"),
        ..999.5e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = match value {
        _ if unit == "ns" => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{unit}")
}

/// The end of a path, after `…/` where something was left out.
pub(crate) fn shortened(file: &str) -> String {
    let cut = file.rmatch_indices('/').nth(PATH_PARTS - 1);
    match cut {
        Some((at, _)) if at > 0 => format!("…{}", &file[at..]),
        _ => file.to_owned(),
    }
}
