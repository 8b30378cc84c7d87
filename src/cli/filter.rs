//! Which samples and frames of a profile count: `--focus`, `--hide`, `--tagfocus` and their like.
//!
//! The meaning is that of Go's pprof, whose options have the same names. They apply to a profile
//! that has left out what it asks its readers to leave out (`uninteresting`), before anything is
//! summed. Shares remain those of the whole profile.
#![forbid(unsafe_code)]

mod labels;
mod names;

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use regex::Regex;

use super::output::printable;
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::Sample;
use labels::{LabelFilter, Units};
use names::Matches;

/// The options, in the words of `--help`.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filter {
    /// Count only stacks in which a function, a file or a program matches.
    ///
    /// Each REGEX matches a part of a name, and is one of the Rust crate `regex`. Go's are the same
    /// but for this: `\w`, `\d`, `\s` and `\b` know all letters, not ASCII alone; `\<` and `\>` are
    /// the ends of a word; there is no `\Q…\E`; in `[…]` a `[`, `&&`, `--` or `~~` needs a
    /// backslash.
    #[arg(long, value_name = "REGEX")]
    focus: Option<Regex>,
    /// Leave out stacks in which a function, a file or a program matches.
    #[arg(long, value_name = "REGEX")]
    ignore: Option<Regex>,
    /// Take frames that match out of the stacks; what they cost counts for their callers.
    #[arg(long, value_name = "REGEX")]
    hide: Option<Regex>,
    /// Leave only frames that match in the stacks.
    #[arg(long, value_name = "REGEX")]
    show: Option<Regex>,
    /// Count only what waited for this: mutex, chan_recv, sleep, … Several are separated by commas.
    ///
    /// It is the label `kind`, so `--kind mutex` is short for `--tagfocus 'kind=^mutex$'`.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Count only what has this label: `endpoint=/cart`. Of several all.
    ///
    /// Labels are what a program sets by `contend::labels!`; in the mutex profile they are those of
    /// the code that released, in the block profile those of the code that waited. A value is as it
    /// is: for expressions there is --tagfocus.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Count only samples that have such a label.
    ///
    /// `key=REGEX,…`: a label of this name has a text that matches one of them. `REGEX,…`: each
    /// matches a label in the form `key:text`. For numbers a range with units: `bytes=32kb` (this),
    /// `32kb:` (from there on), `:64kb` (up to there), `32kb:64kb`.
    #[arg(long, value_name = "[KEY=]REGEX")]
    tagfocus: Option<LabelFilter>,
    /// Leave out samples that have such a label; as in --tagfocus.
    #[arg(long, value_name = "[KEY=]REGEX")]
    tagignore: Option<LabelFilter>,
}

/// How many options there are.
const OPTIONS: usize = 8;

/// For each option in the order of [`Filter::given`] whether a sample matched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Found([bool; OPTIONS]);

