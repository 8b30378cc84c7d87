//! One shape for all locks, bare or wrapped, that the benches run on.

use std::ops::{Deref, DerefMut};

/// A lock around a counter that one thread at a time may change.
pub(crate) trait Exclusive: Send + Sync {
    fn new(value: u64) -> Self;
    fn acquire(&self) -> impl DerefMut<Target = u64>;
}

/// One that several threads may read at a time.
pub(crate) trait Shared: Exclusive {
    fn acquire_shared(&self) -> impl Deref<Target = u64>;
}

/// `exclusive_lock!(type, method to lock, what to do with its result)`.
macro_rules! exclusive_lock {
    ($lock:ty, $method:ident $(, $unwrap:ident)?) => {
        impl Exclusive for $lock {
            fn new(value: u64) -> Self {
                <$lock>::new(value)
            }

            #[inline(always)]
            fn acquire(&self) -> impl DerefMut<Target = u64> {
                self.$method()$(.$unwrap())?
            }
        }
    };
}

macro_rules! shared_lock {
    ($lock:ty $(, $unwrap:ident)?) => {
        exclusive_lock!($lock, write $(, $unwrap)?);

        impl Shared for $lock {
            #[inline(always)]
            fn acquire_shared(&self) -> impl Deref<Target = u64> {
                self.read()$(.$unwrap())?
            }
        }
    };
}

exclusive_lock!(std::sync::Mutex<u64>, lock, unwrap);
exclusive_lock!(contend::sync::Mutex<u64>, lock, unwrap);
shared_lock!(std::sync::RwLock<u64>, unwrap);
shared_lock!(contend::sync::RwLock<u64>, unwrap);

#[cfg(feature = "parking_lot")]
mod of_parking_lot {
    use super::{Deref, DerefMut, Exclusive, Shared};

    exclusive_lock!(parking_lot::Mutex<u64>, lock);
    exclusive_lock!(contend::parking_lot::Mutex<u64>, lock);
    shared_lock!(parking_lot::RwLock<u64>);
    shared_lock!(contend::parking_lot::RwLock<u64>);
}
