//! Labels: what a program knows of its waits and no stack tells.
#![forbid(unsafe_code)]

use std::fmt;

pub use crate::skin::labels::Labelled;
use crate::skin::{LabelSet, labels as imp};

/// A set of labels, as `endpoint=/cart`: keys with one value each.
///
/// An event that is recorded while a thread [has](Labels::enter) a set has its labels: in the mutex
/// profile they are those of the thread that **released**, in the block profile those of the thread
/// that **waited**; a timeline and a dump of the threads have them too. `go tool pprof -tagfocus`,
/// the pages and `contend top --label endpoint=/cart` filter by them.
/// [`docs::labels`](crate::docs::labels) says what to do with that.
///
/// A set is made once and then is a number, so it is cheap to copy and to enter.
/// [`labels!`](crate::labels!) makes and enters one in a line.
///
/// # Limits
///
/// A process keeps 4096 different sets, of at most 10 labels each, as long as it lives: labels are
/// for what has few values, as endpoints and tenants. (A request's number goes into the name of a
/// [task](crate::trace::task), or a [log](crate::trace::log).) Sets beyond that are one with the
/// label `labels=contend::overflow`, and [`Lost::label_table_full`](crate::Lost) counts how often
/// they are made.
///
/// The first 64 bytes of a key and the first 200 of a value are kept. A label with an empty value
/// is none. Every sample has the labels `kind` and `class` already, some have `thread`: of your
/// labels of these names nothing is found.
///
/// # Examples
///
/// ```
/// use std::sync::LazyLock;
/// use contend::Labels;
///
/// static CART: LazyLock<Labels> = LazyLock::new(|| Labels::new([("endpoint", "/cart")]));
///
/// fn handle() {
///     let _labels = CART.enter();
///     // … what waits here, or makes others wait, is known to be of /cart …
/// }
/// # handle();
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Labels(LabelSet);

impl Labels {
    /// A set of these labels. Of two with one key the later one counts.
    ///
    /// # Overhead
    ///
    /// Looks for the set in a table. Nothing is allocated.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(labels: impl AsRef<[(K, V)]>) -> Self {
        let labels = labels.as_ref().iter();
        Self(imp::set_of(
            labels.map(|(key, value)| (key.as_ref(), value.as_ref())),
        ))
    }

    /// Those that this thread has now.
    #[inline]
    pub fn current() -> Self {
        Self(imp::current())
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&'static str> {
        self.0.get(key)
    }

    /// The labels, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.0.labels()
    }

    /// From here on this thread has these labels besides those that it has, until the result is
    /// dropped. Threads and tasks that it spawns meanwhile by [`contend::thread`](crate::thread)
    /// and `contend::tokio` have them as well.
    ///
    /// # Overhead
    ///
    /// Some stores into memory of this thread alone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "profiling")] {
    /// use contend::Labels;
    ///
    /// let labels = Labels::new([("endpoint", "/cart")]);
    /// {
    ///     let _scope = labels.enter();
    ///     let there = contend::thread::spawn(|| Labels::current().get("endpoint"));
    ///     assert_eq!(there.join().unwrap(), Some("/cart"));
    /// }
    /// assert_eq!(Labels::current(), Labels::default());
    /// # }
    /// ```
    #[inline]
    pub fn enter(self) -> LabelScope {
        LabelScope(imp::enter(imp::current_with(self.0)))
    }

    /// A future that has these labels whenever it is polled, besides those of the thread that polls
    /// it.
    ///
    /// A scope is no way to do this: it would be in force for whatever the thread polls next.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::pin::pin;
    /// # use std::task::{Context, Poll, Waker};
    /// # let mut context = Context::from_waker(Waker::noop());
    /// # #[cfg(feature = "profiling")] {
    /// use contend::Labels;
    ///
    /// let labels = Labels::new([("endpoint", "/cart")]);
    /// let handler = labels.instrument(async { Labels::current().get("endpoint") });
    /// # assert_eq!(pin!(handler).poll(&mut context), Poll::Ready(Some("/cart")));
    /// # }
    /// ```
    pub fn instrument<F: Future>(self, future: F) -> Labelled<F> {
        imp::instrument(self.0, future)
    }
}

/// `{endpoint=/cart}`
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// While this lives its thread has the [labels](Labels) that were entered. It stays with the
/// thread.
///
/// ```compile_fail
/// let scope = contend::labels! {"endpoint" => "/cart"};
/// std::thread::spawn(move || drop(scope));
/// ```
#[derive(Debug)]
#[must_use = "the labels are in force until this is dropped"]
pub struct LabelScope(#[allow(dead_code)] imp::Scope); // For its drop.

/// Calls `f` with these labels in force, besides those that the thread has: `pprof.Do` of Go.
///
/// # Examples
///
/// ```
/// use contend::{Labels, with_labels};
///
/// let sum = with_labels(Labels::new([("endpoint", "/cart")]), || {
///     // … what waits here is known to be of /cart …
///     1 + 1
/// });
/// assert_eq!(sum, 2);
/// ```
#[inline]
pub fn with_labels<R>(labels: Labels, f: impl FnOnce() -> R) -> R {
    let _scope = labels.enter();
    f()
}

/// The function that [`labels!`](crate::labels!) calls.
#[doc(hidden)]
#[inline]
pub fn enter_labels(labels: &[(&str, &str)]) -> LabelScope {
    LabelScope(imp::enter(imp::current_and(labels.iter().copied())))
}

/// This thread has these [labels](crate::Labels) besides those that it has, until the result, a
/// [`LabelScope`](crate::LabelScope), is dropped.
///
/// # Overhead
///
/// Looks for the set in a table: some ten nanoseconds more than
/// [`Labels::enter`](crate::Labels::enter).
///
/// # Examples
///
/// ```
/// let (name, tenant) = (String::from("/cart"), "blue");
/// let _labels = contend::labels! {"endpoint" => name, "tenant" => tenant};
/// # #[cfg(feature = "profiling")]
/// assert_eq!(contend::Labels::current().get("endpoint"), Some("/cart"));
/// ```
#[macro_export]
macro_rules! labels {
    ($($key:expr => $value:expr),+ $(,)?) => {
        $crate::__private::enter_labels(&[$((
            ::core::convert::AsRef::<str>::as_ref(&$key),
            ::core::convert::AsRef::<str>::as_ref(&$value),
        )),+])
    };
}
