//! Names where the system does not tell which files are mapped: whatever the `backtrace` crate
//! knows.

use std::ffi::c_void;

use super::raw_frame::{Name, RawFrame};
use crate::loader::Objects;
use crate::profile::Mapping;

/// The crate finds the files itself.
#[derive(Debug, Default)]
pub(super) struct Files;

impl Files {
    pub(super) fn follow(&mut self, _objects: &Objects) {}

    pub(super) fn why_unread(&self, _mapping: &Mapping) -> Option<String> {
        None
    }
}

/// The functions at each address, innermost first.
pub(super) fn look_up(
    _files: &Files,
    _mapping: Option<&Mapping>,
    addresses: &[u64],
) -> Vec<Vec<RawFrame>> {
    addresses.iter().map(|address| ask(*address)).collect()
}

fn ask(address: u64) -> Vec<RawFrame> {
    let mut frames = Vec::new();
    // NOTE: `resolve` wants a return address; it subtracts one itself.
    let Some(behind) = usize::try_from(address)
        .ok()
        .and_then(|at| at.checked_add(1))
    else {
        return frames;
    };
    backtrace::resolve(behind as *mut c_void, |symbol| {
        let Some(name) = symbol.name() else {
            return;
        };
        frames.push(RawFrame {
            name: name.as_str().map(|name| Name::Linkage(name.to_owned())),
            file: symbol
                .filename()
                .map(|file| file.to_string_lossy().into_owned()),
            // Line 0 is how debug information says that there is none.
            line: symbol.lineno().filter(|line| *line > 0),
        });
    });
    frames
}
