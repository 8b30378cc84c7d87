//! Reads the names of Rust functions: their segments, type parameters and self types.
//!
//! Two spellings come from the compiler's two manglings, and profiles see both:
//!
//! ```text
//! legacy   a::b::Type<T>::method              <a::b::Type<T> as c::Trait>::method
//! v0       <a::b::Type<u64>>::method::<u8>    <a::b::Type<u64> as c::Trait>::method
//! ```
#![forbid(unsafe_code)]

/// A function's name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// The parts of the self type, or of the whole path where there is none in brackets.
    pub(super) segments: Vec<&'a str>,
    /// The parts after the self type in brackets.
    pub(super) rest: Vec<&'a str>,
    /// The crate of the trait whose method this is.
    pub(super) crate_of_trait: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// `<Type as Trait>::method` is the method of the type.
    pub(super) fn parse(name: &'a str) -> Path<'a> {
        let qualified = name.strip_prefix('<').and_then(|inner| {
            let end = closing_bracket(inner)?;
            let mut parts = split(&inner[..end], " as ").into_iter();
            Some((parts.next()?, parts.next(), &inner[end + 1..]))
        });
        match qualified {
            Some((self_type, of_trait, rest)) => Path {
                segments: segments(self_type),
                rest: segments(rest.strip_prefix("::").unwrap_or(rest)),
                crate_of_trait: of_trait.and_then(|path| segments(path).first().copied()),
            },
            None => Path {
                segments: segments(name),
                rest: Vec::new(),
                crate_of_trait: None,
            },
        }
    }
}

/// `a::B<c::D>::e` → `a`, `B<c::D>`, `e`.
fn segments(path: &str) -> Vec<&str> {
    split(path, "::")
        .into_iter()
        .filter(|segment| !segment.is_empty())
        .collect()
}

/// The type parameters of a segment: `Lock<R,T>` → `Lock`, [`R`, `T`].
pub(super) fn parameters(segment: &str) -> (&str, Vec<&str>) {
    let open = segment.find('<').filter(|_| segment.ends_with('>'));
    let Some(open) = open else {
        return (segment, Vec::new());
    };
    let inside = &segment[open + 1..segment.len() - 1];
    let parameters = split(inside, ",").into_iter().map(str::trim).collect();
    (&segment[..open], parameters)
}

/// Where the bracket closes that was open before `text` began.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    brackets(text).find_map(|(at, step)| {
        depth += step;
        (depth < 0).then_some(at)
    })
}

/// Splits at `separator` where no bracket is open.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    let mut brackets = brackets(text).peekable();
    for (at, _) in text.match_indices(separator) {
        while let Some((_, step)) = brackets.next_if(|(bracket, _)| *bracket < at) {
            depth += step;
        }
        if depth == 0 && at >= start {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Opening (+1) and closing (−1) brackets. The arrow of a function's type is none.
fn brackets(text: &str) -> impl Iterator<Item = (usize, i32)> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter_map(move |(at, byte)| {
        let step = match byte {
            b'<' | b'(' | b'[' | b'{' => 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => return None,
            b'>' | b')' | b']' | b'}' => -1,
            _ => return None,
        };
        Some((at, step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart() {
        let table: [(&str, &[&str], &[&str]); 7] = [
            ("main", &["main"], &[]),
            ("a::B<T>::c", &["a", "B<T>", "c"], &[]),
            ("<a::B<c::D>>::e::<u8>", &["a", "B<c::D>"], &["e", "<u8>"]),
            ("<a::B<T> as c::D<E>>::f", &["a", "B<T>"], &["f"]),
            (
                "<a::B<fn(u8) -> c::D> as E>::f::{{closure}}",
                &["a", "B<fn(u8) -> c::D>"],
                &["f", "{{closure}}"],
            ),
            (
                "a::<impl b::C for d::E>::f",
                &["a", "<impl b::C for d::E>", "f"],
                &[],
            ),
            ("<broken::Name", &["<broken::Name"], &[]),
        ];
        for (name, segments, rest) in table {
            let path = Path::parse(name);
            assert_eq!((&*path.segments, &*path.rest), (segments, rest), "{name}");
        }
    }

    #[test]
    fn a_traits_method_tells_its_traits_crate() {
        let crate_of_trait = |name| Path::parse(name).crate_of_trait;
        assert_eq!(crate_of_trait("<a::B<T> as c::D<E>>::f"), Some("c"));
        assert_eq!(crate_of_trait("<a::B as D>::f"), Some("D"));
        assert_eq!(crate_of_trait("<a::B<c::D>>::f"), None);
        assert_eq!(crate_of_trait("a::B::f"), None);
    }

    #[test]
    fn parameters_come_apart() {
        let table: [(&str, &str, &[&str]); 4] = [
            ("Mutex", "Mutex", &[]),
            ("Mutex<R,T>", "Mutex", &["R", "T"]),
            (
                "Mutex<a::R<b, c>, (u8, T)>",
                "Mutex",
                &["a::R<b, c>", "(u8, T)"],
            ),
            ("Mutex<", "Mutex<", &[]),
        ];
        for (segment, name, expected) in table {
            assert_eq!(parameters(segment), (name, expected.to_vec()), "{segment}");
        }
    }
}
