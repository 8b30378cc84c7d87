//! The record path: from a wait or a release to the totals in the store.
//!
//! Nothing here allocates once profiling is on, and nothing waits for a profiled lock (see
//! `docs/architecture.md`). Skins come in by `wait`; what asks for profiles comes in by `recorder`.

#[cfg(any(feature = "profiling", loom))]
pub(crate) mod blame;
#[cfg(feature = "profiling")]
pub(crate) mod clock;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod events;
#[cfg(feature = "profiling")]
pub(crate) mod labels;
#[cfg(feature = "profiling")]
pub(crate) mod lock_names;
#[cfg(feature = "profiling")]
pub(crate) mod lost;
#[cfg(not(feature = "profiling"))]
pub(crate) mod off;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod primitives;
#[cfg(feature = "profiling")]
pub(crate) mod published;
#[cfg(feature = "profiling")]
pub(crate) mod rates;
#[cfg(feature = "profiling")]
pub(crate) mod recorder;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod registry;
#[cfg(feature = "profiling")]
pub(crate) mod sampler;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod seq_lock;
#[cfg(feature = "profiling")]
pub(crate) mod spawned;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod spin_lock;
#[cfg(feature = "profiling")]
pub(crate) mod stack;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod store;
#[cfg(feature = "profiling")]
pub(crate) mod thread_state;
#[cfg(feature = "profiling")]
pub(crate) mod wait;
#[cfg(feature = "profiling")]
pub(crate) mod waited;
#[cfg(any(feature = "profiling", loom))]
pub(crate) mod wakes;
