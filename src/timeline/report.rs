//! A timeline as text: what a person looks for first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use super::model::{LabelsIndex, StackIndex, Timeline, Wait};
use super::tasks::{self, Work};
use crate::text::columns;
use crate::text::units::{human, percent};

/// Rows of a table.
const ROWS: usize = 10;

fn nanos(nanos: u64) -> String {
    human(Duration::from_nanos(nanos))
}

/// The times in a file may be any.
fn sum(nanos: impl Iterator<Item = u64>) -> u64 {
    nanos.fold(0, u64::saturating_add)
}

/// A summary: the longest waits, with who woke whom; the locks that were waited for longest; how
/// long threads took to go on after they were let go; for tasks of each name, where their time
/// went.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "timeline of {}: {} waits in {} threads, {} waited",
            human(self.duration()),
            self.waits.len(),
            self.threads.len(),
            human(self.total_wait())
        )?;
        match (self.missing.overwritten, self.missing.lost) {
            (0, 0) => writeln!(f)?,
            (old, lost) => writeln!(
                f,
                "; missing: {old} events that were too old for the memory, {lost} that were lost"
            )?,
        }
        self.longest_waits(f)?;
        self.busiest_locks(f)?;
        self.blamed_releases(f)?;
        self.wake_ups(f)?;
        self.tasks_by_name(f)
    }
}

impl Timeline {
    fn longest_waits(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut waits: Vec<&Wait> = self.waits.iter().collect();
        waits.sort_by_key(|wait| std::cmp::Reverse(wait.nanos()));
        if waits.is_empty() {
            return writeln!(f, "\nno waits");
        }
        let titles = [
            "waited", "at", "latency", "thread", "for", "in", "woken by", "in",
        ];
        let mut rows = vec![titles.map(str::to_owned)];
        for wait in waits.iter().take(ROWS) {
            let waker = wait.waker.as_ref();
            rows.push([
                nanos(wait.nanos()),
                nanos(wait.begin.saturating_sub(self.start)),
                wait.latency_nanos().map_or_else(String::new, nanos),
                self.thread_name(wait.thread) + &self.labels_behind(wait.labels),
                what(wait),
                self.site(wait.stack),
                match (waker, wait.is_over) {
                    (Some(waker), _) => {
                        self.thread_name(waker.thread) + &self.labels_behind(waker.labels)
                    }
                    (None, true) => "-".to_owned(),
                    (None, false) => "goes on".to_owned(),
                },
                waker.map_or_else(String::new, |waker| self.site(waker.stack)),
            ]);
        }
        writeln!(f, "\nlongest waits")?;
        columns::write(&rows, 3, f)
    }

