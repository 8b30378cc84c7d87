//! A frame as files have it, before it is made one of a profile.
#![forbid(unsafe_code)]

/// A function that an instruction belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) name: Option<Name>,
    pub(crate) file: Option<String>,
    /// Not 0, which is how debug information says that there is none.
    pub(crate) line: Option<u32>,
}

/// The name of a function, in one of the two forms that debug information has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// As the linker knows it, mangled, with the path.
    Linkage(String),
    /// As the source has it, without a path.
    Plain(String),
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Linkage(name) | Self::Plain(name) => name,
        }
    }
}
