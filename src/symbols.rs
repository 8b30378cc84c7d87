//! Names, files and lines of recorded addresses. Used when a profile is taken, never before.
//!
//! A look-up takes microseconds (the first one of a process some 70 ms, to read the debug
//! information), so each address is looked up once in the life of the process. The data kept per
//! address is already in the form that profiles share.
//!
//! Code comes and goes with `dlopen` and `dlclose`, and `backtrace` does not notice: it reads
//! the list of libraries once. So a name of its is believed only for an object that was loaded
//! then and still is, and only if the file at its path is still the same build: after a deploy
//! another one stands there. For others the symbol table in the file is read. All that is kept is
//! forgotten when the loader says that something was unloaded, because other code may now
//! stand at the same address.

pub(crate) mod elf;
mod own_frames;
mod path;
mod trim;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::engine::published::Published;
use crate::loader::{self, Objects};
use crate::profile::address;
use crate::profile::{Frame, Location, Mapping, Stack};
use elf::Functions;
use trim::{Known, trimmed, without_start_up};

/// Guards everything that is known about addresses. Held while a profile is taken; `backtrace`
/// takes its own lock inside.
static CACHE: Published<Mutex<Cache>> = Published::new();

/// Whether `backtrace` must not be asked, as a fork may have come while another thread was in it: its
/// lock is not opened in the child.
///
/// Written in a fork's hook, when the child has one thread.
static IS_BACKTRACE_LOST: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Default)]
struct Cache {
    /// By return address.
    known: HashMap<usize, Arc<Known>>,
    strings: HashSet<Arc<str>>,
    objects: Objects,
    /// The objects that were loaded when `backtrace` first was asked, or a little before.
    first_objects: Option<Objects>,
    /// Whether `backtrace` has asked the loader, which it does once.
    is_backtrace_ready: bool,
    /// Whether a mapping's file is still the one that is mapped: `backtrace` opens what stands at its
    /// path. Asked for once.
    is_same_file: HashMap<Arc<Mapping>, bool>,
}

/// Turns stacks of addresses into stacks of locations, for one profile.
#[derive(Debug)]
pub(crate) struct Symbolizer {
    cache: MutexGuard<'static, Cache>,
    /// Symbol tables of objects that were loaded late, by file. Read once per profile.
    late: HashMap<Arc<Mapping>, Option<Functions>>,
    /// Where threads were interrupted. It can be at any instruction, so these are not kept for the
    /// life of the process.
    interrupted: HashMap<usize, Arc<Known>>,
}

