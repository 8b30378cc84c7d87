//! Values with units, to the digit as Go's pprof prints them.
#![forbid(unsafe_code)]

use super::output::printable;

/// A family of units, smallest first, with the names under which profiles have them.
struct Family {
    units: &'static [(&'static str, f64, &'static [&'static str])],
    /// Values smaller than the smallest unit are given in this one.
    default: usize,
}

static FAMILIES: [Family; 3] = [
    Family {
        units: &[
            ("B", 1.0, &["b", "byte"]),
            ("kB", 1024.0, &["kb", "kbyte", "kilobyte"]),
            ("MB", 1_048_576.0, &["mb", "mbyte", "megabyte"]),
            ("GB", 1_073_741_824.0, &["gb", "gbyte", "gigabyte"]),
            ("TB", 1_099_511_627_776.0, &["tb", "tbyte", "terabyte"]),
            ("PB", 1_125_899_906_842_624.0, &["pb", "pbyte", "petabyte"]),
        ],
        default: 0,
    },
    Family {
        units: &[
            ("ns", 1.0, &["ns", "nanosecond"]),
            ("us", 1e3, &["μs", "us", "microsecond"]),
            ("ms", 1e6, &["ms", "millisecond"]),
            ("s", 1e9, &["s", "sec", "second"]),
            ("hrs", 3.6e12, &["hour", "hr"]),
        ],
        default: 3,
    },
    Family {
        units: &[
            ("n*GCU", 1e-9, &["nanogcu"]),
            ("u*GCU", 1e-6, &["microgcu"]),
            ("m*GCU", 1e-3, &["milligcu"]),
            ("GCU", 1.0, &["gcu"]),
            ("k*GCU", 1e3, &["kilogcu"]),
            ("M*GCU", 1e6, &["megagcu"]),
            ("G*GCU", 1e9, &["gigagcu"]),
            ("T*GCU", 1e12, &["teragcu"]),
            ("P*GCU", 1e15, &["petagcu"]),
        ],
        default: 3,
    },
];

/// In which unit the values of a report are printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit<'p> {
    /// The profile's.
    of_profile: &'p str,
    /// `None`: each value in the largest unit of which it has one.
    shown: Option<&'p str>,
}

impl<'p> Unit<'p> {
    /// Each value in the unit that suits it.
    pub(super) fn of_each(of_profile: &'p str) -> Self {
        Self {
            of_profile,
            shown: None,
        }
    }

    /// One unit for a whole table: the one that suits its smallest value. Where the total is in
    /// another and more than a hundred times as large, the one in which the smallest value still
    /// has two decimals.
    pub(super) fn of_all(of_profile: &'p str, smallest: u64, total: u64) -> Self {
        let suits = |value: f64| scale(value, of_profile, None).1;
        let smallest = if smallest == 0 { total } else { smallest };
        let (small, large) = (suits(smallest as f64), suits(total as f64));
        let is_far = small != large && smallest.saturating_mul(100) < total;
        let shown = if is_far {
            suits(smallest as f64 * 100.0)
        } else {
            small
        };
        Self {
            of_profile,
            shown: Some(if shown.is_empty() { of_profile } else { shown }),
        }
    }

    /// Fit for a terminal, whatever the profile calls its unit.
    pub(super) fn print(&self, value: i64) -> String {
        let (value, unit) = scale(value as f64, self.of_profile, self.shown);
        let digits = format!("{value:.2}");
        let digits = digits.strip_suffix(".00").unwrap_or(&digits);
        match digits {
            "0" | "-0" => "0".to_owned(),
            digits => format!("{digits}{}", printable(unit)),
        }
    }
}

/// The value in the unit `to`, or in the one that suits it, and that unit's name. Units of no
/// family are named only where they are asked for, and what just says that something was counted
/// never is.
fn scale<'a>(value: f64, from: &str, to: Option<&'a str>) -> (f64, &'a str) {
    if value < 0.0 {
        let (value, unit) = scale(-value, from, to);
        return (-value, unit);
    }
    let Some((family, factor)) = known(from) else {
        let is_plain = |to: &&str| ["count", "sample", "unit"].contains(to);
        return (value, to.filter(|to| !is_plain(to)).unwrap_or_default());
    };
    let value = value * factor;
    let suits = |unit: &&(&str, f64, &[&str])| value / unit.1 >= 1.0;
    let unit = match to {
        Some(to) => family.units.iter().find(|unit| unit.0 == to),
        None => family.units.iter().rev().find(suits),
    };
    let (unit, factor, _) = unit.unwrap_or(&family.units[family.default]);
    (value / factor, unit)
}

/// The family of a unit, and its factor there.
fn known(unit: &str) -> Option<(&'static Family, f64)> {
    let name = unit.to_lowercase();
    let name = match name.strip_suffix('s') {
        Some(singular) if name.len() > 2 => singular,
        _ => &name,
    };
    FAMILIES.iter().find_map(|family| {
        let mut units = family.units.iter();
        let unit = units.find(|(_, _, aliases)| aliases.contains(&name))?;
        Some((family, unit.1))
    })
}

/// The value in the unit `to`, whatever its name, and that unit's own name. Where `to` is of
/// another family, in the default unit of the family of `from`.
pub(super) fn converted(value: i64, from: &str, to: &str) -> (f64, String) {
    let (shown, unit) = match known(to) {
        Some((family, factor)) => {
            let unit = family.units.iter().find(|unit| unit.1 == factor);
            scale(value as f64, from, unit.map(|unit| unit.0).or(Some(to)))
        }
        None => scale(value as f64, from, Some(to)),
    };
    (shown, unit.to_owned())
}

/// How many of the unit `to` one of the unit `from` is. `None`: they measure different things.
pub(super) fn ratio(from: &str, to: &str) -> Option<f64> {
    if from == to {
        return Some(1.0);
    }
    let ((family, of_from), (other, of_to)) = (known(from)?, known(to)?);
    std::ptr::eq(family, other).then_some(of_from / of_to)
}

/// In six columns: two decimals from 1 % on, two digits below.
pub(super) fn percent(value: i64, total: u64) -> String {
    let ratio = match total {
        0 => 0.0,
        total => (value as f64 / total as f64).abs() * 100.0,
    };
    match ratio {
        99.95..=100.05 => "  100%".to_owned(),
        1.0.. => format!("{ratio:5.2}%"),
        _ => format!("{:>5}%", two_digits(ratio)),
    }
}

/// C's `%.2g` of what is less than 1.
fn two_digits(value: f64) -> String {
    let scientific = format!("{value:.1e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 {
        "0".to_owned()
    } else if exponent < -4 {
        let digits = digits.strip_suffix(".0").unwrap_or(digits);
        format!("{digits}e-{:02}", -exponent)
    } else {
        let decimals = (1 - exponent) as usize;
        let fixed = format!("{value:.decimals$}");
        fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests;
