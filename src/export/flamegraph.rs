//! Writes flame graphs: SVG files that show stacks from the root down, as wide as their value.
//!
//! The drawing is inferno's. Between a profile and inferno stand *folded stacks*, one line each:
//!
//! ```text
//! shop::main;shop::checkout;contend::sync::MutexGuard<T>::drop [mutex] 405685417
//! ```
//!
//! The leaf carries the kind: [`blocking`](crate::blocking) is one function with many of them.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::io::{self, Write};

use inferno::flamegraph::color::{BackgroundColor, MultiPalette, Palette};
use inferno::flamegraph::{Direction, Options, from_lines};

use super::why_empty;
use crate::profile::{Profile, ProfileKind, Sample};
use crate::text::escape::{Escaped, OneLine, is_unfit};
use crate::text::units::human;

/// In pixels.
const FRAME_HEIGHT: usize = 20;

/// The number that the width of a frame stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In nanoseconds.
    Delay,
    #[allow(dead_code)] // Asked for by pages and the command, which are features.
    Contentions,
}

/// The words around a flame graph.
pub(crate) struct Style<'a> {
    pub(crate) title: &'a str,
    /// A line below the title; nothing where empty.
    pub(crate) subtitle: &'a str,
    /// The things that values count, in the plural.
    pub(crate) count_name: &'a str,
    /// Shown instead of a graph where no stack has a value.
    pub(crate) why_empty: &'a str,
}

/// See [`Profile::write_flamegraph`].
pub(crate) fn write(profile: &Profile, output: impl Write) -> io::Result<()> {
    write_value(profile, Value::Delay, output)
}

pub(crate) fn write_value(profile: &Profile, value: Value, output: impl Write) -> io::Result<()> {
    let style = Style {
        title: &title(profile.kind()),
        subtitle: &subtitle(profile),
        count_name: value.count_name(),
        why_empty: &value.why_empty(profile),
    };
    write_folded(folded(profile, value), &style, output)
}

fn title(kind: ProfileKind) -> String {
    format!("{kind} profile: {}", kind.descriptor().subject)
}

fn subtitle(profile: &Profile) -> String {
    let delay = human(profile.total_delay());
    let mut text = format!("{delay} in {} contentions", profile.total_contentions());
    if let Some(duration) = profile.duration() {
        let _ = write!(text, " during {}", human(duration));
    }
    if profile.lost().total() > 0 {
        let _ = write!(text, "; lost: {}", profile.lost());
    }
    text
}

impl Value {
    fn count_name(self) -> &'static str {
        match self {
            Self::Delay => "ns of delay",
            Self::Contentions => "contentions",
        }
    }

    /// Why there is nothing to draw.
    pub(crate) fn why_empty(self, profile: &Profile) -> String {
        match profile.samples() {
            [] => why_empty(profile),
            _ => format!("the stacks of this profile have no {}", self.count_name()),
        }
    }

    fn of(self, sample: &Sample) -> u64 {
        match self {
            Self::Delay => sample.delay_nanos,
            Self::Contentions => sample.contentions(),
        }
    }
}

/// The stacks of a profile, a line each. Those whose value is 0 are left out.
pub(crate) fn folded(profile: &Profile, value: Value) -> impl Iterator<Item = String> + '_ {
    let samples = profile.samples().iter();
    let samples = samples.filter(move |sample| value.of(sample) > 0);
    samples.map(move |sample| {
        let locations = sample.stack.locations.iter().rev();
        let frames = locations.flat_map(|location| location.frames.iter().rev());
        let names = frames.map(|frame| frame.function());
        folded_line(names, sample.kind.label(), value.of(sample))
    })
}

/// One folded stack, root first. Whoever names functions or kinds must not be able to forge
/// frames, values or lines.
pub(crate) fn folded_line<'a>(
    names: impl Iterator<Item = &'a str>,
    kind: &str,
    value: u64,
) -> String {
    let mut line = String::new();
    for (depth, name) in names.enumerate() {
        if depth > 0 {
            line.push(';');
        } else if name.starts_with('#') {
            // Alone it would begin a comment.
            line.push('\\');
        }
        push_name(&mut line, name);
    }
    line.push_str(" [");
    push_name(&mut line, kind);
    // The bracket keeps a name that ends with a number from being read as a value.
    let _ = write!(line, "] {value}");
    line
}

