//! Names, files and lines of another program's addresses, from the files that it has loaded.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::profile::address;
use crate::profile::{Frame, Location, Mapping};
use crate::symbols::elf::{self, Files};
use crate::symbols::name_of_address;
use crate::symbols::raw_frame::RawFrame;
use crate::text::demangle::readable;

/// The names of a program's addresses.
#[derive(Default)]
pub(super) struct Names {
    mappings: Vec<Arc<Mapping>>,
    known: HashMap<usize, Arc<Location>>,
}

impl Names {
    /// Replaces the list of loaded objects.
    pub(super) fn set_mappings(&mut self, mappings: Vec<Arc<Mapping>>) {
        if self.mappings != mappings {
            // There was no code here when it was looked up; now there may be.
            self.known.retain(|_, location| location.mapping.is_some());
            self.mappings = mappings;
        }
    }

    pub(super) fn mappings(&self) -> &[Arc<Mapping>] {
        &self.mappings
    }

    /// Looks up what is not known yet of these return addresses, file by file.
    pub(super) fn prepare(&mut self, return_addresses: impl IntoIterator<Item = usize>) {
        // By the place of the mapping in the list.
        let mut wanted = BTreeMap::<usize, Vec<usize>>::new();
        for return_address in return_addresses {
            if !self.known.contains_key(&return_address)
                && address::stand_in(return_address).is_none()
                && let Some(mapping) = self.mapping_of(address_of_call(return_address))
            {
                wanted.entry(mapping).or_default().push(return_address);
            }
        }
        for (mapping, mut return_addresses) in wanted {
            return_addresses.sort_unstable();
            return_addresses.dedup();
            let mapping = Arc::clone(&self.mappings[mapping]);
            let calls: Vec<_> = return_addresses
                .iter()
                .copied()
                .map(address_of_call)
                .collect();
            // They are another program's: none is kept open.
            let files = Files::default();
            let found = match is_own_object(&mapping) {
                // Its exported names are shown, and no more.
                true => elf::look_up_symbols(&files, &mapping, &calls),
                false => elf::look_up(&files, Some(&mapping), &calls),
            };
            for (return_address, frames) in return_addresses.into_iter().zip(found) {
                let location = location(return_address, Some(Arc::clone(&mapping)), frames);
                self.known.insert(return_address, Arc::new(location));
            }
        }
    }

    /// The latest first: where something was unloaded, another object may stand there now.
    fn mapping_of(&self, address: u64) -> Option<usize> {
        self.mappings
            .iter()
            .rposition(|mapping| mapping.contains(address))
    }

    /// The location of an address that was prepared.
    pub(super) fn location(&mut self, return_address: usize) -> Arc<Location> {
        let known = self.known.entry(return_address);
        let new = || Arc::new(location(return_address, None, Vec::new()));
        Arc::clone(known.or_insert_with(new))
    }
}

/// The address of the call, not of what comes after it, which may be another function.
fn address_of_call(return_address: usize) -> u64 {
    (return_address as u64).saturating_sub(1)
}

fn location(
    return_address: usize,
    mapping: Option<Arc<Mapping>>,
    found: Vec<RawFrame>,
) -> Location {
    if let Some(stand_in) = address::stand_in(return_address) {
        return Location {
            address: 0,
            mapping: None,
            frames: [frame(stand_in.name, 0)].into(),
            symbolized: true,
        };
    }
    let address = address_of_call(return_address);
    let mut frames: Vec<Frame> = found
        .into_iter()
        .filter_map(|raw| {
            let symbol = raw.name?;
            let name = shown(symbol.as_str());
            Some(Frame {
                system_name: (*name != *symbol.as_str()).then(|| symbol.as_str().into()),
                file: raw.file.map(Into::into),
                line: raw.line,
                ..frame(&name, address)
            })
        })
        .collect();
    let symbolized = !frames.is_empty();
    if !symbolized {
        let name = name_of_address(address, mapping.as_deref());
        frames.push(frame(&name, address));
    }
    Location {
        address,
        mapping,
        frames: frames.into(),
        symbolized,
    }
}

/// Whether it is the object that was loaded into the program for us.
pub(super) fn is_own_object(mapping: &Mapping) -> bool {
    mapping.file.ends_with("/contend-preload")
}

fn shown(symbol: &str) -> Cow<'_, str> {
    // Versions of the C library's: `pthread_join@@GLIBC_2.34`.
    let symbol = symbol.split_once('@').map_or(symbol, |(name, _)| name);
    readable(symbol).map_or(Cow::Borrowed(symbol), Cow::Owned)
}

fn frame(function: &str, address: u64) -> Frame {
    Frame {
        function: function.into(),
        system_name: None,
        file: None,
        line: None,
        address,
    }
}
