//! Which functions and programs a regular expression matches, and which lines of a location.
#![forbid(unsafe_code)]

use regex::Regex;

use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::{Line, Location};

/// By id less one.
pub(super) struct Matches {
    /// By name or file.
    functions: Vec<bool>,
    mappings: Vec<bool>,
}

impl Matches {
    pub(super) fn of(pattern: &Regex, profile: &DecodedProfile) -> Self {
        let is_match = |index| pattern.is_match(profile.string(index));
        let functions = profile.tables.function.iter();
        let mappings = profile.tables.mapping.iter();
        Self {
            functions: functions
                .map(|function| is_match(function.name) || is_match(function.filename))
                .collect(),
            mappings: mappings.map(|mapping| is_match(mapping.filename)).collect(),
        }
    }

    /// `None`: the line has no function.
    fn line(&self, line: &Line) -> Option<bool> {
        let function = (line.function_id as usize).checked_sub(1)?;
        Some(self.functions[function])
    }

    fn mapping(&self, location: &Location) -> bool {
        let mapping = (location.mapping_id as usize).checked_sub(1);
        mapping.is_some_and(|mapping| self.mappings[mapping])
    }

    pub(super) fn location(&self, location: &Location) -> bool {
        let mut lines = location.line.iter();
        lines.any(|line| self.line(line) == Some(true)) || self.mapping(location)
    }

    /// Takes out what matches.
    pub(super) fn take_out(&self, location: &mut Location) {
        let is_mapping = self.mapping(location);
        let stays = |line: &Line| !is_mapping && self.line(line) != Some(true);
        location.line.retain(stays);
    }

    /// Leaves what matches, and what has no function.
    pub(super) fn leave(&self, location: &mut Location) {
        let is_mapping = self.mapping(location);
        let stays = |line: &Line| is_mapping || self.line(line) != Some(false);
        location.line.retain(stays);
    }
}
