//! The source that an argument names (a file, standard input, or a URL), and the profile that is
//! there.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::fetch::{Client, Url, too_large};
use super::filter::{self, Filter, Found};
use super::names;
use super::uninteresting::Uninteresting;
use super::weights::{By, Weights, weigh};
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::Sample;
use crate::pprof::reader::{self, MAX_BYTES};
use crate::profile::kind::Class;

/// Displays as the user wrote it, but without a password.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
    Url(Url),
}

impl Source {
    /// A file goes before an address that looks like its name. A program's address stands for what
    /// it serves at `path`.
    pub(super) fn of_path(argument: &str, path: &str) -> Result<Self> {
        if argument == "-" {
            return Ok(Self::Stdin);
        }
        let is_file = Path::new(argument).exists();
        match Url::of(argument).filter(|_| !is_file) {
            Some(url) => Ok(Self::Url(url?.or_profile(path))),
            None => Ok(Self::File(argument.into())),
        }
    }

    pub(super) fn bytes(&self, client: &Client) -> Result<Vec<u8>> {
        match self {
            Self::Stdin => read_limited(io::stdin().lock()),
            Self::File(path) => File::open(path).and_then(|file| {
                if file.metadata()?.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                read_limited(file)
            }),
            Self::Url(url) => return client.get(url),
        }
        .map_err(|error| Error::about(self, error))
    }
}

/// A profile, and what to call it in messages.
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) profile: DecodedProfile,
    /// Where a filter has left a part of the profile: how much there was.
    whole: Option<Whole>,
}

/// A profile as it was before a filter.
struct Whole {
    filter: String,
    /// For each value the sum, and that without signs.
    totals: Vec<(i64, u64)>,
    kinds: BTreeSet<String>,
}

impl Whole {
    /// Before there is a filter.
    fn of(profile: &DecodedProfile) -> Self {
        let values = 0..profile.sample_types().count();
        Self {
            filter: String::new(),
            totals: values
                .map(|value| (profile.total(value), profile.size(value)))
                .collect(),
            kinds: filter::kinds(profile),
        }
    }
}

impl Loaded {
    /// The profile that `argument` names, for people: with readable names, and without the frames
    /// that it asks its readers to leave out. A program's address stands for its profile `which`.
    pub(super) fn from(argument: &str, which: &str, client: &Client) -> Result<Self> {
        let mut loaded = Self::raw(argument, which, client)?;
        loaded.demangle()?;
        if let Some(uninteresting) = Uninteresting::of(&loaded.profile) {
            uninteresting.leave_out(&mut loaded.profile);
        }
        Ok(loaded)
    }

    pub(super) fn demangle(&mut self) -> Result<()> {
        let demangled = names::demangle(&mut self.profile);
        demangled.map_err(|what| Error::about(&self.name, what))
    }

    /// As it is.
    pub(super) fn raw(argument: &str, which: &str, client: &Client) -> Result<Self> {
        let source = Source::of_path(argument, which)?;
        let Source::Url(url) = &source else {
            return Self::parsed(&source, &source.bytes(client)?);
        };
        let answer = client.ask(url)?;
        let may_ask = !matches!(answer.status, 401 | 403);
        let bytes = answer.bytes(MAX_BYTES);
        let loaded = bytes.and_then(|bytes| Self::parsed(&source, &bytes));
        if loaded.is_ok() || !may_ask {
            return loaded;
        }
        // As `snap` and `watch` do, takes the folder in which a program serves its profiles.
        let folder = url.as_folder(which).map(Source::Url);
        let in_folder = folder.map(|source| Self::parsed(&source, &source.bytes(client)?));
        match in_folder {
            Some(Ok(in_folder)) => Ok(in_folder),
            _ => loaded,
        }
    }

    fn parsed(source: &Source, bytes: &[u8]) -> Result<Self> {
        let profile = reader::read(bytes).map_err(|what| Error::about(source, what))?;
        Ok(Self {
            name: source.to_string(),
            profile,
            whole: None,
        })
    }

