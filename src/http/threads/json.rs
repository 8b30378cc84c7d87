//! Threads, their times and the monitor's report as JSON. Times are nanoseconds, as numbers;
//! addresses are text, since not every reader of JSON keeps 64 bits.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::live::{Deadlock, Holder, Thread, ThreadTime, ThreadTimes, Threads, WaitInProgress};
use crate::monitor::{MonitorPoint, MonitorReport};
use crate::profile::Frame;

pub(super) fn threads(threads: &Threads, times: Option<&ThreadTimes>) -> Value {
    let mut value = json!({
        "time_unix_nanos": since_epoch(threads.time()),
        "threads": threads.threads().iter().map(thread).collect::<Vec<_>>(),
        "notes": threads.notes(),
    });
    if let Some(times) = times {
        value["accounting"] = json!({
            "window_nanos": nanos(times.window()),
            "threads": times.threads().iter().map(time).collect::<Vec<_>>(),
            "notes": times.notes(),
        });
    }
    value
}

fn thread(thread: &Thread) -> Value {
    json!({
        "tid": thread.tid(),
        "name": thread.name(),
        "state": thread.state().to_string(),
        "category": thread.state().category().name(),
        "is_dumper": thread.is_dumper(),
        "labels": thread.labels().collect::<BTreeMap<_, _>>(),
        "wait": thread.wait().map(wait),
        "stack": thread.frames().iter().map(frame).collect::<Vec<_>>(),
        "place": thread.place().map(Frame::function),
        "note": thread.note(),
        "cpu_nanos": thread.cpu_time().map(nanos),
        "run_queue_nanos": thread.run_queue_time().map(nanos),
        "voluntary_switches": thread.voluntary_switches(),
        "involuntary_switches": thread.involuntary_switches(),
    })
}

/// Each with its text, as it is shown in a terminal.
pub(super) fn deadlocks(deadlocks: &[Deadlock]) -> Value {
    let deadlocks = deadlocks.iter().map(|deadlock| {
        json!({
            "is_certain": deadlock.is_certain(),
            "threads": deadlock.threads().iter().map(thread).collect::<Vec<_>>(),
            "behind": deadlock.behind().iter().map(thread).collect::<Vec<_>>(),
            "text": deadlock.to_string(),
        })
    });
    json!({ "deadlocks": deadlocks.collect::<Vec<_>>() })
}

fn holder(holder: &Holder) -> Value {
    json!({
        "tid": holder.tid(),
        "name": holder.name(),
        "is_certain": holder.is_certain(),
        "held_at_least_nanos": holder.held_for_at_least().map(nanos),
        "at": holder.at().map(frame),
    })
}

fn wait(wait: &WaitInProgress) -> Value {
    json!({
        "kind": wait.kind(),
        "lock": wait.lock().map(address),
        "lock_name": wait.lock_name(),
        "waited_nanos": nanos(wait.waited()),
        "is_timed": wait.is_timed(),
        "holders": wait.holders().iter().map(holder).collect::<Vec<_>>(),
    })
}

fn frame(frame: &Frame) -> Value {
    json!({
        "function": frame.function(),
        "file": frame.file(),
        "line": frame.line(),
    })
}

fn time(thread: &ThreadTime) -> Value {
    let waits = thread.waits();
    let waits: Map<String, Value> = waits
        .map(|(kind, time)| (kind.to_owned(), nanos(time).into()))
        .collect();
    json!({
        "tid": thread.tid(),
        "name": thread.name(),
        "window_nanos": nanos(thread.window()),
        "on_cpu_nanos": nanos(thread.on_cpu()),
        "runnable_nanos": nanos(thread.runnable()),
        "waits_nanos": waits,
        "elsewhere_nanos": nanos(thread.elsewhere()),
        "not_started_nanos": nanos(thread.not_started()),
    })
}

/// `null` where no monitor runs.
pub(super) fn monitor(report: Option<&MonitorReport>) -> Value {
    let Some(report) = report else {
        return json!({ "monitor": null });
    };
    let health = report.health();
    let health = health.iter().map(|verdict| {
        json!({
            "is_well": verdict.is_well(),
            "finding": verdict.finding(),
            "rule": verdict.rule(),
        })
    });
    let waits = report.longest_waits().iter().map(|wait| {
        json!({
            "tid": wait.tid(),
            "name": wait.name(),
            "kind": wait.kind(),
            "lock": wait.lock().map(address),
            "lock_name": wait.lock_name(),
            "waited_nanos": nanos(wait.waited()),
        })
    });
    let stacks = report.top_stacks().iter().map(|stack| {
        json!({
            "threads": stack.threads(),
            "name": stack.name(),
            "state": stack.state(),
            "frames": stack.frames().collect::<Vec<_>>(),
        })
    });
    let states = report.states();
    let states: Map<String, Value> = states
        .map(|(state, count)| (state.to_owned(), count.into()))
        .collect();
    json!({
        "monitor": {
            "time_unix_nanos": since_epoch(report.time()),
            "threads": report.threads(),
            "states": states,
            "health": health.collect::<Vec<_>>(),
            "deadlocks": report.deadlocks().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "longest_waits": waits.collect::<Vec<_>>(),
            "top_stacks": stacks.collect::<Vec<_>>(),
            "history": report.history().iter().map(point).collect::<Vec<_>>(),
            "notes": report.notes(),
            "cost_nanos": report.cost().map(nanos),
        }
    })
}

fn point(point: &MonitorPoint) -> Value {
    let categories = crate::live::ThreadCategory::ALL.into_iter();
    let categories: Map<String, Value> = categories
        .map(|category| {
            (
                category.name().to_owned(),
                point.of_category(category).into(),
            )
        })
        .collect();
    json!({
        "time_unix_nanos": since_epoch(point.time()),
        "threads": point.threads(),
        "categories": categories,
        "longest_wait_nanos": point.longest_wait().map(nanos),
    })
}

fn address(address: u64) -> String {
    format!("{address:#x}")
}

fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

fn since_epoch(time: SystemTime) -> u64 {
    nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}
