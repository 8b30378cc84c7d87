//! Walks the copy of another thread's stack.
//!
//! The thread may run on, end, or unload what its stack leads through: only the copy is read, and
//! unwind tables and code under the loader's lock, so that no object goes away meanwhile. Nothing
//! is allocated there, since the allocator may itself wait for the loader.
//!
//! Where the frame pointer is not known (the kernel tells only the stack pointer and the
//! instruction pointer of a sleeping thread) it is recovered when a frame first needs it: the
//! frame's return address stands somewhere above the stack pointer, and the call before it leads
//! to the start of the function whose frame this is. Where it is a call by a register, nobody knows
//! where it leads; then the first place counts from which the walk gets to the root, and only over
//! return addresses that come after calls.

use std::cell::Cell;

use framehop::FrameAddress;

use super::imp_framehop::{KnownObjects, Pool, pool};
use super::memory;
use super::unwind_rules::{Registers, Rule};
use crate::loader::list::for_each_object;
use crate::profile::address::MAX_DEPTH;

/// How far above the stack pointer a return address is looked for: more than the frames of the
/// functions that block.
const SEARCHED_BYTES: u64 = 4096;

/// Where a walk begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) instruction_pointer: u64,
    pub(crate) stack_pointer: u64,
    /// `None` where it is not known.
    pub(crate) frame_pointer: Option<u64>,
}

/// Bytes of a stack, copied from `start` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackCopy<'a> {
    pub(crate) start: u64,
    pub(crate) bytes: &'a [u8],
}

impl StackCopy<'_> {
    /// The word at an address of the stack, if it was copied.
    fn word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(offset..)?.first_chunk::<8>()?;
        address
            .is_multiple_of(8)
            .then(|| u64::from_ne_bytes(*bytes))
    }
}

/// Return addresses of a walk, leaf first. The leaf's is its instruction pointer.
#[derive(Debug)]
pub(crate) struct Addresses {
    words: [usize; MAX_DEPTH],
    len: usize,
}

impl Addresses {
    pub(crate) const EMPTY: Self = Self {
        words: [0; MAX_DEPTH],
        len: 0,
    };

    pub(crate) fn as_slice(&self) -> &[usize] {
        &self.words[..self.len]
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// False: there is no room.
    fn push(&mut self, address: usize) -> bool {
        match self.words.get_mut(self.len) {
            Some(word) => {
                *word = address;
                self.len += 1;
                true
            }
            None => false,
        }
    }
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WalkEnd {
    /// At the outermost frame.
    Root,
    /// The stack is deeper than [`MAX_DEPTH`] frames.
    Full,
    /// The copy ends before the stack does.
    CopyEnded,
    /// At code that no table leads out of.
    Lost,
}

/// Fills `addresses` with the stack that `copy` is of.
pub(crate) fn walk(
    start: Start,
    copy: StackCopy<'_>,
    calls: &mut Calls,
    addresses: &mut Addresses,
) -> WalkEnd {
    let mut end = WalkEnd::Lost;
    let Some(pool) = pool() else { return end };
    // The loader holds its lock for the length of the call.
    for_each_object(|_| {
        end = Walk::new(pool, copy, calls).run(start, addresses);
        false
    });
    end
}

struct Walk<'a> {
    pool: &'a Pool,
    copy: StackCopy<'a>,
    calls: &'a mut Calls,
    known: KnownObjects,
}

/// A frame on the way.
#[derive(Clone, Copy, Debug)]
struct Frame {
    address: FrameAddress,
    stack_pointer: u64,
    frame_pointer: Option<u64>,
}

/// The places at which a return address may be, where more than one call may have led to a frame.
#[derive(Debug)]
struct Guesses {
    frame_pointers: [u64; 8],
    len: usize,
}

impl<'a> Walk<'a> {
    fn new(pool: &'a Pool, copy: StackCopy<'a>, calls: &'a mut Calls) -> Self {
        Self {
            pool,
            copy,
            calls,
            known: KnownObjects::new(pool.find_object()),
        }
    }

    fn run(&mut self, start: Start, addresses: &mut Addresses) -> WalkEnd {
        let leaf = Frame {
            address: FrameAddress::from_instruction_pointer(start.instruction_pointer),
            stack_pointer: start.stack_pointer,
            frame_pointer: start.frame_pointer,
        };
        self.frames(leaf, false, addresses)
    }