    /// Leaves in the profile what is asked for, and says what of that matches nothing.
    pub(super) fn leave(&mut self, filter: &Filter) {
        let found = self.leave_quietly(filter);
        filter.warn(found, &self.kinds());
    }

    pub(super) fn leave_quietly(&mut self, filter: &Filter) -> Found {
        let Some(text) = filter.text() else {
            return Found::default();
        };
        self.whole = Some(Whole {
            filter: text,
            ..Whole::of(&self.profile)
        });
        filter.apply(&mut self.profile)
    }

    /// Leaves the samples of which `is_left` says so, which is what the option `option` asks for.
    pub(super) fn leave_only(
        &mut self,
        option: &str,
        is_left: impl Fn(&DecodedProfile, &Sample) -> bool,
    ) {
        let whole = self.whole.get_or_insert_with(|| Whole::of(&self.profile));
        if !whole.filter.is_empty() {
            whole.filter.push(' ');
        }
        whole.filter.push_str(option);
        let mut samples = std::mem::take(&mut self.profile.tables.sample);
        samples.retain(|sample| is_left(&self.profile, sample));
        self.profile.tables.sample = samples;
    }

    /// Takes out the waits for work, those of the class `idle`, and returns the sum of this value
    /// of theirs. Shares remain those of the whole.
    pub(super) fn fold_idle(&mut self, value: usize) -> Option<i64> {
        let idle = is_idle(&self.profile);
        if !idle.contains(&true) {
            return None;
        }
        let before = self.profile.total(value);
        self.whole.get_or_insert_with(|| Whole::of(&self.profile));
        let mut idle = idle.into_iter();
        let samples = &mut self.profile.tables.sample;
        samples.retain(|_| idle.next() == Some(false));
        Some(before.saturating_sub(self.profile.total(value)))
    }

    /// The kinds that the samples have, or had before a filter.
    pub(super) fn kinds(&self) -> BTreeSet<String> {
        match &self.whole {
            Some(whole) => whole.kinds.clone(),
            None => filter::kinds(&self.profile),
        }
    }

    /// The filter that has left a part of the profile.
    pub(super) fn filter(&self) -> Option<&str> {
        let filter = self.whole.as_ref().map(|whole| &*whole.filter);
        filter.filter(|filter| !filter.is_empty())
    }

    /// The sum of all values, also of those that a filter has taken out.
    pub(super) fn total(&self, value: usize) -> i64 {
        match &self.whole {
            Some(whole) => whole.totals[value].0,
            None => self.profile.total(value),
        }
    }

    /// The same without their signs: the whole of which shares are computed.
    pub(super) fn size(&self, value: usize) -> u64 {
        match &self.whole {
            Some(whole) => whole.totals[value].1,
            None => self.profile.size(value),
        }
    }

    /// Flat and cum of what is left, with shares of the whole.
    pub(super) fn weigh(&self, value: usize, by: By) -> Weights<'_> {
        Weights {
            total: self.size(value),
            ..weigh((&self.profile, value), None, by)
        }
    }

    /// The position of the value that was asked for; `None` stands for the one that the profile
    /// suggests.
    pub(super) fn value(&self, wanted: Option<&str>) -> Result<usize> {
        let value = self.profile.value_index(wanted);
        value.map_err(|what| Error::about(&self.name, what))
    }
}

/// For each sample whether it waits for work, as its label says.
fn is_idle(profile: &DecodedProfile) -> Vec<bool> {
    let samples = profile.tables.sample.iter();
    let is_idle = |sample| {
        let mut classes = profile.labels(sample, "class");
        classes.any(|class| class == Class::Idle.label())
    };
    samples.map(is_idle).collect()
}

fn read_limited(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            too_large(MAX_BYTES),
        ));
    }
    Ok(bytes)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => url.fmt(f),
        }
    }
}
