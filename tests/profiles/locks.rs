//! The locks under test, alike: std's and parking_lot's.

/// A mutex around nothing.
pub(crate) trait Lock: Default + Sync {
    fn with<R>(&self, hold: impl FnOnce() -> R) -> R;
}

/// A readers-writer lock around nothing.
pub(crate) trait SharedLock: Default + Sync {
    fn with_read<R>(&self, hold: impl FnOnce() -> R) -> R;
    fn with_write<R>(&self, hold: impl FnOnce() -> R) -> R;
}

// Inlined, so that the guard is dropped in the function of the test's that calls.

impl Lock for contend::sync::Mutex<()> {
    #[inline(always)]
    fn with<R>(&self, hold: impl FnOnce() -> R) -> R {
        let _guard = self.lock().unwrap();
        hold()
    }
}

impl SharedLock for contend::sync::RwLock<()> {
    #[inline(always)]
    fn with_read<R>(&self, hold: impl FnOnce() -> R) -> R {
        let _guard = self.read().unwrap();
        hold()
    }

    #[inline(always)]
    fn with_write<R>(&self, hold: impl FnOnce() -> R) -> R {
        let _guard = self.write().unwrap();
        hold()
    }
}

#[cfg(any(feature = "parking_lot", feature = "parking_lot_0_13"))]
macro_rules! locks_of_parking_lot {
    ($module:ident) => {
        impl Lock for contend::$module::Mutex<()> {
            #[inline(always)]
            fn with<R>(&self, hold: impl FnOnce() -> R) -> R {
                let _guard = self.lock();
                hold()
            }
        }

        impl SharedLock for contend::$module::RwLock<()> {
            #[inline(always)]
            fn with_read<R>(&self, hold: impl FnOnce() -> R) -> R {
                let _guard = self.read();
                hold()
            }

            #[inline(always)]
            fn with_write<R>(&self, hold: impl FnOnce() -> R) -> R {
                let _guard = self.write();
                hold()
            }
        }
    };
}
#[cfg(feature = "parking_lot")]
locks_of_parking_lot!(parking_lot);
#[cfg(feature = "parking_lot_0_13")]
locks_of_parking_lot!(parking_lot_0_13);

/// Makes a test of each generic function named, for std's lock and for parking_lot's.
macro_rules! for_each_lock {
    ($std:ty, $parking_lot:ty $(, $parking_lot_0_13:ty)?: $($test:ident),+ $(,)?) => {
        mod std_lock {
            $(#[test] fn $test() {
                super::$test::<$std>();
            })+
        }
        #[cfg(feature = "parking_lot")]
        mod parking_lot {
            $(#[test] fn $test() {
                super::$test::<$parking_lot>();
            })+
        }
        $crate::locks::for_version_0_13!($($parking_lot_0_13)?: $($test),+);
    };
}
pub(crate) use for_each_lock;

macro_rules! for_version_0_13 {
    (: $($test:ident),+) => {};
    ($lock:ty: $($test:ident),+) => {
        #[cfg(feature = "parking_lot_0_13")]
        mod parking_lot_0_13 {
            $(#[test] fn $test() {
                super::$test::<$lock>();
            })+
        }
    };
}
pub(crate) use for_version_0_13;
