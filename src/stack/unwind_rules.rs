//! How the frame of each code address leads to its caller: what framehop found out, kept.
//!
//! framehop keeps it too, but in 509 places of which each address may use one, and for one walk
//! at a time. Measured with stacks of 46 different functions, which is what programs have:
//! 3.3 µs per walk for one such stack, since some share a place, and 5 to 13 µs, more than the
//! system's unwinder, for 4 to 32 of them. So each address is asked for once, with registers and
//! memory made up such that the answer shows where each value came from; the answer is a [`Rule`],
//! kept in a table that all threads read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, MustNotAllocateDuringUnwind, Unwinder};

use super::loaded_objects::Mapped;
use crate::thread_state;

/// Where the stack pointer and the frame pointer of the caller are.
///
/// In one word, never 0. Bits 0 and 1: the base of the frame's end, as in [`Base`]. Bit 2: the
/// frame pointer was saved. Bits 3 to 31: where, from the frame's end. Bits 32 to 63: the frame's
/// end, from the base. Both in bytes and signed. The return address is the frame's last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    StackPointer = 1,
    FramePointer = 2,
    /// There is no caller, or no way to it.
    Outermost = 3,
}

const SAVES_FRAME_POINTER: u64 = 1 << 2;
/// What 29 signed bits hold, twice over.
const MAX_DISTANCE: i64 = 1 << 27;

/// The registers that matter, as they are in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) stack_pointer: u64,
    pub(super) frame_pointer: u64,
}

impl Rule {
    const OUTERMOST: Self = Self(Base::Outermost as u64);

    fn new(base: Base, end: i64, saved_frame_pointer: Option<i64>) -> Option<Self> {
        let fits = |distance: i64| distance.abs() < MAX_DISTANCE;
        if !fits(end) || !saved_frame_pointer.is_none_or(fits) {
            return None;
        }
        let saved = saved_frame_pointer.map_or(0, |from_end| {
            SAVES_FRAME_POINTER | (from_end << 3) as u64 & u64::from(u32::MAX)
        });
        Some(Self((end as u64) << 32 | saved | base as u64))
    }

    /// Leads to the caller: its registers and the return address. `None` at the outermost frame,
    /// and where the stack does not hold what it should.
    #[inline]
    pub(super) fn apply(
        self,
        frame: Registers,
        read_stack: impl Fn(u64) -> Option<u64>,
    ) -> Option<(Registers, u64)> {
        let base = match self.0 & 3 {
            1 => frame.stack_pointer,
            2 => frame.frame_pointer,
            _ => return None,
        };
        let end = base.wrapping_add_signed(self.0 as i64 >> 32);
        if end <= frame.stack_pointer {
            return None;
        }
        let return_address = read_stack(end - 8)?;
        let frame_pointer = if self.0 & SAVES_FRAME_POINTER == 0 {
            frame.frame_pointer
        } else {
            read_stack(end.wrapping_add_signed(i64::from(self.0 as i32 >> 3)))?
        };
        let caller = Registers {
            stack_pointer: end,
            frame_pointer,
        };
        (return_address != 0).then_some((caller, return_address))
    }
}

/// Asks framehop about the frame of `address`. `None` if the answer is no rule of the kind above.
///
/// The object that `address` is in must be one of the unwinder's, and be current.
pub(super) fn ask(
    unwinder: &UnwinderX86_64<Mapped, MustNotAllocateDuringUnwind>,
    cache: &mut CacheX86_64<MustNotAllocateDuringUnwind>,
    address: FrameAddress,
) -> Option<Rule> {
    // Registers so far apart, and from the words in memory, that no offset leads from one to
    // the other. The word at an address is that address plus a constant, so it tells where it
    // was read.
    const STACK_POINTER: u64 = 1 << 40;
    const FRAME_POINTER: u64 = 2 << 40;
    const WORD_AT_ZERO: u64 = 4 << 40;

    let mut regs = UnwindRegsX86_64::new(address.address(), STACK_POINTER, FRAME_POINTER);
    let mut read_stack = |address| Ok(address + WORD_AT_ZERO);
    let return_address = match unwinder.unwind_frame(address, &mut regs, cache, &mut read_stack) {
        Ok(Some(return_address)) => return_address,
        Ok(None) | Err(_) => return Some(Rule::OUTERMOST),
    };
    let distance = |to: u64, from: u64| to.wrapping_sub(from) as i64;
    let end = regs.sp();
    if return_address != WORD_AT_ZERO.wrapping_add(end.wrapping_sub(8)) {
        return None;
    }
    let saved_frame_pointer = match regs.bp() {
        FRAME_POINTER => None,
        word => Some(distance(word.wrapping_sub(WORD_AT_ZERO), end)),
    };
    Rule::new(
        Base::StackPointer,
        distance(end, STACK_POINTER),
        saved_frame_pointer,
    )
    .or_else(|| {
        Rule::new(
            Base::FramePointer,
            distance(end, FRAME_POINTER),
            saved_frame_pointer,
        )
    })
}

/// Rules by code address, in sets of four: 256 KB for 16384 of them. A set that is full forgets
/// one at random.
#[derive(Debug)]
pub(super) struct Rules {
    sets: Box<[Set]>,
}

const SET_COUNT_LOG2: u32 = 12;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([Entry; 4]);

/// A rule, and a check word that only this address in this object has together with this rule.
/// They are written one after the other, so a reader may see one of two rules' words each: then
/// the check fails (but for one case in 2⁶⁴), and the address is asked for again.
///
/// Relaxed: neither word stands for anything else in memory.
#[derive(Debug, Default)]
struct Entry {
    check: AtomicU64,
    rule: AtomicU64,
}

impl Entry {
    fn rule(&self) -> Option<Rule> {
        let rule = self.rule.load(Ordering::Relaxed);
        (rule != 0).then_some(Rule(rule))
    }
}

impl Rules {
    pub(super) fn new() -> Self {
        Self {
            sets: (0..1 << SET_COUNT_LOG2).map(|_| Set::default()).collect(),
        }
    }

    /// The rule of `address` in the object of this identity.
    #[inline]
    pub(super) fn get(&self, address: u64, identity: u64) -> Option<Rule> {
        let entries = self.set(address)?.0.iter();
        entries.clone().find_map(|entry| {
            let rule = entry.rule()?;
            let check = entry.check.load(Ordering::Relaxed);
            (check == check_word(address, identity, rule)).then_some(rule)
        })
    }

    pub(super) fn insert(&self, address: u64, identity: u64, rule: Rule) {
        let Some(Set(entries)) = self.set(address) else {
            return;
        };
        let at_random = thread_state::random() as usize % entries.len();
        let free = entries.iter().find(|entry| entry.rule().is_none());
        if let Some(entry) = free.or(entries.get(at_random)) {
            let check = check_word(address, identity, rule);
            entry.check.store(check, Ordering::Relaxed);
            entry.rule.store(rule.0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn set(&self, address: u64) -> Option<&Set> {
        // Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, section 6.4.
        let hash = address.wrapping_mul(GOLDEN_RATIO) >> (u64::BITS - SET_COUNT_LOG2);
        self.sets.get(hash as usize)
    }
}

const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn check_word(address: u64, identity: u64, rule: Rule) -> u64 {
    mix(mix(address ^ identity, rule.0), address)
}

/// One round of wyhash's mixing (Wang Yi, 2019): a product of 128 bits, folded.
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ GOLDEN_RATIO) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}
