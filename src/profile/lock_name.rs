//! The names that programs give to their locks.

use crate::profile::names::Names;

/// The name of a lock, as a number that stands for it while the process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LockName(u16);

/// With half as many names in it as there are places, hardly one is further from its own than this;
/// and whoever comes when all are taken has not looked at all of them.
const STEPS: usize = 128;

static NAMES: Names<{ LockName::PLACES }, STEPS> = Names::new();

#[cfg_attr(loom, allow(dead_code))] // Models have no names.
impl LockName {
    /// A lock without a name.
    pub(crate) const NONE: Self = Self(0);

    /// Stands for the names that came when there was no room for more.
    pub(crate) const OVERFLOW: Self = Self(1);

    /// The text of [`OVERFLOW`](Self::OVERFLOW).
    pub(crate) const OVERFLOW_TEXT: &str = "contend::overflow";

    const FIRST: u16 = 2;

    /// Names that are kept: this many at the most, and half of them at least.
    pub(crate) const PLACES: usize = 2048;

    /// All numbers are below this.
    pub(crate) const COUNT: usize = Self::PLACES + Self::FIRST as usize;

    /// The number of this name.
    pub(crate) fn of(name: &'static str) -> Self {
        match name {
            "" => Self::NONE,
            Self::OVERFLOW_TEXT => Self::OVERFLOW,
            _ => match NAMES.number(name) {
                Some(place) => Self(place as u16 + Self::FIRST),
                None => Self::OVERFLOW,
            },
        }
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Its number, and its way through events.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    /// The inverse of [`index`](Self::index), for the lowest 16 bits of it.
    #[inline]
    pub(crate) fn from_index(index: u16) -> Self {
        Self(index)
    }

    /// The text of the name; `None`: there is none.
    pub(crate) fn text(self) -> Option<&'static str> {
        match self {
            Self::OVERFLOW => Some(Self::OVERFLOW_TEXT),
            _ => NAMES.name(self.0.checked_sub(Self::FIRST)?.into()),
        }
    }

    /// All that have been asked for, and that of the overflow.
    #[cfg(feature = "profiling")]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (1..Self::COUNT as u16)
            .map(Self)
            .filter(|name| name.text().is_some())
    }
}

#[cfg(all(test, feature = "profiling", not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_text_and_its_number() {
        let name = LockName::of("lock name: one");
        assert_eq!(LockName::of("lock name: one"), name);
        assert_ne!(LockName::of("lock name: other"), name);
        assert_eq!(name.text(), Some("lock name: one"));
        assert_eq!(LockName::from_index(name.index() as u16), name);
        assert!(LockName::all().any(|one| one == name));
    }

    #[test]
    fn some_numbers_are_no_name() {
        assert_eq!(
            (LockName::of("").text(), LockName::NONE.text()),
            (None, None)
        );
        let overflow = LockName::of("contend::overflow");
        assert_eq!(overflow, LockName::OVERFLOW);
        assert_eq!(overflow.text(), Some("contend::overflow"));
        assert_eq!(LockName::from_index(u16::MAX).text(), None);
    }
}
