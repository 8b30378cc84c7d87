//! Callers, callees, and how much of the values they share, as Go's pprof counts it.
//!
//! An *edge* leads from a caller to a callee that stand next to each other on a stack; calls of a
//! row by itself make none. A sample counts once for each edge that its stack has. Where the rows
//! between two others are not shown, an edge leads over them.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};

use super::weights::{By, Place};
use crate::pprof::decoded::DecodedProfile;

/// The edges of each row.
#[derive(Debug, Default)]
pub(super) struct Graph<'p> {
    callers: HashMap<Place<'p>, Vec<Edge<'p>>>,
    callees: HashMap<Place<'p>, Vec<Edge<'p>>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<'p> {
    /// At its other end.
    pub(super) place: Place<'p>,
    pub(super) weight: i64,
    /// Each call was inlined.
    pub(super) is_inline: bool,
}

impl<'p> Graph<'p> {
    /// `kept`: only these rows are shown; `None`: all.
    pub(super) fn new(
        profile: &'p DecodedProfile,
        value: usize,
        by: By,
        kept: Option<&HashSet<Place<'p>>>,
    ) -> Self {
        let mut rows = Vec::new();
        let mut index_of = HashMap::new();
        let ids = 1..=profile.tables.location.len() as u64;
        let mut row = |place: Place<'p>| {
            let is_kept = kept.is_none_or(|kept| kept.contains(&place));
            is_kept.then(|| {
                *index_of.entry(place).or_insert_with(|| {
                    rows.push(place);
                    rows.len() - 1
                })
            })
        };
        let rows_of: Vec<Vec<Option<usize>>> = ids
            .map(|id| {
                profile
                    .frames(id)
                    .map(|frame| row(by.place(&frame)))
                    .collect()
            })
            .collect();
        let mut edges: HashMap<(usize, usize), Sum> = HashMap::new();
        for (number, sample) in profile.tables.sample.iter().enumerate() {
            let weight = sample.value[value];
            if weight == 0 {
                continue;
            }
            let mut caller = None;
            for id in sample.location_id.iter().rev() {
                let frames = rows_of[*id as usize - 1].iter().rev();
                // The outermost frame of a location was called; the others are inlined in it.
                for (depth, row) in frames.enumerate() {
                    let Some(row) = *row else { continue };
                    if let Some(caller) = caller.filter(|caller| *caller != row) {
                        let edge = edges.entry((caller, row)).or_default();
                        edge.add(weight, number, depth > 0);
                    }
                    caller = Some(row);
                }
            }
        }
        let mut graph = Self::default();
        for ((caller, callee), sum) in edges {
            let [caller, callee] = [caller, callee].map(|row| rows[row]);
            let edge = |place| Edge {
                place,
                weight: sum.weight,
                is_inline: sum.is_inline,
            };
            graph.callers.entry(callee).or_default().push(edge(caller));
            graph.callees.entry(caller).or_default().push(edge(callee));
        }
        graph
    }

    /// Without edges that have less than this.
    pub(super) fn without_small(mut self, least: u64) -> Self {
        for edges in self.callers.values_mut().chain(self.callees.values_mut()) {
            edges.retain(|edge| edge.weight.unsigned_abs() >= least);
        }
        self
    }

    /// The largest first.
    pub(super) fn callers(&self, of: Place<'p>) -> Vec<Edge<'p>> {
        sorted(self.callers.get(&of))
    }

    pub(super) fn callees(&self, of: Place<'p>) -> Vec<Edge<'p>> {
        sorted(self.callees.get(&of))
    }
}

fn sorted<'p>(edges: Option<&Vec<Edge<'p>>>) -> Vec<Edge<'p>> {
    let mut edges = edges.cloned().unwrap_or_default();
    edges.sort_by_cached_key(|edge| (u64::MAX - edge.weight.unsigned_abs(), edge.place.name()));
    edges
}

struct Sum {
    weight: i64,
    is_inline: bool,
    /// The last sample that was added.
    sample: Option<usize>,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            weight: 0,
            is_inline: true,
            sample: None,
        }
    }
}

impl Sum {
    fn add(&mut self, weight: i64, sample: usize, is_inline: bool) {
        if self.sample != Some(sample) {
            self.sample = Some(sample);
            self.weight = self.weight.saturating_add(weight);
            self.is_inline &= is_inline;
        }
    }
}
