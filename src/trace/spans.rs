//! Spans of the `tracing` crate as tasks, regions and labels.

use std::cell::RefCell;
use std::fmt;
use std::mem;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::region::{Region, region_of};
use super::task::{Entered, Task, current, task_of};
use crate::profile::labels::LabelSet;
use crate::skin::labels::{self, Scope};

/// A layer of `tracing_subscriber` by which programs that are instrumented with `tracing` need
/// nothing new: their spans are in timelines, and fields of them are labels.
///
/// | of `tracing` | becomes |
/// |---|---|
/// | a span without a parent | a [task](super::task) of its name |
/// | any span, while a thread has entered it | a [region](super::region), in the task that it belongs to |
/// | a field that is [chosen](Self::labels) | a [label](crate::Labels) of what is recorded while a thread has entered the span, or one within it |
/// | an event, if that is [asked for](Self::with_events) | a [log](super::log) of its level, with its message and fields |
///
/// A future with a span, `future.instrument(span)`, enters it at each poll.
///
/// # Overhead
///
/// Per span what the registry of `tracing_subscriber` does, and a search for the set of labels; per
/// entry a look into the span's record. While no timeline is recorded, there are no tasks and
/// regions.
///
/// # Examples
///
/// ```
/// # // The crates of these examples are in the tests of the workspace.
/// use contend::trace::SpanLayer;
///
/// let layer = SpanLayer::new().labels(["endpoint", "tenant"]);
/// // tracing_subscriber::registry().with(layer).init();
/// # drop(layer);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SpanLayer {
    labels: Vec<String>,
    has_events: bool,
}

impl SpanLayer {
    /// A layer without labels, and without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of the fields that become labels. Their values must be few: see
    /// [`Labels`](crate::Labels).
    #[must_use]
    pub fn labels<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.labels.extend(names.into_iter().map(Into::into));
        self
    }

    /// Events become logs.
    #[must_use]
    pub fn with_events(mut self, has_events: bool) -> Self {
        self.has_events = has_events;
        self
    }

    /// The labels that these fields are, besides those of `outer`.
    fn labels_of(&self, outer: LabelSet, record: impl FnOnce(&mut dyn Visit)) -> LabelSet {
        if self.labels.is_empty() {
            return outer;
        }
        let mut chosen = Chosen {
            names: &self.labels,
            found: Vec::new(),
        };
        record(&mut chosen);
        if chosen.found.is_empty() {
            return outer;
        }
        let found = chosen.found.iter();
        labels::set_with(outer, found.map(|(name, value)| (*name, value.as_str())))
    }
}

/// The part of a span that is ours.
struct Known {
    /// With those of the spans around it.
    labels: LabelSet,
    /// The number of the task that it belongs to; 0: none.
    task: u64,
    /// A span without a parent has one, which ends with it.
    _own: Option<Task>,
}

/// A span that this thread has entered.
struct Inside {
    span: Id,
    labels: Scope,
    task: Entered<'static>,
    /// Ends when it is dropped.
    _region: Region,
}

thread_local! {
    /// The innermost last.
    static INSIDE: RefCell<Vec<Inside>> = const { RefCell::new(Vec::new()) };
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let parent = span.parent();
        let outer = parent.as_ref().and_then(|parent| {
            let extensions = parent.extensions();
            let known = extensions.get::<Known>()?;
            Some((known.labels, known.task))
        });
        let (outer, task) = outer.unwrap_or((LabelSet::NONE, current()));
        let own = parent.is_none().then(|| super::task(span.name()));
        let known = Known {
            labels: self.labels_of(outer, |visit| attributes.record(visit)),
            task: own.as_ref().map_or(task, task_of),
            _own: own,
        };
        span.extensions_mut().replace(known);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(known) = extensions.get_mut::<Known>() {
            known.labels = self.labels_of(known.labels, |visit| values.record(visit));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let inside = enter(&span);
        // Not while the thread is torn down.
        let _ = INSIDE.try_with(|all| {
            if let (Some(inside), Ok(mut all)) = (inside, all.try_borrow_mut()) {
                all.push(inside);
            }
        });
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let left = INSIDE.try_with(|all| {
            let mut all = all.try_borrow_mut().ok()?;
            let last = all.iter().rposition(|inside| inside.span == *id)?;
            let mut left = all.remove(last);
            let Some(next) = all.get_mut(last) else {
                return Some((Some((left.labels, left.task)), left._region));
            };
            // A span that was entered later goes on. It goes back to where this one would have.
            mem::swap(&mut next.labels, &mut left.labels);
            mem::swap(&mut next.task, &mut left.task);
            mem::forget((left.labels, left.task));
            Some((None, left._region))
        });
        // Not while it is borrowed: to end may record.
        drop(left);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !self.has_events || !super::is_enabled() {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        super::log(event.metadata().level().as_str(), text.0);
    }
}

fn enter<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>) -> Option<Inside> {
    let extensions = span.extensions();
    let known = extensions.get::<Known>()?;
    let entered = Entered::of(known.task);
    Some(Inside {
        span: span.id(),
        labels: labels::enter(labels::current_with(known.labels)),
        task: entered,
        _region: region_of(known.task, span.name()),
    })
}

/// Takes the fields that are chosen.
struct Chosen<'n> {
    names: &'n [String],
    found: Vec<(&'n str, String)>,
}

impl Chosen<'_> {
    fn take(&mut self, field: &Field, value: impl FnOnce() -> String) {
        if let Some(name) = self.names.iter().find(|name| *name == field.name()) {
            self.found.push((name, value()));
        }
    }
}

impl Visit for Chosen<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, || format!("{value:?}"));
    }
}

/// The message and the fields, as `message, name=value`.
struct Text(String);

impl Text {
    fn push(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        use fmt::Write;

        let separator = if self.0.is_empty() { "" } else { ", " };
        // Writing to a `String` does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{separator}{value}"),
            name => write!(self.0, "{separator}{name}={value}"),
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format_args!("{value:?}"));
    }
}
