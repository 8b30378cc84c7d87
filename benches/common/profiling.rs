//! The rates at which things are measured.

/// How much `contend` records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profiling {
    pub(crate) name: &'static str,
    mutex_fraction: u32,
    block_rate_nanos: u64,
}

impl Profiling {
    pub(crate) const OFF: Self = Self {
        name: "off",
        mutex_fraction: 0,
        block_rate_nanos: 0,
    };

    /// The rates that the documentation recommends for production.
    pub(crate) const SOME: Self = Self {
        name: "100 + 1 ms",
        mutex_fraction: 100,
        block_rate_nanos: 1_000_000,
    };

    pub(crate) const ALL: Self = Self {
        name: "1 + 1 ns",
        mutex_fraction: 1,
        block_rate_nanos: 1,
    };

    /// Sets these rates, and forgets what was recorded under others.
    pub(crate) fn begin(self) {
        contend::set_mutex_profile_fraction(self.mutex_fraction);
        contend::set_block_profile_rate(self.block_rate_nanos);
        contend::reset();
    }

    /// Switches the profiles off. Returns how many waits the block profile counted; `None` if
    /// it was off.
    pub(crate) fn end(self) -> Option<u64> {
        contend::set_mutex_profile_fraction(0);
        contend::set_block_profile_rate(0);
        (self.block_rate_nanos > 0).then(|| contend::block_profile().total_contentions())
    }
}
