//! The locks that have a name, with their waits.
#![forbid(unsafe_code)]

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::form::Form;
use super::response::{JSON, TEXT};
use super::{Response, pages};
use crate::LockWaits;
use crate::ask::locks;

pub(super) fn locks(call: &Call<'_>) -> Answer {
    let form = Form::of(call)?;
    call.refuse_seconds()?;
    let locks = locks::locks();
    Ok(match form {
        Form::Page => pages::locks(&locks),
        Form::Json => {
            let locks: Vec<_> = locks.iter().map(lock).collect();
            Response::new(JSON, json!({ "locks": locks }).to_string())
        }
        Form::Text if locks.is_empty() => Response::new(TEXT, format!("{}\n", pages::NO_LOCKS)),
        Form::Text => {
            let lines = locks.iter().map(|lock| format!("{lock}\n"));
            Response::new(TEXT, lines.collect::<String>())
        }
    })
}

fn lock(lock: &LockWaits) -> Value {
    let buckets = lock
        .histogram()
        .map(|(bound, waits)| json!({ "up_to_nanos": bound.map(nanos), "waits": waits }));
    json!({
        "name": lock.name(),
        "kind": lock.kind(),
        "contentions": lock.contentions(),
        "delay_nanos": nanos(lock.delay()),
        "p50_nanos": nanos(lock.quantile(0.5)),
        "p99_nanos": nanos(lock.quantile(0.99)),
        "longest_nanos": nanos(lock.longest()),
        "waiting": lock.waiting(),
        "histogram": buckets.collect::<Vec<_>>(),
    })
}

fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
