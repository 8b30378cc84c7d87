//! Reads pprof files with `prost`: independent of the code that wrote them.
#![allow(dead_code)] // Each test binary uses a part of it.

use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

#[path = "../../src/pprof/proto.rs"]
mod proto;

use proto::{Label, Line, Profile, Sample, ValueType};

/// A profile whose every id and string is there.
pub(crate) struct RawProfile(Profile);

/// One stack with its values.
pub(crate) struct RawStack<'a> {
    pub(crate) values: &'a [i64],
    /// Keys and values.
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    /// Names, leaf first, inlined calls too.
    pub(crate) functions: Vec<&'a str>,
}

impl RawProfile {
    /// # Panics
    ///
    /// If it is not a profile, or not compressed.
    pub(crate) fn decode(compressed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
        let profile = Profile::decode(&*bytes).unwrap();
        assert_eq!(profile.string_table[0], b"", "the first string is empty");
        Self(profile)
    }

    /// Type and unit of each value of a sample.
    pub(crate) fn sample_types(&self) -> Vec<(&str, &str)> {
        let types = self.0.sample_type.iter();
        types.map(|found| self.value_type(found)).collect()
    }

    pub(crate) fn period(&self) -> ((&str, &str), i64) {
        let period_type = self.0.period_type.as_ref().expect("a period has a type");
        (self.value_type(period_type), self.0.period)
    }

    pub(crate) fn duration_nanos(&self) -> i64 {
        self.0.duration_nanos
    }

    /// Files and build ids.
    pub(crate) fn mappings(&self) -> Vec<(&str, &str)> {
        let mappings = self.0.mapping.iter();
        mappings
            .map(|found| (self.string(found.filename), self.string(found.build_id)))
            .collect()
    }

    pub(crate) fn stacks(&self) -> Vec<RawStack<'_>> {
        let samples = self.0.sample.iter();
        samples.map(|sample| self.stack(sample)).collect()
    }

    fn stack<'a>(&'a self, sample: &'a Sample) -> RawStack<'a> {
        assert_eq!(sample.value.len(), self.0.sample_type.len());
        let label = |label: &Label| (self.string(label.key), self.string(label.str));
        let mut functions = Vec::new();
        for id in &sample.location_id {
            let location = self
                .0
                .location
                .iter()
                .find(|found| found.id == *id)
                .unwrap();
            let mapping = location.mapping_id;
            assert!(mapping == 0 || self.0.mapping.iter().any(|found| found.id == mapping));
            functions.extend(location.line.iter().map(|line| self.function(line)));
        }
        RawStack {
            values: &sample.value,
            labels: sample.label.iter().map(label).collect(),
            functions,
        }
    }

    fn function(&self, line: &Line) -> &str {
        let mut functions = self.0.function.iter();
        let function = functions
            .find(|found| found.id == line.function_id)
            .unwrap();
        self.string(function.name)
    }

    fn value_type(&self, found: &ValueType) -> (&str, &str) {
        (self.string(found.r#type), self.string(found.unit))
    }

    fn string(&self, index: i64) -> &str {
        str::from_utf8(&self.0.string_table[usize::try_from(index).unwrap()]).unwrap()
    }
}
