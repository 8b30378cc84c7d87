//! Which task runs on which thread, and when: polls that take their time, as regions.

use std::any;

use super::record::{Event, Text, What};
use super::threads;
use crate::engine::clock;

/// A shorter poll is not told: a busy runtime has millions of them, which would leave no room for
/// what matters. The least time in which a task keeps others waiting that is worth a look.
const LEAST_NANOS: u64 = 10_000;

/// In the numbers of these regions, so that they are none of the program's own.
const OF_POLLS: u64 = 1 << 63;

/// A poll that goes on, until this is dropped.
#[derive(Debug)]
pub(crate) struct Polling {
    begin: u64,
    name: &'static str,
}

/// This thread polls a task, which is a future of this type. `None`: nobody records.
#[inline]
pub(crate) fn polling<F>() -> Option<Polling> {
    super::is_on().then(|| Polling {
        begin: clock::now(),
        name: written(any::type_name::<F>()),
    })
}

/// The function that the user wrote, for the future that was made of it.
fn written(mut name: &'static str) -> &'static str {
    while let Some(outer) = name.strip_suffix("::{{closure}}") {
        name = outer;
    }
    name
}

impl Drop for Polling {
    fn drop(&mut self) {
        let end = clock::now();
        if end.saturating_sub(self.begin) < LEAST_NANOS || !super::is_on() {
            return;
        }
        let thread = threads::own_number();
        // Different for each poll of a thread.
        let region = OF_POLLS | self.begin;
        let name = Text(self.name);
        let (task, begin) = (0, self.begin);
        for (time, what) in [
            (begin, What::RegionBegin { task, region, name }),
            (end, What::RegionEnd { region }),
        ] {
            super::append(&Event { time, thread, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_called_as_its_function_was_written() {
        assert_eq!(
            written("shop::main::{{closure}}::{{closure}}"),
            "shop::main"
        );
        assert_eq!(written("shop::Handler"), "shop::Handler");
    }
}
