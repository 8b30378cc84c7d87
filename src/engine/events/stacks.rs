//! Stacks of events: captured once, kept for the life of the process, known by a number.
//!
//! A store of its own, whose entries have no numbers: a reset of the profiles must not take the
//! stacks of what the ring still has.

use crate::engine::lost::{self, Cause};
use crate::engine::published::Published;
use crate::engine::stack::{self, Stack};
use crate::engine::store::{Added, StackId, Store};
use crate::engine::thread_state;
use crate::profile::amount::Amount;
use crate::profile::kind::{Kind, ProfileKind};

/// Room for some hundred thousand stacks of ordinary depth; resident only as they come in.
const BYTES: usize = 16 << 20;
const SHARDS: usize = 8;

static STACKS: Published<Store> = Published::new();

/// The number of a stack; 0: none.
pub(crate) type StackNumber = u32;

/// Prepares for captures. Allocates.
pub(super) fn start() {
    STACKS.get_or_publish(|| Store::new(SHARDS, BYTES));
}

/// The stack of this thread from the frame that holds `marker` on. 0, and counted as lost, where it
/// cannot be had.
pub(crate) fn capture<T>(marker: &T) -> StackNumber {
    let number = match stack::has_room() {
        true => capture_with_room(marker),
        false => 0,
    };
    if number == 0 {
        lost::count(Cause::NoStack);
    }
    number
}

/// Not inlined: the stack is in its frame, and takes a kilobyte that may not be there.
#[inline(never)]
fn capture_with_room<T>(marker: &T) -> StackNumber {
    let mut stack = Stack::new();
    if stack.capture(marker) {
        add(stack.addresses())
    } else {
        0
    }
}

/// The number of a stack that was captured.
pub(crate) fn add(addresses: &[usize]) -> StackNumber {
    let Some(store) = STACKS.get() else { return 0 };
    let shard = thread_state::shard(store.shard_count());
    // The same key for all: a stack has one number, whatever happened there.
    let added = store.add(
        shard,
        ProfileKind::Block,
        Kind::OTHER,
        addresses,
        Amount::ZERO,
    );
    match added {
        Added::To(id) => id.to_number(),
        Added::Overflowed(_) | Added::Forgotten => 0,
    }
}

/// The return addresses of a stack, leaf first.
pub(crate) fn addresses(number: StackNumber) -> Option<Box<[usize]>> {
    STACKS.get()?.addresses(StackId::of_number(number)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_found_by_its_number() {
        start();
        let number = add(&[0x1001, 0x2002, 0x3003]);
        assert_ne!(number, 0);
        assert_eq!(add(&[0x1001, 0x2002, 0x3003]), number);
        assert_eq!(
            addresses(number).as_deref(),
            Some(&[0x1001, 0x2002, 0x3003][..])
        );
        assert_eq!(addresses(0), None);
    }

    #[test]
    fn a_captured_stack_begins_at_the_marker() {
        start();
        stack::start();
        let marker = 0_u8;
        assert!(addresses(capture(&marker)).is_some_and(|stack| stack.len() > 2));
    }
}