    /// The frames from this one on. After a guess, each must come after a call.
    fn frames(&mut self, mut frame: Frame, is_guess: bool, addresses: &mut Addresses) -> WalkEnd {
        loop {
            let Some(rule) = self.pool.rule_of(frame.address, &mut self.known) else {
                return WalkEnd::Lost;
            };
            if rule.needs_frame_pointer() && frame.frame_pointer.is_none() {
                match self.recover_frame_pointer(frame, rule) {
                    Ok(frame_pointer) => frame.frame_pointer = Some(frame_pointer),
                    Err(guesses) => return self.try_each(frame, &guesses, addresses),
                }
            }
            if !addresses.push(frame.address.address() as usize) {
                return WalkEnd::Full;
            }
            let last_word = Cell::new(Some(1));
            let registers = Registers {
                stack_pointer: frame.stack_pointer,
                frame_pointer: frame.frame_pointer.unwrap_or_default(),
            };
            let caller = rule.apply(registers, |address| {
                last_word.set(self.copy.word(address));
                last_word.get()
            });
            let Some((caller, return_address)) = caller else {
                return match last_word.get() {
                    None => WalkEnd::CopyEnded,
                    _ if rule.is_outermost() => WalkEnd::Root,
                    // A return address of 0 ends a stack, too. A guess may have led to any 0.
                    Some(0) if !is_guess => WalkEnd::Root,
                    _ => WalkEnd::Lost,
                };
            };
            if is_guess && self.calls.leads(return_address, 0) == Leads::Nowhere {
                return WalkEnd::Lost;
            }
            if rule.saves_frame_pointer() {
                frame.frame_pointer = Some(caller.frame_pointer);
            }
            frame.stack_pointer = caller.stack_pointer;
            let Some(next) = FrameAddress::from_return_address(return_address) else {
                return if is_guess {
                    WalkEnd::Lost
                } else {
                    WalkEnd::Root
                };
            };
            frame.address = next;
        }
    }

    /// The frames from this one on, by the first guess that leads to the root, or as far as there
    /// is room.
    fn try_each(&mut self, frame: Frame, guesses: &Guesses, addresses: &mut Addresses) -> WalkEnd {
        let before = addresses.len;
        for frame_pointer in &guesses.frame_pointers[..guesses.len] {
            let frame = Frame {
                frame_pointer: Some(*frame_pointer),
                ..frame
            };
            let end = self.frames(frame, true, addresses);
            if matches!(end, WalkEnd::Root | WalkEnd::Full) {
                return end;
            }
            addresses.len = before;
        }
        let _ = addresses.push(frame.address.address() as usize);
        WalkEnd::Lost
    }

    /// The frame pointer of this frame, from the place of its return address.
    fn recover_frame_pointer(&mut self, frame: Frame, rule: Rule) -> Result<u64, Guesses> {
        let mut guesses = Guesses {
            frame_pointers: [0; 8],
            len: 0,
        };
        let address = frame.address.address_for_lookup() as usize;
        let Some(function) = self.known.function_start(address) else {
            return Err(guesses);
        };
        let end = frame.stack_pointer.saturating_add(SEARCHED_BYTES);
        for place in (frame.stack_pointer..end).step_by(8) {
            let Some(word) = self.copy.word(place) else {
                break;
            };
            if self.known.identify(word as usize).is_none() {
                continue;
            }
            let frame_pointer = rule.frame_pointer_for_end(place + 8);
            match self.calls.leads(word, function as u64) {
                Leads::There => return Ok(frame_pointer),
                Leads::Somewhere => {
                    if let Some(guess) = guesses.frame_pointers.get_mut(guesses.len) {
                        *guess = frame_pointer;
                        guesses.len += 1;
                    }
                }
                Leads::Elsewhere | Leads::Nowhere => {}
            }
        }
        Err(guesses)
    }
}

/// Where the call before a return address leads, seen from one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leads {
    /// To the function.
    There,
    /// To another one.
    Elsewhere,
    /// It is not known where.
    Somewhere,
    /// There is no call.
    Nowhere,
}

impl Leads {
    fn from(return_address: u64, function: u64) -> Self {
        match call_before(return_address) {
            Some(Call::To(target)) if leads_to(target, function) => Self::There,
            Some(Call::Through(slot)) if memory::word(slot) == Some(function) => Self::There,
            Some(Call::Somewhere) => Self::Somewhere,
            Some(Call::To(_) | Call::Through(_)) => Self::Elsewhere,
            None => Self::Nowhere,
        }
    }
}

