//! The field numbers of pprof's `proto/profile.proto`, of each message that is written.
//!
//! The writer goes by them: it is in every build, and needs no library for what are a few tags.
//! The reader is the command's alone and has its messages from `prost` (`proto.rs`), whose numbers
//! must stand as literals in attributes; a test here holds the two to each other. The tests outside
//! of the crate read with the messages of `proto.rs` too.
#![forbid(unsafe_code)]

pub(crate) mod profile {
    pub(crate) const SAMPLE_TYPE: u64 = 1;
    pub(crate) const SAMPLE: u64 = 2;
    pub(crate) const MAPPING: u64 = 3;
    pub(crate) const LOCATION: u64 = 4;
    pub(crate) const FUNCTION: u64 = 5;
    pub(crate) const STRING_TABLE: u64 = 6;
    #[cfg(feature = "cli")]
    pub(crate) const DROP_FRAMES: u64 = 7;
    #[cfg(feature = "cli")]
    pub(crate) const KEEP_FRAMES: u64 = 8;
    pub(crate) const TIME_NANOS: u64 = 9;
    pub(crate) const DURATION_NANOS: u64 = 10;
    pub(crate) const PERIOD_TYPE: u64 = 11;
    pub(crate) const PERIOD: u64 = 12;
    pub(crate) const COMMENT: u64 = 13;
    pub(crate) const DEFAULT_SAMPLE_TYPE: u64 = 14;
    #[cfg(feature = "cli")]
    pub(crate) const DOC_URL: u64 = 15;
}

pub(crate) mod value_type {
    pub(crate) const TYPE: u64 = 1;
    pub(crate) const UNIT: u64 = 2;
}

pub(crate) mod sample {
    pub(crate) const LOCATION_ID: u64 = 1;
    pub(crate) const VALUE: u64 = 2;
    pub(crate) const LABEL: u64 = 3;
}

pub(crate) mod label {
    pub(crate) const KEY: u64 = 1;
    pub(crate) const STR: u64 = 2;
}

pub(crate) mod mapping {
    pub(crate) const ID: u64 = 1;
    pub(crate) const MEMORY_START: u64 = 2;
    pub(crate) const MEMORY_LIMIT: u64 = 3;
    pub(crate) const FILE_OFFSET: u64 = 4;
    pub(crate) const FILENAME: u64 = 5;
    pub(crate) const BUILD_ID: u64 = 6;
    pub(crate) const HAS_FUNCTIONS: u64 = 7;
    pub(crate) const HAS_FILENAMES: u64 = 8;
    pub(crate) const HAS_LINE_NUMBERS: u64 = 9;
    pub(crate) const HAS_INLINE_FRAMES: u64 = 10;
}

pub(crate) mod location {
    pub(crate) const ID: u64 = 1;
    pub(crate) const MAPPING_ID: u64 = 2;
    pub(crate) const ADDRESS: u64 = 3;
    pub(crate) const LINE: u64 = 4;
}

pub(crate) mod line {
    pub(crate) const FUNCTION_ID: u64 = 1;
    pub(crate) const LINE: u64 = 2;
}

pub(crate) mod function {
    pub(crate) const ID: u64 = 1;
    pub(crate) const NAME: u64 = 2;
    pub(crate) const SYSTEM_NAME: u64 = 3;
    pub(crate) const FILENAME: u64 = 4;
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use prost::Message;

    use super::*;
    use crate::pprof::proto;

    /// The numbers of the fields that a message has, in their order.
    fn numbers(message: &impl Message) -> Vec<u64> {
        let bytes = message.encode_to_vec();
        let mut rest = &*bytes;
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (tag, wire_type) = prost::encoding::decode_key(&mut rest).unwrap();
            let context = prost::encoding::DecodeContext::default();
            prost::encoding::skip_field(wire_type, tag, &mut rest, context).unwrap();
            numbers.push(u64::from(tag));
        }
        numbers
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let message = proto::Profile {
            sample_type: vec![proto::ValueType { r#type: 1, unit: 1 }],
            sample: vec![proto::Sample::default()],
            mapping: vec![proto::Mapping::default()],
            location: vec![proto::Location::default()],
            function: vec![proto::Function::default()],
            string_table: vec![vec![1]],
            drop_frames: 1,
            keep_frames: 1,
            time_nanos: 1,
            duration_nanos: 1,
            period_type: Some(proto::ValueType::default()),
            period: 1,
            comment: vec![1],
            default_sample_type: 1,
            doc_url: 1,
        };
        let expected = [
            profile::SAMPLE_TYPE,
            profile::SAMPLE,
            profile::MAPPING,
            profile::LOCATION,
            profile::FUNCTION,
            profile::STRING_TABLE,
            profile::DROP_FRAMES,
            profile::KEEP_FRAMES,
            profile::TIME_NANOS,
            profile::DURATION_NANOS,
            profile::PERIOD_TYPE,
            profile::PERIOD,
            profile::COMMENT,
            profile::DEFAULT_SAMPLE_TYPE,
            profile::DOC_URL,
        ];
        assert_eq!(numbers(&message), expected);
        let message = proto::ValueType { r#type: 1, unit: 1 };
        assert_eq!(numbers(&message), [value_type::TYPE, value_type::UNIT]);
    }

    #[test]
    fn stacks_are_written_as_they_are_read() {
        let message = proto::Sample {
            location_id: vec![1],
            value: vec![1],
            label: vec![proto::Label::default()],
        };
        let expected = [sample::LOCATION_ID, sample::VALUE, sample::LABEL];
        assert_eq!(numbers(&message), expected);
        let message = proto::Label {
            key: 1,
            str: 1,
            ..proto::Label::default()
        };
        assert_eq!(numbers(&message), [label::KEY, label::STR]);
        let message = proto::Location {
            id: 1,
            mapping_id: 1,
            address: 1,
            line: vec![proto::Line::default()],
            ..proto::Location::default()
        };
        let expected = [
            location::ID,
            location::MAPPING_ID,
            location::ADDRESS,
            location::LINE,
        ];
        assert_eq!(numbers(&message), expected);
        let message = proto::Line {
            function_id: 1,
            line: 1,
            ..proto::Line::default()
        };
        assert_eq!(numbers(&message), [line::FUNCTION_ID, line::LINE]);
    }

    #[test]
    fn code_is_written_as_it_is_read() {
        let message = proto::Function {
            id: 1,
            name: 1,
            system_name: 1,
            filename: 1,
            ..proto::Function::default()
        };
        let expected = [
            function::ID,
            function::NAME,
            function::SYSTEM_NAME,
            function::FILENAME,
        ];
        assert_eq!(numbers(&message), expected);
        let message = proto::Mapping {
            id: 1,
            memory_start: 1,
            memory_limit: 1,
            file_offset: 1,
            filename: 1,
            build_id: 1,
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        };
        let expected = [
            mapping::ID,
            mapping::MEMORY_START,
            mapping::MEMORY_LIMIT,
            mapping::FILE_OFFSET,
            mapping::FILENAME,
            mapping::BUILD_ID,
            mapping::HAS_FUNCTIONS,
            mapping::HAS_FILENAMES,
            mapping::HAS_LINE_NUMBERS,
            mapping::HAS_INLINE_FRAMES,
        ];
        assert_eq!(numbers(&message), expected);
    }
}
