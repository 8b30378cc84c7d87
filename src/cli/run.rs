//! `contend run` and `contend record`: any program, with every wait of it recorded.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use super::args::{Record, Run};
use super::error::Result;

#[cfg(not(contend_whole))]
mod imp {
    use super::*;
    use crate::cli::error::Error;

    fn nowhere() -> Error {
        Error::Message(
            "whole programs are profiled on x86-64 Linux with glibc, by a contend that is built with its \
             feature `profiling`; elsewhere put `contend::` before the paths of your locks"
                .to_owned(),
        )
    }

    pub(super) fn run(_: &Run) -> Result<ExitCode> {
        Err(nowhere())
    }

    pub(super) fn record(_: &Record) -> Result<ExitCode> {
        Err(nowhere())
    }
}

#[cfg(contend_whole)]
mod imp {
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;

    use super::*;
    use crate::cli::error::Error;
    use crate::cli::launch::launch;
    use crate::export::form::{self, Form};
    use crate::profile::Profile;

    pub(super) fn run(arguments: &Run) -> Result<ExitCode> {
        launch(&arguments.recording, |profiles| {
            show(profiles, arguments.n).map_err(Error::from)
        })
    }

    /// To standard error: standard output is the program's.
    fn show(profiles: &[Profile], rows: usize) -> io::Result<()> {
        let mut text = String::new();
        for profile in profiles {
            text += &format!("\n{}\n{}", profile.kind().question(), profile.top(rows));
        }
        io::stderr().write_all(text.as_bytes())
    }

    pub(super) fn record(arguments: &Record) -> Result<ExitCode> {
        let folder = &arguments.output;
        // Now, so that nobody has to run a program twice.
        fs::create_dir_all(folder).map_err(|error| Error::about(folder.display(), error))?;
        launch(&arguments.recording, |profiles| {
            for profile in profiles {
                write(profile, folder, arguments.flamegraph)?;
            }
            Ok(())
        })
    }

    fn write(profile: &Profile, folder: &Path, flamegraph: bool) -> Result<()> {
        let wanted = |form: &&Form| {
            form.ending != form::TEXT.ending
                && (flamegraph || form.ending != form::FLAME_GRAPH.ending)
        };
        for form in form::FORMS.iter().filter(wanted) {
            let path = folder.join(format!("{}.{}", profile.kind(), form.ending));
            form::save_as(profile, form, &path)
                .map_err(|error| Error::Message(error.to_string()))?;
        }
        Ok(())
    }
}

pub(super) fn run(arguments: &Run) -> Result<ExitCode> {
    imp::run(arguments)
}

pub(super) fn record(arguments: &Record) -> Result<ExitCode> {
    imp::record(arguments)
}
