//! pprof's `profile.proto`: the schema, written and read.

#[cfg(feature = "cli")]
pub(crate) mod decoded;
pub(crate) mod field;
#[cfg(feature = "cli")]
pub(crate) mod proto;
pub(crate) mod protobuf;
#[cfg(feature = "cli")]
pub(crate) mod reader;
