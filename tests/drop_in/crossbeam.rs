//! The types of crossbeam and once_cell against those that they stand for: auto traits, and the
//! others that types get by being made of the right parts. Checked while compiling, in both
//! directions.
#![cfg(all(
    feature = "crossbeam-channel",
    feature = "crossbeam-utils",
    feature = "once_cell"
))]

use crate::auto_traits::*;
use ::crossbeam_channel as bare_channel;
use ::crossbeam_utils::sync as bare_sync;
use ::once_cell::sync as bare_cell;
use contend::{crossbeam_channel, crossbeam_utils::sync, once_cell::sync as cell};

macro_rules! all_same {
    ($($ours:ty, $original:ty;)+) => {
        $(
            same!($ours, $original);
            same!($ours, $original: Eq; Iterator;);
        )+
    };
}

/// For every content that a type may be given, between which every auto trait is missing.
macro_rules! same_for_contents {
    ($($content:ty),+) => {
        $(all_same! {
            crossbeam_channel::Sender<$content>, bare_channel::Sender<$content>;
            crossbeam_channel::Receiver<$content>, bare_channel::Receiver<$content>;
            crossbeam_channel::Iter<'static, $content>, bare_channel::Iter<'static, $content>;
            crossbeam_channel::TryIter<'static, $content>, bare_channel::TryIter<'static, $content>;
            crossbeam_channel::IntoIter<$content>, bare_channel::IntoIter<$content>;
            cell::OnceCell<$content>, bare_cell::OnceCell<$content>;
            cell::Lazy<$content>, bare_cell::Lazy<$content>;
            cell::Lazy<u32, $content>, bare_cell::Lazy<u32, $content>;
            sync::ShardedLock<$content>, bare_sync::ShardedLock<$content>;
        })+
    };
}

same_for_contents!(
    u32,
    // Send, not Sync; neither.
    std::cell::Cell<u32>,
    std::rc::Rc<u32>,
    *const u32,
    // Sync, not Send.
    std::sync::MutexGuard<'static, u32>,
    std::marker::PhantomPinned,
    // Not UnwindSafe; not RefUnwindSafe.
    &'static mut u32,
    std::cell::UnsafeCell<u32>
);

all_same! {
    crossbeam_channel::Select<'static>, bare_channel::Select<'static>;
    crossbeam_channel::SelectedOperation<'static>, bare_channel::SelectedOperation<'static>;
    sync::Parker, bare_sync::Parker;
    sync::Unparker, bare_sync::Unparker;
    sync::WaitGroup, bare_sync::WaitGroup;
    sync::ShardedLock<dyn Debug>, bare_sync::ShardedLock<dyn Debug>;
    sync::ShardedLock<dyn Debug + Send>, bare_sync::ShardedLock<dyn Debug + Send>;
}

macro_rules! same_guards {
    ($($content:ty),+) => {
        $(all_same! {
            sync::ShardedLockReadGuard<'static, $content>,
                bare_sync::ShardedLockReadGuard<'static, $content>;
            sync::ShardedLockWriteGuard<'static, $content>,
                bare_sync::ShardedLockWriteGuard<'static, $content>;
        })+
    };
}

same_guards!(
    u32,
    std::cell::Cell<u32>,
    std::rc::Rc<u32>,
    std::sync::MutexGuard<'static, u32>,
    std::marker::PhantomPinned,
    &'static mut u32,
    [u32],
    dyn Debug,
    dyn Debug + Send + Sync
);

// Constants of the original are constants here.
static _CELL: cell::OnceCell<u32> = cell::OnceCell::new();
static _FULL: cell::OnceCell<u32> = cell::OnceCell::with_value(1);
static _LAZY: cell::Lazy<u32> = cell::Lazy::new(|| 1);
const _NEVER: crossbeam_channel::Receiver<u32> = crossbeam_channel::never();
