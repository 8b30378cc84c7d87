//! The memory that the command and the program share: the store, what is loaded, and the orders.
//!
//! The command makes it before the program starts, and hands it over as a file without a name. All
//! that the program records goes there at once, so it is there however the program ends; names are
//! looked up by the command, in its own time.
//!
//! ```text
//!   header: magic, layout, orders, counts    one page of words
//!   objects: lines of text                   what is loaded, appended to
//!   store                                    see `engine::store`
//! ```

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::lost;
use crate::engine::store::{Plan, Store};
use crate::profile::lost::Lost;

/// Words of the header. Each has one writer, named here.
mod word {
    use super::lost;

    /// The command, before the program starts: all up to `IO`.
    pub(super) const MAGIC: usize = 0;
    pub(super) const SHARDS: usize = 1;
    pub(super) const ARENA_WORDS: usize = 2;
    pub(super) const FRACTION: usize = 3;
    pub(super) const RATE: usize = 4;
    pub(super) const IO: usize = 5;
    /// The program's constructor: its process, when it records.
    pub(super) const PROCESS: usize = 8;
    /// The program: bytes of the objects that are whole.
    pub(super) const OBJECTS_LEN: usize = 9;
    /// The program: see `lost`.
    pub(super) const LOST: usize = 16;
    pub(super) const LOST_END: usize = LOST + lost::CAUSES;
}

const HEADER_WORDS: usize = 512;
const OBJECTS_WORDS: usize = 1 << 17;
const OBJECTS_BYTES: usize = OBJECTS_WORDS * size_of::<u64>();
const STORE_AT: usize = HEADER_WORDS + OBJECTS_WORDS;
const _: () = assert!(word::LOST_END <= HEADER_WORDS);

