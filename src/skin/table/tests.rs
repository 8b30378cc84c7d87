use super::*;
use crate::profile::kind::Kind;

const README: &str = include_str!("../../../README.md");
const CRATE_PAGE: &str = include_str!("../../lib.rs");
const MANIFEST: &str = include_str!("../../../Cargo.toml");

/// The rows of the table in `page` that begins with `header`, its dashes left out.
#[track_caller]
fn table(page: &str, header: &str) -> Vec<String> {
    let lines = page
        .lines()
        .map(|line| line.trim_start_matches("//!").trim());
    let mut rows = lines.skip_while(|line| *line != header);
    assert_eq!(rows.next(), Some(header), "no such table");
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(str::to_owned).collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

#[test]
fn the_documentation_has_each_row() {
    let row = |row: &Row| {
        let kinds: Vec<String> = row.kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let kinds = match &*kinds {
            [] => "the name".to_owned(),
            kinds => kinds.join(", "),
        };
        let cells = [row.items, &kinds, row.block, row.mutex, row.wake, row.wraps];
        cells.map(str::to_owned)
    };
    let expected: Vec<_> = SKINS.iter().flat_map(|skin| skin.rows).map(row).collect();
    for page in [README, CRATE_PAGE] {
        let rows = table(
            page,
            "| item | kind | block profile | mutex profile | wake profile | wraps |",
        );
        let rows: Vec<_> = rows.iter().map(|row| cells(row)).collect();
        assert_eq!(rows, expected);
    }
}

#[test]
fn items_are_in_their_module() {
    for skin in SKINS.iter().filter(|skin| !skin.is_at_root) {
        let path = format!("`{}::", skin.module);
        let mut items = skin.rows.iter().map(|row| row.items);
        assert!(items.all(|items| items.starts_with(&path)), "{path}");
    }
}

#[test]
fn kinds_are_those_that_profiles_have() {
    let labels: Vec<&str> = Kind::built_in().map(Kind::label).collect();
    for skin in SKINS {
        for kind in skin.rows.iter().flat_map(|row| row.kinds) {
            assert!(labels.contains(kind), "{}: {kind}", skin.module);
        }
    }
}

#[test]
fn features_of_skins_are_features() {
    for feature in SKINS.iter().filter_map(|skin| skin.feature) {
        assert!(
            MANIFEST.contains(&format!("\n{} = ", feature.name)),
            "{feature:?}"
        );
    }
}

/// The names that a module defines itself: what its glob brings is the original's.
fn own_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("\npub ") {
        rest = &rest[at + "\npub ".len()..];
        let item = rest.split([';', '=', '{']).next().unwrap_or_default();
        let item = if item.starts_with("use ") {
            rest.split(';').next().unwrap_or_default()
        } else {
            item
        };
        if let Some(path) = item.strip_prefix("use ") {
            let is_original = path.starts_with("std::") || path.starts_with("::");
            let (_, last) = path
                .split_once('{')
                .unwrap_or(path.rsplit_once("::").unwrap());
            let last = last.trim_end().trim_end_matches('}').split(',');
            let last = last.map(|name| name.rsplit(" as ").next().unwrap().trim());
            let last = last.filter(|name| !name.is_empty() && !name.starts_with("__"));
            names.extend(last.filter(|_| !is_original).map(str::to_owned));
        } else if let Some(name) = ["type ", "struct "]
            .into_iter()
            .find_map(|word| item.strip_prefix(word))
        {
            names.extend(name.split(['<', ' ']).next().map(str::to_owned));
        } else if let Some((_, name)) = item.split_once("fn ") {
            names.extend(name.split(['<', '(']).next().map(str::to_owned));
        }
    }
    names
}

#[test]
fn names_are_those_that_the_modules_define() {
    let sources: &[(&str, &[(&str, &str)])] = &[
        (
            "sync",
            &[
                ("", include_str!("../../sync.rs")),
                ("mpsc::", include_str!("../../sync/mpsc.rs")),
            ],
        ),
        ("thread", &[("", include_str!("../../thread.rs"))]),
        ("parking_lot", &[("", include_str!("../../parking_lot.rs"))]),
        (
            "parking_lot_0_13",
            &[("", include_str!("../../parking_lot_0_13.rs"))],
        ),
        (
            "crossbeam_channel",
            &[("", include_str!("../../crossbeam_channel.rs"))],
        ),
        (
            "crossbeam_utils",
            &[("", include_str!("../../crossbeam_utils/sync.rs"))],
        ),
        (
            "once_cell",
            &[("", include_str!("../../once_cell/sync.rs"))],
        ),
        (
            "tokio",
            &[
                ("", include_str!("../../tokio.rs")),
                ("sync::", include_str!("../../tokio/sync.rs")),
                (
                    "sync::broadcast::",
                    include_str!("../../tokio/sync/broadcast.rs"),
                ),
                ("sync::mpsc::", include_str!("../../tokio/sync/mpsc.rs")),
                (
                    "sync::oneshot::",
                    include_str!("../../tokio/sync/oneshot.rs"),
                ),
                ("sync::watch::", include_str!("../../tokio/sync/watch.rs")),
                ("task::", include_str!("../../tokio/task.rs")),
            ],
        ),
    ];
    for skin in SKINS.iter().filter(|skin| !skin.is_at_root) {
        let (_, files) = sources
            .iter()
            .find(|(module, _)| *module == skin.module)
            .unwrap_or_else(|| panic!("the source of {}", skin.module));
        let names = files.iter().flat_map(|(prefix, source)| {
            // Functions that make a lock with a name have no original.
            let names = own_names(source).into_iter();
            let names = names.filter(|name| !name.starts_with("named_"));
            names.map(move |name| format!("{prefix}{name}"))
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        assert_eq!(names, skin.names, "{}", skin.module);
    }
}
