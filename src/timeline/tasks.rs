//! Where the time of tasks goes: on threads, in waits, elsewhere.

use super::model::{Timeline, Wait};

/// The time of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// The index of the task.
    pub(crate) task: usize,
    /// From its begin to its end.
    pub(crate) nanos: u64,
    /// In threads that had entered it, outside their waits.
    pub(crate) ran: u64,
    /// In the waits of such threads.
    pub(crate) waited: u64,
    /// The index of the longest wait of such a thread.
    pub(crate) critical: Option<usize>,
}

impl Work {
    /// In no thread: queued, or awaiting something.
    pub(crate) fn elsewhere(&self) -> u64 {
        let in_threads = self.ran.saturating_add(self.waited);
        self.nanos.saturating_sub(in_threads)
    }
}

/// The time of each task whose begin is known.
pub(crate) fn work(timeline: &Timeline) -> Vec<Work> {
    let mut waits_of: Vec<Vec<usize>> = vec![Vec::new(); timeline.threads.len()];
    for (index, wait) in timeline.waits.iter().enumerate() {
        if let Some(waits) = waits_of.get_mut(wait.thread).filter(|_| !wait.is_of_task) {
            waits.push(index);
        }
    }
    for waits in &mut waits_of {
        drop_inner(timeline, waits);
    }
    let mut regions: Vec<(u64, usize, u64, u64)> = timeline
        .regions
        .iter()
        .filter(|region| region.task != 0)
        .map(|region| {
            let end = region.end.unwrap_or(timeline.end);
            (region.task, region.thread, region.begin, end)
        })
        .collect();
    regions.sort_unstable();
    let work = |(task, known): (usize, &super::model::Task)| {
        let (_, begin) = known.begin?;
        let end = known.end.map_or(timeline.end, |(_, at)| at);
        let mut work = Work {
            task,
            nanos: end.saturating_sub(begin),
            ..Work::default()
        };
        let first = regions.partition_point(|(of, ..)| *of < known.id);
        let own = regions[first..]
            .iter()
            .take_while(|(of, ..)| *of == known.id);
        // Regions of one thread are within each other, or apart.
        let mut seen = (usize::MAX, 0);
        for (_, thread, begin, end) in own {
            let begin = if seen.0 == *thread {
                seen.1.max(*begin)
            } else {
                *begin
            };
            if begin >= *end {
                continue;
            }
            seen = (*thread, *end);
            let empty = Vec::new();
            let waits = waits_of.get(*thread).unwrap_or(&empty);
            work.take(timeline, waits, begin, *end);
        }
        Some(work)
    };
    timeline.tasks.iter().enumerate().filter_map(work).collect()
}

/// Leaves out the waits within others: their time is in those.
fn drop_inner(timeline: &Timeline, waits: &mut Vec<usize>) {
    waits.sort_by_key(|index| {
        let wait = &timeline.waits[*index];
        (wait.begin, std::cmp::Reverse(wait.end))
    });
    let mut until = 0;
    waits.retain(|index| {
        let wait = &timeline.waits[*index];
        let is_outer = wait.begin >= until;
        if is_outer {
            until = wait.end;
        }
        is_outer
    });
}

impl Work {
    fn take(&mut self, timeline: &Timeline, waits: &[usize], begin: u64, end: u64) {
        let of = |index: &usize| &timeline.waits[*index];
        let first = waits.partition_point(|index| of(index).end <= begin);
        let mut waited = 0_u64;
        for index in waits[first..]
            .iter()
            .take_while(|index| of(index).begin < end)
        {
            let wait = of(index);
            let within = wait.end.min(end) - wait.begin.max(begin);
            waited = waited.saturating_add(within);
            let longest = self
                .critical
                .map_or(0, |index| timeline.waits[index].nanos());
            if Wait::nanos(wait) > longest {
                self.critical = Some(*index);
            }
        }
        let ran = (end - begin).saturating_sub(waited);
        self.waited = self.waited.saturating_add(waited);
        self.ran = self.ran.saturating_add(ran);
    }
}
