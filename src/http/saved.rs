//! Profiles that a handler serves in the place of this program's own.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::pprof::decoded::DecodedProfile;
use crate::text::sources::Sources;

/// The profiles that are served.
pub(crate) struct Saved {
    /// The command that serves them, for the top of the pages.
    pub(crate) title: &'static str,
    /// Asked at each request, because profiles of a program that runs grow. An error is the answer.
    pub(crate) files: Box<dyn Fn() -> Result<Arc<[SavedFile]>, String> + Send + Sync>,
    pub(crate) sources: Mutex<Sources>,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// One profile, fit to be read by people.
#[derive(Debug)]
pub(crate) struct SavedFile {
    /// The file or the URL, as the user gave it; or the name of the profile.
    pub(crate) name: String,
    /// A few words below the name.
    pub(crate) explained: String,
    pub(crate) profile: DecodedProfile,
    /// Words about it that matter, such as losses.
    pub(crate) warnings: Vec<String>,
}