/// Stands for `;` in folded stacks, as in `[u8; 8]`, and becomes one again in the picture. It looks
/// the same, and is the same to Unicode, which normalises it so; to inferno it is another.
const GREEK_QUESTION_MARK: char = '\u{37e}';

fn push_name(line: &mut String, name: &str) {
    for c in name.chars() {
        match c {
            ';' => line.push(GREEK_QUESTION_MARK),
            c if is_unfit(c) => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
}

/// Draws folded stacks as an SVG that is interactive by itself: it carries inferno's script.
pub(crate) fn write_folded(
    folded: impl Iterator<Item = String>,
    style: &Style<'_>,
    mut output: impl Write,
) -> io::Result<()> {
    let lines = summable(folded);
    if lines.is_empty() {
        output.write_all(empty(style).as_bytes())?;
    } else {
        let mut svg = Vec::new();
        from_lines(
            &mut options(style),
            lines.iter().map(String::as_str),
            &mut svg,
        )?;
        let svg = String::from_utf8_lossy(&svg).replace(GREEK_QUESTION_MARK, ";");
        output.write_all(svg.as_bytes())?;
    }
    output.flush()
}

/// inferno adds values up without looking, and calls it an error if they come to 0. Lines with
/// which the sum would not fit are left out: they are centuries.
fn summable(folded: impl Iterator<Item = String>) -> Vec<String> {
    let mut room = u64::MAX;
    let mut take = |line: &String| {
        let value: u64 = line.rsplit(' ').next()?.parse().ok()?;
        room = room.checked_sub(value)?;
        (value > 0).then_some(())
    };
    folded.filter(|line| take(line).is_some()).collect()
}

fn options<'a>(style: &Style<'_>) -> Options<'a> {
    let mut options = Options::default();
    // Names of values and units come from the profile, and inferno writes them as they are.
    let clean = |text: &str| OneLine(text).to_string();
    options.title = clean(style.title);
    options.subtitle = Some(clean(style.subtitle)).filter(|text| !text.is_empty());
    options.count_name = clean(style.count_name);
    // As `go tool pprof` draws them: the root is on top, where a page begins.
    options.direction = Direction::Inverted;
    // High enough for a finger.
    options.frame_height = FRAME_HEIGHT;
    options.colors = Palette::Multi(MultiPalette::Rust);
    options.bgcolors = Some(BackgroundColor::Flat((255, 255, 255).into()));
    // One profile, one picture.
    options.deterministic = true;
    options
}

