//! Takes the profiler's own frames off the leaf of a stack and start-up code off its root.
//!
//! Both cuts can fall between functions that were inlined into one another, that is, within a
//! location. The rest of a location depends on the location alone and is made once, so that stacks
//! go on sharing.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::sync::Arc;

use super::executor::{Cut, InExecutor, cut};
use super::own_frames::{OwnFrame, is_outlined, own_frame};
use super::start_up::{self, StartUp};
use crate::profile::{Frame, Location};

/// Calls the `drop` of a type and of its fields.
const DROP_GLUE: &str = "drop_in_place<";

/// The names of an address, in the forms that stacks need.
#[derive(Debug)]
pub(super) struct Known {
    /// Without start-up code.
    location: Arc<Location>,
    /// The same with the frames that are ours drawn together to the wrapper's method, to be
    /// the first of a stack. `None`: no wrapper's method is here.
    as_leaf: Option<Arc<Location>>,
    /// The same without the frames that are ours, to be the first of a stack on which no wrapper's
    /// method is. `None`: nothing would be left.
    users: Option<Arc<Location>>,
    /// The same without the nameless glue that it starts with, to be the second of a stack.
    /// `None`: nothing would be left.
    behind_leaf: Option<Arc<Location>>,
    starts: Starts,
    is_all_own: bool,
    /// Whether the outlined part of a wrapper's method is here.
    is_outlined: bool,
    start_up: StartUp,
    /// The same as the function of the thread that is inlined into start-up code, by the name that
    /// this has for it.
    of_thread: Option<Arc<Known>>,
    executor: InExecutor,
    /// The same without the executor's frames and what called them. `None`: it is not here, or all
    /// of it is the executor's.
    before_executor: Option<Arc<Known>>,
}

/// The owner of the innermost frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Starts {
    OwnCode,
    /// Ours if called by our code.
    Glue,
    UserCode,
}

impl Known {
    pub(super) fn new(mut location: Location) -> Self {
        let executor = InExecutor::of(&location.frames);
        let before_executor = executor.first.filter(|first| *first > 0).map(|first| {
            Arc::new(Known::new(Location {
                address: location.address,
                mapping: location.mapping.clone(),
                frames: location.frames[..first].into(),
                symbolized: location.symbolized,
            }))
        });
        let start_up = start_up::cut(&mut location);
        let of_thread = (start_up == StartUp::PerhapsMore)
            .then(|| start_up::function_of_thread(&location))
            .flatten()
            .map(|location| Arc::new(Known::new(location)));
        let own: Vec<OwnFrame> = location.frames.iter().map_while(judged).collect();
        let starts = match own.first() {
            Some(first) if first.is_certain => Starts::OwnCode,
            Some(_) => Starts::Glue,
            None => Starts::UserCode,
        };
        let is_all_own = own.len() == location.frames.len();
        let glue = own
            .iter()
            .take_while(|frame| !frame.is_certain && frame.name.is_none());
        let (glue_count, own_count) = (glue.count(), own.len());
        let as_leaf = leaf_of(&location, own).map(Arc::new);
        let mut frames = location.frames.iter();
        let is_outlined = frames.any(|frame| is_outlined(&frame.function));
        let location = Arc::new(location);
        Self {
            as_leaf,
            users: without_first(&location, own_count),
            behind_leaf: without_first(&location, glue_count),
            location,
            starts,
            is_all_own,
            is_outlined,
            start_up,
            of_thread,
            executor,
            before_executor,
        }
    }

    pub(super) fn location(&self) -> &Arc<Location> {
        &self.location
    }

    pub(super) fn has_mapping(&self) -> bool {
        self.location.mapping.is_some()
    }
}

fn judged(frame: &Frame) -> Option<OwnFrame> {
    own_frame(&frame.function, frame.system_name.is_some(), frame.file())
}

/// The location with its first frames, which are `own`, replaced by the outermost wrapper's
/// method among them.
fn leaf_of(location: &Location, own: Vec<OwnFrame>) -> Option<Location> {
    let own_count = own.len();
    let names = own.into_iter().map(|frame| frame.name).enumerate();
    let (index, name) = names.rev().find_map(|(at, name)| Some((at, name?)))?;
    // Glue has its place in the standard library; the method that it calls tells more.
    let is_glue = |frame: &&Frame| frame.function().contains(DROP_GLUE);
    let mut inwards = location.frames[..=index].iter().rev();
    let place = inwards.find(|frame| !is_glue(frame));
    let outermost = &location.frames[index];
    let place = place.unwrap_or(outermost);
    let method = Frame {
        function: name.into(),
        system_name: outermost.system_name.clone(),
        ..place.clone()
    };
    let user = location.frames[own_count..].iter().cloned();
    Some(Location {
        address: location.address,
        mapping: location.mapping.clone(),
        frames: std::iter::once(method).chain(user).collect(),
        symbolized: location.symbolized,
    })
}

