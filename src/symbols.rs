//! Names, files and lines of recorded addresses. Used when a profile is taken, never before.
//!
//! Each file is asked for all addresses in one go, and let go
//! then. Each address is looked up once in the life of the process; the data kept per address is
//! already in the form that profiles share.
//!
//! Code comes and goes with `dlopen` and `dlclose`, and files are replaced while they are mapped. A
//! name is believed only from a file of the build that is mapped. All that is kept is forgotten
//! when the loader says that something was unloaded, because other code may now stand at the same
//! address.

#[cfg(target_os = "linux")]
mod dwarf;
#[cfg(target_os = "linux")]
pub(crate) mod elf;
mod executor;
#[cfg(target_os = "linux")]
mod file;
#[cfg(not(target_os = "linux"))]
mod imp_backtrace;
mod own_frames;
mod path;
pub(crate) mod raw_frame;
mod start_up;
mod trim;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::engine::published::Published;
use crate::loader::{self, Objects};
use crate::profile::address;
use crate::profile::{Frame, Location, Mapping, Sample, Stack, Unread};
#[cfg(target_os = "linux")]
use elf as imp;
use executor::TaskLocations;
#[cfg(not(target_os = "linux"))]
use imp_backtrace as imp;
use raw_frame::RawFrame;
use trim::{Known, task_of, trimmed, without_start_up};

/// Guards everything that is known about addresses. Held while a profile is taken.
static CACHE: Published<Mutex<Cache>> = Published::new();

/// Places of interruption that are kept: of a thousand threads in a dump, or of a CPU profile.
const MAX_INTERRUPTED: usize = 4096;

#[derive(Debug, Default)]
struct Cache {
    /// By return address.
    known: HashMap<usize, Arc<Known>>,
    /// Where threads were interrupted. It can be at any instruction, so only so many are kept.
    interrupted: HashMap<usize, Arc<Known>>,
    strings: HashSet<Arc<str>>,
    of_tasks: TaskLocations,
    objects: Objects,
    files: imp::Files,
}

/// Turns stacks of addresses into stacks of locations, for one profile.
#[derive(Debug)]
pub(crate) struct Symbolizer {
    cache: MutexGuard<'static, Cache>,
    /// By address, what was looked up in one go for this profile.
    prepared: HashMap<u64, Vec<RawFrame>>,
    /// By return address, what has no name because none is wanted.
    nameless: HashMap<usize, Arc<Location>>,
}

pub(crate) fn symbolizer() -> Symbolizer {
    // A panic while the lock was held left at worst fewer addresses known.
    let cache = CACHE.get_or_publish(Mutex::default);
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.follow(loader::loaded());
    Symbolizer {
        cache,
        prepared: HashMap::new(),
        nameless: HashMap::new(),
    }
}

thread_local! {
    /// The lock of `CACHE`, while this thread forks.
    static HELD_FOR_FORK: RefCell<Option<MutexGuard<'static, Cache>>> = const { RefCell::new(None) };
}

/// Takes the cache along into the child, if no thread is at work on it. It does not wait for one
/// that is: to look up the names of a first profile can take a second. [`after_fork_in_parent`] and
/// [`after_fork_in_child`] must follow.
pub(crate) fn before_fork() {
    let cache = CACHE.get_or_publish(Mutex::default);
    let guard = match cache.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    // Fails in a thread that is ending, which then forks without.
    let _ = HELD_FOR_FORK.try_with(|held| held.replace(Some(guard)));
}

pub(crate) fn after_fork_in_parent() {
    let _ = HELD_FOR_FORK.try_with(RefCell::take);
}

pub(crate) fn after_fork_in_child() {
    let held = HELD_FOR_FORK.try_with(RefCell::take).ok().flatten();
    if held.is_none() {
        // Somebody was at work on it, who does not exist here. What was known is looked up again.
        CACHE.forget();
    }
}

