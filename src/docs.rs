//! Pages to read: on whole programs, on moving to the wrappers, and on the crate's own code. There
//! is nothing to call here.
//!
//! | page | answers |
//! |---|---|
//! | [`architecture`] | how a wait becomes a sample becomes a file, and where each decision is made |
//! | [`vocabulary`] | what the words mean that code, documentation and output use |
//! | [`writing_a_skin`] | how the types of another library are wrapped, and six rules of it |
//! | [`asynchronous`] | what the profiles show of tasks: whose stack, whose time, and which waits matter |
//! | [`whole_process`] | how to profile a program that knows nothing of this crate, and how true that is |
//! | [`labels`] | how to see which endpoint or tenant waits, and which one makes others wait |
//! | [`timeline`] | how to explain one slow request with a timeline, in five steps |
//! | [`migration`] | how to move a program, and its dependencies, to the wrappers |
#![forbid(unsafe_code)]

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/vocabulary.md")]
pub mod vocabulary {}

#[doc = include_str!("docs/writing_a_skin.md")]
pub mod writing_a_skin {}

#[doc = include_str!("docs/asynchronous.md")]
pub mod asynchronous {}

#[doc = include_str!("docs/whole_process.md")]
pub mod whole_process {}

#[doc = include_str!("docs/labels.md")]
pub mod labels {}

#[doc = include_str!("docs/migration.md")]
pub mod migration {}

#[doc = include_str!("docs/timeline.md")]
pub mod timeline {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const README: &str = include_str!("../README.md");
    const MANIFEST: &str = include_str!("../Cargo.toml");

    /// The lines of the crate's page, as Markdown.
    fn crate_page() -> String {
        let lines = include_str!("lib.rs").lines();
        let page = lines.filter_map(|line| line.strip_prefix("//!"));
        page.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n")
            .collect()
    }

    /// The rows of the table with this heading.
    fn rows<'t>(page: &'t str, heading: &str) -> Vec<&'t str> {
        let below = page.lines().skip_while(|line| !line.starts_with(heading));
        let rows = below.take_while(|line| line.starts_with('|'));
        let rows: Vec<_> = rows.skip(2).collect();
        assert!(rows.len() > 5, "no table {heading}");
        rows
    }

    /// The first cells of these rows, without their backticks.
    fn names<'t>(rows: &[&'t str]) -> BTreeSet<&'t str> {
        let cells = rows.iter().filter_map(|row| row.split('`').nth(1));
        cells.collect()
    }

    #[test]
    fn readme_and_crate_page_list_the_same_items() {
        let heading = "| item | kind |";
        assert_eq!(rows(README, heading), rows(&crate_page(), heading));
    }

    #[test]
    fn features_are_listed_as_the_manifest_has_them() {
        let heading = "| feature | default |";
        let features = MANIFEST.lines().skip_while(|line| *line != "[features]");
        let features = features.skip(1).take_while(|line| !line.starts_with('['));
        // Sorted, as cargo writes them into the manifest of a package.
        let names_there: BTreeSet<_> = features
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name)
            .filter(|name| *name != "default")
            .collect();
        assert_eq!(names(&rows(README, heading)), names_there);
        assert_eq!(names(&rows(&crate_page(), heading)), names_there);
    }
}