pub(crate) fn symbolizer() -> Symbolizer {
    // A panic while the lock was held left at worst fewer addresses known.
    let cache = CACHE.get_or_publish(Mutex::default);
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.follow(loader::loaded());
    Symbolizer {
        cache,
        late: HashMap::new(),
        interrupted: HashMap::new(),
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
    let mut guard = match cache.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    // In the child it would be too late. Once in the life of a process.
    if !guard.is_backtrace_ready {
        guard.follow(loader::loaded());
    }
    // Fails in a thread that is ending, which then forks without.
    let _ = HELD_FOR_FORK.try_with(|held| held.replace(Some(guard)));
}

pub(crate) fn after_fork_in_parent() {
    let _ = HELD_FOR_FORK.try_with(RefCell::take);
}

pub(crate) fn after_fork_in_child() {
    let held = HELD_FOR_FORK.try_with(RefCell::take).ok().flatten();
    let knows_backtrace = held.is_some_and(|cache| cache.is_backtrace_ready);
    if !knows_backtrace {
        // Somebody was at work on it, in `backtrace` perhaps, who does not exist here. Names then come
        // from the symbol tables alone, and what was known is looked up again.
        CACHE.forget();
        IS_BACKTRACE_LOST.store(true, Ordering::Relaxed);
    }
}

impl Symbolizer {
    /// The objects that are loaded now, the program first.
    pub(crate) fn mappings(&self) -> Arc<[Arc<Mapping>]> {
        Arc::clone(&self.cache.objects.mappings)
    }

    /// The stack with these return addresses, leaf first, without the profiler's own frames.
    pub(crate) fn stack(&mut self, addresses: Box<[usize]>) -> Stack {
        if let [first, callers @ ..] = &*addresses
            && !callers.is_empty()
            && address::stand_in(*first).is_some()
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
        let (locations, starts_in_wrapper) = trimmed(&known);
        // In a stripped program the wrapper's method has no name, but stacks start there too.
        let is_nameless = |at: &Arc<Location>| !at.symbolized && at.address != 0;
        let starts_in_wrapper = starts_in_wrapper || locations.first().is_some_and(is_nameless);
        Stack::new(addresses, locations, starts_in_wrapper)
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
        let leaf = match self.interrupted.get(leaf) {
            Some(known) => Arc::clone(known),
            None => {
                let known = Arc::new(Known::new(self.location(*leaf)));
                self.interrupted.insert(*leaf, Arc::clone(&known));
                known
            }
        };
        let is_code = |caller: &&usize| self.is_code(**caller);
        let code = callers.iter().take_while(is_code).count();
        let mut known = vec![leaf];
        known.extend(callers[..code].iter().map(|caller| self.known(*caller)));
        let locations = without_start_up(&known).iter();
        locations
            .map(|known| Arc::clone(known.location()))
            .collect()
    }

    /// The name of the function that the instruction at `address` is of, inlined or not. Any
    /// address may be asked for, by anyone, so nothing of the answer is kept.
    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    pub(crate) fn name(&mut self, address: u64) -> Option<String> {
        let mapping = self.cache.objects.mapping_of(address).cloned();
        let mut name = None;
        if self.cache.is_known_to_backtrace(mapping.as_ref()) {
            let behind = usize::try_from(address).ok()?.checked_add(1)?;
            // Innermost first.
            backtrace::resolve(behind as *mut c_void, |symbol| {
                name = name
                    .take()
                    .or_else(|| symbol.name().map(|found| format!("{found:#}")));
            });
        }
        name.or_else(|| {
            let symbol = self.late_name(mapping.as_ref()?, address)?;
            Some(format!(
                "{:#}",
                backtrace::SymbolName::new(symbol.as_bytes())
            ))
        })
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
        if let Some(frame) = address::stand_in(return_address) {
            return Location {
                address: 0,
                mapping: None,
                frames: [self.cache.frame(frame.name, None, 0)].into(),
                symbolized: true,
            };
        }
        // The address of the call, not of what comes after it, which may be another line or
        // function.
        let address = (return_address as u64).saturating_sub(1);
        let mapping = self.cache.objects.mapping_of(address).cloned();
        let mut frames = Vec::new();
        if self.cache.is_known_to_backtrace(mapping.as_ref()) {
            frames = self.cache.ask_backtrace(return_address);
        }
        if frames.is_empty() {
            let name = mapping
                .as_ref()
                .and_then(|mapping| self.late_name(mapping, address));
            frames.extend(name.map(|name| self.cache.frame_of_symbol(&name, address)));
        }
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

    fn late_name(&mut self, mapping: &Arc<Mapping>, address: u64) -> Option<String> {
        let functions = self
            .late
            .entry(Arc::clone(mapping))
            .or_insert_with(|| Functions::of(mapping));
        let name = functions
            .as_ref()?
            .name_at(address.wrapping_sub(mapping.bias))?;
        Some(name.to_owned())
    }
}

impl Cache {
    /// Forgets what the loader's counts put in doubt.
    fn follow(&mut self, objects: Objects) {
        if objects.unloads != self.objects.unloads {
            self.known.clear();
            self.strings.clear();
        } else if objects.loads != self.objects.loads {
            // There was no code here when it was looked up; now there may be.
            self.known.retain(|_, known| known.has_mapping());
        }
        self.first_objects.get_or_insert_with(|| objects.clone());
        self.objects = objects;
        if !self.is_backtrace_ready && !IS_BACKTRACE_LOST.load(Ordering::Relaxed) {
            self.is_backtrace_ready = make_backtrace_ready();
        }
    }

    /// Where the system does not tell what is loaded, all answers are believed.
    fn is_known_to_backtrace(&mut self, mapping: Option<&Arc<Mapping>>) -> bool {
        let Some(first) = self
            .first_objects
            .as_ref()
            .filter(|_| self.is_backtrace_ready)
        else {
            return false;
        };
        let Some(mapping) = mapping else {
            return self.objects.mappings.is_empty();
        };
        if !first.mappings.contains(mapping) {
            return false;
        }
        let known = self.is_same_file.get(mapping).copied();
        known.unwrap_or_else(|| {
            let is_same = elf::is_same_file(mapping);
            self.is_same_file.insert(Arc::clone(mapping), is_same);
            is_same
        })
    }

    /// Innermost first. Empty if nothing is known.
    fn ask_backtrace(&mut self, return_address: usize) -> Vec<Frame> {
        let mut frames = Vec::new();
        let address = (return_address as u64).saturating_sub(1);
        // NOTE: `resolve` wants the return address; it subtracts one itself.
        backtrace::resolve(return_address as *mut c_void, |symbol| {
            let Some(name) = symbol.name() else {
                return;
            };
            let system_name = name.as_str().unwrap_or_default();
            let mut frame = self.frame(&format!("{name:#}"), Some(system_name), address);
            let file = symbol.filename().map(|file| file.to_string_lossy());
            frame.file = file.map(|file| self.intern(&file));
            // Line 0 is how debug information says that there is none.
            frame.line = symbol.lineno().filter(|line| *line > 0);
            frames.push(frame);
        });
        frames
    }

    fn frame_of_symbol(&mut self, symbol: &str, address: u64) -> Frame {
        let name = backtrace::SymbolName::new(symbol.as_bytes());
        self.frame(&format!("{name:#}"), Some(symbol), address)
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

/// Lets `backtrace` ask the loader what is loaded, at a moment when a fork waits for that. An address
/// that is no code's makes it do that and nothing else.
fn make_backtrace_ready() -> bool {
    let ask = || backtrace::resolve(std::ptr::without_provenance_mut(1), |_| ());
    #[cfg(target_os = "linux")]
    return loader::list::while_asked(ask);
    #[cfg(not(target_os = "linux"))]
    {
        ask();
        true
    }
}

/// `0x7f12a4c01f2d (libshop.so+0x1f2d)`, with the address that tools want beside that file.
fn name_of_address(address: u64, mapping: Option<&Mapping>) -> String {
    let Some(mapping) = mapping else {
        return format!("{address:#x}");
    };
    let name = mapping.file.rsplit('/').next().unwrap_or_default();
    let within = address.wrapping_sub(mapping.bias);
    format!("{address:#x} ({name}+{within:#x})")
}

#[cfg(test)]
mod tests;
