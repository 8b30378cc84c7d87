//! The slices of a thread, one within the other: its regions and its waits.

use super::model::{ThreadIndex, Timeline};

/// A piece of a thread's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) what: What,
    pub(crate) begin: u64,
    /// `None`: it goes on.
    pub(crate) end: Option<u64>,
}

/// The subject of a slice, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Region(usize),
    Wait(usize),
    /// The part of a wait after the release.
    Woken(usize),
}

/// Where a slice begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    Begin(u64, What),
    End(u64, What),
}

impl Edge {
    pub(crate) fn at(&self) -> u64 {
        let (Self::Begin(at, _) | Self::End(at, _)) = self;
        *at
    }
}

/// The edges of each thread's slices, in order: what begins within a slice ends with it at the
/// latest.
pub(crate) fn edges(timeline: &Timeline) -> Vec<Vec<Edge>> {
    let mut slices: Vec<Vec<Slice>> = vec![Vec::new(); timeline.threads.len()];
    let mut push = |thread: ThreadIndex, slice: Slice| {
        if let Some(slices) = slices.get_mut(thread) {
            slices.push(slice);
        }
    };
    for (index, region) in timeline.regions.iter().enumerate() {
        push(
            region.thread,
            Slice {
                what: What::Region(index),
                begin: region.begin,
                end: region.end,
            },
        );
    }
    for (index, wait) in timeline.waits.iter().enumerate() {
        if wait.is_of_task {
            continue;
        }
        let end = wait.is_over.then_some(wait.end);
        let slice = |what, begin| Slice { what, begin, end };
        push(wait.thread, slice(What::Wait(index), wait.begin));
        if let Some(waker) = &wait.waker {
            let at = waker.at.clamp(wait.begin, wait.end);
            push(wait.thread, slice(What::Woken(index), at));
        }
    }
    slices.into_iter().map(nested).collect()
}

fn nested(mut slices: Vec<Slice>) -> Vec<Edge> {
    let forever = |end: Option<u64>| end.unwrap_or(u64::MAX);
    // Stable: a wait comes before its own part.
    slices.sort_by_key(|slice| (slice.begin, std::cmp::Reverse(forever(slice.end))));
    let mut edges = Vec::with_capacity(2 * slices.len());
    let mut open: Vec<Slice> = Vec::new();
    for mut slice in slices {
        close(&mut open, slice.begin, &mut edges);
        let outer = open.last().map_or(u64::MAX, |outer| forever(outer.end));
        slice.end = Some(forever(slice.end).min(outer)).filter(|end| *end < u64::MAX);
        edges.push(Edge::Begin(slice.begin, slice.what));
        open.push(slice);
    }
    close(&mut open, u64::MAX - 1, &mut edges);
    edges
}

fn close(open: &mut Vec<Slice>, until: u64, edges: &mut Vec<Edge>) {
    while let Some(slice) = open.pop_if(|slice| slice.end.is_some_and(|end| end <= until)) {
        if let Some(end) = slice.end {
            edges.push(Edge::End(end, slice.what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_within_a_slice_ends_with_it() {
        let slice = |index, begin, end| Slice {
            what: What::Region(index),
            begin,
            end,
        };
        let edges = nested(vec![
            slice(0, 0, Some(100)),
            slice(1, 10, Some(150)),
            slice(2, 20, Some(30)),
            slice(3, 200, None),
            slice(4, 210, Some(220)),
        ]);
        let told: Vec<_> = edges
            .iter()
            .map(|edge| match edge {
                Edge::Begin(at, What::Region(index)) => (*at, *index, '('),
                Edge::End(at, What::Region(index)) => (*at, *index, ')'),
                _ => unreachable!(),
            })
            .collect();
        let expected = [
            (0, 0, '('),
            (10, 1, '('),
            (20, 2, '('),
            (30, 2, ')'),
            (100, 1, ')'),
            (100, 0, ')'),
            (200, 3, '('),
            (210, 4, '('),
            (220, 4, ')'),
        ];
        assert_eq!(told, expected);
    }
}