/// Opens the files of the program and of its libraries, as long as they are those that are mapped;
/// once in the life of the process. Called when profiling is first switched on.
///
/// Waits for nobody: who is at work on names has opened them.
pub(crate) fn keep_files() {
    static ARE_KEPT: AtomicBool = AtomicBool::new(false);
    // Relaxed: the files are behind the lock. To open them twice would do no harm.
    if ARE_KEPT.swap(true, Ordering::Relaxed) {
        return;
    }
    let cache = CACHE.get_or_publish(Mutex::default);
    if let Ok(mut cache) = cache.try_lock() {
        cache.follow(loader::loaded());
    }
}

impl Symbolizer {
    /// The objects that are loaded now, the program first.
    pub(crate) fn mappings(&self) -> Arc<[Arc<Mapping>]> {
        Arc::clone(&self.cache.objects.mappings)
    }

    /// The stack with these return addresses, leaf first, without the profiler's own frames.
    pub(crate) fn stack(&mut self, addresses: Box<[usize]>) -> Stack {
        if let Some(between) = addresses.iter().position(|at| *at == address::BLOCKED_BY) {
            return self.pair(&addresses[..between], &addresses[between + 1..]);
        }
        if let [first, callers @ ..] = &*addresses
            && !callers.is_empty()
            && address::frame_name(*first).is_some()
        {
            // It is said of the stack behind it, which is shown as it is elsewhere.
            let said = Arc::clone(self.known(*first).location());
            let callers = self.stack(callers.into());
            let locations = std::iter::once(said).chain(callers.locations);
            return Stack::new(addresses.clone(), locations.collect(), false);
        }
        // Some unwinders end a stack with a return address of 0.
        let code = addresses.iter().filter(|address| **address > 1);
        let known: Vec<_> = code.map(|address| self.known(*address)).collect();
        let task = task_of(&known);
        let (locations, starts_in_wrapper) = match &task {
            Some((task, _)) => trimmed(task),
            None => trimmed(&known),
        };
        // In a stripped program the wrapper's method has no name, but stacks start there too.
        let is_nameless = |at: &Arc<Location>| !at.symbolized && at.address != 0;
        let starts_in_wrapper = starts_in_wrapper || locations.first().is_some_and(is_nameless);
        let Some((task, cut)) = task else {
            return Stack::new(addresses, locations, starts_in_wrapper);
        };
        let locations = self.cache.of_tasks.of(&locations, starts_in_wrapper);
        // A task is the same one wherever the executor has called it from.
        let shown = addresses.iter().take(task.len()).copied();
        // On another sort of thread it is another one. No address is that small.
        let addresses = shown.chain([cut.role as usize]).collect();
        Stack::new(addresses, locations, starts_in_wrapper).of_task_on(cut.role)
    }

    /// The stack with these return addresses, leaf first, as it was recorded: nothing is looked up,
    /// so the profiler's own frames and start-up code are on it, too.
    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    pub(crate) fn nameless_stack(&mut self, addresses: Box<[usize]>) -> Stack {
        let code = addresses.iter().filter(|address| **address > 1);
        let locations = code.map(|address| self.nameless(*address)).collect();
        Stack::new(addresses, locations, false)
    }

    fn nameless(&mut self, return_address: usize) -> Arc<Location> {
        if let Some(known) = self.nameless.get(&return_address) {
            return Arc::clone(known);
        }
        let location = Arc::new(self.location_of(return_address, Vec::new()));
        self.nameless.insert(return_address, Arc::clone(&location));
        location
    }

    /// The stack of a pair: each of its two stacks as it is shown elsewhere, and the frame between
    /// them.
    fn pair(&mut self, release: &[usize], waiter: &[usize]) -> Stack {
        let (release, waiter) = (self.stack(release.into()), self.stack(waiter.into()));
        let between = Arc::clone(self.known(address::BLOCKED_BY).location());
        let addresses = release.addresses.into_iter();
        let addresses = addresses
            .chain([address::BLOCKED_BY])
            .chain(waiter.addresses);
        let locations = release.locations.into_iter();
        let locations = locations.chain([between]).chain(waiter.locations);
        let is_tasks = release.is_tasks || waiter.is_tasks;
        let mut pair = Stack::new(
            addresses.collect(),
            locations.collect(),
            release.starts_in_wrapper,
        );
        (pair.role, pair.is_tasks) = (waiter.role, is_tasks);
        pair
    }

