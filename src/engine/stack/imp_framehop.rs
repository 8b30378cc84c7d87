//! Walks by the unwind tables of the loaded objects, which framehop reads.
//!
//! Nearly every frame is at an address met before: its rule is in a table that all threads share
//! (`unwind_rules`), and a walk takes no lock. A new address is looked up with framehop, by one of
//! a few *readers* made when profiling is turned on, each behind a lock that is tried and not
//! waited for. If none is free, or anything else is not as it should be, the system's unwinder
//! walks instead.

use std::arch::asm;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use framehop::x86_64::CacheX86_64;
use framehop::{FrameAddress, MustNotAllocateDuringUnwind};

use super::bounds::Bounds;
use super::loaded_objects::{Identified, Inquiry, LoadedObjects};
use super::unwind_rules::{self, Registers, Rule, Rules};
use super::{FrameFilter, Stack, headless, imp_backtrace};
use crate::engine::published::Published;
use crate::engine::spin_lock::{SpinGuard, SpinLock};
use crate::loader::find_object::FindObject;
use crate::loader::list;

/// Made by [`start`].
static POOL: Published<Pool> = Published::new();

pub(super) fn pool() -> Option<&'static Pool> {
    POOL.get()
}

pub(super) fn start() {
    headless::start();
    POOL.get_or_publish(|| Pool::new(FindObject::look_up()));
}

pub(super) fn refresh() {
    if let Some(pool) = POOL.get() {
        pool.refresh();
    }
}

/// Fills `stack` from the frame on that holds `marker`. False: that frame was not found.
pub(super) fn walk(marker: usize, bounds: Option<Bounds>, stack: &mut Stack) -> bool {
    if let (Some(pool), Some(bounds)) = (POOL.get(), bounds)
        && pool.walk(marker, bounds, stack)
    {
        return true;
    }
    stack.clear();
    imp_backtrace::walk(marker, bounds, stack)
}

/// Two would do: an address is looked up in 0.3 µs, once. More, because a holder may be preempted,
/// or have been left behind by a fork. Each takes 33 KB.
const READERS: usize = 8;
/// Tries of a refresh to get at one reader. One that it does not get keeps the old list, which
/// is noticed when it is next used.
const REFRESH_TRIES: usize = 1000;

pub(super) struct Pool {
    rules: Rules,
    readers: [CachePadded<SpinLock<Reader>>; READERS],
    find_object: Option<FindObject>,
    /// [`list::changes`] as of the list made last. Relaxed, as the next: hints to a refresh.
    changes: AtomicU64,
    /// A walk met an object that is not in the list.
    is_outdated: AtomicBool,
}

/// Everything that it takes to read unwind tables.
pub(super) struct Reader {
    objects: Arc<LoadedObjects>,
    cache: CacheX86_64<MustNotAllocateDuringUnwind>,
}

