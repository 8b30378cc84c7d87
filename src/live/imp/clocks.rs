//! The times of each thread so far: on processors, in the run queue, in waits.

use std::collections::HashMap;
use std::time::Duration;

use super::procfs::{self, Tid};
use super::thread_pointer;
use crate::engine::registry::{self, Counting};
use crate::live::accounting::Clock;
use crate::profile::kind::Kind;

/// The clocks of all threads. Waits are counted from the first reading until it is dropped.
#[derive(Debug)]
pub(in crate::live) struct Clocks {
    /// When the reading began.
    pub(in crate::live) taken: Duration,
    pub(in crate::live) by_tid: HashMap<u32, Clock>,
    pub(in crate::live) notes: Vec<String>,
    _counting: Counting,
}

impl Clocks {
    pub(in crate::live) fn read() -> Self {
        let counting = Counting::start();
        let taken = procfs::since_boot();
        let mut notes = Vec::new();
        let tids = procfs::tids().unwrap_or_else(|error| {
            notes.push(format!(
                "only this thread is shown: /proc/self/task cannot be read ({error})"
            ));
            vec![procfs::own_tid()]
        });
        let records: HashMap<Tid, usize> = registry::owners()
            .filter_map(|(owner, index)| Some((thread_pointer::tid_of(owner)?, index)))
            .collect();
        let mut is_queue_counted = true;
        let clocks = tids.into_iter().filter_map(|tid| {
            // The parts that must be of one moment come first: files take longer.
            let taken = procfs::since_boot();
            let on_cpu = procfs::cpu_time(tid)?;
            let waited = records.get(&tid).and_then(|index| registry::waited(*index));
            let queue = procfs::scheduling(tid).map(|times| times.queue);
            is_queue_counted &= queue.is_some();
            let waits = Kind::built_in().zip(waited.into_iter().flatten());
            let clock = Clock {
                taken,
                name: procfs::name(tid).unwrap_or_default(),
                started: procfs::started(tid).unwrap_or_default(),
                on_cpu,
                runnable: queue.unwrap_or_default(),
                waits: waits
                    .map(|(kind, nanos)| (kind.label(), Duration::from_nanos(nanos)))
                    .collect(),
            };
            Some((tid.unsigned_abs(), clock))
        });
        let by_tid = clocks.collect();
        if !is_queue_counted {
            notes.push(
                "the time that threads were ready to run without a processor is a part of \
                 `elsewhere`: /proc/self/task/TID/schedstat cannot be read here"
                    .to_owned(),
            );
        }
        Self {
            taken,
            by_tid,
            notes,
            _counting: counting,
        }
    }
}
