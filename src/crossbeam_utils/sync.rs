//! Primitives for threads that wait for each other, profiled:
//! [`crossbeam_utils::sync`].

// A name that is shadowed below wins over the glob; a later version may have more of them.
#[allow(unused_imports, unreachable_pub)]
pub use ::crossbeam_utils::sync::*;

mod parker;
mod sharded_lock;
mod wait_group;

pub use parker::{Parker, Unparker};
pub use sharded_lock::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
pub use wait_group::WaitGroup;