    fn busiest_locks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Default)]
        struct Lock<'t> {
            waits: u64,
            waited: u64,
            longest: u64,
            kind: &'t str,
            wakers: HashMap<String, u64>,
        }
        let mut locks: BTreeMap<u64, Lock<'_>> = BTreeMap::new();
        for wait in self.waits.iter().filter(|wait| wait.lock != 0) {
            let lock = locks.entry(wait.lock).or_default();
            lock.waits += 1;
            lock.waited = lock.waited.saturating_add(wait.nanos());
            lock.longest = lock.longest.max(wait.nanos());
            lock.kind = &wait.kind;
            if let Some(waker) = &wait.waker {
                let woken = lock.wakers.entry(self.site(waker.stack)).or_default();
                *woken = woken.saturating_add(wait.nanos());
            }
        }
        if locks.is_empty() {
            return Ok(());
        }
        let total = sum(locks.values().map(|lock| lock.waited));
        let mut locks: Vec<_> = locks.into_iter().collect();
        locks.sort_by_key(|(address, lock)| (std::cmp::Reverse(lock.waited), *address));
        let titles = [
            "waited",
            "share",
            "waits",
            "longest",
            "lock",
            "mostly released in",
        ];
        let mut rows = vec![titles.map(str::to_owned)];
        for (address, lock) in locks.iter().take(ROWS) {
            let mostly = lock
                .wakers
                .iter()
                .max_by_key(|(site, nanos)| (**nanos, *site));
            rows.push([
                nanos(lock.waited),
                percent(lock.waited, total),
                lock.waits.to_string(),
                nanos(lock.longest),
                format!("{} {address:#x}", lock.kind),
                mostly.map_or_else(String::new, |(site, _)| site.clone()),
            ]);
        }
        writeln!(f, "\nlocks that were waited for longest")?;
        columns::write(&rows, 4, f)
    }

    /// As the mutex profile has them. A trace in Go's form has them not.
    fn blamed_releases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_site: BTreeMap<(String, &str, u64), (u64, u64)> = BTreeMap::new();
        for release in self
            .releases
            .iter()
            .filter(|release| release.blame_nanos > 0)
        {
            let key = (self.site(release.stack), &*release.kind, release.lock);
            let (count, blame) = by_site.entry(key).or_default();
            (*count, *blame) = (*count + 1, *blame + release.blame_nanos);
        }
        if by_site.is_empty() {
            return Ok(());
        }
        let mut sites: Vec<_> = by_site.into_iter().collect();
        sites.sort_by_key(|(_, (_, blame))| std::cmp::Reverse(*blame));
        let titles = ["others waited", "releases", "in", "of"];
        let mut rows = vec![titles.map(str::to_owned)];
        for ((site, kind, lock), (count, blame)) in sites.into_iter().take(ROWS) {
            rows.push([
                nanos(blame),
                count.to_string(),
                site,
                format!("{kind} {lock:#x}"),
            ]);
        }
        writeln!(f, "\nreleases that others waited for")?;
        columns::write(&rows, 2, f)
    }

    /// Scheduler latency: from a release to the moment at which the waiter goes on.
    fn wake_ups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut latencies: Vec<u64> = self.waits.iter().filter_map(Wait::latency_nanos).collect();
        latencies.sort_unstable();
        let Some(longest) = latencies.last() else {
            return Ok(());
        };
        let at = |part: usize| nanos(latencies[(latencies.len() - 1) * part / 100]);
        writeln!(
            f,
            "\nfrom the release to going on: median {}, 90 % within {}, 99 % within {}, longest {} \
             (of {} waits)",
            at(50),
            at(90),
            at(99),
            nanos(*longest),
            latencies.len()
        )
    }

    fn tasks_by_name(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = tasks::work(self);
        if work.is_empty() {
            return Ok(());
        }
        let mut by_name: BTreeMap<&str, Vec<&Work>> = BTreeMap::new();
        for work in &work {
            by_name
                .entry(&self.tasks[work.task].name)
                .or_default()
                .push(work);
        }
        let titles = [
            "tasks",
            "longest",
            "mean",
            "ran",
            "waited",
            "elsewhere",
            "name",
            "critical wait",
        ];
        let mut rows = vec![titles.map(str::to_owned)];
        let mut names: Vec<_> = by_name.into_iter().collect();
        names.sort_by_key(|(name, works)| {
            let total = sum(works.iter().map(|work| work.nanos));
            (std::cmp::Reverse(total), *name)
        });
        for (name, works) in names.into_iter().take(ROWS) {
            let sum = |of: fn(&Work) -> u64| sum(works.iter().map(|work| of(work)));
            let total = sum(|work| work.nanos);
            let Some(longest) = works.iter().max_by_key(|work| work.nanos) else {
                continue;
            };
            rows.push([
                works.len().to_string(),
                nanos(longest.nanos),
                nanos(total / works.len() as u64),
                percent(sum(|work| work.ran), total),
                percent(sum(|work| work.waited), total),
                percent(sum(|work| work.elsewhere()), total),
                name.to_owned(),
                longest.critical.map_or_else(String::new, |index| {
                    let wait = &self.waits[index];
                    let waker = wait.waker.as_ref();
                    let by = waker.map(|waker| {
                        format!(
                            ", woken by {} in {}",
                            self.thread_name(waker.thread),
                            self.site(waker.stack)
                        )
                    });
                    format!(
                        "{} for {}{}",
                        nanos(wait.nanos()),
                        what(wait),
                        by.unwrap_or_default()
                    )
                }),
            ]);
        }
        writeln!(
            f,
            "\ntasks by name; the critical wait is the longest one in the longest task"
        )?;
        columns::write(&rows, 6, f)
    }

    /// ` {endpoint=/cart}`
    fn labels_behind(&self, labels: LabelsIndex) -> String {
        match self.labels_text(labels) {
            text if text.is_empty() => text,
            text => format!(" {{{text}}}"),
        }
    }

    pub(crate) fn thread_name(&self, index: usize) -> String {
        match self.threads.get(index) {
            Some(thread) if !thread.name.is_empty() => thread.name.clone(),
            Some(thread) => format!("thread {}", thread.number),
            None => "?".to_owned(),
        }
    }

    /// The user's function of a stack: the one that called the wrapper.
    pub(crate) fn site(&self, stack: StackIndex) -> String {
        let frames = self.stack(stack);
        let is_own = |name: &str| name.starts_with("contend::");
        let of_user = frames.iter().find(|frame| !is_own(frame.function()));
        of_user.or(frames.first()).map_or_else(
            || "?".to_owned(),
            |frame| match (frame.file(), frame.line()) {
                (Some(file), Some(line)) => {
                    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
                    format!("{} ({file}:{line})", frame.function())
                }
                _ => frame.function().to_owned(),
            },
        )
    }
}

fn what(wait: &Wait) -> String {
    match wait.lock {
        0 => wait.kind.to_string(),
        lock => format!("{} {lock:#x}", wait.kind),
    }
}
