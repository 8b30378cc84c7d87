//! From the shared memory to profiles, in the command: at any time, also after the program has
//! ended.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::glue::{self, Shown};
use super::hand_over;
use super::names::{Names, is_own_object};
use super::objects::{self, Seen};
use super::region::{Orders, Region};
use super::start::{self, Invitation};
use crate::engine::store::{Plan, StackTotals, Store};
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::labels::LabelSet;
use crate::profile::lost::Lost;
use crate::profile::{Location, Mapping, Profile, Sample, Stack};

/// Bytes of the stacks' table, of which only what is used is ever there.
const STORE_BYTES: usize = 64 << 20;

/// As the store of a program's own.
const MAX_SHARDS: usize = 16;

/// The kinds whose waits are the mutex profile's, as Go has it.
const LOCKS: [Kind; 4] = [
    Kind::MUTEX,
    Kind::RWLOCK_READ,
    Kind::RWLOCK_WRITE,
    Kind::ONCE,
];

/// The kind of the waits that an operation of this kind ends.
fn of_ended_wait(kind: Kind) -> Kind {
    match kind {
        Kind::CHAN_SEND => Kind::CHAN_RECV,
        Kind::CHAN_RECV => Kind::CHAN_SEND,
        kind => kind,
    }
}

/// Where a location is, and the functions that it shows.
type Shared = (Option<Arc<Mapping>>, u64, Vec<Arc<str>>);

/// The command's side of a recording.
pub(crate) struct Collector {
    orders: Orders,
    /// Those that were started, and have come to record.
    programs: Vec<Program>,
    way: Way,
    /// The first frames as they are shown, by where they are and what they say: so that stacks
    /// share them.
    shared: HashMap<Shared, Arc<Location>>,
}

/// How the memory and the programs come together.
enum Way {
    /// One program gets this file, which is open until it has it.
    Inherited(Option<OwnedFd>),
    /// All that are started from now on send theirs.
    Sent {
        invitation: Invitation,
        files: Receiver<OwnedFd>,
    },
}

/// One program, before and after its end.
struct Program {
    region: Region,
    store: Store,
    seen: Seen,
    names: Names,
}

impl Program {
    fn new(region: Region) -> Option<Self> {
        Some(Self {
            store: region.store(false)?,
            region,
            seen: Seen::default(),
            names: Names::default(),
        })
    }
}

impl Collector {
    /// For a program that is still to be started; with `children` also for those that it starts.
    pub(crate) fn new(orders: Orders, children: bool) -> io::Result<Self> {
        let (way, programs) = match children {
            true => {
                let (send, files) = mpsc::channel();
                let (name, word) = hand_over::listen(send)?;
                let invitation = Invitation { orders, word, name };
                (Way::Sent { invitation, files }, Vec::new())
            }
            false => {
                let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
                let shards = cores.next_power_of_two().min(MAX_SHARDS);
                let (region, file) = Region::create(orders, Plan::new(shards, STORE_BYTES))?;
                (
                    Way::Inherited(Some(file)),
                    Program::new(region).into_iter().collect(),
                )
            }
        };
        Ok(Self {
            orders,
            programs,
            way,
            shared: HashMap::new(),
        })
    }

    /// The variables that the program is to be started with, given the object to load.
    pub(crate) fn variables(&self, object: &Path) -> Vec<(&'static str, OsString)> {
        let mut preload = object.as_os_str().to_owned();
        if let Some(others) = std::env::var_os(start::PRELOAD).filter(|others| !others.is_empty()) {
            preload.push(":");
            preload.push(others);
        }
        let own = match &self.way {
            Way::Inherited(Some(file)) => (start::FILE, file.as_raw_fd().to_string().into()),
            Way::Inherited(None) => return Vec::new(),
            Way::Sent { invitation, .. } => (start::CHILDREN, invitation.to_string().into()),
        };
        vec![(start::PRELOAD, preload), own]
    }

    /// The program has been started, and has the memory.
    pub(crate) fn is_started(&mut self) {
        if let Way::Inherited(file) = &mut self.way {
            *file = None;
        }
    }

