//! Takes profiles of the program's own in, under names that are free.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use super::{custom, routes};

/// Longest name of a profile.
const MAX_NAME: usize = 64;

/// Why a profile was not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// There is a profile or another path of this name. Some names are kept for later.
    NameTaken(String),
    /// The name is empty, longer than 64 characters, made of dots only, or has other characters
    /// than the letters A to Z in both cases, digits, `_`, `-` and `.`.
    InvalidName(String),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken(name) => write!(f, "profile name already in use: {name:?}"),
            Self::InvalidName(name) => write!(f, "invalid profile name: {name:?}"),
        }
    }
}

impl Error for RegisterError {}

/// Adds a profile of the program's own, such as its allocator's heap profile, to all that is
/// served: at `/debug/pprof/NAME`, listed on the index with its description.
///
/// Each request calls `profile`, several at once if there are several. Its result is sent as a
/// file, as it is: usually a pprof profile, compressed with gzip. Its error or its panic is the
/// answer to that request, with status 500. Registering lasts as long as the process.
///
/// `profile` may do anything, so a page of another site cannot make a browser ask for it (see
/// [Security](crate::http#security)).
///
/// # Errors
///
/// See [`RegisterError`]. Nothing changes then.
///
/// # Examples
///
/// ```
/// use contend::http::{Request, handle};
///
/// # fn heap_profile() -> Vec<u8> { b"pprof".to_vec() }
/// contend::http::register_profile("heap", "What the allocator holds.", || Ok(heap_profile()))?;
///
/// let response = handle(&Request::new("GET", "/debug/pprof/heap"));
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.body(), heap_profile());
///
/// // `mutex` is taken.
/// assert!(contend::http::register_profile("mutex", "", || Ok(Vec::new())).is_err());
/// # Ok::<(), contend::http::RegisterError>(())
/// ```
pub fn register_profile(
    name: &str,
    description: &str,
    profile: impl Fn() -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
) -> Result<(), RegisterError> {
    if !is_valid(name) {
        return Err(RegisterError::InvalidName(name.to_owned()));
    }
    match !routes::is_taken(name) && custom::add(name, description, profile) {
        true => Ok(()),
        false => Err(RegisterError::NameTaken(name.to_owned())),
    }
}

fn is_valid(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    // Browsers take `.` and `..` for folders.
    let is_dots = name.bytes().all(|byte| byte == b'.');
    !is_dots && name.len() <= MAX_NAME && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_paths() {
        for name in ["heap", "a", "jemalloc.heap-2_x", &"x".repeat(64)] {
            assert!(is_valid(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a b",
            "é",
            "<b>",
            "a\0",
            &"x".repeat(65),
        ] {
            assert!(!is_valid(name), "{name}");
        }
    }
}