/// Says that both sides are the same build of this: the command and the object are installed
/// together, but one of them may be left from before.
const MAGIC: u64 = {
    let text = concat!(env!("CARGO_PKG_VERSION"), " 2").as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < text.len() {
        hash = (hash ^ text[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    hash
};

/// The length stays as it is: to read beyond the end of a file kills who does it.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// The memory of a program that another one starts. Small, as there may be hundreds of them.
pub(super) fn plan_of_children() -> Plan {
    Plan::new(2, 8 << 20)
}

/// The events to record, and how many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    /// One contention in so many is recorded; 0: none.
    pub(crate) fraction: u32,
    /// One wait per so many nanoseconds of waiting; 0: none.
    pub(crate) rate: u64,
    /// Also waits for pipes and sockets.
    pub(crate) io: bool,
}

/// The memory, mapped for the life of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    words: &'static [AtomicU64],
    plan: Plan,
}

impl Region {
    /// New memory, for a store of this plan, and the file to hand over.
    pub(crate) fn create(orders: Orders, plan: Plan) -> io::Result<(Self, OwnedFd)> {
        let words = plan.words().and_then(|words| words.checked_add(STORE_AT));
        let words = words.ok_or(io::ErrorKind::InvalidInput)?;
        // Open over `exec`, for the program.
        // SAFETY: the name is a string of C's; the call makes a file.
        let fd = unsafe { libc::memfd_create(c"contend".as_ptr(), libc::MFD_ALLOW_SEALING) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the file was just made, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let file = File::from(fd);
        file.set_len((words * size_of::<u64>()) as u64)?;
        // SAFETY: forbids what would change the length of our own file.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let region = Self {
            words: map(file.as_raw_fd(), words)?,
            plan,
        };
        region.set(word::SHARDS, plan.shards as u64);
        region.set(word::ARENA_WORDS, plan.arena_words as u64);
        region.set(word::FRACTION, orders.fraction.into());
        region.set(word::RATE, orders.rate);
        region.set(word::IO, orders.io.into());
        region.set(word::MAGIC, MAGIC);
        // Filled here, so that it is whole also for a program that never comes to its constructor.
        region.store(true).ok_or(io::ErrorKind::InvalidInput)?;
        Ok((region, file.into()))
    }

    /// As [`open`](Self::open), of a program that was invited. Nobody else vouches for it: so its
    /// memory is no larger than that of all who are invited.
    pub(crate) fn open_sent(fd: RawFd) -> io::Result<Self> {
        let region = Self::open(fd)?;
        match region.plan == plan_of_children() {
            true => Ok(region),
            false => Err(io::Error::other("it is larger than it was to be")),
        }
    }

    /// The memory behind this file, as another process made it.
    pub(crate) fn open(fd: RawFd) -> io::Result<Self> {
        // SAFETY: asks for a number. A file that has no seals is an error and nothing else.
        let seals = unsafe { libc::fcntl(fd, libc::F_GET_SEALS) };
        if seals < 0 || seals & SEALS != SEALS {
            return Err(io::Error::other("its length is not sealed"));
        }
        // SAFETY: zeros are a value of each of its fields.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: the result goes to a live local.
        if unsafe { libc::fstat(fd, &mut stat) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let words = usize::try_from(stat.st_size).unwrap_or_default() / size_of::<u64>();
        let foreign = || io::Error::other("it is of another version of contend");
        if words < STORE_AT {
            return Err(foreign());
        }
        let mapped = map(fd, words)?;
        let get = |word: usize| mapped[word].load(Ordering::Relaxed);
        let plan = Plan {
            shards: get(word::SHARDS) as usize,
            arena_words: get(word::ARENA_WORDS) as usize,
        };
        let fits = plan.words().and_then(|needed| needed.checked_add(STORE_AT)) == Some(words);
        match get(word::MAGIC) == MAGIC && fits {
            true => Ok(Self {
                words: mapped,
                plan,
            }),
            false => Err(foreign()),
        }
    }

    fn get(&self, word: usize) -> u64 {
        self.words[word].load(Ordering::Relaxed)
    }

    fn set(&self, word: usize, value: u64) {
        self.words[word].store(value, Ordering::Relaxed);
    }

    pub(crate) fn orders(&self) -> Orders {
        Orders {
            fraction: u32::try_from(self.get(word::FRACTION)).unwrap_or(u32::MAX),
            rate: self.get(word::RATE),
            io: self.get(word::IO) != 0,
        }
    }

    /// The store in this memory.
    pub(crate) fn store(&self, is_new: bool) -> Option<Store> {
        Store::shared(self.plan, &self.words[STORE_AT..], is_new)
    }

    fn lost_counts(&self) -> &'static [AtomicU64; lost::CAUSES] {
        let counts = &self.words[word::LOST..word::LOST_END];
        counts.try_into().expect("the range has that length")
    }

    /// Counts losses here from now on.
    pub(crate) fn count_losses(&self) {
        lost::count_in(self.lost_counts());
    }

    pub(crate) fn lost(&self) -> Lost {
        lost::read(self.lost_counts())
    }

    /// The process that records here. `None`: there never was one.
    pub(crate) fn process(&self) -> Option<u32> {
        let process = u32::try_from(self.get(word::PROCESS)).ok()?;
        (process != 0).then_some(process)
    }

    pub(crate) fn set_process(&self, process: u32) {
        self.set(word::PROCESS, process.into());
    }

    /// Appends to the objects, all of it or nothing. One thread at a time.
    pub(crate) fn append_objects(&self, text: &str) {
        let start = self.get(word::OBJECTS_LEN) as usize;
        if text.len() > OBJECTS_BYTES.saturating_sub(start) {
            return;
        }
        let base = self.words[HEADER_WORDS..].as_ptr().cast_mut().cast::<u8>();
        // SAFETY: the bytes from `start` on are within the objects' part of the mapping, and no
        // reader looks at them before the length below says that they are whole.
        unsafe { ptr::copy_nonoverlapping(text.as_ptr(), base.add(start), text.len()) };
        // Release: who sees the length sees the bytes.
        self.words[word::OBJECTS_LEN].store((start + text.len()) as u64, Ordering::Release);
    }

    /// The objects that were appended so far.
    pub(crate) fn objects(&self) -> String {
        // Acquire: see `append_objects`.
        let len = self.words[word::OBJECTS_LEN].load(Ordering::Acquire) as usize;
        let words = &self.words[HEADER_WORDS..STORE_AT];
        let bytes = words
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes: Vec<u8> = bytes.take(len).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn map(fd: RawFd, words: usize) -> io::Result<&'static [AtomicU64]> {
    let len = words * size_of::<u64>();
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address that the system chooses touches nothing of ours.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, access, libc::MAP_SHARED, fd, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping has these words, is never unmapped, and begins at a page; any bits are a
    // valid word, and all who have it change it by atomic operations only, but for the bytes of
    // objects, which are written before they are published. The file is sealed against being made
    // shorter, which `create` has done and `open` has checked.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), words) })
}
