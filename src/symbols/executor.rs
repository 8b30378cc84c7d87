//! The stacks of tasks: cut where the executor begins, and read as the calls that the user wrote.
//!
//! An executor puts some forty-five lines under each task, the same for all, and a state machine
//! has names of its own. What is left is `Mutex::lock` ← `inner` ← `outer`, leaf first, with the
//! lines of the awaits. The executor's lines also tell which thread it was: whether it has other
//! tasks to run.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use super::own_frames::dropped_type;
use super::path::Path;
use crate::profile::{Frame, Location, ThreadRole};

/// A frame, as far as executors go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The user's, or glue.
    No,
    /// The executor's: from here on nothing is the task's.
    Executor(Option<ThreadRole>),
    /// The thread has stopped running tasks, for what is called from here.
    StepsAside,
}

/// The executor's part of a location.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InExecutor {
    /// The first frame that is the executor's.
    pub(super) first: Option<usize>,
    role: Option<ThreadRole>,
    steps_aside: bool,
}

impl InExecutor {
    pub(super) fn of(frames: &[Frame]) -> Self {
        let mut found = Self::default();
        for (index, frame) in frames.iter().enumerate() {
            match part(frame) {
                Part::No => {}
                Part::StepsAside => found.steps_aside = true,
                Part::Executor(role) => {
                    found.first = found.first.or(Some(index));
                    if !found.steps_aside {
                        found.role = found.role.or(role);
                    }
                }
            }
        }
        found
    }
}

/// The part of a stack that is a task's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The location in which the executor begins, and the frame there.
    pub(super) location: usize,
    pub(super) frame: usize,
    pub(super) role: ThreadRole,
}

/// Where the executor begins, seen from the leaf. `None`: there is none, or nothing else.
pub(super) fn cut(stack: impl Iterator<Item = InExecutor> + Clone) -> Option<Cut> {
    let first = |(index, part): (usize, InExecutor)| Some((index, part.first?));
    let (location, frame) = stack.clone().enumerate().find_map(first)?;
    if (location, frame) == (0, 0) {
        return None;
    }
    let mut role = ThreadRole::Other;
    for part in stack {
        if let Some(found) = part.role {
            role = found;
            break;
        }
        if part.steps_aside {
            break;
        }
    }
    Some(Cut {
        location,
        frame,
        role,
    })
}

fn part(frame: &Frame) -> Part {
    let function = frame.function();
    let name = dropped_type(function).unwrap_or(function);
    if !name.contains("::") {
        return part_by_file(name, frame.file().unwrap_or_default());
    }
    let path = Path::parse(name);
    let has = |wanted: &str| {
        let mut segments = path.segments.iter().chain(&path.rest);
        segments.any(|segment| segment.split('<').next() == Some(wanted))
    };
    match *path.segments {
        ["tokio", ..] if has("block_in_place") || has("exit_runtime") => Part::StepsAside,
        ["tokio", "runtime" | "loom", ..] => Part::Executor(if has("BlockingTask") {
            Some(ThreadRole::BlockingPool)
        } else if has("run_task") || (has("CoreGuard") && has("block_on")) {
            Some(ThreadRole::AsyncWorker)
        } else {
            None
        }),
        ["tokio", "task", "coop", ..] if has("budget") || has("with_budget") => {
            Part::Executor(None)
        }
        // The wrapper of a task that is spawned.
        ["contend", "tokio", "task", "spawned", ..] => Part::Executor(None),
        ["tokio", "task", "local", ..]
        | ["async_executor" | "async_task" | "futures_executor", ..] => Part::Executor(None),
        _ => Part::No,
    }
}

/// For bare names, as `run_task`, of builds with line tables only.
fn part_by_file(name: &str, file: &str) -> Part {
    let name = name.split('<').next().unwrap_or_default();
    let in_tokio = |folder: &str| {
        let inside = file.split_once("/tokio-1.");
        inside.is_some_and(|(_, inside)| inside.contains(folder))
    };
    let in_crate = |start: &str| file.contains(start);
    match name {
        "block_in_place" | "exit_runtime" if in_tokio("/src/") => Part::StepsAside,
        "run_task" if in_tokio("/src/runtime/") => Part::Executor(Some(ThreadRole::AsyncWorker)),
        "block_on" if in_tokio("/src/runtime/scheduler/current_thread") => {
            Part::Executor(Some(ThreadRole::AsyncWorker))
        }
        _ if in_tokio("/src/runtime/blocking/task.rs") => {
            Part::Executor(Some(ThreadRole::BlockingPool))
        }
        "budget" | "with_budget" if in_tokio("/src/task/coop") => Part::Executor(None),
        _ if file.ends_with("/src/tokio/task/spawned.rs") => Part::Executor(None),
        _ if in_tokio("/src/runtime/") || in_tokio("/src/task/local") => Part::Executor(None),
        _ if ["/async-executor-", "/async-task-", "/futures-executor-"]
            .into_iter()
            .any(in_crate) =>
        {
            Part::Executor(None)
        }
        _ => Part::No,
    }
}

