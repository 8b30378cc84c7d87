//! `contend flamegraph`: a profile as an SVG file.
#![forbid(unsafe_code)]

use super::args::Flamegraph;
use super::error::Result;
use super::file::write_file;
use super::output::Output;
use super::report::{NOTHING_LEFT, NOTHING_RECORDED};
use super::scale::Unit;
use crate::export::flamegraph::{Style, folded_line, write_folded};
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::Sample;

pub(super) fn run(arguments: &Flamegraph, output: &mut Output) -> Result<()> {
    let loaded = arguments.profile.load(&arguments.filter)?;
    let profile = &loaded.profile;
    let value = loaded.value(arguments.value.name())?;
    let (name, unit) = profile.sample_types().nth(value).unwrap_or_default();
    let shown = Unit::of_each(unit);
    let (total, left) = (loaded.total(value), profile.total(value));
    let (subtitle, why_empty) = match loaded.filter() {
        Some(filter) => (
            format!("{} of {}: {filter}", shown.print(left), shown.print(total)),
            NOTHING_LEFT,
        ),
        None => (format!("{} in all", shown.print(total)), NOTHING_RECORDED),
    };
    let style = Style {
        title: &format!("{name}: {}", loaded.name),
        subtitle: &subtitle,
        count_name: &format!("{unit} of {name}"),
        why_empty,
    };
    let lines = lines(profile, value);
    write_file(&arguments.output, output, |file| {
        write_folded(lines, &style, file)
    })
}

/// The stacks, a line each.
pub(super) fn lines(profile: &DecodedProfile, value: usize) -> impl Iterator<Item = String> {
    let samples = profile.tables.sample.iter();
    samples.filter_map(move |sample| folded(profile, sample, value))
}

/// The stack from the root to the leaf, and the value. A negative value, as in a difference, has no
/// width.
fn folded(profile: &DecodedProfile, sample: &Sample, value: usize) -> Option<String> {
    let value = u64::try_from(sample.value[value])
        .ok()
        .filter(|columns| *columns > 0)?;
    let locations = sample.location_id.iter().rev();
    let frames = locations.flat_map(|id| profile.frames(*id).rev());
    let names: Vec<&str> = frames.map(|frame| frame.name_or_object()).collect();
    let kind = profile.label(sample, "kind");
    let line = folded_line(names.iter().copied(), kind, value);
    // Other programs' samples have no kind. A number at the end would be read as a value.
    let ends_with_digit = names
        .last()
        .is_some_and(|text| text.ends_with(|c: char| c.is_ascii_digit()));
    match line.strip_suffix(&format!(" [] {value}")) {
        Some(stack) if kind.is_empty() && !ends_with_digit => Some(format!("{stack} {value}")),
        _ => Some(line),
    }
}
