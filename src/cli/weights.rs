//! Flat and cum of each function or line, as Go's pprof counts them.
//!
//! *flat* is what the samples have whose leaf it is, inlined frames counting as frames. *cum* is
//! what the samples have in whose stack it is; once per sample, so that recursion does not count
//! twice.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use crate::pprof::decoded::{DecodedFrame, DecodedProfile};
use crate::text::sources::clean;

/// Two frames are one row if this is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(super) enum By {
    /// The function's name.
    #[default]
    Function,
    /// The function, the file and the line.
    Line,
    /// The same, and where the function begins and in which program: what a listing of sources
    /// needs.
    #[value(skip)]
    Source,
}

/// A row: what its frames have in common.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Place<'p> {
    pub(super) function: &'p str,
    pub(super) file: &'p str,
    pub(super) line: i64,
    pub(super) start_line: i64,
    /// Known where there is no name, or for [`By::Source`].
    object: &'p str,
}

#[derive(Clone, Debug)]
pub(super) struct Node<'p> {
    pub(super) place: Place<'p>,
    pub(super) flat: i64,
    pub(super) cum: i64,
    /// The cum of the base and of the profile by themselves, which tell what is new or gone.
    pub(super) cum_of_base: i64,
    pub(super) cum_of_new: i64,
}

/// All rows that have a value.
#[derive(Debug)]
pub(super) struct Weights<'p> {
    pub(super) nodes: Vec<Node<'p>>,
    /// The whole of which shares are computed: the values of all samples without their signs; of
    /// the base's samples where there is a base.
    pub(super) total: u64,
}

impl Weights<'_> {
    /// The sum of the rows.
    pub(super) fn flat(&self) -> i64 {
        let flats = self.nodes.iter().map(|node| node.flat);
        flats.fold(0, i64::saturating_add)
    }
}

/// The values of `profile`, less those of `base`. The positions say which value of the samples.
pub(super) fn weigh<'p>(
    (profile, value): (&'p DecodedProfile, usize),
    base: Option<(&'p DecodedProfile, usize)>,
    by: By,
) -> Weights<'p> {
    let mut rows = Rows {
        by,
        index_of: HashMap::new(),
        nodes: Vec::new(),
        counted_in: Vec::new(),
        samples: 0,
    };
    let total_of_new = rows.add(profile, value, 1);
    let total_of_base = base.map_or(0, |(base, value)| rows.add(base, value, -1));
    rows.nodes.retain(|node| node.flat != 0 || node.cum != 0);
    Weights {
        nodes: rows.nodes,
        total: match total_of_base {
            0 => total_of_new,
            total => total,
        },
    }
}

struct Rows<'p> {
    by: By,
    index_of: HashMap<Place<'p>, usize>,
    nodes: Vec<Node<'p>>,
    /// The number of the last sample whose value the node's cum has.
    counted_in: Vec<usize>,
    samples: usize,
}

impl<'p> Rows<'p> {
    /// Adds the samples with the sign; returns the sum of their values without one.
    fn add(&mut self, profile: &'p DecodedProfile, value: usize, sign: i64) -> u64 {
        let rows_of = self.rows_of_locations(profile);
        let mut total = 0_u64;
        for sample in &profile.tables.sample {
            let weight = sample.value[value].saturating_mul(sign);
            total = total.saturating_add(weight.unsigned_abs());
            self.samples += 1;
            let mut rows = sample
                .location_id
                .iter()
                .flat_map(|id| &rows_of[*id as usize - 1]);
            let Some(&leaf) = rows.next() else { continue };
            self.add_flat(leaf, weight);
            for &row in std::iter::once(&leaf).chain(rows) {
                self.add_cum(row, weight, sign);
            }
        }
        total
    }

    /// Each location's rows of its frames, innermost first.
    fn rows_of_locations(&mut self, profile: &'p DecodedProfile) -> Vec<Vec<usize>> {
        let ids = 1..=profile.tables.location.len() as u64;
        ids.map(|id| profile.frames(id).map(|frame| self.row(&frame)).collect())
            .collect()
    }

    fn row(&mut self, frame: &DecodedFrame<'p>) -> usize {
        let place = self.by.place(frame);
        let next = self.nodes.len();
        let index = *self.index_of.entry(place).or_insert(next);
        if index == next {
            self.counted_in.push(0);
            self.nodes.push(Node {
                place,
                flat: 0,
                cum: 0,
                cum_of_base: 0,
                cum_of_new: 0,
            });
        }
        index
    }

    fn add_flat(&mut self, row: usize, weight: i64) {
        let flat = &mut self.nodes[row].flat;
        *flat = flat.saturating_add(weight);
    }

    fn add_cum(&mut self, row: usize, weight: i64, sign: i64) {
        if self.counted_in[row] == self.samples {
            return;
        }
        self.counted_in[row] = self.samples;
        let node = &mut self.nodes[row];
        node.cum = node.cum.saturating_add(weight);
        let side = if sign < 0 {
            &mut node.cum_of_base
        } else {
            &mut node.cum_of_new
        };
        *side = side.saturating_add(weight.saturating_mul(sign));
    }
}

impl By {
    pub(super) fn place<'p>(self, frame: &DecodedFrame<'p>) -> Place<'p> {
        let is_named = !frame.function.is_empty();
        let (has_line, has_source) = (self != Self::Function, self == Self::Source);
        Place {
            function: frame.function,
            file: if has_line { frame.file } else { "" },
            line: if has_line { frame.line } else { 0 },
            start_line: if has_source { frame.start_line } else { 0 },
            object: if has_source || !is_named {
                frame.object
            } else {
                ""
            },
        }
    }
}

impl Place<'_> {
    /// As Go's pprof prints it: `function file:line`.
    pub(super) fn name(&self) -> String {
        let mut parts = Vec::new();
        if !self.function.is_empty() {
            parts.push(self.function.to_owned());
        }
        match (self.file, self.line) {
            (file, 1..) => parts.push(format!("{}:{}", clean(file), self.line)),
            ("", _) => {}
            (file, _) => parts.push(clean(file)),
        }
        match (parts.is_empty(), self.object.rsplit('/').next()) {
            (false, _) => parts.join(" "),
            (true, Some("") | None) => "<unknown>".to_owned(),
            (true, Some(object)) => format!("[{object}]"),
        }
    }
}
