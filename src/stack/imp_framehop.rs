//! Walks with framehop, by the unwind tables of the loaded objects.
//!
//! framehop remembers the rule of each address that it has met, in a cache that one walk at a
//! time can use. There is a fixed number of them, made when profiling is turned on: a cache per
//! thread would have to be allocated and freed at the wrong moments. A walk tries the lock of a
//! few; if all are taken, or anything else is not as it should be, the system's unwinder walks.

use std::arch::asm;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::thread::available_parallelism;

use crossbeam_utils::CachePadded;
use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64};
use framehop::{FrameAddress, MustNotAllocateDuringUnwind, Unwinder};

use super::bounds::Bounds;
use super::loaded_objects::{LoadedObjects, Lookup};
use super::loader::{self, FindObject};
use super::{FrameFilter, Stack, imp_backtrace};
use crate::spin_lock::{SpinGuard, SpinLock};
use crate::thread_state;

/// Null until [`start`]; then one pool, which stays.
///
/// Stored once, with `Release`; the `Acquire` of a walk is its partner and sees the pool filled.
/// Not a `OnceLock`: a fork while it is being initialised would block the child for ever.
static POOL: AtomicPtr<Pool> = AtomicPtr::new(ptr::null_mut());

fn pool() -> Option<&'static Pool> {
    // SAFETY: null, or a leaked box, of which only shared references are made.
    unsafe { POOL.load(Ordering::Acquire).as_ref() }
}

pub(super) fn start() {
    if pool().is_some() {
        return;
    }
    let new = Box::into_raw(Box::new(Pool::new(FindObject::look_up())));
    let stored = POOL.compare_exchange(ptr::null_mut(), new, Ordering::Release, Ordering::Relaxed);
    if stored.is_err() {
        // SAFETY: another thread was first, so `new` was not published: it is still ours alone,
        // and came from `Box::into_raw` above.
        drop(unsafe { Box::from_raw(new) });
    }
}

pub(super) fn refresh() {
    if let Some(pool) = pool() {
        pool.refresh();
    }
}

/// Fills `stack` from the frame on that holds `marker`. False: that frame was not found.
pub(super) fn walk(marker: usize, bounds: Option<Bounds>, stack: &mut Stack) -> bool {
    if let (Some(pool), Some(bounds)) = (pool(), bounds)
        && pool.walk(marker, bounds, stack)
    {
        return true;
    }
    stack.clear();
    imp_backtrace::walk(marker, bounds, stack)
}

/// Slots that a walk tries. With four per core, the first is rarely taken.
const TRIES: usize = 4;
/// Tries of a refresh to get at one slot, which is held for a microsecond at a time. One that it
/// does not get keeps the old list, and is noticed by the next walk there.
const REFRESH_TRIES: usize = 10_000;

pub(super) struct Pool {
    slots: Box<[Slot]>,
    find_object: Option<FindObject>,
    /// Of the list made last. Relaxed, as the next: hints to a refresh, which carry no data.
    changes: AtomicU64,
    /// A walk met an object that is not as its list has it.
    is_outdated: AtomicBool,
}

/// TODO KB each, of which TODO are touched by walks.
type Slot = CachePadded<SpinLock<Walker>>;

/// What one walk uses.
pub(super) struct Walker {
    objects: Arc<LoadedObjects>,
    cache: CacheX86_64<MustNotAllocateDuringUnwind>,
}

impl Walker {
    /// With a cache that knows nothing: framehop tells the rules of an old list from those of a
    /// new one by a number of 16 bits, which wraps around in a program that loads much.
    fn new(objects: &Arc<LoadedObjects>) -> Self {
        Self {
            objects: Arc::clone(objects),
            cache: CacheX86_64::new_in(),
        }
    }
}

impl Pool {
    pub(super) fn new(find_object: Option<FindObject>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let objects = Arc::new(LoadedObjects::read(find_object));
        let slots = (0..(4 * cores).clamp(8, 64))
            .map(|_| CachePadded::new(SpinLock::new(Walker::new(&objects))))
            .collect();
        Self {
            slots,
            find_object,
            changes: AtomicU64::new(objects.changes),
            is_outdated: AtomicBool::new(false),
        }
    }

    pub(super) fn refresh(&self) {
        // Taken back before the list is read: what is noticed from now on is for the next time.
        let is_outdated = self.is_outdated.swap(false, Ordering::Relaxed);
        if is_outdated || self.changes.load(Ordering::Relaxed) != loader::changes() {
            self.read_again();
        }
    }

