#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use super::Response;
use super::handler::{Answer, Call};

/// Why a profile was not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is that of another profile or path.
    NameTaken(String),
    /// The name is empty, too long, or has other characters than letters, digits, `_`, `-` and `.`.
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

/// Adds a path of the program's own, such as a heap profile.
pub fn register_profile(
    _name: &str,
    _description: &str,
    _profile: impl Fn() -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
) -> Result<(), RegisterError> {
    Ok(())
}

pub(super) fn profile(_call: &Call<'_>) -> Answer {
    Err(Response::error(404, "Unknown profile"))
}