/// Modules of which a task's stack shows nothing: they poll one future from another.
const GLUE: [&[&str]; 12] = [
    &["core", "future"],
    &["core", "pin"],
    &["alloc", "boxed"],
    &["tokio", "future"],
    &["tokio", "time", "timeout"],
    &["tokio", "task", "coop"],
    &["tokio", "task", "task_local"],
    &["futures_util", "future"],
    &["futures_util", "stream"],
    &["tracing", "instrument"],
    &["contend", "engine", "labels"],
    &["contend", "trace", "instrumented"],
];

fn is_glue(function: &str) -> bool {
    let dropped = dropped_type(function);
    let path = Path::parse(dropped.unwrap_or(function));
    let is_in = |module: &&[&str]| path.segments.starts_with(module);
    GLUE.iter().any(is_in)
        // The glue of a type that holds the future.
        || (dropped.is_some() && matches!(path.segments.first(), Some(&("core" | "alloc" | "std"))))
}

/// The function that the user wrote, for the state machine that was made of it; running or dropped.
fn written(function: &str) -> &str {
    let dropped = dropped_type(function).filter(|dropped| ends_in_closure(dropped));
    let mut name = dropped.unwrap_or(function);
    while ends_in_closure(name) {
        name = name.rsplit_once("::").map_or(name, |(outer, _)| outer);
    }
    name
}

/// `a::b::{{closure}}`, `a::b::{closure#0}`, `a::b::{async_fn_env#0}`.
fn ends_in_closure(name: &str) -> bool {
    let last = name.rsplit_once("::").map(|(_, last)| last);
    last.is_some_and(|last| last.starts_with('{') && last.ends_with('}'))
}

/// The locations of tasks' stacks, each made once, so that stacks go on sharing.
#[derive(Debug, Default)]
pub(super) struct TaskLocations {
    /// By the address of the location, which the entry keeps alive. `None`: nothing is left of it.
    made: HashMap<usize, (Arc<Location>, Option<Arc<Location>>)>,
}

impl TaskLocations {
    pub(super) fn clear(&mut self) {
        self.made.clear();
    }

    /// The locations as a task's stack shows them. If the first frame is a wrapper's method, it
    /// stays.
    pub(super) fn of(
        &mut self,
        locations: &[Arc<Location>],
        starts_in_wrapper: bool,
    ) -> Box<[Arc<Location>]> {
        let mut shown: Vec<Arc<Location>> = Vec::with_capacity(locations.len());
        for (index, location) in locations.iter().enumerate() {
            let location = match starts_in_wrapper && index == 0 {
                true => rewritten(location, 1),
                false => self.made(location),
            };
            let Some(location) = location else { continue };
            let last = shown.last().and_then(|location| location.frames.last());
            let repeats = last.is_some_and(|last| last.function == location.frames[0].function);
            // An async block within a function, called by that.
            match repeats {
                false => shown.push(location),
                true => shown.extend(with_frames(&location, location.frames[1..].into())),
            }
        }
        match shown.is_empty() {
            true => locations.into(),
            false => shown.into(),
        }
    }

    fn made(&mut self, location: &Arc<Location>) -> Option<Arc<Location>> {
        let key = Arc::as_ptr(location).addr();
        let entry = self.made.entry(key);
        let (_, made) = entry.or_insert_with(|| (Arc::clone(location), rewritten(location, 0)));
        made.clone()
    }
}

/// The location with its frames as they were written, but for the first `kept`.
fn rewritten(location: &Arc<Location>, kept: usize) -> Option<Arc<Location>> {
    let mut frames: Vec<Frame> = location.frames[..kept].to_vec();
    for frame in &location.frames[kept..] {
        let function = frame.function();
        if is_glue(function) {
            continue;
        }
        let written = written(function);
        if frames.last().is_some_and(|last| last.function() == written) {
            continue;
        }
        let mut frame = frame.clone();
        if written != function {
            frame.function = written.into();
        }
        frames.push(frame);
    }
    if *frames == *location.frames {
        return Some(Arc::clone(location));
    }
    with_frames(location, frames.into())
}

fn with_frames(location: &Location, frames: Box<[Frame]>) -> Option<Arc<Location>> {
    (!frames.is_empty()).then(|| {
        Arc::new(Location {
            address: location.address,
            mapping: location.mapping.clone(),
            frames,
            symbolized: location.symbolized,
        })
    })
}

#[cfg(test)]
mod tests;
