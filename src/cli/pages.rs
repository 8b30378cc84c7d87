//! The pages of a program while it is recorded: for `contend run --http`.
//!
//! They are served by the command, which reads the program's memory anyway: the program gets no
//! thread and no port.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::{self, Error};
use super::output::printable;
use super::report::warnings;
use crate::export::form;
use crate::http::{Handler, Saved, SavedFile, Server};
use crate::pprof::reader;
use crate::profile::Profile;
use crate::text::sources::Sources;

/// For so long answers have the same numbers. However many requests come, the command has time for
/// its program.
const FRESH: Duration = Duration::from_millis(500);

/// Serves what `profiles` returns, which is `None` when the program has ended.
///
/// # Errors
///
/// Those of [`serve`](crate::http::serve).
pub(super) fn serve(
    address: &str,
    profiles: impl Fn() -> Option<Vec<Profile>> + Send + Sync + 'static,
) -> error::Result<Server> {
    let latest: Mutex<Option<(Instant, Arc<[SavedFile]>)>> = Mutex::default();
    let files = move || {
        let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, files)) = &*latest
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(files));
        }
        let profiles = profiles().ok_or("the program has ended")?;
        let files: Arc<[SavedFile]> = profiles.iter().map(file).collect::<Result<_, _>>()?;
        *latest = Some((Instant::now(), Arc::clone(&files)));
        Ok(files)
    };
    let handler = Handler::of_saved(Saved {
        title: "contend run",
        files: Box::new(files),
        sources: Mutex::new(Sources::below(&[])),
    });
    let server = Server::builder().handler(handler).serve(address);
    // Its message begins with the address.
    server.map_err(|error| Error::Message(error.to_string()))
}

fn file(profile: &Profile) -> Result<SavedFile, String> {
    let bytes = form::PPROF
        .bytes(profile)
        .map_err(|error| error.to_string())?;
    let decoded = reader::read(&bytes)?;
    let warnings = warnings(&decoded, profile.samples().is_empty());
    Ok(SavedFile {
        name: profile.kind().name().to_owned(),
        explained: profile.kind().question().to_owned(),
        warnings: warnings.map(printable).collect(),
        profile: decoded,
    })
}
