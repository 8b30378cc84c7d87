//! The peers' locks in the shape of the benches', and how they are switched on.

use std::ops::DerefMut;

use crate::common::locks::Exclusive;

/// hotpath records from here until the guard is dropped: waiting and holding time of every
/// operation (no sampling, its default). Its servers stay off, so that it does nothing but record.
pub(crate) fn start_hotpath() -> hotpath::HotpathGuard {
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var("HOTPATH_METRICS_SERVER_OFF", "true") };
    hotpath::HotpathGuardBuilder::new("main")
        .format(hotpath::Format::None)
        .build()
}

impl Exclusive for hotpath::wrap::std::sync::Mutex<u64> {
    fn new(value: u64) -> Self {
        hotpath::mutex!(std::sync::Mutex::new(value))
    }

    #[inline(always)]
    fn acquire(&self) -> impl DerefMut<Target = u64> {
        self.lock().unwrap()
    }
}

impl Exclusive for hotpath::wrap::parking_lot::Mutex<u64> {
    fn new(value: u64) -> Self {
        hotpath::mutex!(parking_lot::Mutex::new(value))
    }

    #[inline(always)]
    fn acquire(&self) -> impl DerefMut<Target = u64> {
        self.lock()
    }
}

// locktick records as soon as a lock is made: it has no switch.

impl Exclusive for locktick::std::Mutex<u64> {
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    #[inline(always)]
    fn acquire(&self) -> impl DerefMut<Target = u64> {
        self.lock().unwrap()
    }
}

impl Exclusive for locktick::parking_lot::Mutex<u64> {
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    #[inline(always)]
    fn acquire(&self) -> impl DerefMut<Target = u64> {
        self.lock()
    }
}
