//! `--tagfocus` and `--tagignore`: samples by their labels.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use regex::Regex;

use super::super::scale::converted;
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::{Label, Sample};

/// Displays as the user wrote it.
#[derive(Clone, Debug)]
pub(super) struct LabelFilter {
    text: String,
    /// Only labels of this name.
    key: Option<String>,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    Numbers(Range),
    /// With a key one of them has to match its text; without one each has to match a label as
    /// `key:text`.
    Texts(Vec<Regex>),
}

/// Both ends are in it.
#[derive(Clone, Debug, PartialEq)]
struct Range {
    from: f64,
    to: f64,
    unit: String,
}

impl FromStr for LabelFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (Some(key.to_owned()), value),
            None => (None, text),
        };
        let wanted = match Range::of(value)? {
            Some(range) => Wanted::Numbers(range),
            None => {
                let patterns = value.split(',').map(Regex::new);
                let patterns: Result<_, _> = patterns.collect();
                Wanted::Texts(patterns.map_err(|error: regex::Error| error.to_string())?)
            }
        };
        Ok(Self {
            text: text.to_owned(),
            key,
            wanted,
        })
    }
}

impl fmt::Display for LabelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl LabelFilter {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn matches(
        &self,
        profile: &DecodedProfile,
        sample: &Sample,
        units: &Units<'_>,
    ) -> bool {
        let key = self.key.as_deref();
        let labels = || {
            let labels = sample.label.iter();
            labels.filter(|label| key.is_none_or(|key| profile.string(label.key) == key))
        };
        let texts = || labels().filter(|label| is_text(label));
        match (&self.wanted, key) {
            (Wanted::Numbers(range), _) => labels()
                .filter(|label| is_number(label))
                .any(|label| range.has(label.num, units.unit(profile.string(label.key)))),
            (Wanted::Texts(patterns), Some(_)) => texts().any(|label| {
                let text = profile.string(label.str);
                patterns.iter().any(|pattern| pattern.is_match(text))
            }),
            (Wanted::Texts(patterns), None) => {
                let pair = |label: &Label| {
                    let (key, text) = (profile.string(label.key), profile.string(label.str));
                    format!("{key}:{text}")
                };
                let pairs: Vec<String> = texts().map(pair).collect();
                let has = |pattern: &Regex| pairs.iter().any(|pair| pattern.is_match(pair));
                patterns.iter().all(has)
            }
        }
    }
}

fn is_text(label: &Label) -> bool {
    label.str != 0
}

fn is_number(label: &Label) -> bool {
    label.str == 0 && (label.num != 0 || label.num_unit != 0)
}

impl Range {
    /// `32kb`, `32kb:`, `:64kb`, `32kb:64kb`. `None`: it is something else.
    ///
    /// # Errors
    ///
    /// A number that is too large.
    fn of(text: &str) -> Result<Option<Self>, String> {
        let (from, to) = match text.split_once(':') {
            Some((from, to)) => (from, to),
            None => (text, text),
        };
        let (Some(from), Some(to)) = (End::of(from), End::of(to)) else {
            return Ok(None);
        };
        let Some(unit) = from.as_ref().or(to.as_ref()).map(|end| end.unit) else {
            return Ok(None);
        };
        let (_, unit) = converted(1, unit, unit);
        let value = |end: Option<End<'_>>, otherwise: f64| match end {
            None => Ok(Some(otherwise)),
            Some(end) => {
                let (value, other) = converted(end.number()?, end.unit, &unit);
                Ok::<_, String>((other == unit).then_some(value))
            }
        };
        let from = value(from, f64::NEG_INFINITY)?;
        let to = value(to, f64::INFINITY)?;
        Ok(from.zip(to).map(|(from, to)| Self { from, to, unit }))
    }

    fn has(&self, number: i64, unit: &str) -> bool {
        let (value, unit) = converted(number, unit, &self.unit);
        unit == self.unit && self.from <= value && value <= self.to
    }
}

/// One end of a range.
struct End<'t> {
    digits: &'t str,
    unit: &'t str,
}

impl<'t> End<'t> {
    /// `None`: it is none. `Some(None)`: there is no end on this side.
    fn of(text: &'t str) -> Option<Option<Self>> {
        if text.is_empty() {
            return Some(None);
        }
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_digit = |c: char| c.is_ascii_digit();
        let unit = unsigned.trim_start_matches(is_digit);
        let is_number = unit.len() < unsigned.len();
        let digits = &text[..text.len() - unit.len()];
        let is_unit = unit.chars().all(|c| c.is_ascii_alphabetic());
        (is_number && is_unit).then_some(Some(Self { digits, unit }))
    }

    fn number(&self) -> Result<i64, String> {
        let number = self.digits.parse();
        number.map_err(|_| format!("{} is too large", self.digits))
    }
}

/// The unit of each label that is a number: the first that a sample gives; where none does, the
/// label's own name, as in Go's pprof.
pub(super) struct Units<'p>(HashMap<&'p str, &'p str>);

impl<'p> Units<'p> {
    pub(super) fn of(profile: &'p DecodedProfile) -> Self {
        let mut units = HashMap::new();
        let labels = profile
            .tables
            .sample
            .iter()
            .flat_map(|sample| &sample.label);
        for label in labels.filter(|label| is_number(label) && label.num_unit != 0) {
            let unit = profile.string(label.num_unit);
            units.entry(profile.string(label.key)).or_insert(unit);
        }
        Self(units)
    }

    fn unit<'k>(&'k self, key: &'k str) -> &'k str {
        match (self.0.get(key), key) {
            (Some(unit), _) => unit,
            (None, "alignment" | "request") => "bytes",
            (None, key) => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_from_texts() {
        let range = |text| Range::of(text).unwrap();
        let has = |text, number, unit| range(text).unwrap().has(number, unit);
        assert!(has("32kb", 32 << 10, "bytes") && !has("32kb", 33 << 10, "bytes"));
        assert!(has(":2ms", 1_500, "us") && !has(":2ms", 3, "ms"));
        assert!(has("-3:", -3, "") && !has("-3:", -4, ""));
        assert!(has("1kb:1mb", 1 << 20, "B") && !has("1kb:1mb", 1, "B"));
        // The second end may leave the unit to the first.
        assert!(has("1kb:2", 2 << 10, "B") && !has("1kb:2", 3 << 10, "B"));
        // Numbers of another kind are in no range, whatever they are.
        assert!(!has("1kb:", 1 << 20, "ns") && !has("1:", 5, "bytes"));
        for text in ["", ":", "a", "1.5kb", "12:13:14", "kb", "x1", "1ms:1kb"] {
            assert_eq!(range(text), None, "{text}");
        }
        assert!(Range::of("99999999999999999999").is_err());
    }
}
