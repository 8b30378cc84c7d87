//! Reads a profile back with `prost`, from messages declared here after pprof's
//! `proto/profile.proto`, and checks that every id and string is there.
//!
//! Knows nothing of the crate: `tests/` reads with it what HTTP answers.

use std::io::Read;

use flate2::read::GzDecoder;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawProfile {
    #[prost(message, repeated, tag = "1")]
    pub(super) sample_type: Vec<RawValueType>,
    #[prost(message, repeated, tag = "2")]
    pub(super) sample: Vec<RawSample>,
    #[prost(message, repeated, tag = "3")]
    pub(super) mapping: Vec<RawMapping>,
    #[prost(message, repeated, tag = "4")]
    pub(super) location: Vec<RawLocation>,
    #[prost(message, repeated, tag = "5")]
    pub(super) function: Vec<RawFunction>,
    #[prost(string, repeated, tag = "6")]
    pub(super) string_table: Vec<String>,
    #[prost(int64, tag = "7")]
    pub(super) drop_frames: i64,
    #[prost(int64, tag = "8")]
    pub(super) keep_frames: i64,
    #[prost(int64, tag = "9")]
    pub(super) time_nanos: i64,
    #[prost(int64, tag = "10")]
    pub(super) duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    pub(super) period_type: Option<RawValueType>,
    #[prost(int64, tag = "12")]
    pub(super) period: i64,
    #[prost(int64, repeated, tag = "13")]
    pub(super) comment: Vec<i64>,
    #[prost(int64, tag = "14")]
    pub(super) default_sample_type: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawValueType {
    #[prost(int64, tag = "1")]
    pub(super) r#type: i64,
    #[prost(int64, tag = "2")]
    pub(super) unit: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawSample {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub(super) label: Vec<RawLabel>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawLabel {
    #[prost(int64, tag = "1")]
    pub(super) key: i64,
    #[prost(int64, tag = "2")]
    pub(super) str: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawMapping {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) memory_start: u64,
    #[prost(uint64, tag = "3")]
    pub(super) memory_limit: u64,
    #[prost(uint64, tag = "4")]
    pub(super) file_offset: u64,
    #[prost(int64, tag = "5")]
    pub(super) filename: i64,
    #[prost(int64, tag = "6")]
    pub(super) build_id: i64,
    #[prost(bool, tag = "7")]
    pub(super) has_functions: bool,
    #[prost(bool, tag = "8")]
    pub(super) has_filenames: bool,
    #[prost(bool, tag = "9")]
    pub(super) has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    pub(super) has_inline_frames: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawLocation {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) mapping_id: u64,
    #[prost(uint64, tag = "3")]
    pub(super) address: u64,
    #[prost(message, repeated, tag = "4")]
    pub(super) line: Vec<RawLine>,
    #[prost(bool, tag = "5")]
    pub(super) is_folded: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawLine {
    #[prost(uint64, tag = "1")]
    pub(super) function_id: u64,
    #[prost(int64, tag = "2")]
    pub(super) line: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawFunction {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(int64, tag = "2")]
    pub(super) name: i64,
    #[prost(int64, tag = "3")]
    pub(super) system_name: i64,
    #[prost(int64, tag = "4")]
    pub(super) filename: i64,
    #[prost(int64, tag = "5")]
    pub(super) start_line: i64,
}

pub(super) struct Decoded {
    pub(super) raw: RawProfile,
}

impl Decoded {
    pub(super) fn from_gzip(compressed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
        let raw = RawProfile::decode(&*bytes).unwrap();
        // Nothing that the declarations above do not know: as many bytes as the same
        // messages have when `prost` writes them.
        assert_eq!(raw.encoded_len(), bytes.len());
        Self { raw }
    }

    pub(super) fn string(&self, index: i64) -> &str {
        &self.raw.string_table[usize::try_from(index).unwrap()]
    }

    pub(super) fn labels(&self, sample: &RawSample) -> Vec<(&str, &str)> {
        let labels = sample.label.iter();
        labels
            .map(|label| (self.string(label.key), self.string(label.str)))
            .collect()
    }

    fn value_type(&self, value_type: &RawValueType) -> (&str, &str) {
        (self.string(value_type.r#type), self.string(value_type.unit))
    }

    pub(super) fn sample_types(&self) -> Vec<(&str, &str)> {
        self.raw
            .sample_type
            .iter()
            .map(|found| self.value_type(found))
            .collect()
    }

    pub(super) fn period_type(&self) -> (&str, &str) {
        self.value_type(self.raw.period_type.as_ref().unwrap())
    }

    pub(super) fn default_sample_type(&self) -> &str {
        self.string(self.raw.default_sample_type)
    }

    pub(super) fn comments(&self) -> Vec<&str> {
        self.raw
            .comment
            .iter()
            .map(|index| self.string(*index))
            .collect()
    }

    /// Each sample's values, kind, and frames as `name@file:line`, leaf first.
    pub(super) fn stacks(&self) -> Vec<(Vec<i64>, &str, Vec<String>)> {
        self.raw
            .sample
            .iter()
            .map(|sample| self.stack(sample))
            .collect()
    }

    fn stack(&self, sample: &RawSample) -> (Vec<i64>, &str, Vec<String>) {
        let labels = self.labels(sample);
        // Behind these are those of the program.
        let [("kind", kind), ("class", class), ..] = *labels else {
            panic!("no kind and class: {labels:?}");
        };
        assert!(["lock", "backpressure", "idle", "other"].contains(&class));
        let mut frames = Vec::new();
        for id in &sample.location_id {
            let location = self
                .raw
                .location
                .iter()
                .find(|entry| entry.id == *id)
                .unwrap();
            let is_mapped = |id| self.raw.mapping.iter().any(|entry| entry.id == id);
            assert!(location.mapping_id == 0 || is_mapped(location.mapping_id));
            frames.extend(location.line.iter().map(|line| self.frame(line)));
        }
        (sample.value.clone(), kind, frames)
    }

    fn frame(&self, line: &RawLine) -> String {
        let mut functions = self.raw.function.iter();
        let function = functions
            .find(|entry| entry.id == line.function_id)
            .unwrap();
        let (name, file) = (self.string(function.name), self.string(function.filename));
        match file {
            "" => name.to_owned(),
            file => format!("{name}@{file}:{}", line.line),
        }
    }
}