    pub(super) fn read_again(&self) {
        let objects = Arc::new(LoadedObjects::read(self.find_object));
        self.changes.store(objects.changes, Ordering::Relaxed);
        for slot in &self.slots {
            let mut walker = Walker::new(&objects);
            for _ in 0..REFRESH_TRIES {
                if let Some(mut held) = slot.try_lock() {
                    std::mem::swap(&mut *held, &mut walker);
                    break;
                }
                std::thread::yield_now();
            }
            // What is dropped here was replaced, or never used. The lock is open again: the
            // allocator is the user's, and may come back to us.
        }
    }

    #[cfg(test)]
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn claim(&self) -> Option<SpinGuard<'_, Walker>> {
        let home = thread_state::shard(self.slots.len());
        let from_home = self.slots.iter().cycle().skip(home);
        from_home.take(TRIES).find_map(|slot| slot.try_lock())
    }

    /// Fills `stack` as far as framehop can be trusted to know the way. False: not at all, or
    /// not everywhere; then what is in `stack` is void.
    #[inline(never)]
    pub(super) fn walk(&self, marker: usize, bounds: Bounds, stack: &mut Stack) -> bool {
        let Some(mut walker) = self.claim() else {
            return false;
        };
        let Walker { objects, cache } = &mut *walker;
        let mut known = KnownObjects::new(objects, &self.is_outdated);

        let (ip, sp, bp): (u64, u64, u64);
        // SAFETY: reads three registers and writes nothing but its outputs. The three belong
        // together: no instruction in between moves the stack pointer or the frame pointer.
        unsafe {
            asm!(
                "lea {ip}, [rip]",
                "mov {sp}, rsp",
                "mov {bp}, rbp",
                ip = out(reg) ip,
                sp = out(reg) sp,
                bp = out(reg) bp,
                options(nomem, nostack, preserves_flags),
            );
        }
        // This frame stays until the walk is over, as the walk is in this function: what lies
        // above `sp` keeps its place.
        let mut regs = UnwindRegsX86_64::new(ip, sp, bp);
        let mut read_stack = |address| read_stack(address, sp..bounds.end() as u64);
        let mut filter = FrameFilter::new(marker);
        let mut frame = FrameAddress::from_instruction_pointer(ip);
        loop {
            if !known.contain(frame.address_for_lookup() as usize) {
                return false;
            }
            let caller = objects
                .unwinder
                .unwind_frame(frame, &mut regs, cache, &mut read_stack);
            let address = frame.address() as usize;
            let Some(caller) = caller
                .ok()
                .flatten()
                .and_then(FrameAddress::from_return_address)
            else {
                // The outermost frame; or one that the tables do not lead out of, and its
                // callers are missing.
                filter.take_last(address, stack);
                break;
            };
            // The stack pointer is the caller's by now: here the frame ends.
            if !filter.take(address, regs.sp() as usize, stack) {
                break;
            }
            frame = caller;
        }
        filter.passed
    }
}

/// One word of this thread's stack, if it is one.
#[inline]
fn read_stack(address: u64, stack: Range<u64>) -> Result<u64, ()> {
    const WORD_BYTES: u64 = size_of::<u64>() as u64;
    let is_inside = address >= stack.start && address <= stack.end.saturating_sub(WORD_BYTES);
    if !is_inside || !address.is_multiple_of(WORD_BYTES) {
        return Err(());
    }
    // SAFETY: aligned, and between this thread's stack pointer and the end of its stack: mapped
    // and readable as long as the thread runs. Volatile, because the compiler knows of no object
    // there: it is where calls keep return addresses and saved registers, which no other thread
    // writes to.
    Ok(unsafe { ptr::with_exposed_provenance::<u64>(address as usize).read_volatile() })
}

/// The objects that a walk has met so far and found current.
///
/// Nearly all frames of a stack are in one or two objects. framehop must not be asked about any
/// other address: it would guess a frame pointer.
struct KnownObjects<'a> {
    objects: &'a LoadedObjects,
    is_outdated: &'a AtomicBool,
    /// The latest one first.
    ranges: [Range<usize>; 2],
}

impl<'a> KnownObjects<'a> {
    fn new(objects: &'a LoadedObjects, is_outdated: &'a AtomicBool) -> Self {
        Self {
            objects,
            is_outdated,
            ranges: [0..0, 0..0],
        }
    }

    /// `address`, found on the stack, is in an object whose tables can be read.
    #[inline]
    fn contain(&mut self, address: usize) -> bool {
        let [latest, other] = &self.ranges;
        latest.contains(&address) || other.contains(&address) || self.look_up(address)
    }

    fn look_up(&mut self, address: usize) -> bool {
        match self.objects.look_up(address) {
            Lookup::Current(range) => {
                self.ranges.swap(0, 1);
                self.ranges[0] = range;
                true
            }
            Lookup::Changed => {
                self.is_outdated.store(true, Ordering::Relaxed);
                false
            }
            Lookup::NoObject => false,
        }
    }
}