impl Reader {
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
        // Counted before it is read: what is added in between is for the next refresh.
        let changes = list::changes().unwrap_or(0);
        let objects = Arc::new(LoadedObjects::read(find_object));
        Self {
            rules: Rules::new(),
            readers: std::array::from_fn(|_| {
                CachePadded::new(SpinLock::new(Reader::new(&objects)))
            }),
            find_object,
            changes: AtomicU64::new(changes),
            is_outdated: AtomicBool::new(false),
        }
    }

    pub(super) fn refresh(&self) {
        let Some(changes) = list::changes() else {
            // In a forked child: what is loaded there is left to the system's unwinder.
            return;
        };
        // Both are taken note of before the list is read, as above.
        let is_outdated = self.is_outdated.swap(false, Ordering::Relaxed);
        if self.changes.swap(changes, Ordering::Relaxed) != changes || is_outdated {
            self.read_again();
        }
    }

    pub(super) fn read_again(&self) {
        let objects = Arc::new(LoadedObjects::read(self.find_object));
        for reader in &self.readers {
            let mut new = Reader::new(&objects);
            for _ in 0..REFRESH_TRIES {
                if let Some(mut held) = reader.try_lock() {
                    std::mem::swap(&mut *held, &mut new);
                    break;
                }
                std::thread::yield_now();
            }
            // The reader that is dropped here was replaced, or never used. The lock is open again:
            // the allocator is the user's, and may come back to us.
        }
    }

    pub(super) fn claim_reader(&self) -> Option<SpinGuard<'_, Reader>> {
        self.readers.iter().find_map(|reader| reader.try_lock())
    }

    /// Fills `stack` as far as the tables can be trusted to know the way. False: not at all, or
    /// not everywhere; then what is in `stack` is void.
    #[inline(never)]
    pub(super) fn walk(&self, marker: usize, bounds: Bounds, stack: &mut Stack) -> bool {
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
        let mut registers = Registers {
            stack_pointer: sp,
            frame_pointer: bp,
        };
        let mut known = KnownObjects::new(self.find_object);
        let mut filter = FrameFilter::new(marker);
        let mut frame = FrameAddress::from_instruction_pointer(ip);
        loop {
            let Some(rule) = self.rule_of(frame, &mut known) else {
                return false;
            };
            let address = frame.address() as usize;
            let caller = rule.apply(registers, |address| {
                read_stack(address, sp..bounds.end() as u64)
            });
            let Some((caller, return_address)) = caller else {
                // The outermost frame; or one that the tables do not lead out of, and its
                // callers are missing.
                filter.take_last(address, stack);
                return filter.passed;
            };
            if !filter.take(address, caller.stack_pointer as usize, stack) {
                return filter.passed;
            }
            registers = caller;
            let Some(next) = FrameAddress::from_return_address(return_address) else {
                return filter.passed;
            };
            frame = next;
        }
    }

    pub(super) fn find_object(&self) -> Option<FindObject> {
        self.find_object
    }

    #[inline]
    pub(super) fn rule_of(&self, frame: FrameAddress, known: &mut KnownObjects) -> Option<Rule> {
        let address = frame.address_for_lookup();
        let object = known.identify(address as usize)?;
        let rule = self.rules.get(address, object.identity);
        rule.or_else(|| self.look_up_rule(frame, object))
    }

    /// Does the work that a rule costs the first time. Fails if no reader is free, or it does not
    /// know the object.
    #[cold]
    #[inline(never)]
    fn look_up_rule(&self, frame: FrameAddress, object: &Identified) -> Option<Rule> {
        let address = frame.address_for_lookup();
        let rule = {
            let mut reader = self.claim_reader()?;
            let Reader { objects, cache } = &mut *reader;
            // framehop must not be asked about any other address: it would guess.
            if !objects.contain(address as usize, object.identity) {
                self.is_outdated.store(true, Ordering::Relaxed);
                return None;
            }
            let return_address = address as usize + 1;
            if is_signal_return(return_address, objects.code_from(return_address)) {
                return None;
            }
            unwind_rules::ask(&objects.unwinder, cache, frame)?
        };
        self.rules.insert(address, object.identity, rule);
        Some(rule)
    }
}

/// Whether a frame at this address was interrupted by a signal, and this is where its handler
/// returns to: the way on from there is in an expression that framehop does not evaluate (it
/// guesses a frame pointer instead).
///
/// `mapped` says how many bytes of code are mapped there. They end with the segment, not with the
/// object: behind a segment there may be a hole that must not be touched, where the linker aligned
/// them wider than a page.
fn is_signal_return(address: usize, mapped: usize) -> bool {
    /// `mov $15, %rax; syscall`. The kernel has fixed the number, debuggers have fixed the form.
    const SIGRETURN: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
    if mapped < SIGRETURN.len() {
        return false;
    }
    // SAFETY: `mapped` bytes are those of a readable segment with code of an object that is on our
    // stack, so that it stays; the nine read here are among them.
    unsafe { ptr::with_exposed_provenance::<[u8; 9]>(address).read() == SIGRETURN }
}

/// One word of this thread's stack, if it is one.
#[inline]
fn read_stack(address: u64, stack: Range<u64>) -> Option<u64> {
    const WORD_BYTES: u64 = size_of::<u64>() as u64;
    let is_inside = address >= stack.start && address <= stack.end.saturating_sub(WORD_BYTES);
    if !is_inside || !address.is_multiple_of(WORD_BYTES) {
        return None;
    }
    // SAFETY: aligned, and between this thread's stack pointer and the end of its stack: mapped
    // and readable as long as the thread runs. Volatile, because the compiler knows of no object
    // there: it is where calls keep return addresses and saved registers, which no other thread
    // writes to.
    Some(unsafe { ptr::with_exposed_provenance::<u64>(address as usize).read_volatile() })
}

/// The objects that a walk has met last: nearly all frames of a stack are in one or two.
pub(super) struct KnownObjects {
    inquiry: Inquiry,
    /// The latest one first.
    latest: [Identified; 2],
}

impl KnownObjects {
    #[inline]
    pub(super) fn new(find_object: Option<FindObject>) -> Self {
        Self {
            inquiry: Inquiry::new(find_object),
            latest: Default::default(),
        }
    }

    /// The object of `address`, which was found on the stack.
    #[inline]
    pub(super) fn identify(&mut self, address: usize) -> Option<&Identified> {
        if !self.latest[0].range.contains(&address) {
            self.latest.swap(0, 1);
            if !self.latest[0].range.contains(&address) {
                self.latest[0] = self.inquiry.identify(address)?;
            }
        }
        Some(&self.latest[0])
    }

    /// Where the function begins that `address` is in. As for [`identify`](Self::identify).
    pub(super) fn function_start(&self, address: usize) -> Option<usize> {
        self.inquiry.function_start(address)
    }
}
