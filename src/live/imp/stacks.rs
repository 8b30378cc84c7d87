//! Whose stack an address lies in.

use std::ops::Range;

use crate::engine::blame::Holder;

/// The memory in which stacks may lie: what can be written, in order.
#[derive(Debug)]
pub(super) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// Those of now. Empty where `/proc` is hidden.
    pub(super) fn of_this_process() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        Self(maps.lines().filter_map(writable_range).collect())
    }

    fn around(&self, address: u64) -> Option<&Range<u64>> {
        let after = self.0.partition_point(|range| range.end <= address);
        self.0.get(after).filter(|range| range.contains(&address))
    }
}

/// The range of a line `7f12a000-7f12b000 rw-p …`, if it is writable.
fn writable_range(line: &str) -> Option<Range<u64>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    rest.starts_with("rw")
        .then_some(address(start)?..address(end)?)
}

/// The stacks of threads, each known by a stack pointer in it.
#[derive(Debug)]
pub(super) struct Stacks<Id> {
    stacks: Vec<Stack<Id>>,
}

impl<Id> Default for Stacks<Id> {
    /// None.
    fn default() -> Self {
        Self { stacks: Vec::new() }
    }
}

#[derive(Debug)]
struct Stack<Id> {
    range: Range<u64>,
    pointer: u64,
    thread: Id,
}

impl<Id: Copy + PartialEq> Stacks<Id> {
    /// A thread whose pointer is in none of the ranges is left out.
    pub(super) fn new(ranges: &Ranges, pointers: impl Iterator<Item = (u64, Id)>) -> Self {
        let stacks = pointers.filter_map(|(pointer, thread)| {
            Some(Stack {
                range: ranges.around(pointer)?.clone(),
                pointer,
                thread,
            })
        });
        Self {
            stacks: stacks.collect(),
        }
    }

    /// The thread that a lock's word means. `None`: it is none of these, or it might be several.
    pub(super) fn of_holder(&self, holder: Holder) -> Option<Id> {
        if holder == Holder::NOBODY {
            return None;
        }
        let low_half = u64::from(holder.low_half());
        let fits = self.stacks.iter().filter_map(|stack| {
            let address = address_in(&stack.range, low_half)?;
            Some((stack, address))
        });
        let fits: Vec<_> = fits.collect();
        let (first, address) = fits.first()?;
        if fits.iter().any(|(stack, _)| stack.range != first.range) {
            // Stacks 4 GiB apart.
            return None;
        }
        if fits.len() == 1 {
            return Some(first.thread);
        }
        // Stacks without a guard between them are one range. Above the uppermost pointer all is of
        // that thread's; below it nobody knows where one stack ends and the next one begins.
        let uppermost = fits.iter().max_by_key(|(stack, _)| stack.pointer)?.0;
        (*address >= uppermost.pointer).then_some(uppermost.thread)
    }
}

/// The address in the range with this low half. Ranges of stacks are shorter than 4 GiB.
fn address_in(range: &Range<u64>, low_half: u64) -> Option<u64> {
    const HALF: u64 = 1 << 32;
    let address = (range.start & !(HALF - 1)) | low_half;
    [address, address + HALF]
        .into_iter()
        .find(|address| range.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> Ranges {
        Ranges(vec![
            0x1000..0x9000,
            0x1_ffff_0000..0x2_0000_8000,
            0x2_0000_9000..0x2_0001_0000,
        ])
    }

    fn holder(address: u64) -> Holder {
        Holder::from_bits(address as u32)
    }

    #[test]
    fn writable_ranges_are_told_from_others() {
        let line = "7f12a000-7f12b000 rw-p 00000000 00:00 0  [stack]";
        assert_eq!(writable_range(line), Some(0x7f12_a000..0x7f12_b000));
        assert_eq!(writable_range("1000-2000 r--p 0 00:00 0"), None);
        assert_eq!(writable_range("nonsense"), None);
    }

    #[test]
    fn a_holder_is_found_by_the_low_half_of_an_address() {
        let pointers = [(0x1_ffff_0800, 1), (0x2_0000_a000, 2), (0x77, 3)];
        let stacks = Stacks::new(&ranges(), pointers.into_iter());
        for (address, thread) in [
            (0x1_ffff_0008, Some(1)),
            (0x2_0000_7ff8, Some(1)),
            (0x2_0000_9008, Some(2)),
            (0x2_0000_8008, None),
            (0x9000_0000, None),
        ] {
            assert_eq!(stacks.of_holder(holder(address)), thread, "{address:#x}");
        }
        assert_eq!(stacks.of_holder(Holder::NOBODY), None);
    }

    #[test]
    fn what_might_be_two_threads_is_none() {
        let pointers = [(0x1800, 1), (0x2_0000_0800, 2)];
        let stacks = Stacks::new(&ranges(), pointers.into_iter());
        assert_eq!(stacks.of_holder(holder(0x2000)), None, "4 GiB apart");
        assert_eq!(stacks.of_holder(holder(0x8800)), Some(1));
        let pointers = [(0x2000, 1), (0x6000, 2)];
        let stacks = Stacks::new(&ranges(), pointers.into_iter());
        assert_eq!(stacks.of_holder(holder(0x6008)), Some(2));
        assert_eq!(stacks.of_holder(holder(0x3000)), None, "one range");
    }
}
