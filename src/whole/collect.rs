//! From the shared memory to profiles, in the command: at any time, also after the program has ended.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::glue::{self, Shown};
use super::names::{Names, is_own_object};
use super::objects::{self, Seen};
use super::region::{Orders, Region};
use super::start;
use crate::engine::store::{StackTotals, Store};
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::{Location, Profile, Sample, Stack};

/// Bytes of the stacks' table, of which only what is used is ever there.
const STORE_BYTES: usize = 64 << 20;

/// The kinds whose waits are the mutex profile's, as Go has it.
const LOCKS: [Kind; 4] = [
    Kind::MUTEX,
    Kind::RWLOCK_READ,
    Kind::RWLOCK_WRITE,
    Kind::ONCE,
];

/// The command's side of a recording.
pub(crate) struct Collector {
    region: Region,
    store: Store,
    /// Open until the program has it.
    file: Option<OwnedFd>,
    orders: Orders,
    seen: Seen,
    names: Names,
    /// The first frames as they are shown, by where they are and what they say: so that stacks share them.
    shared: HashMap<(u64, Vec<Arc<str>>), Arc<Location>>,
}

impl Collector {
    /// Memory for a program that is still to be started.
    pub(crate) fn new(orders: Orders) -> io::Result<Self> {
        let (region, file) = Region::create(orders, STORE_BYTES)?;
        let store = region.store(false).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            region,
            store,
            file: Some(file),
            orders,
            seen: Seen::default(),
            names: Names::default(),
            shared: HashMap::new(),
        })
    }

    /// The variables that the program is to be started with, given the object to load.
    pub(crate) fn variables(&self, object: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
        let Some(file) = &self.file else {
            return Vec::new();
        };
        let mut preload = object.as_os_str().to_owned();
        if let Some(others) = std::env::var_os(start::PRELOAD).filter(|others| !others.is_empty()) {
            preload.push(":");
            preload.push(others);
        }
        vec![
            (start::PRELOAD, preload),
            (start::FILE, file.as_raw_fd().to_string().into()),
        ]
    }

    /// The program has been started, and has the memory.
    pub(crate) fn is_started(&mut self) {
        self.file = None;
    }

    /// Whether the program has come to record.
    pub(crate) fn has_begun(&self) -> bool {
        self.region.process().is_some()
    }

    /// Notes what is loaded now. To be called from time to time while the program runs.
    pub(crate) fn look(&mut self) {
        if let Some(process) = self.region.process() {
            self.seen.look(process);
        }
    }

    /// The mutex profile and the block profile of now.
    pub(crate) fn profiles(&mut self, lasting: Duration) -> Vec<Profile> {
        self.seen.add(objects::told(&self.region));
        self.names.set_mappings(self.seen.mappings());
        let released = self.samples(ProfileKind::Mutex);
        let waited = self.samples(ProfileKind::Block);
        let locks = released
            .into_iter()
            .filter(|sample| LOCKS.contains(&sample.kind));
        let mutex = self.profile(
            ProfileKind::Mutex,
            self.orders.fraction.into(),
            locks.collect(),
        );
        let block = self.profile(ProfileKind::Block, self.orders.rate, waited);
        [mutex, block]
            .map(|profile| profile.lasting(lasting))
            .into()
    }

    fn profile(&self, kind: ProfileKind, rate: u64, samples: Vec<Sample>) -> Profile {
        let profile = Profile::of(kind, rate, 0, self.region.lost());
        profile.with_samples(samples, self.names.mappings().into())
    }

    fn samples(&mut self, which: ProfileKind) -> Vec<Sample> {
        let totals = self.store.snapshot(which);
        totals
            .into_iter()
            .map(|totals| self.sample(totals))
            .collect()
    }

    fn sample(&mut self, totals: StackTotals) -> Sample {
        let addresses = totals.addresses.iter().filter(|address| **address > 1);
        let code: Vec<_> = addresses
            .map(|address| self.names.location(*address))
            .collect();
        let is_ours = |location: &Location| {
            let mapping = location.mapping.as_deref();
            mapping.is_some_and(is_own_object)
        };
        let Shown {
            mut locations,
            starts_in_method,
            kind,
        } = glue::shown(&code, totals.kind, is_ours);
        for location in &mut locations {
            self.share(location);
        }
        Sample {
            kind,
            contentions: totals.amount.contentions,
            delay_nanos: totals.amount.delay_nanos,
            variance: totals.amount.variance,
            stack: Arc::new(Stack::new(
                totals.addresses,
                locations.into(),
                starts_in_method,
            )),
        }
    }

    fn share(&mut self, location: &mut Arc<Location>) {
        let frames = location.frames.iter();
        let key = (
            location.address,
            frames.map(|frame| Arc::clone(&frame.function)).collect(),
        );
        *location = Arc::clone(
            self.shared
                .entry(key)
                .or_insert_with(|| Arc::clone(location)),
        );
    }
}