    /// The stack of a thread that was interrupted, leaf first, with nothing taken out but start-up
    /// code: a CPU profile shows the profiler's own cost, too. The first address is that of the
    /// interruption plus one.
    ///
    /// It ends before the first address that is no code's: such a walk may lead into data.
    #[allow(dead_code)] // Where CPU profiles are not built in.
    pub(crate) fn interrupted_stack(&mut self, addresses: &[usize]) -> Box<[Arc<Location>]> {
        let Some((leaf, callers)) = addresses.split_first() else {
            return Box::default();
        };
        let leaf = match self.cache.interrupted.get(leaf) {
            Some(known) => Arc::clone(known),
            None => {
                let known = Arc::new(Known::new(self.location(*leaf)));
                if self.cache.interrupted.len() >= MAX_INTERRUPTED {
                    self.cache.interrupted.clear();
                }
                self.cache.interrupted.insert(*leaf, Arc::clone(&known));
                known
            }
        };
        let is_code = |caller: &&usize| self.is_code(**caller);
        let code = callers.iter().take_while(is_code).count();
        let mut known = vec![leaf];
        known.extend(callers[..code].iter().map(|caller| self.known(*caller)));
        without_start_up(&known)
            .iter()
            .map(|known| Arc::clone(known.location()))
            .collect()
    }

    /// Looks up what is not known yet of these return addresses, file by file. Without it each
    /// address is looked up by itself, for which the file is read again.
    pub(crate) fn prepare(&mut self, return_addresses: impl IntoIterator<Item = usize>) {
        let mut wanted = BTreeMap::<u64, Vec<u64>>::new();
        for return_address in return_addresses {
            if return_address <= 1
                || address::frame_name(return_address).is_some()
                || self.cache.known.contains_key(&return_address)
                || self.cache.interrupted.contains_key(&return_address)
            {
                continue;
            }
            let address = address_of_call(return_address);
            if let Some(mapping) = self.cache.objects.mapping_of(address) {
                wanted.entry(mapping.start).or_default().push(address);
            }
        }
        for (start, mut addresses) in wanted {
            addresses.sort_unstable();
            addresses.dedup();
            let mapping = self.cache.objects.mapping_of(start).map(Arc::as_ref);
            let found = imp::look_up(&self.cache.files, mapping, &addresses);
            self.prepared.extend(addresses.into_iter().zip(found));
        }
    }

    /// The files with code on these stacks of which nothing can be read.
    pub(crate) fn unread(&self, samples: &[Sample]) -> Vec<Unread> {
        let mut files = HashSet::new();
        let locations = samples
            .iter()
            .flat_map(|sample| sample.stack.locations.iter());
        let nameless = locations.filter(|location| !location.symbolized);
        let mappings = nameless.filter_map(|location| location.mapping.as_deref());
        mappings
            .filter(|mapping| files.insert(&*mapping.file))
            .filter_map(|mapping| {
                let why = self.cache.files.why_unread(mapping)?;
                Some(Unread {
                    file: mapping.file.clone(),
                    why,
                })
            })
            .collect()
    }

    /// The name of the function that the instruction at `address` is of, inlined or not. Any
    /// address may be asked for, by anyone, so nothing of the answer is kept.
    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    pub(crate) fn name(&mut self, address: u64) -> Option<String> {
        let frames = self.look_up(address);
        let name = frames.into_iter().find_map(|frame| frame.name)?;
        Some(demangled(name.as_str()))
    }

    fn look_up(&mut self, address: u64) -> Vec<RawFrame> {
        if let Some(frames) = self.prepared.get(&address) {
            return frames.clone();
        }
        let mapping = self.cache.objects.mapping_of(address).map(Arc::as_ref);
        let found = imp::look_up(&self.cache.files, mapping, &[address]);
        found.into_iter().next().unwrap_or_default()
    }

