//! Reads pprof files with `prost`, from messages declared here after pprof's
//! `proto/profile.proto`: independent of what wrote them.
#![allow(dead_code)] // Each test binary uses a part of it.

use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    str: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(int64, tag = "6")]
    build_id: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

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
        assert_eq!(profile.string_table[0], "", "the first string is empty");
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

    fn value_type(&self, it: &ValueType) -> (&str, &str) {
        (self.string(it.r#type), self.string(it.unit))
    }

    fn string(&self, index: i64) -> &str {
        &self.0.string_table[usize::try_from(index).unwrap()]
    }
}
