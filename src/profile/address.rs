//! The parts of a stack: return addresses, and a few numbers that stand for no code.

#[cfg(feature = "profiling")]
use crate::profile::names::Names;
use crate::text::units::percent;

/// Frames kept of one stack. Deeper ones lose their root, as in Go (whose default it is).
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const MAX_DEPTH: usize = 128;

/// Stands in the place of a stack that the full table has no room for.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const OVERFLOW: usize = usize::MAX;

/// Stands in the place of a release that was not seen.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const UNATTRIBUTED: usize = usize::MAX - 1;

/// Stands in the place of a stack that could not be captured.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const NO_STACK: usize = usize::MAX - 2;

/// Stands before the stack of a release, as if called by it: nobody held the lock.
pub(crate) const WAKEUP: usize = usize::MAX - 3;

/// The text that people read there.
pub(crate) const WAKEUP_NAME: &str = "contend::wakeup";

/// Stands in the place of a notification: time has ended the wait.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const TIMEOUT: usize = usize::MAX - 4;

/// Stands in the place of a notification: the thread that is waited for has ended. Its caller is
/// the thread's function, as [`of_function`] has it.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const THREAD_END: usize = usize::MAX - 5;

/// Stands between the stacks of a pair: called by the waiter's, and calling the release's.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const BLOCKED_BY: usize = usize::MAX - 6;

/// The text that people read there.
pub(crate) const BLOCKED_BY_NAME: &str = "contend::blocked_by";

/// Stands in the place of a waiter whose stack is not known.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const UNKNOWN_WAITER: usize = usize::MAX - 7;

/// Functions that stand in stacks by their names, as they are not running any more.
#[cfg(feature = "profiling")]
static FUNCTIONS: Names<1024> = Names::new();

/// The numbers below this one and above [`LAST_FUNCTION`] stand for them.
#[cfg(feature = "profiling")]
const FIRST_FUNCTION: usize = usize::MAX - 16;
#[cfg(feature = "profiling")]
const LAST_FUNCTION: usize = FIRST_FUNCTION - 1023;

/// The number that stands for the function of this name. Later ones than the first 1024 are nobody.
#[cfg(feature = "profiling")]
pub(crate) fn of_function(name: &'static str) -> usize {
    FUNCTIONS
        .number(name)
        .map_or(NO_STACK, |number| FIRST_FUNCTION - number)
}

/// The name of the frame that this number stands for; `None`: it is the address of code.
#[cfg(feature = "profiling")]
pub(crate) fn frame_name(address: usize) -> Option<&'static str> {
    match address {
        LAST_FUNCTION..=FIRST_FUNCTION => FUNCTIONS.name(FIRST_FUNCTION - address),
        _ => stand_in(address).map(|frame| frame.name),
    }
}

/// A number that stands for no code, as a frame that people read.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) struct StandIn {
    pub(crate) address: usize,
    pub(crate) name: &'static str,
    /// Why it is there, for a reader of the profile.
    pub(crate) meaning: &'static str,
}

/// All of them.
#[allow(dead_code)] // Features decide what stacks there are.
pub(crate) const STAND_INS: &[StandIn] = &[
    StandIn {
        address: OVERFLOW,
        name: "contend::overflow",
        meaning: "the table of stacks was full when this came",
    },
    StandIn {
        address: UNATTRIBUTED,
        name: "contend::unattributed",
        meaning: "nobody was seen to end this waiting",
    },
    StandIn {
        address: NO_STACK,
        name: "contend::no_stack",
        meaning: "too little of the stack was left, or its code has no unwind tables",
    },
    StandIn {
        address: WAKEUP,
        name: WAKEUP_NAME,
        meaning: "the lock was free: the woken thread had no processor yet; shorter sections do not help",
    },
    StandIn {
        address: TIMEOUT,
        name: "contend::timeout",
        meaning: "nobody ended this waiting: its time was over, or it was given up",
    },
    StandIn {
        address: THREAD_END,
        name: "contend::thread_end",
        meaning: "the thread that was waited for ended; its caller is the thread's function",
    },
    StandIn {
        address: BLOCKED_BY,
        name: BLOCKED_BY_NAME,
        meaning: "its callers have waited for what it calls to release a lock",
    },
    StandIn {
        address: UNKNOWN_WAITER,
        name: "contend::unknown_waiter",
        meaning: "this wait began before the pairs profile was on or reset, or when its table of waiters was full",
    },
];

/// The stand-in with this number, if it is one.
#[cfg(feature = "profiling")]
pub(crate) fn stand_in(address: usize) -> Option<&'static StandIn> {
    STAND_INS.iter().find(|frame| frame.address == address)
}

/// Whether a function of this name stands for no code, so that nobody can make it faster.
pub(crate) fn is_stand_in(name: &str) -> bool {
    STAND_INS.iter().any(|frame| frame.name == name)
}

/// Share of a profile's delay, in percent, from which on a stand-in is explained below a table.
const EXPLAINED_FROM: u64 = 1;

/// The sentences that a reader needs for the stand-ins that matter, from the delay of each name.
pub(crate) fn explanations(
    total_nanos: u64,
    delay_nanos: impl Fn(&str) -> u64,
) -> impl Iterator<Item = String> {
    STAND_INS.iter().filter_map(move |frame| {
        let nanos = delay_nanos(frame.name);
        let matters =
            u128::from(nanos) * 100 > u128::from(total_nanos) * u128::from(EXPLAINED_FROM);
        matters.then(|| {
            let share = percent(nanos, total_nanos);
            format!("{} has {share} of the delay: {}", frame.name, frame.meaning)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_that_explain_words_know_every_stand_in() {
        let pages = [
            include_str!("../lib.rs"),
            include_str!("../docs/vocabulary.md"),
        ];
        for frame in STAND_INS {
            let known = pages.map(|page| page.contains(frame.name));
            assert_eq!(known, [true; 2], "{}", frame.name);
        }
    }

    #[test]
    fn only_what_matters_is_explained() {
        let delay = |name: &str| match name {
            "contend::overflow" => 11,
            "contend::no_stack" => 10,
            _ => 0,
        };
        let sentences: Vec<_> = explanations(1000, delay).collect();
        let expected = "contend::overflow has 1.1% of the delay: \
                        the table of stacks was full when this came";
        assert_eq!(sentences, [expected]);
        assert_eq!(explanations(0, |_| 0).count(), 0);
    }
}
