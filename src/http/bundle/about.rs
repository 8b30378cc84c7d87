//! The origin of the numbers: versions, the program, its libraries.
#![forbid(unsafe_code)]

use std::env;
use std::fmt::Write;
use std::process;
use std::sync::Arc;
use std::thread;

use super::{Part, Subject};
use crate::profile::{Mapping, Profile};
use crate::skin::table::SKINS;
use crate::text::escape::OneLine;

/// Those of this crate's features that matter to whoever reads the bundle, beside those of skins.
const FEATURES: &[(&str, bool)] = &[
    ("profiling", cfg!(feature = "profiling")),
    ("framehop", cfg!(feature = "framehop")),
    ("flamegraph", cfg!(feature = "flamegraph")),
    ("cpu", cfg!(feature = "cpu")),
];

pub(super) fn part(subject: &Subject) -> Part {
    Part {
        name: "about.txt".to_owned(),
        description: "versions, the program, the machine".to_owned(),
        content: Ok(about(subject).into_bytes()),
    }
}

/// Like `/proc/self/maps`, code only, with build ids.
pub(super) fn mappings(profile: &Profile) -> Part {
    let content = match profile.mappings() {
        [] => Err("it takes Linux and the feature `profiling` to know what is mapped".to_owned()),
        mappings => Ok(list(mappings).into_bytes()),
    };
    Part {
        name: "mappings.txt".to_owned(),
        description: "where code is mapped, with build ids, to name addresses later".to_owned(),
        content,
    }
}

fn about(subject: &Subject) -> String {
    let of_skins = SKINS.iter().filter_map(|skin| skin.feature);
    let of_skins = of_skins.map(|feature| (feature.name, feature.is_on));
    let features = FEATURES.iter().copied().chain(of_skins);
    let enabled: Vec<&str> = features
        .filter_map(|(name, is_on)| is_on.then_some(name))
        .collect();
    let path = match env::current_exe() {
        Ok(path) => path.display().to_string(),
        Err(error) => format!("unknown ({error})"),
    };
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let debug_assertions = if cfg!(debug_assertions) { "on" } else { "off" };
    let lines = [
        ("taken", subject.time.to_string()),
        ("window", format!("{:?}", subject.window)),
        ("program", path),
        ("process", process::id().to_string()),
        (
            "system",
            format!("{} {}", env::consts::OS, env::consts::ARCH),
        ),
        ("processors", processors.to_string()),
        ("contend", env!("CARGO_PKG_VERSION").to_owned()),
        ("features", enabled.join(" ")),
        ("compiler", env!("CONTEND_RUSTC_VERSION").to_owned()),
        ("target", env!("CONTEND_TARGET").to_owned()),
        ("debug assertions", debug_assertions.to_owned()),
    ];
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{:<18}{}", format!("{name}:"), OneLine(value));
        text
    })
}

fn list(mappings: &[Arc<Mapping>]) -> String {
    let mut text = String::from("# start-limit offset build-id file\n");
    for mapping in mappings {
        let (start, limit, offset) = (mapping.start, mapping.limit, mapping.file_offset);
        let build_id = match &*mapping.build_id {
            "" => "-",
            build_id => build_id,
        };
        let file = mapping.file.replace(char::is_control, "?");
        let _ = writeln!(text, "{start:x}-{limit:x} {offset:x} {build_id} {file}");
    }
    text
}
