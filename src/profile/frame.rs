//! The parts of a stack: frames with names, locations that share them, mapped objects.

use std::sync::Arc;

/// One function on a [`Sample`](crate::Sample)'s stack.
///
/// An inlined call is a frame of its own: several frames then have the same
/// [`address`](Frame::address).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub(crate) function: Arc<str>,
    /// The symbol as the linker knows it, where it differs from `function`.
    pub(crate) system_name: Option<Arc<str>>,
    pub(crate) file: Option<Arc<str>>,
    pub(crate) line: Option<u32>,
    pub(crate) address: u64,
}

impl Frame {
    /// The function's full path without the compiler's hash, as `shop::cart::Cart<T>::add`.
    ///
    /// Where the program carries no name for the address, this is the address itself and the
    /// object that it lies in, as `0x7f12a4c01f2d (libshop.so+0x1f2d)`. Anything that was lost or
    /// not seen stands under `contend::overflow`, `contend::unattributed` or `contend::no_stack`.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The source file, where the program carries debug information.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line of the call within [`file`](Frame::file), counted from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The address of the call: one less than the return address. 0 for a frame that stands
    /// for no code, such as `contend::overflow`.
    pub fn address(&self) -> u64 {
        self.address
    }
}

/// One call address with the frames that the compiler put there; shared by all samples.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The address of the call: one less than the return address. 0: stands for no code.
    pub(crate) address: u64,
    pub(crate) mapping: Option<Arc<Mapping>>,
    /// Innermost first. Never empty, so that every location can be shown.
    pub(crate) frames: Box<[Frame]>,
    /// False: the only frame is a stand-in made of the address.
    pub(crate) symbolized: bool,
}

/// A piece of a program or library that is mapped as code.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) limit: u64,
    /// Where `start` lies in the file.
    pub(crate) file_offset: u64,
    /// Subtracted from an address, it gives the one that the file itself speaks of.
    pub(crate) bias: u64,
    pub(crate) file: Box<str>,
    /// In hexadecimal; empty where the object has none.
    pub(crate) build_id: Box<str>,
}

#[cfg(any(feature = "profiling", test))]
impl Mapping {
    pub(crate) fn contains(&self, address: u64) -> bool {
        (self.start..self.limit).contains(&address)
    }
}
