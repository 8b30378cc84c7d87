//! All that a skin may call. A skin imports nothing else of this crate.
//!
//! A skin wraps the types of one library and keeps six rules, which are in
//! `docs/writing_a_skin.md`. The list of skins, and of what each of them profiles, is in [`table`].

#[cfg(feature = "profiling")]
mod channel;
#[cfg(feature = "profiling")]
mod contended;
#[cfg(feature = "profiling")]
mod guard;
#[cfg(feature = "profiling")]
mod hold;
#[cfg(feature = "profiling")]
mod once_methods;
#[cfg(all(
    any(feature = "parking_lot", feature = "parking_lot_0_13"),
    feature = "profiling"
))]
mod raw_lock;
#[cfg(any(test, feature = "profiling", feature = "http"))]
pub(crate) mod table;
#[cfg(not(feature = "profiling"))]
pub(crate) mod unnamed;

#[cfg(feature = "profiling")]
pub(crate) use crate::engine::labels;
#[cfg(not(feature = "profiling"))]
pub(crate) use crate::engine::off::{blocking as blocking_named, labels};
pub(crate) use crate::profile::labels::LabelSet;
#[cfg(feature = "profiling")]
pub(crate) use door::*;

#[cfg(feature = "profiling")]
mod door {
    pub(crate) use crate::engine::blame::Flag;
    #[cfg(feature = "parking_lot")]
    pub(crate) use crate::engine::blame::quick::{ReleasePlace, is_untimed};
    #[cfg(feature = "tokio")]
    pub(crate) use crate::engine::events::polls::polling;
    pub(crate) use crate::engine::lock_names::Name;
    pub(crate) use crate::engine::spawned::Origin;
    #[cfg(feature = "parking_lot")]
    pub(crate) use crate::engine::wait::release_from;
    pub(crate) use crate::engine::wait::{
        Access, Blocked, OnDrop, Turn, Wait, WaitWhile, acquire, acquired, apart, begin_release,
        blocking, blocking_named, confirm, in_progress, keep_frame, member_of, not_last, notify,
        notify_early, once, perhaps_sleeping, release, release_early, sleeping, thread_ends,
    };
    #[cfg(feature = "crossbeam-channel")]
    pub(crate) use crate::engine::wait::{Wakes, selecting};
    pub(crate) use crate::engine::wakes::{WakeFlag, WakeKey, WakeRef, Whom};
    pub(crate) use crate::profile::kind::Kind;
    pub(crate) use crate::skin::channel::{ReceiverEnd, SenderEnd, channel, went_through};
    pub(crate) use crate::skin::guard::guard;

    pub(crate) use crate::engine::blame::{LockRef, SharedFlag};
    pub(crate) use crate::engine::wait::{FrameMarker, NamedWait, Tried, acquire_in_task};
    #[cfg(feature = "tokio")]
    pub(crate) use crate::engine::wait::{
        RepeatedWait, TaskWait, let_in, try_in_task, wait_in_task,
    };
    pub(crate) use crate::skin::contended::contended;
    #[cfg(feature = "tokio")]
    pub(crate) use crate::skin::hold::{HasFlag, hold};
    pub(crate) use crate::skin::hold::{HasSharedFlag, Hold, Permits, let_go_of};
    pub(crate) use crate::skin::once_methods::{once_methods, once_waits};
    #[cfg(any(feature = "parking_lot", feature = "parking_lot_0_13"))]
    pub(crate) use crate::skin::raw_lock::{raw_lock, told};

    /// Whether a wait is of interest to anybody. For skins whose first try costs more than a look
    /// at the rates.
    #[cfg(feature = "crossbeam-channel")]
    #[inline]
    pub(crate) fn is_waiting_profiled() -> bool {
        use crate::engine::{events, rates};
        rates::block_rate() > 0 || rates::wake_rate() > 0 || events::is_on()
    }
}
