//! The flags of locks that are not ours to change, found by address.

use crate::engine::blame::Flag;

/// One megabyte, of which the system makes resident what is used. Two locks that share a flag mix
/// their blame while both are waited for: with a hundred such locks that is one pair in some 13
/// programs.
const FLAGS: usize = 1 << 16;

static ALL: [Flag; FLAGS] = [const { Flag::new() }; FLAGS];

/// The flag of the lock at this address. The blame table knows the lock by it.
#[inline(always)]
pub(super) fn flag_of<T>(lock: *const T) -> &'static Flag {
    // Fibonacci hashing, as in `engine::blame`: the upper bits of address × 2^64/φ.
    let hash = (lock.addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    &ALL[(hash >> (u64::BITS - FLAGS.trailing_zeros())) as usize]
}