    /// Whether a program has come to record.
    pub(crate) fn has_begun(&self) -> bool {
        let mut programs = self.programs.iter();
        programs.any(|program| program.region.process().is_some())
    }

    /// Notes what is loaded now. To be called from time to time while the program runs, and at its
    /// end.
    pub(crate) fn look(&mut self) {
        if let Way::Sent { files, .. } = &self.way {
            let regions = files
                .try_iter()
                .filter_map(|file| Region::open_sent(file.as_raw_fd()).ok());
            self.programs.extend(regions.filter_map(Program::new));
        }
        for program in &mut self.programs {
            if let Some(process) = program.region.process() {
                program.seen.look(process);
            }
        }
    }

    /// The profiles of now.
    ///
    /// Names alone tell the subject of a wake-up: a futex may be a lock's word or a
    /// condition's. So all of them are recorded alike, those of locks become the mutex profile, and
    /// the others the wake profile.
    pub(crate) fn profiles(&mut self, lasting: Duration) -> Vec<Profile> {
        let (mut released, mut waited, mut woken) = (Vec::new(), Vec::new(), Vec::new());
        let mut programs = std::mem::take(&mut self.programs);
        for program in &mut programs {
            program.seen.add(objects::told(&program.region));
            program.names.set_mappings(program.seen.mappings());
            released.extend(self.samples(program, ProfileKind::Mutex));
            waited.extend(self.samples(program, ProfileKind::Block));
            woken.extend(self.samples(program, ProfileKind::Wake));
        }
        self.programs = programs;
        let is_of_lock = |sample: &Sample| LOCKS.contains(&sample.kind);
        let (released, others): (Vec<_>, Vec<_>) = released.into_iter().partition(is_of_lock);
        woken.extend(others.into_iter().map(|sample| Sample {
            kind: of_ended_wait(sample.kind),
            ..sample
        }));
        let mutex = self.profile(ProfileKind::Mutex, self.orders.fraction.into(), released);
        let block = self.profile(ProfileKind::Block, self.orders.rate, waited);
        let wake = self.profile(ProfileKind::Wake, self.orders.rate, woken);
        [mutex, block, wake]
            .map(|profile| profile.lasting(lasting))
            .into()
    }

    fn profile(&self, kind: ProfileKind, rate: u64, samples: Vec<Sample>) -> Profile {
        let losses = self.programs.iter().map(|program| program.region.lost());
        let lost = losses.fold(Lost::default(), Lost::plus);
        // In the order of the programs, of which the first is the one that was asked for.
        let mut mappings: Vec<Arc<Mapping>> = Vec::new();
        let mut known = HashSet::new();
        for mapping in self
            .programs
            .iter()
            .flat_map(|program| program.names.mappings())
        {
            if known.insert(mapping) {
                mappings.push(Arc::clone(mapping));
            }
        }
        let profile = Profile::of(kind, rate, 0, lost);
        profile.with_samples(samples, mappings.into())
    }

    fn samples(&mut self, program: &mut Program, which: ProfileKind) -> Vec<Sample> {
        let totals = program.store.snapshot(which);
        let stacks = totals.iter().map(|totals| &*totals.addresses);
        program.names.prepare(stacks.flatten().copied());
        totals
            .into_iter()
            .map(|totals| self.sample(&mut program.names, totals))
            .collect()
    }

    fn sample(&mut self, names: &mut Names, totals: StackTotals) -> Sample {
        let addresses = totals.addresses.iter().filter(|address| **address > 1);
        let code: Vec<_> = addresses.map(|address| names.location(*address)).collect();
        let is_ours = |location: &Location| {
            let mapping = location.mapping.as_deref();
            mapping.is_some_and(is_own_object)
        };
        let Shown {
            mut locations,
            starts_in_method,
            kind,
        } = glue::shown(&code, totals.tags.kind, is_ours);
        for location in &mut locations {
            self.share(location);
        }
        Sample {
            kind,
            labels: LabelSet::NONE,
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
        let names = frames.map(|frame| Arc::clone(&frame.function)).collect();
        let key = (location.mapping.clone(), location.address, names);
        *location = Arc::clone(
            self.shared
                .entry(key)
                .or_insert_with(|| Arc::clone(location)),
        );
    }
}
