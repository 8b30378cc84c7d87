//! Two profiles' values made comparable: those that both have, in the finer of their units.
//!
//! As Go's pprof does it, but for one thing: there a sample goes when its converted values are 0,
//! although others may not be.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::scale::ratio;
use crate::pprof::decoded::DecodedProfile;

/// A value that both have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Common {
    pub(super) name: String,
    pub(super) unit: String,
    /// Where it is in each of the two, and by what its numbers are multiplied.
    pub(super) of: [(usize, f64); 2],
}

/// In the order of the first. Empty: they have nothing in common.
///
/// # Errors
///
/// The value whose units cannot be converted into each other.
pub(super) fn common(
    first: &[(String, String)],
    second: &[(String, String)],
) -> Result<Vec<Common>, String> {
    // From the last on, so that the first of a name counts.
    let names = second.iter().enumerate().rev();
    let of_name: HashMap<&str, usize> = names.map(|(at, (name, _))| (&**name, at)).collect();
    let pair = |(at, (name, unit)): (usize, &(String, String))| {
        let other = *of_name.get(&**name)?;
        let other_unit = &second[other].1;
        let Some(of_other) = ratio(other_unit, unit) else {
            return Some(Err(format!(
                "its {name} are in {other_unit}, not in {unit}"
            )));
        };
        let is_finer = of_other < 1.0;
        let (unit, ratios) = match is_finer {
            true => (other_unit, [1.0 / of_other, 1.0]),
            false => (unit, [1.0, of_other]),
        };
        Some(Ok(Common {
            name: name.clone(),
            unit: unit.clone(),
            of: [(at, ratios[0]), (other, ratios[1])],
        }))
    };
    first.iter().enumerate().filter_map(pair).collect()
}

/// Name and unit of each value.
pub(super) fn types(profile: &DecodedProfile) -> Vec<(String, String)> {
    let types = profile.sample_types();
    types
        .map(|(name, unit)| (name.to_owned(), unit.to_owned()))
        .collect()
}

/// The numbers of a sample, of those that are common. `side`: 0 for the first of the two, 1 for the
/// second.
pub(super) fn converted(values: &[i64], common: &[Common], side: usize) -> Vec<i64> {
    let value = |common: &Common| {
        let (at, ratio) = common.of[side];
        match ratio {
            1.0 => values[at],
            // Saturates.
            ratio => (values[at] as f64 * ratio).round() as i64,
        }
    };
    common.iter().map(value).collect()
}

/// Leaves the profile with what is common.
pub(super) fn convert(profile: &mut DecodedProfile, common: &[Common], side: usize) {
    let is_same = types(profile).len() == common.len()
        && common
            .iter()
            .enumerate()
            .all(|(at, value)| value.of[side] == (at, 1.0));
    if is_same {
        return;
    }
    for sample in &mut profile.tables.sample {
        sample.value = converted(&sample.value, common, side);
    }
    let default = profile.string(profile.tables.default_sample_type);
    // The first, as in Go's pprof, where the one that was suggested is not common.
    let default = common
        .iter()
        .find(|value| value.name == default)
        .or(common.first());
    let default = default.map(|value| value.name.clone());
    let mut types = Vec::new();
    for it in common {
        let mut value_type = profile.tables.sample_type[it.of[side].0];
        value_type.unit = profile.add_string(&it.unit);
        types.push(value_type);
    }
    profile.tables.sample_type = types;
    profile.tables.default_sample_type = profile.add_string(&default.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(types: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, unit): &(&str, &str)| ((*name).to_owned(), (*unit).to_owned());
        types.iter().map(own).collect()
    }

    #[test]
    fn the_finer_unit_counts() {
        let seconds = list(&[("n", "count"), ("t", "seconds")]);
        let nanos = list(&[("t", "nanoseconds"), ("n", "count"), ("bytes", "B")]);
        let common = common(&seconds, &nanos).unwrap();
        assert_eq!(converted(&[7, 2], &common, 0), [7, 2_000_000_000]);
        assert_eq!(converted(&[5, 7, 9], &common, 1), [7, 5]);
        assert_eq!(common[1].unit, "nanoseconds");
    }

    #[test]
    fn units_of_other_kinds_are_an_error() {
        let (a, b) = (list(&[("t", "seconds")]), list(&[("t", "bytes")]));
        assert_eq!(
            common(&a, &b).unwrap_err(),
            "its t are in bytes, not in seconds"
        );
        assert_eq!(common(&a, &list(&[("u", "bytes")])), Ok(vec![]));
        // The same word is the same unit, whatever it is.
        let odd = list(&[("t", "apples")]);
        assert_eq!(common(&odd, &odd).unwrap()[0].of, [(0, 1.0), (0, 1.0)]);
    }
}
