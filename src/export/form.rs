//! The form of a file, by the ending of its name.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::Path;

use crate::profile::Profile;
use crate::text::save;

/// What a profile is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `….svg`
    FlameGraph,
    /// Any other ending, usually `….pb.gz`.
    Pprof,
    /// `….txt`: all call sites as a table. Machines have the pprof form, so this one is for people.
    Table,
}

impl Form {
    pub(crate) fn of(path: &Path) -> Self {
        let is = |ending: &str| {
            path.extension()
                .is_some_and(|it| it.eq_ignore_ascii_case(ending))
        };
        match () {
            () if is("svg") => Self::FlameGraph,
            () if is("txt") => Self::Table,
            () => Self::Pprof,
        }
    }

    fn write(self, profile: &Profile, file: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::FlameGraph => write_flame_graph(profile, file),
            Self::Pprof => profile.write_pprof(file),
            Self::Table => file.write_all(profile.top(usize::MAX).to_string().as_bytes()),
        }
    }
}

/// Writes the file, whole or not at all, in the form that its name asks for. Errors name the path.
pub(crate) fn save(profile: &Profile, path: &Path) -> io::Result<()> {
    save::save(path, |file| Form::of(path).write(profile, file))
}

#[cfg(feature = "flamegraph")]
fn write_flame_graph(profile: &Profile, file: &mut dyn Write) -> io::Result<()> {
    profile.write_flamegraph(file)
}

#[cfg(not(feature = "flamegraph"))]
fn write_flame_graph(_: &Profile, _: &mut dyn Write) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "flame graphs need contend's feature `flamegraph`",
    ))
}
