//! `--by`: what makes a row. Frames are told apart by function or line; or a row is a value of a
//! label.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::str::FromStr;

use super::weights::By;
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::{Function, Label, Line, Location, Sample};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Grouping {
    Frames(By),
    /// The label's name.
    Label(String),
}

impl Default for Grouping {
    fn default() -> Self {
        Self::Frames(By::default())
    }
}

impl FromStr for Grouping {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.split_once(':')) {
            ("function", _) => Ok(Self::Frames(By::Function)),
            ("line", _) => Ok(Self::Frames(By::Line)),
            (_, Some(("label", key))) if !key.is_empty() => Ok(Self::Label(key.to_owned())),
            _ => Err("not function, line or label:KEY, such as label:endpoint"),
        }
    }
}

impl Grouping {
    pub(super) fn is_label(&self) -> bool {
        matches!(self, Self::Label(_))
    }

    /// How the frames of the profile are told apart. For a label its values become the only frames.
    pub(super) fn apply(&self, profile: &mut DecodedProfile) -> By {
        match self {
            Self::Frames(by) => *by,
            Self::Label(key) => {
                by_label(profile, key);
                By::Function
            }
        }
    }
}

/// Leaves each sample one frame: the value of the label, as `endpoint=/cart`.
fn by_label(profile: &mut DecodedProfile, key: &str) {
    let samples = profile.tables.sample.iter();
    let names: Vec<String> = samples.map(|sample| name(profile, sample, key)).collect();
    let tables = &mut profile.tables;
    (tables.location, tables.function) = (Vec::new(), Vec::new());
    let mut ids: HashMap<String, u64> = HashMap::new();
    for (index, name) in names.into_iter().enumerate() {
        let next = ids.len() as u64 + 1;
        let id = *ids.entry(name).or_insert_with_key(|name| {
            let name = profile.add_string(name);
            profile.tables.function.push(Function {
                id: next,
                name,
                ..Function::default()
            });
            profile.tables.location.push(Location {
                id: next,
                line: vec![Line {
                    function_id: next,
                    ..Line::default()
                }],
                ..Location::default()
            });
            next
        });
        profile.tables.sample[index].location_id = vec![id];
    }
}

/// Several values are joined by commas.
fn name(profile: &DecodedProfile, sample: &Sample, key: &str) -> String {
    let labels = sample.label.iter();
    let values: Vec<String> = labels
        .filter(|label| profile.string(label.key) == key)
        .map(|label| value(profile, label))
        .collect();
    match values.is_empty() {
        true => format!("(no {key})"),
        false => format!("{key}={}", values.join(",")),
    }
}

fn value(profile: &DecodedProfile, label: &Label) -> String {
    match label.str {
        0 => format!("{}{}", label.num, profile.string(label.num_unit)),
        text => profile.string(text).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_frames_or_values_of_a_label() {
        assert_eq!("line".parse(), Ok(Grouping::Frames(By::Line)));
        assert_eq!("function".parse(), Ok(Grouping::default()));
        let label = Grouping::Label("a:b".to_owned());
        assert_eq!("label:a:b".parse(), Ok(label));
        for text in ["", "label", "label:", "file", "Line"] {
            assert!(text.parse::<Grouping>().is_err(), "{text:?}");
        }
    }
}
