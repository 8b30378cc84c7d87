//! The tokio skin: the originals' types and rules, and who waited for whom.

#[macro_use]
#[path = "../common/auto_traits.rs"]
mod auto_traits;
#[path = "../common/mod.rs"]
mod common;

mod by_hand;
mod drop_in;
mod labels;
mod law;
mod mutex;
mod named;
mod once_cell;
mod rwlock;
mod semaphore;
mod shares;
mod stacks;
mod timeline;
mod unblamed;
mod uncontended;