    /// Where the system does not tell what is loaded, every address may be.
    fn is_code(&self, return_address: usize) -> bool {
        let objects = &self.cache.objects;
        let address = (return_address as u64).saturating_sub(1);
        objects.mappings.is_empty() || objects.mapping_of(address).is_some()
    }

    fn known(&mut self, return_address: usize) -> Arc<Known> {
        if let Some(known) = self.cache.known.get(&return_address) {
            return Arc::clone(known);
        }
        let known = Arc::new(Known::new(self.location(return_address)));
        self.cache.known.insert(return_address, Arc::clone(&known));
        known
    }

    fn location(&mut self, return_address: usize) -> Location {
        let found = match address::frame_name(return_address) {
            Some(_) => Vec::new(),
            None => self.look_up(address_of_call(return_address)),
        };
        self.location_of(return_address, found)
    }

    fn location_of(&mut self, return_address: usize, found: Vec<RawFrame>) -> Location {
        if let Some(name) = address::frame_name(return_address) {
            return Location {
                address: 0,
                mapping: None,
                frames: [self.cache.frame(name, None, 0)].into(),
                symbolized: true,
            };
        }
        let address = address_of_call(return_address);
        let mapping = self.cache.objects.mapping_of(address).cloned();
        let mut frames: Vec<_> = found
            .into_iter()
            .filter_map(|raw| self.cache.frame_of(raw, address))
            .collect();
        let symbolized = !frames.is_empty();
        if !symbolized {
            let name = name_of_address(address, mapping.as_deref());
            frames.push(self.cache.frame(&name, None, address));
        }
        Location {
            address,
            mapping,
            frames: frames.into(),
            symbolized,
        }
    }
}

impl Cache {
    /// Forgets what the loader's counts put in doubt.
    fn follow(&mut self, objects: Objects) {
        if objects.unloads != self.objects.unloads {
            self.known.clear();
            self.interrupted.clear();
            self.of_tasks.clear();
            self.strings.clear();
        } else if objects.loads != self.objects.loads {
            // There was no code here when it was looked up; now there may be.
            self.known.retain(|_, known| known.has_mapping());
            self.interrupted.retain(|_, known| known.has_mapping());
            self.of_tasks.clear();
        }
        self.files.follow(&objects);
        self.objects = objects;
    }

    /// `None`: it has no name.
    fn frame_of(&mut self, raw: RawFrame, address: u64) -> Option<Frame> {
        let name = raw.name?;
        let name = name.as_str();
        let mut frame = self.frame(&demangled(name), Some(name), address);
        frame.file = raw.file.map(|file| self.intern(&file));
        frame.line = raw.line;
        Some(frame)
    }

    fn frame(&mut self, function: &str, system_name: Option<&str>, address: u64) -> Frame {
        let differs = |name: &&str| !name.is_empty() && *name != function;
        Frame {
            function: self.intern(function),
            system_name: system_name.filter(differs).map(|name| self.intern(name)),
            file: None,
            line: None,
            address,
        }
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.strings.insert(Arc::clone(&new));
        new
    }
}

/// The address of the call, not of what comes after it, which may be another line or function.
fn address_of_call(return_address: usize) -> u64 {
    (return_address as u64).saturating_sub(1)
}

/// The name as the source has it, without the hash.
fn demangled(name: &str) -> String {
    format!("{:#}", backtrace::SymbolName::new(name.as_bytes()))
}

/// `0x7f12a4c01f2d (libshop.so+0x1f2d)`, with the address that tools want beside that file.
pub(crate) fn name_of_address(address: u64, mapping: Option<&Mapping>) -> String {
    let Some(mapping) = mapping else {
        return format!("{address:#x}");
    };
    let name = mapping.file.rsplit('/').next().unwrap_or_default();
    let within = address.wrapping_sub(mapping.bias);
    format!("{address:#x} ({name}+{within:#x})")
}

#[cfg(test)]
mod tests;
