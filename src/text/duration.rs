//! Times as people write them into queries and variables: `1ms`, `10us`, or a number of
//! nanoseconds.
#![forbid(unsafe_code)]

/// In the order in which they are tried: `s` ends all of them.
const UNITS: [(&str, u64); 5] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
];

/// A whole number with a unit, or of nanoseconds. `None` for all else, and for what does not fit.
pub(crate) fn parse_nanos(text: &str) -> Option<u64> {
    let with_unit = |(unit, nanos)| Some((text.strip_suffix(unit)?, nanos));
    let (number, nanos) = UNITS.into_iter().find_map(with_unit).unwrap_or((text, 1));
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None; // `parse` would take a sign.
    }
    number.parse::<u64>().ok()?.checked_mul(nanos)
}

/// The nanoseconds of such a unit.
#[cfg(feature = "cli")]
pub(crate) fn nanos_of(unit: &str) -> Option<u64> {
    let found = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    Some(found.1)
}

#[cfg(test)]
mod tests {
    use super::parse_nanos;

    #[test]
    fn numbers_are_nanoseconds_unless_they_have_a_unit() {
        let cases = [
            ("0", 0),
            ("10000", 10_000),
            ("15ns", 15),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("1ms", 1_000_000),
            ("2s", 2_000_000_000),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_nanos(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_time() {
        let texts = [
            "",
            "ms",
            "-1",
            "+1",
            "1.5ms",
            " 1",
            "1 ms",
            "1m",
            "1MS",
            "0x10",
            "1e3",
            "١ms",
            "18446744073709551616",
            "18446744073710s",
        ];
        for text in texts {
            assert_eq!(parse_nanos(text), None, "{text:?}");
        }
    }
}
