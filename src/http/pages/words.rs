//! Numbers and names as pages put them.
#![forbid(unsafe_code)]

use crate::profile::kind::{ProfileKind, RateUnit};

/// The rate in words.
pub(super) fn rate(which: ProfileKind, rate: u64) -> String {
    match (which.rate().unit, rate) {
        (_, 0) => "off".to_owned(),
        (_, 1) => which.rate().everything.to_owned(),
        (RateUnit::OneIn, events) => format!("1 in {events}"),
        (RateUnit::Nanoseconds, nanos) => format!("1 per {} waited", exact(nanos)),
    }
}

/// A time that somebody has set, without rounding: `ms`, `100 µs`, `1500 ns`.
fn exact(nanos: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    let unit = units
        .into_iter()
        .find(|(size, _)| nanos.is_multiple_of(*size));
    let (size, unit) = unit.unwrap_or((1, "ns"));
    match nanos / size {
        1 => unit.to_owned(),
        many => format!("{many} {unit}"),
    }
}

/// As `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let place = |(at, digit): (usize, char)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        [comma.then_some(','), Some(digit)]
    };
    digits
        .chars()
        .enumerate()
        .flat_map(place)
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_without_rounding() {
        let words = |nanos| rate(ProfileKind::Block, nanos);
        assert_eq!(words(0), "off");
        assert_eq!(words(1), "every wait");
        assert_eq!(words(1_500), "1 per 1500 ns waited");
        assert_eq!(words(1_000), "1 per µs waited");
        assert_eq!(words(10_000_000), "1 per 10 ms waited");
        assert_eq!(words(60_000_000_000), "1 per 60 s waited");
        assert_eq!(rate(ProfileKind::Mutex, 100), "1 in 100");
    }

    #[test]
    fn digits_are_grouped_by_thousands() {
        let numbers = [0, 999, 1_000, 123_456, 1_234_567];
        let expected = ["0", "999", "1,000", "123,456", "1,234,567"];
        assert_eq!(numbers.map(grouped), expected);
    }
}
