//! The forms in which a profile becomes a file. A form is a row here; saving, HTTP and the bundle
//! read the table.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::Path;

use crate::profile::Profile;
use crate::text::save;

/// Rows of the table that stands beside other forms. A table that is asked for alone has all.
const TABLE_ROWS: usize = 100;

/// A form that a profile is written in.
#[derive(Debug)]
#[allow(dead_code)] // Features decide what of it is read.
pub(crate) struct Form {
    /// The end of the names of such files, where a profile is written in all forms.
    pub(crate) ending: &'static str,
    /// The extension by which a path asks for it.
    extension: Option<&'static str>,
    pub(crate) content_type: &'static str,
    /// Its purpose, in words that go after the name of the profile.
    pub(crate) purpose: &'static str,
    /// The feature that it needs and that is not built in.
    pub(crate) missing_feature: Option<&'static str>,
    write: fn(&Profile, &mut dyn Write) -> io::Result<()>,
}

/// The form for a path that asks for no other.
pub(crate) const PPROF: Form = Form {
    ending: "pb.gz",
    extension: None,
    content_type: "application/octet-stream",
    purpose: "for go tool pprof",
    missing_feature: None,
    write: |profile, output| profile.write_pprof(output),
};

/// Machines have the pprof form, so a path that ends in `.txt` is for people.
const TABLE: Form = Form {
    ending: "top.txt",
    extension: Some("txt"),
    content_type: PLAIN_TEXT,
    purpose: "as a table",
    missing_feature: None,
    write: |profile, output| write!(output, "{}", profile.top(TABLE_ROWS)),
};

/// Go's `debug=1`.
pub(crate) const TEXT: Form = Form {
    ending: "txt",
    extension: None,
    content_type: PLAIN_TEXT,
    purpose: "as text with every stack",
    missing_feature: None,
    write: |profile, output| profile.write_text(output),
};

pub(crate) const FLAME_GRAPH: Form = Form {
    ending: "svg",
    extension: Some("svg"),
    content_type: "image/svg+xml",
    purpose: "as a flame graph",
    missing_feature: if cfg!(feature = "flamegraph") {
        None
    } else {
        Some("flamegraph")
    },
    write: write_flame_graph,
};

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// All of them.
pub(crate) const FORMS: &[Form] = &[PPROF, TABLE, TEXT, FLAME_GRAPH];

impl Form {
    /// The form that a file of this name has.
    pub(crate) fn of(path: &Path) -> &'static Self {
        let is_asked_for = |form: &&Form| {
            let extension = path.extension().zip(form.extension);
            extension.is_some_and(|(has, wants)| has.eq_ignore_ascii_case(wants))
        };
        FORMS.iter().find(is_asked_for).unwrap_or(&PPROF)
    }

    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    pub(crate) fn is_built_in(&self) -> bool {
        self.missing_feature.is_none()
    }

    pub(crate) fn write(&self, profile: &Profile, output: &mut dyn Write) -> io::Result<()> {
        (self.write)(profile, output)
    }

    #[allow(dead_code)] // Asked for by HTTP, which is a feature.
    pub(crate) fn bytes(&self, profile: &Profile) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write(profile, &mut bytes)?;
        Ok(bytes)
    }
}

/// Writes the file, whole or not at all, in the form that its name asks for. Errors name the path.
pub(crate) fn save(profile: &Profile, path: &Path) -> io::Result<()> {
    save::save(path, |file| match Form::of(path).ending {
        ending if ending == TABLE.ending => write!(file, "{:#}", profile.top(usize::MAX)),
        _ => Form::of(path).write(profile, file),
    })
}

/// As [`save`], in this form whatever the name is.
#[allow(dead_code)] // Where programs are profiled from outside.
pub(crate) fn save_as(profile: &Profile, form: &Form, path: &Path) -> io::Result<()> {
    save::save(path, |file| form.write(profile, file))
}

#[cfg(feature = "flamegraph")]
fn write_flame_graph(profile: &Profile, output: &mut dyn Write) -> io::Result<()> {
    profile.write_flamegraph(output)
}

#[cfg(not(feature = "flamegraph"))]
fn write_flame_graph(_: &Profile, _: &mut dyn Write) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "flame graphs need contend's feature `flamegraph`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_asks_by_its_extension() {
        let cases = [
            ("mutex.pb.gz", PPROF.ending),
            ("mutex", PPROF.ending),
            ("a.b/mutex.TXT", TABLE.ending),
            ("mutex.svg", FLAME_GRAPH.ending),
        ];
        for (path, ending) in cases {
            assert_eq!(Form::of(path.as_ref()).ending, ending, "{path}");
        }
    }

    #[test]
    fn forms_are_told_apart_by_their_endings() {
        for (at, form) in FORMS.iter().enumerate() {
            let same = |other: &Form| other.ending == form.ending;
            assert!(!FORMS[..at].iter().any(same), "{}", form.ending);
        }
    }
}
