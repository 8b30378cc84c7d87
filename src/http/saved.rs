//! Profiles of files that a handler serves in the place of this program's own.
#![forbid(unsafe_code)]

use std::sync::Mutex;

use crate::pprof::decoded::DecodedProfile;
use crate::text::sources::Sources;

/// The profiles that are served.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) files: Vec<SavedFile>,
    pub(crate) sources: Mutex<Sources>,
}

/// One profile, fit to be read by people.
#[derive(Debug)]
pub(crate) struct SavedFile {
    /// The file or the URL, as the user gave it.
    pub(crate) name: String,
    pub(crate) profile: DecodedProfile,
    /// Words about it that matter, such as losses.
    pub(crate) warnings: Vec<String>,
}
