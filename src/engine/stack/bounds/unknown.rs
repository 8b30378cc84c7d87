//! Same calls as `bounds`, where the system is not asked.

pub(super) fn start() {}

/// Nobody is asked.
pub(super) fn is_mapped_below(_bytes: usize) -> bool {
    true
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {}

impl Bounds {
    pub(super) fn of_this_thread() -> Option<Self> {
        None
    }

    pub(super) fn contains(self, _address: usize) -> bool {
        match self {}
    }

    pub(super) fn bytes_left(self, _address: usize) -> usize {
        match self {}
    }
}
