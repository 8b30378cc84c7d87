//! The result of a recording: the profiles of all kinds and the time they cover.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::export::form;
use crate::profile::{Profile, ProfileKind};
use crate::text::save;

/// The profiles of a [`Recording`](crate::Recording).
///
/// `println!("{profiles}")` shows the costliest call sites of each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profiles {
    /// The code that made others wait, see [`mutex_profile`](crate::mutex_profile).
    pub mutex: Profile,
    /// Where threads waited, see [`block_profile`](crate::block_profile).
    pub block: Profile,
    /// The ends of waits that no lock made, see [`wake_profile`](crate::wake_profile).
    pub wake: Profile,
    /// Pairs of waiters and holders, see [`pairs_profile`](crate::pairs_profile). Empty unless
    /// [`pairs_fraction`](crate::RecordingBuilder::pairs_fraction) or the program asked for it.
    pub pairs: Profile,
    /// How long the recording lasted; also the [`duration`](Profile::duration) of the profiles.
    pub wall: Duration,
    /// Those of the kinds after these.
    others: [Profile; ProfileKind::COUNT - 4],
}

impl Profiles {
    /// From one profile of each kind, in their order.
    pub(crate) fn new(profiles: [Profile; ProfileKind::COUNT], wall: Duration) -> Profiles {
        let [mutex, block, wake, pairs, others @ ..] = profiles;
        Profiles {
            mutex,
            block,
            wake,
            pairs,
            wall,
            others,
        }
    }

    /// All of them, in the order of their [kinds](Profile::kind).
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        let named = [&self.mutex, &self.block, &self.wake, &self.pairs];
        named.into_iter().chain(&self.others)
    }

    /// The part of all profiles whose stacks have a function with `text` in its path: see
    /// [`Profile::focus`].
    #[must_use]
    pub fn focus(&self, text: &str) -> Profiles {
        Profiles {
            mutex: self.mutex.focus(text),
            block: self.block.focus(text),
            wake: self.wake.focus(text),
            pairs: self.pairs.focus(text),
            wall: self.wall,
            others: self.others.clone().map(|profile| profile.focus(text)),
        }
    }

    /// Those that say something: the pairs profile is left out where nobody has asked for it.
    fn asked_for(&self) -> impl Iterator<Item = &Profile> {
        self.iter().filter(|profile| {
            let has_own_events = profile.kind().sampled_as() == profile.kind();
            has_own_events || profile.rate() > 0 || !profile.samples().is_empty()
        })
    }

    /// Writes `mutex.pb.gz`, `block.pb.gz` and `wake.pb.gz` (and `pairs.pb.gz`, if pairs were
    /// asked for) for `go tool pprof`, `top.txt` with
    /// what [`Display`](fmt::Display) prints, and with the feature `flamegraph` `mutex.svg` and so
    /// on, to `folder`. It is made if it is missing; files of these names are replaced.
    ///
    /// # Errors
    ///
    /// The error's message begins with the path that could not be written. Each file is written
    /// whole or not at all.
    ///
    /// # Examples
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("contend-doc-{}", std::process::id()));
    /// let (_, profiles) = contend::measure(|| ());
    /// profiles.save(&folder)?;
    /// assert!(folder.join("mutex.pb.gz").exists());
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn save(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|error| save::at(folder, &error))?;
        for profile in self.asked_for() {
            let name = profile.kind().name();
            let forms = [form::PPROF, form::FLAME_GRAPH];
            for form in forms.iter().filter(|form| form.is_built_in()) {
                form::save(profile, &folder.join(name).with_extension(form.ending))?;
            }
        }
        save::save(&folder.join("top.txt"), |file| {
            io::Write::write_all(file, self.to_string().as_bytes())
        })
    }
}

/// The costliest call sites of the mutex profile, an empty line, those of the block profile, and
/// so on.
impl fmt::Display for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for profile in self.asked_for() {
            write!(f, "{separator}{profile}")?;
            separator = "\n";
        }
        Ok(())
    }
}
