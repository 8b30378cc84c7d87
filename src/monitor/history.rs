//! The looks of a monitor so far, in bounded memory.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::rule::GROWTH_STEPS;
use crate::live::{Glance, ThreadCategory};

/// The numbers of one look, all that a monitor keeps of it.
#[derive(Clone, Debug)]
pub struct MonitorPoint {
    pub(super) time: SystemTime,
    pub(super) threads: usize,
    pub(super) categories: [usize; ThreadCategory::ALL.len()],
    pub(super) longest_wait: Option<Duration>,
}

impl MonitorPoint {
    pub(super) fn of(time: SystemTime, glance: &Glance) -> Self {
        let mut categories = [0; ThreadCategory::ALL.len()];
        for thread in &glance.threads {
            categories[thread.state.category() as usize] += 1;
        }
        let longest_wait = glance.held_up().first().map(|(_, wait)| wait.waited());
        Self {
            time,
            threads: glance.threads.len(),
            categories,
            longest_wait,
        }
    }

    /// When it was.
    pub fn time(&self) -> SystemTime {
        self.time
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// How many of them were in this category.
    pub fn of_category(&self, category: ThreadCategory) -> usize {
        self.categories[category as usize]
    }

    /// The longest wait for a lock, for room in a channel or in [`blocking`](crate::blocking).
    pub fn longest_wait(&self) -> Option<Duration> {
        self.longest_wait
    }
}

/// The last points, the oldest first.
#[derive(Debug)]
pub(super) struct History {
    points: VecDeque<MonitorPoint>,
    length: usize,
}

impl History {
    pub(super) fn new(length: usize) -> Self {
        Self {
            points: VecDeque::new(),
            length,
        }
    }

    pub(super) fn push(&mut self, point: MonitorPoint) {
        if self.points.len() == self.length {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    pub(super) fn points(&self) -> Vec<MonitorPoint> {
        self.points.iter().cloned().collect()
    }
}

/// In how many of the last steps the number of threads rose. `None`: there were not enough steps.
pub(super) fn rises(points: &[MonitorPoint]) -> Option<usize> {
    let first = points.len().checked_sub(GROWTH_STEPS + 1)?;
    let steps = points[first..].windows(2);
    Some(
        steps
            .filter(|step| step[1].threads > step[0].threads)
            .count(),
    )
}

/// How many threads are in each state, the most frequent first.
pub(super) fn states(glance: &Glance) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for thread in &glance.threads {
        *counts.entry(thread.state.to_string()).or_default() += 1;
    }
    let mut states: Vec<_> = counts.into_iter().collect();
    states.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(counts: &[usize]) -> Vec<MonitorPoint> {
        let point = |threads: &usize| MonitorPoint {
            time: SystemTime::UNIX_EPOCH,
            threads: *threads,
            categories: Default::default(),
            longest_wait: None,
        };
        counts.iter().map(point).collect()
    }

    #[test]
    fn rises_are_counted_in_the_last_steps_alone() {
        assert_eq!(rises(&points(&[1, 2, 3])), None);
        let up: Vec<usize> = (0..11).collect();
        assert_eq!(rises(&points(&up)), Some(10));
        let mut long = vec![9, 8, 7];
        long.extend([5; 11]);
        assert_eq!(rises(&points(&long)), Some(0));
        let saw: Vec<usize> = (0..11).map(|at| at % 2).collect();
        assert_eq!(rises(&points(&saw)), Some(5));
    }

    #[test]
    fn the_oldest_point_gives_way() {
        let mut history = History::new(2);
        points(&[1, 2, 3])
            .into_iter()
            .for_each(|point| history.push(point));
        let kept: Vec<usize> = history.points().iter().map(MonitorPoint::threads).collect();
        assert_eq!(kept, [2, 3]);
    }
}