impl Filter {
    /// The options by name, as the user gave them. An empty text is none, as in Go's pprof.
    fn given(&self) -> [(&'static str, Option<String>); OPTIONS] {
        let pattern = |pattern: &Option<Regex>| pattern.as_ref().map(ToString::to_string);
        let label = |label: &Option<LabelFilter>| label.as_ref().map(ToString::to_string);
        let kinds = Some(self.kind.join(","));
        let pairs = self
            .label
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let pairs = Some(pairs.collect::<Vec<_>>().join(" --label "));
        [
            ("focus", pattern(&self.focus)),
            ("ignore", pattern(&self.ignore)),
            ("hide", pattern(&self.hide)),
            ("show", pattern(&self.show)),
            ("kind", kinds),
            ("label", pairs),
            ("tagfocus", label(&self.tagfocus)),
            ("tagignore", label(&self.tagignore)),
        ]
        .map(|(name, text)| (name, text.filter(|text| !text.is_empty())))
    }

    /// `--focus checkout --kind mutex`. `None`: everything counts.
    pub(super) fn text(&self) -> Option<String> {
        let given = self.given().into_iter();
        let options: Vec<_> = given
            .filter_map(|(name, text)| Some(format!("--{name} {}", text?)))
            .collect();
        (!options.is_empty()).then(|| printable(&options.join(" ")))
    }

    /// Whether it says which waits count.
    pub(super) fn chooses_waits(&self) -> bool {
        let options = self.given().into_iter();
        let mut given = options.filter(|(_, text)| text.is_some());
        given.any(|(name, _)| ["kind", "tagfocus"].contains(&name))
    }

    /// Leaves in the profile what is asked for.
    pub(super) fn apply(&self, profile: &mut DecodedProfile) -> Found {
        let [focus, ignore, hide, show] = self.by_name(profile);
        let [kind, label, tagfocus, tagignore] = self.by_label(profile);
        Found([focus, ignore, hide, show, kind, label, tagfocus, tagignore])
    }

    fn by_name(&self, profile: &mut DecodedProfile) -> [bool; 4] {
        let patterns = [&self.focus, &self.ignore, &self.hide, &self.show];
        let [focus, ignore, hide, show] = patterns.map(|pattern| {
            let pattern = pattern.as_ref()?;
            (!pattern.as_str().is_empty()).then(|| Matches::of(pattern, profile))
        });
        let mut found = [false; 4];
        if [&focus, &ignore, &hide, &show].iter().all(|m| m.is_none()) {
            return found;
        }
        let locations = profile.tables.location.iter_mut();
        let fates: Vec<Fate> = locations
            .map(|location| {
                let is_matched = |matches: &Option<Matches>| {
                    matches.as_ref().map(|matches| matches.location(location))
                };
                let [is_focused, is_ignored, is_hidden, is_shown] =
                    [&focus, &ignore, &hide, &show].map(is_matched);
                if let Some(hide) = hide.as_ref().filter(|_| is_hidden == Some(true)) {
                    hide.take_out(location);
                }
                if let Some(show) = &show {
                    show.leave(location);
                }
                let changes = is_hidden == Some(true) || show.is_some();
                Fate {
                    matched: [is_focused, is_ignored, is_hidden, is_shown]
                        .map(|is_matched| is_matched == Some(true)),
                    is_focused: is_focused.unwrap_or(true) && is_ignored != Some(true),
                    is_gone: changes && location.line.is_empty(),
                }
            })
            .collect();
        let fate = |id: &u64| fates[*id as usize - 1];
        let is_any_gone = fates.iter().any(|fate| fate.is_gone);
        profile.tables.sample.retain_mut(|sample| {
            let ids = &mut sample.location_id;
            for fate in ids.iter().map(fate) {
                for (found, is_matched) in found.iter_mut().zip(fate.matched) {
                    *found |= is_matched;
                }
            }
            let is_ignored = ids.iter().any(|id| fate(id).matched[1]);
            let is_focused = ids.iter().any(|id| fate(id).is_focused);
            if is_any_gone {
                ids.retain(|id| !fate(id).is_gone);
            }
            is_focused && !is_ignored && !ids.is_empty()
        });
        found
    }

    fn by_label(&self, profile: &mut DecodedProfile) -> [bool; 4] {
        let is_kind = |profile: &DecodedProfile, sample: &Sample| {
            let wanted = |kind: &str| self.kind.iter().any(|wanted| wanted == kind);
            profile.labels(sample, "kind").any(wanted)
        };
        let has_labels = |profile: &DecodedProfile, sample: &Sample| {
            let has = |(key, value): &(String, String)| {
                profile.labels(sample, key).any(|other| other == value)
            };
            self.label.iter().all(has)
        };
        let kinds = self.kind.iter().any(|kind| !kind.is_empty());
        let labels = !self.label.is_empty();
        let [focus, ignore] = [&self.tagfocus, &self.tagignore]
            .map(|filter| filter.as_ref().filter(|filter| !filter.is_empty()));
        if !kinds && !labels && focus.is_none() && ignore.is_none() {
            return [false; 4];
        }
        let units = Units::of(profile);
        let mut found = [false; 4];
        let samples = profile.tables.sample.iter();
        let stays: Vec<bool> = samples
            .map(|sample| {
                let matches = |filter: Option<&LabelFilter>| {
                    filter.map(|filter| filter.matches(profile, sample, &units))
                };
                let is_of_kind = kinds.then(|| is_kind(profile, sample));
                let is_labelled = labels.then(|| has_labels(profile, sample));
                let matched = [is_of_kind, is_labelled, matches(focus), matches(ignore)];
                for (found, is_matched) in found.iter_mut().zip(matched) {
                    *found |= is_matched == Some(true);
                }
                let [kind, label, focus, ignore] = matched;
                ![kind, label, focus].contains(&Some(false)) && ignore != Some(true)
            })
            .collect();
        let mut stays = stays.into_iter();
        let samples = &mut profile.tables.sample;
        samples.retain(|_| stays.next().unwrap_or(true));
        found
    }

    /// Says on standard error which options matched nothing: a wrong name must not look like an
    /// empty profile. `kinds` are those that there are.
    pub(super) fn warn(&self, found: Found, kinds: &BTreeSet<String>) {
        for ((name, text), is_found) in self.given().into_iter().zip(found.0) {
            let Some(text) = text.filter(|_| !is_found) else {
                continue;
            };
            let mut line = format!("--{name} {text} matches no sample");
            if name == "kind" && !kinds.is_empty() {
                let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
                line += &format!("; there are {}", kinds.join(", "));
            }
            // There is nobody to tell if this fails, too.
            let _ = writeln!(std::io::stderr(), "contend: {}", printable(&line));
        }
    }
}

/// `endpoint=/cart`
fn pair(text: &str) -> Result<(String, String), &'static str> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or("not KEY=VALUE, such as endpoint=/cart")
}

/// The fate of a location.
#[derive(Clone, Copy)]
struct Fate {
    /// By focus, ignore, hide, show.
    matched: [bool; 4],
    is_focused: bool,
    /// All of its frames are hidden.
    is_gone: bool,
}

impl Found {
    /// In one of two profiles.
    pub(super) fn or(self, other: Self) -> Self {
        let mut both = self;
        for (found, is_found) in both.0.iter_mut().zip(other.0) {
            *found |= is_found;
        }
        both
    }
}

/// The kinds that the samples have.
pub(super) fn kinds(profile: &DecodedProfile) -> BTreeSet<String> {
    let samples = profile.tables.sample.iter();
    let kinds = samples.flat_map(|sample| profile.labels(sample, "kind"));
    kinds.map(str::to_owned).collect()
}
