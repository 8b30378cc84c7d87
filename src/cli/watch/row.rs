//! One line of the table: four numbers and a place, within the width of the screen.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::view::Value;
use crate::cli::output::printable;
use crate::cli::spots::{Amount, Spot};
use crate::text::units::{human, percent};

/// The width of the three columns of numbers with what is between them.
const NUMBERS_WIDTH: usize = 30;
const MEAN_WIDTH: usize = 9;
const KIND_WIDTH: usize = 14;
/// From so many columns on there is room for the kinds, and for the means as well.
const MEDIUM: usize = 80;
const WIDE: usize = 100;

fn delay(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.try_into().unwrap_or(0))
}

pub(super) fn summary(total: &Amount, time: Option<Duration>) -> String {
    if *total == Amount::default() {
        return "nothing was recorded".to_owned();
    }
    let mut text = format!(
        "{} in {} contentions",
        human(delay(total.delay_nanos)),
        total.contentions
    );
    if let Some(time) = time.filter(|time| !time.is_zero()) {
        // Little's law: waiting time per time is how many wait at a time.
        let waiting = delay(total.delay_nanos).as_secs_f64() / time.as_secs_f64();
        text += &format!("; {waiting:.2} wait at a time");
    }
    text
}

/// The columns that are there at this width, with what is between them.
fn columns(width: usize, mean: &str, kind: &str) -> String {
    let mean = match width {
        WIDE.. => format!(" {mean:>8}"),
        _ => String::new(),
    };
    let kind = match width {
        MEDIUM.. => format!("{:<KIND_WIDTH$}", cut(&printable(kind), KIND_WIDTH - 1)),
        _ => String::new(),
    };
    format!("{mean}  {kind}")
}

pub(super) fn titles(width: usize) -> String {
    let columns = columns(width, "mean", "kind");
    format!(
        "{:>8} {:>7} {:>11}{columns}where",
        "delay", "share", "contentions"
    )
}

pub(super) fn row(
    spot: &Spot,
    amount: &Amount,
    total: &Amount,
    value: Value,
    width: usize,
) -> String {
    let part = |amount| u64::try_from(value.of(amount)).unwrap_or(0);
    let mean = match amount.contentions {
        1.. => human(delay(amount.delay_nanos / amount.contentions)),
        _ => "-".to_owned(),
    };
    let columns = columns(width, &mean, &spot.kind);
    let used = match width {
        WIDE.. => NUMBERS_WIDTH + MEAN_WIDTH + KIND_WIDTH,
        MEDIUM.. => NUMBERS_WIDTH + KIND_WIDTH,
        _ => NUMBERS_WIDTH,
    };
    format!(
        "{:>8} {:>7} {:>11}{columns}{}",
        human(delay(amount.delay_nanos)),
        percent(part(amount), part(total)),
        amount.contentions,
        place(spot, width.saturating_sub(used))
    )
}

/// `function file:line`. The end of a long name tells the most.
fn place(spot: &Spot, room: usize) -> String {
    let file = spot.file.rsplit('/').next().unwrap_or_default();
    let file = match (file, spot.line) {
        ("", _) => String::new(),
        (file, line) => format!(" {}:{line}", printable(file)),
    };
    let for_function = room.saturating_sub(file.chars().count());
    let function = printable(&spot.function);
    let len = function.chars().count();
    if len <= for_function {
        return format!("{function}{file}");
    }
    let end: String = function
        .chars()
        .skip((len + 1).saturating_sub(for_function))
        .collect();
    // From a whole part of the path on, where there is one.
    let end = end.find("::").map_or(&*end, |at| &end[at..]);
    format!("…{end}{file}")
}

/// The beginning of the text, with a sign where something was left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut start: String = text.chars().take(width.saturating_sub(1)).collect();
    start.push('…');
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(function: &str) -> Spot {
        Spot {
            kind: "mutex".to_owned(),
            function: function.to_owned(),
            file: "/build/shop/src/cart.rs".to_owned(),
            line: 41,
        }
    }

    #[test]
    fn a_row_fits_and_keeps_the_end_of_a_long_name() {
        let amount = Amount {
            contentions: 12,
            delay_nanos: 1_500_000_000,
        };
        let total = Amount {
            contentions: 24,
            delay_nanos: 3_000_000_000,
        };
        let long =
            spot("shop::storage::cache::Cache<alloc::string::String, shop::Session>::insert");
        for width in [40, 60, 80, 100, 200] {
            let row = row(&long, &amount, &total, Value::Delay, width);
            assert!(width < 60 || row.chars().count() <= width, "{row}");
            let start = match width {
                100.. => "   1.50s   50.0%          12    125ms  mutex  ",
                80.. => "   1.50s   50.0%          12  mutex  ",
                _ => "   1.50s   50.0%          12  ",
            };
            assert!(row.starts_with(start), "{row}");
            assert_eq!(titles(width).contains("kind"), width >= 80);
            assert!(
                width < 80 || row.ends_with("Session>::insert cart.rs:41"),
                "{row}"
            );
        }
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        let row = row(
            &spot("a\u{1b}[2Jb"),
            &Amount::default(),
            &Amount::default(),
            Value::Delay,
            80,
        );
        assert!(row.contains(r"a\u{1b}[2Jb"), "{row}");
    }
}
