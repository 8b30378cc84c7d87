//! Frames that a profile asks its readers to leave out: those of the lock or the allocator itself.
//!
//! `drop_frames` names them, `keep_frames` exceptions. The frames that such a frame calls are left
//! out with it, so a sample counts for the caller. The meaning is that of Go's `Profile.Prune`.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use regex::Regex;

use crate::pprof::decoded::DecodedProfile;

/// Both are whole names.
pub(super) struct Uninteresting {
    dropped: Regex,
    kept: Option<Regex>,
}

/// The fate of a location.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Stays,
    /// It goes, with what it calls.
    Goes,
    /// The outer ones of its inlined frames stay; what it calls goes.
    GoesInPart,
}

impl Uninteresting {
    /// The names that the profile gives. `None`: it gives none, or none that is a regular
    /// expression, as in Go's pprof.
    pub(super) fn of(profile: &DecodedProfile) -> Option<Self> {
        let whole = |index| match profile.string(index) {
            "" => None,
            text => Regex::new(&format!("^(?:{text})$")).ok(),
        };
        Some(Self {
            dropped: whole(profile.tables.drop_frames)?,
            kept: whole(profile.tables.keep_frames),
        })
    }

    pub(super) fn leave_out(&self, profile: &mut DecodedProfile) {
        let fates = self.fates(profile);
        let fate = |id: &u64| fates[*id as usize - 1];
        for sample in &mut profile.tables.sample {
            let ids = &mut sample.location_id;
            // From the root on. Everything above the program's first own frame stays, or there
            // would be no stack.
            let mut is_own_seen = false;
            let first_kept = ids
                .iter()
                .enumerate()
                .rev()
                .find_map(|(at, id)| match fate(id) {
                    Fate::Stays => {
                        is_own_seen = true;
                        None
                    }
                    _ if !is_own_seen => None,
                    Fate::Goes => Some(at + 1),
                    Fate::GoesInPart => Some(at),
                });
            ids.drain(..first_kept.unwrap_or(0));
        }
    }

    /// Takes the inner frames from locations, too.
    fn fates(&self, profile: &mut DecodedProfile) -> Vec<Fate> {
        let mut is_dropped = HashMap::new();
        let mut fates = Vec::new();
        for at in 0..profile.tables.location.len() {
            let lines = &profile.tables.location[at].line;
            let outermost = lines.iter().rposition(|line| {
                let function = line.function_id;
                *is_dropped
                    .entry(function)
                    .or_insert_with(|| match function {
                        0 => false,
                        id => self
                            .drops(profile.string(profile.tables.function[id as usize - 1].name)),
                    })
            });
            let count = lines.len();
            fates.push(match outermost {
                None => Fate::Stays,
                Some(inner) if inner + 1 == count => Fate::Goes,
                Some(inner) => {
                    profile.tables.location[at].line.drain(..=inner);
                    Fate::GoesInPart
                }
            });
        }
        fates
    }

    fn drops(&self, name: &str) -> bool {
        let name = simplified(name);
        let is_kept = || self.kept.as_ref().is_some_and(|kept| kept.is_match(name));
        !name.is_empty() && self.dropped.is_match(name) && !is_kept()
    }
}

/// Without parameters, and without the dot that some linkers put in front.
fn simplified(name: &str) -> &str {
    const NO_PARAMETERS: [&str; 2] = ["(anonymous namespace)", "operator()"];
    let name = name.strip_prefix('.').unwrap_or(name);
    let mut from = 0;
    while let Some(found) = name[from..].find('(') {
        let at = from + found;
        let is_name = |word: &&str| {
            let before = word.find('(').unwrap_or(0);
            let start = at.checked_sub(before);
            start.is_some_and(|start| {
                name[..]
                    .get(start..)
                    .is_some_and(|rest| rest.starts_with(*word))
            })
        };
        match NO_PARAMETERS.into_iter().find(is_name) {
            Some(word) => from = at + word.len() - word.find('(').unwrap_or(0),
            None => return &name[..at],
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_no_part_of_a_name() {
        for (name, expected) in [
            ("malloc", "malloc"),
            (".malloc", "malloc"),
            ("f(int)", "f"),
            ("(anonymous namespace)::f(int)", "(anonymous namespace)::f"),
            ("a::operator()(int)", "a::operator()"),
            ("main.(*T).f", "main."),
            ("(", ""),
        ] {
            assert_eq!(simplified(name), expected, "{name}");
        }
    }
}
