//! How the frame of each code address leads to its caller: what framehop found out, kept.
//!
//! framehop keeps it too, but in 509 places of which each address may use one, and for one walk at
//! a time. Measured with stacks of 46 different functions, which is what programs have: 3.3 µs per
//! walk for one such stack, since some share a place, and 5 to 13 µs for 4 to 32 of them, where the
//! system's unwinder takes 5.4 µs and this table 0.36 to 0.49 µs. So each address is asked for
//! once, with registers and memory made up such that the answer shows where each value came from;
//! the answer is a [`Rule`], kept in a table that all threads read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, MustNotAllocateDuringUnwind, Unwinder};

use super::loaded_objects::Mapped;
use crate::engine::thread_state;

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
/// Half of what 29 signed bits hold: 128 MB, more than any frame.
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
            SAVES_FRAME_POINTER | u64::from((from_end as u32) << 3)
        });
        Some(Self(((end as u64) << 32) | saved | base as u64))
    }

    /// Whether there is no caller, or no way to it.
    pub(super) fn is_outermost(self) -> bool {
        self.0 & 3 == Base::Outermost as u64
    }

    /// Whether it leads nowhere without the frame pointer.
    pub(super) fn needs_frame_pointer(self) -> bool {
        self.0 & 3 == Base::FramePointer as u64
    }

    /// Whether the caller's frame pointer was saved in this frame.
    pub(super) fn saves_frame_pointer(self) -> bool {
        self.0 & SAVES_FRAME_POINTER != 0
    }

    /// The frame pointer with which the frame ends at `end`, for a rule that goes by it.
    pub(super) fn frame_pointer_for_end(self, end: u64) -> u64 {
        end.wrapping_add_signed(-(self.0 as i64 >> 32))
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
        let return_address = read_stack(end.wrapping_sub(8))?;
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
/// The object that `address` is in must be one of the unwinder's, and be current. Where the
/// object's tables say nothing or something too difficult, framehop guesses a frame pointer
/// without telling. Rare: it concerns a few functions written in assembly.
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
    let mut read_stack = |address: u64| Ok(address.wrapping_add(WORD_AT_ZERO));
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

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Registers = Registers {
        stack_pointer: 1 << 30,
        frame_pointer: 2 << 30,
    };

    /// The word at an address is the address.
    fn apply(rule: Option<Rule>) -> Option<(u64, u64, u64)> {
        let (caller, return_address) = rule.unwrap().apply(FRAME, Some)?;
        let Registers {
            stack_pointer,
            frame_pointer,
        } = caller;
        Some((stack_pointer, frame_pointer, return_address))
    }

    #[test]
    fn rule_packs_and_unpacks() {
        let sp = FRAME.stack_pointer;
        let bp = FRAME.frame_pointer;
        for end in [8, 16, 1 << 20, MAX_DISTANCE - 8] {
            let caller = sp + end as u64;
            let rule = Rule::new(Base::StackPointer, end, None);
            assert_eq!(apply(rule), Some((caller, bp, caller - 8)));
            for saved in [-16, -(1 << 20), 8, 8 - MAX_DISTANCE] {
                let rule = Rule::new(Base::StackPointer, end, Some(saved));
                let frame_pointer = caller.wrapping_add_signed(saved);
                assert_eq!(apply(rule), Some((caller, frame_pointer, caller - 8)));
            }
        }
        let rule = Rule::new(Base::FramePointer, 16, Some(-16));
        assert_eq!(apply(rule), Some((bp + 16, bp, bp + 8)));
        let rule = Rule::new(Base::FramePointer, -64, None);
        assert_eq!(apply(rule), Some((bp - 64, bp, bp - 72)));
    }

    #[test]
    fn what_does_not_fit_is_no_rule() {
        assert_eq!(Rule::new(Base::StackPointer, MAX_DISTANCE, None), None);
        let saved = Some(-MAX_DISTANCE);
        assert_eq!(Rule::new(Base::StackPointer, 8, saved), None);
    }

    #[test]
    fn no_rule_leads_backwards() {
        for end in [0, -8, 8 - MAX_DISTANCE] {
            assert_eq!(apply(Rule::new(Base::StackPointer, end, None)), None);
        }
        assert_eq!(apply(Some(Rule::OUTERMOST)), None);
    }

    #[test]
    fn table_finds_what_it_was_given_and_nothing_else() {
        let rules = Rules::new();
        let rule = |number: u64| Rule::new(Base::StackPointer, 8 * number as i64, None).unwrap();
        let addresses = || (1..1000).map(|number| (0x5555_0000_0000 + 7 * number, rule(number)));
        for (address, rule) in addresses() {
            rules.insert(address, 1, rule);
        }
        for (address, rule) in addresses() {
            assert_eq!(rules.get(address, 1), Some(rule));
            assert_eq!(rules.get(address, 2), None, "another object");
            assert_eq!(rules.get(address + 1, 1), None, "another address");
        }
    }

    #[test]
    fn full_table_forgets_but_does_not_mix_up() {
        let rules = Rules::new();
        let rule = |number: u64| Rule::new(Base::StackPointer, 8 * number as i64, None).unwrap();
        for number in 1..100_000 {
            rules.insert(number, 1, rule(number));
            assert_eq!(rules.get(number, 1), Some(rule(number)));
        }
        for number in 1..100_000 {
            let found = rules.get(number, 1);
            assert!(found.is_none_or(|found| found == rule(number)));
        }
    }
}
