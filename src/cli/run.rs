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
    use std::time::Duration;

    use super::*;
    use crate::cli::error::Error;
    use crate::cli::launch::launch;
    use crate::export::form::{self, Form};
    use crate::profile::kind::{Class, Kind};
    use crate::profile::{Profile, Sample};
    use crate::text::units::human;

    pub(super) fn run(arguments: &Run) -> Result<ExitCode> {
        launch(&arguments.recording, |profiles| {
            let text = tables(profiles, arguments);
            // To standard error: standard output is the program's.
            Ok(io::stderr().write_all(text.as_bytes())?)
        })
    }

    fn tables(profiles: &[Profile], arguments: &Run) -> String {
        let io = match arguments.recording.io {
            true => SEEN_OF_IO,
            false => UNSEEN_OF_IO,
        };
        let mut text = format!("\ncontend: {SEEN}{io}\n");
        for profile in profiles {
            text += &format!("\n{}\n", profile.kind().question());
            let (busy, idle) = match arguments.idle {
                true => (profile.clone(), None),
                false => without_idle(profile),
            };
            // A table says itself why it is empty, unless that is because of what is left out.
            if !busy.samples().is_empty() || idle.is_none() {
                // Nothing idle is left, unless it is asked for.
                text += &format!("{:#}", busy.top(arguments.n));
            }
            text += &idle.unwrap_or_default();
        }
        text
    }

    /// The source of the numbers, so that nobody takes them for more.
    const SEEN: &str = "every sleep of threads at locks, channels and conditions of std, parking_lot, crossbeam, C \
        and C++ is seen; tasks of async runtimes, spinning and Go's locks are not";
    const SEEN_OF_IO: &str = "; of input and output, waits for pipes and sockets are";
    const UNSEEN_OF_IO: &str = "; waits for pipes and sockets are with --io";

    /// The profile without the stacks of threads that wait for work, and a line about them.
    fn without_idle(profile: &Profile) -> (Profile, Option<String>) {
        let (busy, idle) = profile.split(is_idle);
        let total = idle.total_delay();
        if total.is_zero() {
            return (busy, None);
        }
        let line = format!(
            "waiting for work is left out: {} in {} waits; --idle shows it\n",
            human(total),
            idle.total_contentions()
        );
        (busy, Some(line))
    }

    /// Waits for what has not come yet, where usually nothing is wrong. A condition variable is one
    /// of these where threads stay at it for long: a worker without work, rather than a pool that
    /// is used up.
    fn is_idle(sample: &Sample) -> bool {
        const LONG: Duration = Duration::from_millis(100);
        match sample.kind {
            Kind::CONDVAR => sample.mean_delay() >= LONG,
            kind => kind.class() == Class::Idle,
        }
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
