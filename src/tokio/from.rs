//! The way between our types and the originals.

/// Both directions of [`From`], for a type that is made of the original and of other parts that
/// have a beginning.
macro_rules! from_both {
    ($ours:ident[$($parameters:tt)*], $original:ty, { $($rest:tt)* }) => {
        impl<$($parameters)*> From<$original> for $ours<$($parameters)*> {
            /// Profiles what happens through this one.
            fn from(inner: $original) -> Self {
                Self { inner, $($rest)* }
            }
        }

        impl<$($parameters)*> From<$ours<$($parameters)*>> for $original {
            fn from(ours: $ours<$($parameters)*>) -> Self {
                ours.inner
            }
        }
    };
}

/// `Debug` as the original has it.
macro_rules! debug_as_original {
    ($ours:ident[$($declared:tt)*][$($used:tt)*]) => {
        impl<$($declared)*> ::std::fmt::Debug for $ours<$($used)*> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

pub(super) use {debug_as_original, from_both};
