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
        let cells = [row.items, &kinds, row.block, row.mutex, row.wraps];
        cells.map(str::to_owned)
    };
    let expected: Vec<_> = SKINS.iter().flat_map(|skin| skin.rows).map(row).collect();
    for page in [README, CRATE_PAGE] {
        let rows = table(
            page,
            "| item | kind | block profile | mutex profile | wraps |",
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