fn empty(style: &Style<'_>) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="90" viewBox="0 0 1200 90" font-family="monospace" text-anchor="middle">
<rect width="100%" height="100%" fill="white"/>
<text x="600" y="28" font-size="17">{}</text>
<text x="600" y="62" font-size="12">{}</text>
</svg>
"#,
        Escaped(style.title),
        Escaped(style.why_empty),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::kind::Kind;
    use crate::profile::tests::{location, profile, sample};

    fn svg(profile: &Profile) -> String {
        let mut svg = Vec::new();
        profile.write_flamegraph(&mut svg).unwrap();
        String::from_utf8(svg).unwrap()
    }

    fn lines(profile: &Profile, value: Value) -> Vec<String> {
        folded(profile, value).collect()
    }

    fn two_stacks() -> Profile {
        let main = location(0x5000, &["shop::main@main.rs:7"]);
        let wrapper = location(
            0x2000,
            &["contend::sync::MutexGuard<T>::drop", "shop::inlined"],
        );
        let other = location(0x3000, &["contend::blocking"]);
        profile(vec![
            sample(Kind::MUTEX, 2.0, 3_000_000, &[wrapper, main.clone()]),
            sample(Kind::SLEEP, 5.0, 1_000_000, &[other, main]),
        ])
    }

    #[test]
    fn stacks_are_folded_from_the_root_to_the_leaf_with_its_kind() {
        let profile = two_stacks();
        let wrapper = "shop::main;shop::inlined;contend::sync::MutexGuard<T>::drop [mutex]";
        let other = "shop::main;contend::blocking [sleep]";
        assert_eq!(
            lines(&profile, Value::Delay),
            [format!("{wrapper} 3000000"), format!("{other} 1000000")]
        );
        assert_eq!(
            lines(&profile, Value::Contentions),
            [format!("{wrapper} 2"), format!("{other} 5")]
        );
    }

    #[test]
    fn a_frame_is_as_wide_as_its_delay() {
        let svg = svg(&two_stacks());
        for expected in [
            "<title>all (4,000,000 ns of delay, 100%)</title>",
            "<title>shop::main (4,000,000 ns of delay, 100.00%)</title>",
            "<title>contend::sync::MutexGuard&lt;T&gt;::drop [mutex] (3,000,000 ns of delay, 75.00%)</title>",
            "<title>contend::blocking [sleep] (1,000,000 ns of delay, 25.00%)</title>",
            ">4.00ms in 7 contentions</text>",
            "<script",
        ] {
            assert!(svg.contains(expected), "{expected} is not in {svg}");
        }
    }

    #[test]
    fn one_profile_is_one_picture() {
        assert_eq!(svg(&two_stacks()), svg(&two_stacks()));
    }

    #[test]
    fn names_forge_neither_frames_nor_values_nor_lines() {
        let line = |names: &[&str], kind: &str| folded_line(names.iter().copied(), kind, 7);
        assert_eq!(
            line(&["a", "f::<[u8; 8]>"], "k"),
            "a;f::<[u8\u{37e} 8]> [k] 7"
        );
        assert_eq!(line(&["a 12"], "k;x 9"), "a 12 [k\u{37e}x 9] 7");
        assert_eq!(line(&["a\nb 3\r", "c\0"], "k"), r"a\nb 3\r;c\u{0} [k] 7");
        assert_eq!(line(&["# a", "# b"], "k"), r"\# a;# b [k] 7");
        assert_eq!(line(&["", "b"], "k"), ";b [k] 7");
        assert_eq!(line(&[], "k"), " [k] 7");
        let name = "</title><script>alert(1)</script>\u{ffff}";
        let svg = svg(&profile(vec![sample(
            Kind::MUTEX,
            1.0,
            9,
            &[location(1, &[name])],
        )]));
        assert!(!svg.contains("<script>alert"), "{svg}");
        assert!(svg.contains(r"&lt;script&gt;alert(1)&lt;/script&gt;\u{ffff} [mutex]"));
    }

    #[test]
    fn words_around_the_picture_are_cleaned() {
        let style = Style {
            title: "a\u{1b}[1m<b>",
            subtitle: "c\0d",
            count_name: "ns\u{8}&",
            why_empty: "e\u{7}",
        };
        for lines in [vec!["f [k] 7".to_owned()], vec![]] {
            let mut svg = Vec::new();
            write_folded(lines.into_iter(), &style, &mut svg).unwrap();
            let svg = String::from_utf8(svg).unwrap();
            let is_unfit = |c: char| is_unfit(c) && !"\n\t".contains(c);
            assert!(!svg.contains(is_unfit), "{svg:?}");
            assert!(svg.contains(r"a\u{1b}[1m&lt;b&gt;"), "{svg}");
        }
    }

    #[test]
    fn names_are_shown_as_they_are() {
        let name = "f::<[u8; 8]>";
        let svg = svg(&profile(vec![sample(
            Kind::MUTEX,
            1.0,
            9,
            &[location(1, &[name])],
        )]));
        assert!(
            svg.contains("<title>f::&lt;[u8; 8]&gt; [mutex] (9 ns"),
            "{svg}"
        );
    }

    #[test]
    fn every_stack_is_drawn_whatever_its_name() {
        let names = ["# a", "", "9", "a;b", "--", "a\nb", "é"];
        let samples = (1..)
            .zip(names)
            .map(|(at, name)| sample(Kind::MUTEX, 1.0, 10, &[location(at, &[name])]));
        let svg = svg(&profile(samples.collect()));
        assert_eq!(
            svg.matches("[mutex] (10 ns of delay, 14.29%)").count(),
            names.len()
        );
    }

    #[test]
    fn an_empty_profile_says_why() {
        let empty = profile(vec![]);
        assert!(svg(&empty).contains(&why_empty(&empty)), "{}", svg(&empty));
        let nothing = profile(vec![sample(Kind::MUTEX, 0.0, 0, &[location(1, &["f"])])]);
        assert!(svg(&nothing).contains("<svg"));
    }

    #[test]
    fn absurd_delays_are_drawn() {
        let huge = |at| sample(Kind::MUTEX, 1.0, u64::MAX, &[location(at, &["f"])]);
        assert!(svg(&profile(vec![huge(1), huge(2)])).contains("f [mutex]"));
    }

    #[test]
    fn errors_are_those_of_the_writer() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for profile in [two_stacks(), profile(vec![])] {
            let error = profile.write_flamegraph(Full).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }
}
