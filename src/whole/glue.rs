//! A recorded stack as it is shown: one frame for the lock, then the program's code.
//!
//! A recorded stack begins in our object, goes through the standard library or another one that
//! waits, and comes to the program's code. All of that but the last becomes the method that the
//! program calls, and tells what kind of lock it was.
#![forbid(unsafe_code)]

mod rules;

use std::sync::Arc;

use crate::profile::kind::Kind;
use crate::profile::{Frame, Location};
use rules::{PARTS_OF, RULES, Rule, is_glue, path_of, public_name, refined, rule};

/// A stack as it is shown.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) locations: Vec<Arc<Location>>,
    /// Whether the first frame, behind a stand-in, is the method of a lock.
    pub(super) starts_in_method: bool,
    pub(super) kind: Kind,
}

/// Where the standard library calls the program's `main` and the functions of threads, and where
/// the C library does.
const START_UP: &str = "__rust_begin_short_backtrace";
const START_UP_OF_C: &[&str] = &[
    "start_thread",
    "clone3",
    "__clone3",
    "clone",
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "execute_native_thread_routine",
];

/// `recorded` is the kind that the interposed function gave it. `is_ours`: whether a location is in
/// our own object.
pub(super) fn shown(
    stack: &[Arc<Location>],
    recorded: Kind,
    is_ours: impl Fn(&Location) -> bool,
) -> Shown {
    // It stands for no code, and has the stack of a release behind it.
    let is_stand_in = stack.first().is_some_and(|leaf| leaf.address == 0);
    let (stand_in, code) = stack.split_at(usize::from(is_stand_in));
    let code = without_start_up(code);
    let own_count = code.iter().take_while(|location| is_ours(location)).count();
    let (own, code) = code.split_at(own_count);
    let library = Library::of(code, recorded, own.last());
    let mut locations = stand_in.to_vec();
    locations.extend(library.leaf(own, code));
    locations.extend(code[library.behind(code)..].iter().cloned());
    if locations.len() == stand_in.len() {
        // A library's own thread, in a wait that has no name: nothing of it is left out.
        let all = if code.is_empty() { own } else { code };
        locations.extend(all.iter().cloned());
    }
    Shown {
        locations,
        starts_in_method: library.method.is_some(),
        kind: library.kind,
    }
}

/// The frames of libraries that a stack begins with.
struct Library {
    kind: Kind,
    /// The method that the program calls, and where its code is.
    method: Option<(String, Option<Frame>)>,
    /// How many locations are the library's alone, and frames of the next one.
    locations: usize,
    frames: usize,
}

impl Library {
    fn of(code: &[Arc<Location>], recorded: Kind, own: Option<&Arc<Location>>) -> Self {
        let mut library = Self {
            kind: recorded,
            method: own.and_then(|own| Some((exported_name(own)?.to_owned(), None))),
            locations: 0,
            frames: 0,
        };
        let mut is_known = recorded != Kind::FUTEX;
        let mut is_parking_lot = false;
        for location in code {
            for frame in &location.frames {
                let path = path_of(frame);
                if !is_glue(&path, frame) {
                    return library;
                }
                is_parking_lot |= path.contains("parking_lot");
                library.take(frame, &path, &mut is_known, is_parking_lot);
                library.frames += 1;
            }
            library.locations += 1;
            library.frames = 0;
        }
        library
    }

    fn take(&mut self, frame: &Frame, path: &str, is_known: &mut bool, is_parking_lot: bool) {
        let mut name = None;
        if !*is_known && let Some(Rule(_, kind, method)) = rule(RULES, path) {
            (self.kind, *is_known) = (*kind, true);
            name = Some((*method).to_owned());
        }
        // A part of something larger, which is seen further out.
        if matches!(self.kind, Kind::FUTEX | Kind::PARK | Kind::CONDVAR)
            && let Some(Rule(_, kind, method)) = rule(PARTS_OF, path)
        {
            (self.kind, *is_known) = (refined(*kind, path), true);
            name = Some((*method).to_owned());
        }
        if self.kind == Kind::RWLOCK_WRITE && path.contains("RwLockReadGuard") {
            self.kind = Kind::RWLOCK_READ;
        }
        if let Some(name) = public_name(path, is_parking_lot).or(name) {
            self.method = Some((name, Some(frame.clone())));
        }
    }

    /// The first locations that are not the library's alone.
    fn behind(&self, code: &[Arc<Location>]) -> usize {
        let has_cut = self.frames > 0;
        (self.locations + usize::from(has_cut)).min(code.len())
    }

    /// The location with the method, and with what of the program's the compiler put there as well.
    fn leaf(&self, own: &[Arc<Location>], code: &[Arc<Location>]) -> Option<Arc<Location>> {
        let cut = code.get(self.locations).filter(|_| self.frames > 0);
        let users = cut.map_or(&[][..], |cut| &cut.frames[self.frames..]);
        let of_library = self.locations.checked_sub(1).map(|last| &code[last]);
        let place = cut.or(of_library).or(own.last())?;
        let method = self.method.as_ref().map(|(name, frame)| Frame {
            function: name.as_str().into(),
            system_name: None,
            file: frame.as_ref().and_then(|frame| frame.file.clone()),
            line: frame.as_ref().and_then(|frame| frame.line),
            address: place.address,
        });
        let frames: Box<[Frame]> = method.into_iter().chain(users.iter().cloned()).collect();
        (!frames.is_empty()).then(|| {
            Arc::new(Location {
                address: place.address,
                mapping: place.mapping.clone(),
                frames,
                symbolized: true,
            })
        })
    }
}

/// Functions of our object that programs see, besides those of threads and semaphores.
const OTHER_EXPORTS: &[&str] = &[
    "nanosleep",
    "clock_nanosleep",
    "usleep",
    "sched_yield",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "accept",
    "accept4",
    "connect",
    "write",
    "writev",
    "send",
    "sendto",
    "sendmsg",
    "poll",
    "ppoll",
    "select",
    "pselect",
    "epoll_wait",
    "epoll_pwait",
];

/// The name of a function of our object that programs see; the others are its insides.
fn exported_name(location: &Location) -> Option<&str> {
    let outermost = location.frames.last()?.function();
    let prefixes = ["pthread_", "sem_"];
    let is_exported = prefixes.iter().any(|prefix| outermost.starts_with(prefix))
        || OTHER_EXPORTS.contains(&outermost);
    is_exported.then_some(outermost)
}

/// Up to where the program's own code was called.
fn without_start_up(stack: &[Arc<Location>]) -> Vec<Arc<Location>> {
    let mut shown = Vec::with_capacity(stack.len());
    for location in stack {
        let mut frames = location.frames.iter();
        match frames.position(|frame| frame.function.contains(START_UP)) {
            None => shown.push(Arc::clone(location)),
            Some(0) => break,
            Some(count) => {
                shown.push(Arc::new(Location {
                    address: location.address,
                    mapping: location.mapping.clone(),
                    frames: location.frames[..count].into(),
                    symbolized: location.symbolized,
                }));
                break;
            }
        }
    }
    let is_of_c = |location: &Arc<Location>| {
        let mut frames = location.frames.iter();
        frames.all(|frame| START_UP_OF_C.contains(&frame.function()))
    };
    while shown.len() > 1 && shown.last().is_some_and(is_of_c) {
        shown.pop();
    }
    shown
}