/// Remembers where calls lead: threads that sleep in one place have the same ones in their stacks,
/// and each look at code is a system call.
///
/// Not for longer than one dump: code may be unloaded, and other code be loaded in its place.
#[derive(Debug)]
pub(crate) struct Calls {
    /// By return address and function, of which a place has the last one that came.
    places: [(u64, u64, Leads); Self::PLACES],
}

impl Calls {
    const PLACES: usize = 128;

    pub(crate) const NONE: Self = Self {
        places: [(0, 0, Leads::Nowhere); Self::PLACES],
    };

    fn leads(&mut self, return_address: u64, function: u64) -> Leads {
        // Fibonacci hashing (Knuth, TAOCP 3, 6.4).
        let hash = (return_address ^ function.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = &mut self.places[(hash >> 32) as usize % Self::PLACES];
        if (place.0, place.1) != (return_address, function) {
            let leads = Leads::from(return_address, function);
            *place = (return_address, function, leads);
        }
        place.2
    }
}

/// The call instruction that a return address comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    To(u64),
    /// The slot that holds the function's address.
    Through(u64),
    /// By a register, or by memory that a register leads to.
    Somewhere,
}

fn call_before(return_address: u64) -> Option<Call> {
    let mut bytes = [0; 7];
    let from = return_address.checked_sub(bytes.len() as u64)?;
    if memory::read(from, &mut bytes) != bytes.len() {
        return None;
    }
    call_at_end(bytes, return_address)
}

/// Intel's manual, volume 2, CALL: `E8 rel32`; `FF /2`, of which `FF 15 rel32` is relative to the
/// next instruction.
fn call_at_end(bytes: [u8; 7], return_address: u64) -> Option<Call> {
    let relative = || {
        let distance = i32::from_le_bytes([bytes[3], bytes[4], bytes[5], bytes[6]]);
        return_address.wrapping_add_signed(distance.into())
    };
    let is_call = |at: usize| bytes[at] == 0xff && (bytes[at + 1] >> 3) & 7 == 2;
    match () {
        () if bytes[2] == 0xe8 => Some(Call::To(relative())),
        () if bytes[1..3] == [0xff, 0x15] => Some(Call::Through(relative())),
        // Two bytes: a register. Three: with a distance of a byte. Four: with an index. Six and
        // seven: with a distance of four bytes.
        () if is_call(5) || is_call(4) || is_call(3) || is_call(1) || is_call(0) => {
            Some(Call::Somewhere)
        }
        () => None,
    }
}

/// Whether a call of `target` arrives in `function`, perhaps through the stub of another object's
/// function: `[endbr64] jmp *slot`.
fn leads_to(target: u64, function: u64) -> bool {
    const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
    if target == function {
        return true;
    }
    let mut stub = [0; 11];
    if memory::read(target, &mut stub) != stub.len() {
        return false;
    }
    let at = if stub.starts_with(&ENDBR64) { 4 } else { 0 };
    let jump = &stub[at..];
    // With the `bnd` prefix (0xf2) of older linkers, too.
    let at = at + usize::from(jump[0] == 0xf2);
    let Some([0xff, 0x25, a, b, c, d]) = stub.get(at..at + 6) else {
        return false;
    };
    let distance = i32::from_le_bytes([*a, *b, *c, *d]);
    let next = target.wrapping_add(at as u64 + 6);
    memory::word(next.wrapping_add_signed(distance.into())) == Some(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_bytes() {
        let call = |bytes| call_at_end(bytes, 0x1000);
        assert_eq!(call([0, 0, 0xe8, 0x10, 0, 0, 0]), Some(Call::To(0x1010)));
        assert_eq!(
            call([0, 0xff, 0x15, 0xf0, 0xff, 0xff, 0xff]),
            Some(Call::Through(0xff0))
        );
        assert_eq!(call([0, 0, 0, 0, 0, 0xff, 0xd0]), Some(Call::Somewhere));
        assert_eq!(call([0, 0, 0, 0, 0xff, 0x50, 0x18]), Some(Call::Somewhere));
        assert_eq!(call([0x90; 7]), None);
    }

    #[test]
    fn words_are_those_that_were_copied() {
        let bytes: Vec<u8> = (0..32).collect();
        let copy = StackCopy {
            start: 0x1000,
            bytes: &bytes,
        };
        assert_eq!(copy.word(0x1008), Some(0x0f0e_0d0c_0b0a_0908));
        assert!(copy.word(0x1018).is_some());
        for outside in [0xff8, 0x1004, 0x1019, 0x1020, u64::MAX] {
            assert_eq!(copy.word(outside), None, "{outside:x}");
        }
    }
}
