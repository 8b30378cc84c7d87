//! The stacks behind a row: what was added to each from one profile to another.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::time::Duration;

use super::view::Value;
use crate::cli::output::printable;
use crate::cli::spots::{Amount, Spot, spot};
use crate::pprof::decoded::DecodedProfile;
use crate::text::columns::elided;
use crate::text::sources::clean;
use crate::text::units::{human, shortened};

/// Columns before a frame.
const INDENT: usize = 4;
/// Characters that a name keeps on the narrowest terminal.
const LEAST_NAME: usize = 20;

/// A line for each stack and for each of its frames, the largest first. `before`: only what came
/// after it.
pub(super) fn lines(
    profile: &DecodedProfile,
    before: Option<&DecodedProfile>,
    of: &Spot,
    value: Value,
    width: usize,
) -> Vec<String> {
    let mut stacks = amounts(profile, of);
    // After a restart or a reset all is new.
    let before = before.map(|before| amounts(before, of)).unwrap_or_default();
    let is_reset = before.iter().any(|(frames, then)| {
        let now = stacks.get(frames).copied().unwrap_or_default();
        now.contentions < then.contentions
    });
    if !is_reset {
        for (frames, then) in before {
            if let Some(now) = stacks.get_mut(&frames) {
                *now = now.less(then);
            }
        }
    }
    let mut stacks: Vec<_> = stacks.into_iter().collect();
    stacks.retain(|(_, amount)| *amount != Amount::default());
    stacks.sort_by(|a, b| {
        let by_value = value.of(&b.1).cmp(&value.of(&a.1));
        by_value.then_with(|| a.0.cmp(&b.0))
    });
    let mut lines = Vec::new();
    for (frames, amount) in stacks {
        let delay = Duration::from_nanos(amount.delay_nanos.try_into().unwrap_or(0));
        let contentions = amount.contentions;
        lines.push(format!("{} in {contentions} contentions", human(delay)));
        lines.extend(frames.iter().map(|(function, place)| {
            // The line matters more than the whole of a long name.
            let room = width.saturating_sub(INDENT + place.chars().count());
            let function = elided(function, room.max(LEAST_NAME));
            format!("{:INDENT$}{function}{place}", "")
        }));
    }
    lines
}

/// Function and place of each.
type Frames = Vec<(String, String)>;

fn amounts(profile: &DecodedProfile, of: &Spot) -> HashMap<Frames, Amount> {
    let value = |name| profile.value_index(Some(name)).ok();
    let (Some(contentions), Some(delay)) = (value("contentions"), value("delay")) else {
        return HashMap::new();
    };
    let mut stacks = HashMap::<Frames, Amount>::new();
    for sample in &profile.tables.sample {
        if spot(profile, sample) != *of {
            continue;
        }
        let ids = sample.location_id.iter();
        let frames = ids.flat_map(|id| profile.frames(*id)).map(|frame| {
            let file = match (frame.file, frame.line) {
                ("", _) => String::new(),
                // A long path would push the line off the screen.
                (file, line) => format!(" {}:{line}", shortened(&clean(file))),
            };
            (printable(frame.name_or_object()), printable(&file))
        });
        let amount = stacks.entry(frames.collect()).or_default();
        amount.add(Amount {
            contentions: sample.value[contentions],
            delay_nanos: sample.value[delay],
        });
    }
    stacks
}
