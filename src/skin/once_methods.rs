//! The methods of a `Once`: three originals have them, and differ in little.

/// Writes the methods that run a closure, and `Debug`, for the type `Once` with the fields `flag`
/// and `inner`. With `waits` it has those that only wait, too.
///
/// ```text
/// once_methods!(Inner, &OnceState, Inner::is_completed, waits);
/// ```
///
/// `Inner` is the original; `&OnceState` is what `call_once_force` gives to the closure; the
/// function says whether a closure has run to its end.
macro_rules! once_methods {
    ($inner:ty, $state:ty, $is_done:expr $(, $waits:ident)?) => {
        impl Once {
            /// Runs `run` unless one has run already; waits for one that is running.
            ///
            /// # Panics
            ///
            /// When an earlier run has panicked, and where `run` does.
            #[inline]
            pub fn call_once<F>(&self, run: F)
            where
                F: FnOnce(),
            {
                if !$is_done(&self.inner) {
                    self.call_once_contended(run);
                    $crate::skin::keep_frame();
                }
            }

            /// As [`call_once`](Self::call_once), but runs again after a run that has panicked, and
            /// tells the closure so.
            ///
            /// # Panics
            ///
            /// Where `run` does.
            #[inline]
            pub fn call_once_force<F>(&self, run: F)
            where
                F: FnOnce($state),
            {
                if !$is_done(&self.inner) {
                    self.call_once_force_contended(run);
                    $crate::skin::keep_frame();
                }
            }

            #[cold]
            #[inline(never)]
            fn call_once_contended(&self, run: impl FnOnce()) {
                $crate::skin::once(&self.flag, |turn: &mut $crate::skin::Turn<'_>| {
                    self.inner.call_once(|| turn.run(run));
                });
            }

            #[cold]
            #[inline(never)]
            fn call_once_force_contended(&self, run: impl FnOnce($state)) {
                $crate::skin::once(&self.flag, |turn: &mut $crate::skin::Turn<'_>| {
                    self.inner.call_once_force(|state| turn.run(|| run(state)));
                });
            }
        }

        $($crate::skin::once_waits!($inner, $is_done, $waits);)?

        impl ::std::fmt::Debug for Once {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

macro_rules! once_waits {
    ($inner:ty, $is_done:expr, waits) => {
        impl Once {
            /// Waits until a closure has run to its end, also one that has not begun.
            ///
            /// # Panics
            ///
            /// When a run has panicked.
            #[inline]
            pub fn wait(&self) {
                if !$is_done(&self.inner) {
                    self.wait_contended(<$inner>::wait);
                    $crate::skin::keep_frame();
                }
            }

            /// As [`wait`](Self::wait), but goes on waiting after a run that has panicked.
            #[inline]
            pub fn wait_force(&self) {
                if !$is_done(&self.inner) {
                    self.wait_contended(<$inner>::wait_force);
                    $crate::skin::keep_frame();
                }
            }

            #[cold]
            #[inline(never)]
            fn wait_contended(&self, block: impl FnOnce(&$inner)) {
                $crate::skin::acquire(
                    $crate::skin::Kind::ONCE,
                    &self.flag,
                    || $is_done(&self.inner).then_some(()),
                    || block(&self.inner),
                    |()| true,
                );
            }
        }
    };
}

pub(crate) use {once_methods, once_waits};
