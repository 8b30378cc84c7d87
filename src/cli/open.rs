//! `contend open`: profiles as pages, on a port of this machine.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::args::Open;
use super::error::{Error, Result};
use super::output::{Output, printable};
use super::report::warnings;
use super::source::Loaded;
use crate::http::{Handler, Saved, SavedFile, Server};
use crate::text::sources::Sources;

/// Serves until the process is ended.
pub(super) fn run(arguments: &Open, output: &mut Output) -> Result<()> {
    let files = files(arguments)?;
    let saved = Saved {
        title: "contend open",
        files: Box::new(move || Ok(Arc::clone(&files))),
        sources: Mutex::new(Sources::below(&arguments.source_path)),
    };
    let server = Server::builder().handler(Handler::of_saved(saved));
    let server = server.serve((Ipv4Addr::LOCALHOST, arguments.port));
    // Its message begins with the address.
    let server = server.map_err(|error| Error::Message(error.to_string()))?;
    let url = format!("http://{}/", server.local_addr());
    writeln!(output, "{url}   Ctrl-C ends it")?;
    output.flush()?;
    if arguments.browser && !open_browser(&url) {
        let what = "there is no browser to open: copy the address into one";
        // There is nobody to tell if this fails, too.
        let _ = writeln!(io::stderr(), "contend: {what}");
    }
    loop {
        thread::park();
    }
}

fn files(arguments: &Open) -> Result<Arc<[SavedFile]>> {
    let client = arguments.access.client();
    let load = |argument: &String| {
        let mut loaded = Loaded::from(argument, "mutex", &client)?;
        // There must be something to show.
        loaded.value(None)?;
        loaded.leave(&arguments.filter);
        let is_empty = loaded.profile.tables.sample.is_empty() && loaded.filter().is_none();
        let warnings = warnings(&loaded.profile, is_empty).map(printable);
        let filter = loaded
            .filter()
            .map(|filter| format!("only a part: {filter}"));
        Ok(SavedFile {
            warnings: warnings.chain(filter).collect(),
            explained: loaded.name.clone(),
            name: loaded.name,
            profile: loaded.profile,
        })
    };
    arguments.profiles.iter().map(load).collect()
}

/// With the program that the system has for it; `BROWSER` names another one.
fn open_browser(url: &str) -> bool {
    let chosen = std::env::var("BROWSER")
        .ok()
        .filter(|name| !name.is_empty());
    let (program, first): (&str, &[&str]) = match &chosen {
        Some(program) => (program, &[]),
        None if cfg!(target_os = "macos") => ("open", &[]),
        None if cfg!(windows) => ("rundll32", &["url.dll,FileProtocolHandler"]),
        None => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(first).arg(url);
    let nothing = || Stdio::null();
    command.stdin(nothing()).stdout(nothing()).stderr(nothing());
    command.spawn().is_ok()
}
