//! A profile as pages read it, whoever has recorded it: this program, or another one into a file.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::words::grouped;
use crate::export::sites;
use crate::profile::address::{WAKEUP_NAME, is_stand_in};
use crate::profile::{Frame, Profile, ProfileKind};
use crate::text::units::human;

/// Stacks with numbers. Stacks and measures are known by their positions.
pub(super) trait Stacks {
    /// The measure of each stack.
    fn measures(&self) -> Vec<Measure>;

    /// Whether it says where somebody waited, as the block profile does.
    fn is_of_waits(&self) -> bool;

    fn len(&self) -> usize;

    /// A whole number as a rule. Sums saturate, and are exact below 2⁵³: 104 days of nanoseconds.
    fn value(&self, stack: usize, measure: usize) -> f64;

    /// The index of the value that the profile suggests.
    fn variance(&self, stack: usize) -> f64;

    /// The kind of the wait; empty where the profile does not tell.
    fn kind(&self, stack: usize) -> &str;

    /// Leaf first.
    fn frames(&self, stack: usize) -> Vec<Place<'_>>;

    /// The first frame that is the program's own.
    fn site(&self, stack: usize) -> Option<Place<'_>>;
}

/// A function, and where in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place<'a> {
    pub(super) function: &'a str,
    /// Empty: not known.
    pub(super) file: &'a str,
    /// 0: not known.
    pub(super) line: i64,
    /// Where the function begins. 0: not known.
    pub(super) start_line: i64,
}

impl Place<'_> {
    /// `cart.rs:12`, as far as it is known, with the file as `shown` has it.
    pub(super) fn file_and_line(&self, shown: impl Fn(&str) -> String) -> String {
        match (self.file, self.line) {
            ("", _) => String::new(),
            (file, 0) => shown(file),
            (file, line) => format!("{}:{line}", shown(file)),
        }
    }
}

/// One of the numbers of a stack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) name: String,
    /// `None`: it is a time, in nanoseconds.
    pub(super) unit: Option<String>,
}

impl Measure {
    pub(super) fn is_time(&self) -> bool {
        self.unit.is_none()
    }

    /// The number as people read it.
    pub(super) fn shown(&self, value: f64) -> String {
        let sign = if value < 0.0 { "-" } else { "" };
        // A float becomes an integer by saturating.
        let size = value.abs().round() as u64;
        match self.unit.as_deref() {
            None => format!("{sign}{}", human(Duration::from_nanos(size))),
            Some("" | "count") => format!("{sign}{}", grouped(size)),
            Some(unit) => format!("{sign}{} {unit}", grouped(size)),
        }
    }
}

impl Stacks for Profile {
    fn measures(&self) -> Vec<Measure> {
        let types = self.kind().descriptor().sample_types;
        types
            .map(|(name, unit)| Measure {
                name: name.to_owned(),
                unit: (unit != "nanoseconds").then(|| unit.to_owned()),
            })
            .into()
    }

    fn is_of_waits(&self) -> bool {
        self.kind() == ProfileKind::Block
    }

    fn len(&self) -> usize {
        self.samples().len()
    }

    fn value(&self, stack: usize, measure: usize) -> f64 {
        let sample = &self.samples()[stack];
        match measure {
            0 => sample.contentions,
            _ => sample.delay_nanos as f64,
        }
    }

    fn variance(&self, stack: usize) -> f64 {
        self.samples()[stack].variance
    }

    fn kind(&self, stack: usize) -> &str {
        self.samples()[stack].kind()
    }

    fn frames(&self, stack: usize) -> Vec<Place<'_>> {
        let frames = self.samples()[stack].stack.frames_in_place();
        frames.map(place).collect()
    }

    fn site(&self, stack: usize) -> Option<Place<'_>> {
        sites::caller(&self.samples()[stack]).map(place)
    }
}

fn place(frame: &Frame) -> Place<'_> {
    Place {
        function: frame.function(),
        file: frame.file().unwrap_or_default(),
        line: frame.line().unwrap_or_default().into(),
        start_line: 0,
    }
}

/// The stacks of one call site: it has one line of source and one kind.
#[derive(Debug)]
pub(super) struct StackSite<'a> {
    pub(super) kind: &'a str,
    /// `None`: there is no frame at all.
    pub(super) place: Option<Place<'a>>,
    /// By measure.
    pub(super) values: Vec<f64>,
    pub(super) variance: f64,
    /// The part of the measure that counts which shorter sections would not save: nobody held the
    /// lock, or it is not known who did.
    pub(super) not_to_win: f64,
}

/// The largest by this measure first.
pub(super) fn sites(stacks: &dyn Stacks, measure: usize) -> Vec<StackSite<'_>> {
    let measures = stacks.measures().len();
    let mut sites: Vec<StackSite<'_>> = Vec::new();
    let mut index_of = std::collections::HashMap::new();
    for stack in 0..stacks.len() {
        let (kind, place) = (stacks.kind(stack), stacks.site(stack));
        let index = *index_of.entry((kind, place)).or_insert(sites.len());
        if index == sites.len() {
            sites.push(StackSite {
                kind,
                place,
                values: vec![0.0; measures],
                variance: 0.0,
                not_to_win: 0.0,
            });
        }
        let site = &mut sites[index];
        site.variance += stacks.variance(stack);
        for (measure, value) in site.values.iter_mut().enumerate() {
            *value += stacks.value(stack, measure);
        }
        let leaf = stacks.frames(stack).first().copied();
        if leaf.is_some_and(|leaf| is_stand_in(leaf.function)) {
            site.not_to_win += stacks.value(stack, measure);
        }
    }
    // Stable, and samples come in a fixed order: so do sites that are equal.
    sites.sort_by(|a, b| b.values[measure].abs().total_cmp(&a.values[measure].abs()));
    sites
}

/// Whether it has waiting in which nobody held the lock, as a mutex profile may.
pub(super) fn has_wakeups(stacks: &dyn Stacks) -> bool {
    let mut leaves = (0..stacks.len()).filter_map(|stack| stacks.frames(stack).first().copied());
    leaves.any(|leaf| leaf.function == WAKEUP_NAME)
}

/// The sum of all stacks without their signs: the whole of which shares are computed.
pub(super) fn total(stacks: &dyn Stacks, measure: usize) -> f64 {
    (0..stacks.len())
        .map(|stack| stacks.value(stack, measure).abs())
        .sum()
}

/// As `text::units::percent`, of floats.
pub(super) fn percent(part: f64, whole: f64) -> String {
    if whole == 0.0 {
        return "-".to_owned();
    }
    format!("{:.1}%", part / whole * 100.0)
}
