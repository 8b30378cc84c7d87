//! Spans of `tracing` as tasks, regions, logs and labels: read back from the trace that is written.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contend::trace::{Recording, SpanLayer, Timeline};
use contend::{Labels, thread};
use tracing::{Span, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// Recordings are the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn here(key: &str) -> Option<&'static str> {
    Labels::current().get(key)
}

fn with_layer(layer: SpanLayer, work: impl FnOnce()) {
    let registry = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(registry, work);
}

fn nap() {
    thread::sleep(Duration::from_micros(10));
}

fn text(timeline: &Timeline) -> String {
    format!("{timeline:?}")
}

#[test]
fn chosen_fields_are_labels_while_the_span_is_entered() {
    let layer = SpanLayer::new().labels(["endpoint", "shard", "late"]);
    with_layer(layer, || {
        let name = String::from("/cart");
        let request =
            info_span!("request", endpoint = %name, user = 4711, late = tracing::field::Empty);
        let inner = request.in_scope(|| {
            assert_eq!([here("endpoint"), here("user")], [Some("/cart"), None]);
            let inner = info_span!("look up", shard = 7);
            inner.in_scope(|| {
                assert_eq!(
                    [here("endpoint"), here("shard")],
                    [Some("/cart"), Some("7")]
                )
            });
            assert_eq!(here("shard"), None);
            inner
        });
        assert_eq!(here("endpoint"), None);
        // Where its parent is not entered: it is a part of it all the same.
        inner.in_scope(|| assert_eq!(here("endpoint"), Some("/cart")));
        request.record("late", "known now");
        request.in_scope(|| assert_eq!(here("late"), Some("known now")));
        let other = info_span!(parent: &request, "other", endpoint = "/other");
        other.in_scope(|| assert_eq!(here("endpoint"), Some("/other")));
    });
}

#[test]
fn spans_are_tasks_and_regions_and_events_logs() {
    let _alone = alone();
    let recording = Recording::start().unwrap();
    with_layer(
        SpanLayer::new().with_events(true).labels(["endpoint"]),
        || {
            let request = info_span!("a request", endpoint = "/cart");
            let there = request.clone();
            request.in_scope(|| {
                let _part = info_span!("a part of it").entered();
                info!(items = 3, "looked up");
                nap();
            });
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || there.in_scope(nap));
            })
            .join()
            .unwrap();
        },
    );
    let timeline = recording.finish();
    let told = text(&timeline);
    for part in [
        r#"name: "a request""#,
        r#"name: "a part of it""#,
        r#"category: "INFO", text: "looked up, items=3""#,
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let sleeps = timeline.waits().filter(|wait| wait.kind() == "sleep");
    let labels: Vec<_> = sleeps.map(|wait| wait.label("endpoint")).collect();
    assert_eq!(labels, [Some("/cart"); 2]);
}

#[test]
fn spans_that_end_in_another_order_leave_nothing_behind() {
    let _alone = alone();
    let recording = Recording::start().unwrap();
    with_layer(SpanLayer::new().labels(["n"]), || {
        let spans: Vec<Span> = (0..3).map(|n| info_span!("one", n)).collect();
        let entered: Vec<_> = spans.iter().map(Span::enter).collect();
        assert_eq!(here("n"), Some("2"));
        // The outermost first.
        drop(entered);
        assert_eq!(here("n"), None);
        // One that is entered twice.
        let (_first, _second) = (spans[0].enter(), spans[0].enter());
    });
    let mut file = Vec::new();
    recording.finish().write_go(&mut file).unwrap();
    assert!(file.starts_with(b"go 1.23 trace"));
    // And without a recording.
    with_layer(SpanLayer::new(), || info_span!("quiet").in_scope(nap));
}