/// The location without its first `count` frames, if that leaves any.
fn without_first(location: &Arc<Location>, count: usize) -> Option<Arc<Location>> {
    if count == 0 {
        return Some(Arc::clone(location));
    }
    let frames: Box<[Frame]> = location.frames[count..].into();
    (!frames.is_empty()).then(|| {
        Arc::new(Location {
            address: location.address,
            mapping: location.mapping.clone(),
            frames,
            symbolized: location.symbolized,
        })
    })
}

/// The locations of a stack to show, and whether the first frame is a wrapper's method.
pub(super) fn trimmed(stack: &[Arc<Known>]) -> (Box<[Arc<Location>]>, bool) {
    let stack = &*without_start_up(stack);
    let mut leaf = None;
    let mut has_outlined = false;
    for (index, known) in stack.iter().enumerate() {
        if known.is_outlined && std::mem::replace(&mut has_outlined, true) {
            break;
        }
        let is_own = match known.starts {
            Starts::OwnCode => true,
            Starts::Glue => index > 0,
            Starts::UserCode => false,
        };
        if !is_own {
            break;
        }
        if let Some(as_leaf) = &known.as_leaf {
            leaf = Some((index, Arc::clone(as_leaf)));
        }
        if !known.is_all_own {
            break;
        }
    }
    match leaf {
        Some((index, leaf)) => {
            let mut locations = vec![leaf];
            // `drop(guard)` is a function of its own, or the first of what its caller inlined.
            let mut behind = stack[index + 1..].iter().peekable();
            while behind
                .next_if(|known| known.behind_leaf.is_none())
                .is_some()
            {}
            locations.extend(behind.next().and_then(|known| known.behind_leaf.clone()));
            locations.extend(behind.map(|known| Arc::clone(&known.location)));
            (locations.into(), true)
        }
        None => (without_own(stack), false),
    }
}

/// The stack from the first frame that is not ours; all of it where there is no other. An optimised
/// build may jump from the wrapper's method into the engine, which is what is left of it then.
fn without_own(stack: &[Arc<Known>]) -> Box<[Arc<Location>]> {
    let is_own = |known: &&Arc<Known>| known.starts == Starts::OwnCode;
    let first = stack
        .iter()
        .take_while(is_own)
        .position(|known| known.users.is_some());
    let own_count = stack.iter().take_while(is_own).count();
    let (users, rest) = match first {
        Some(first) => (stack[first].users.clone(), &stack[first + 1..]),
        None if own_count < stack.len() => (None, &stack[own_count..]),
        None => (None, stack),
    };
    let rest = rest.iter().map(|known| Arc::clone(&known.location));
    users.into_iter().chain(rest).collect()
}

/// The part of a stack that is a task's, if there is an executor on it.
pub(super) fn task_of(stack: &[Arc<Known>]) -> Option<(Vec<Arc<Known>>, Cut)> {
    let cut = cut(stack.iter().map(|known| known.executor))?;
    let mut task = stack[..cut.location].to_vec();
    task.extend(stack[cut.location].before_executor.clone());
    Some((task, cut))
}

/// The stack up to where start-up code begins; all of it where there is nothing else.
pub(super) fn without_start_up(stack: &[Arc<Known>]) -> Cow<'_, [Arc<Known>]> {
    let is_start_up = |known: &Arc<Known>| known.start_up != StartUp::NotHere;
    let Some(at) = stack.iter().position(is_start_up) else {
        return stack.into();
    };
    let (called, start_up) = (&stack[..at], &stack[at]);
    let end = match (start_up.start_up, &start_up.of_thread) {
        (StartUp::PerhapsMore, Some(of_thread)) if !calls(of_thread, called.last()) => {
            return called.iter().chain([of_thread]).cloned().collect();
        }
        // Without a name for what was inlined, it is better than nothing.
        (StartUp::PerhapsMore, None) if called.iter().all(|known| known.is_all_own) => at + 1,
        (StartUp::PerhapsMore | StartUp::WholeLocation, _) => at,
        _ => at + 1,
    };
    if end == 0 { stack } else { &stack[..end] }.into()
}

/// Whether `callee` is the function of the thread itself.
fn calls(of_thread: &Known, callee: Option<&Arc<Known>>) -> bool {
    let function = of_thread.location.frames.first();
    let callee = callee.and_then(|callee| callee.location.frames.last());
    match (function, callee) {
        (Some(function), Some(callee)) => start_up::is_same(function.function(), callee.function()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
