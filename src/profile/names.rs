//! Names that programs give, each with a number of its own.

mod name;

use name::Name;

/// Names in so many places, each at the one that its hash names or at the next one that was free,
/// at most so many `STEPS` further on. 16 bytes each, resident only where they are used.
#[derive(Debug)]
pub(crate) struct Names<const N: usize, const STEPS: usize = N>([Name; N]);

impl<const N: usize, const STEPS: usize> Names<N, STEPS> {
    pub(crate) const fn new() -> Self {
        assert!(N.is_power_of_two());
        Self([const { Name::new() }; N])
    }

    /// The number of this name; `None`: there is no room for more of them.
    pub(crate) fn number(&self, name: &'static str) -> Option<usize> {
        let first = hash(name);
        let mut places = (0..STEPS).map(|step| (first + step) % N);
        // A place is set once, so the first that holds the name is the same for all threads.
        places.find(|place| self.0[*place].get_or_set(name) == Some(name))
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: usize) -> Option<&'static str> {
        self.0.get(number)?.get()
    }
}

/// FNV-1a: names are short, and whoever picks them has no reason to make them meet.
fn hash(name: &str) -> usize {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    // The upper bits are mixed best.
    (hash >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_keeps_its_number_while_there_is_room() {
        let names = Names::<4>::new();
        let numbers = ["a", "b", "c", "d"].map(|name| names.number(name).expect("there is room"));
        assert_eq!(names.number("e"), None);
        for (name, number) in ["a", "b", "c", "d"].into_iter().zip(numbers) {
            assert_eq!(names.number(name), Some(number));
            assert_eq!(names.name(number), Some(name));
        }
        assert_eq!(names.name(4), None);
    }

    #[test]
    fn a_search_is_bounded() {
        let names = Names::<4, 1>::new();
        let numbers = ["a", "b", "c", "d", "e"].map(|name| names.number(name));
        assert!(numbers.contains(&None), "five names in four places");
        let again = ["a", "b", "c", "d", "e"].map(|name| names.number(name));
        assert_eq!(numbers, again);
    }
}
