//! A tree as frames side by side: a row for each depth, each frame as wide as its value.
//!
//! The script (`flamegraph.js`) zooms and searches by the attributes: `data-x` and `data-w` are
//! where a frame begins and how wide it is, in units of the measure; `data-short` is a name for
//! narrow frames.
#![forbid(unsafe_code)]

use super::super::html::{Html, html, when};
use super::super::stacks::{Measure, percent};
use super::tree::{Node, Tree};
use crate::text::name::short;

/// In pixels. High enough for a finger, with a line between.
const ROW: usize = 20;
/// Frames in a picture. The narrowest ones are left out first.
const MAX_FRAMES: usize = 20_000;
/// Narrower ones are less than a tenth of a pixel on the widest screen.
const LEAST_SHARE: f64 = 1.0 / 50_000.0;
/// Before a script fits the names: so many characters of a picture of this width.
const CHARS: f64 = 160.0;

/// The part of a tree that is drawn.
pub(super) struct Picture<'a, const SIDES: usize> {
    pub(super) tree: &'a Tree<'a, SIDES>,
    pub(super) side: usize,
    pub(super) measure: &'a Measure,
    /// The kinds that have a colour.
    pub(super) kinds: &'a [&'a str],
}

impl<const SIDES: usize> Picture<'_, SIDES> {
    /// The frames, and the height of all of them.
    pub(super) fn frames(&self) -> (Html, usize) {
        let least = self.least();
        let mut frames = Vec::new();
        let mut deepest = 0;
        // Nodes with where they begin. Without recursion: stacks may be deep.
        let mut open = vec![(0, 0.0)];
        while let Some((at, x)) = open.pop() {
            let node = &self.tree.nodes[at];
            let value = node.values[self.side];
            if value <= 0.0 || value < least {
                continue;
            }
            deepest = deepest.max(node.depth);
            frames.push(self.frame(node, x));
            let mut next = x;
            for child in &node.children {
                open.push((*child, next));
                next += self.tree.nodes[*child].values[self.side];
            }
        }
        (frames.into_iter().collect(), (deepest + 1) * ROW)
    }

    /// The least value of a frame, so that there are not too many.
    fn least(&self) -> f64 {
        let least = self.total() * LEAST_SHARE;
        let values = self.tree.nodes.iter().map(|node| node.values[self.side]);
        let mut values: Vec<f64> = values.filter(|value| *value >= least).collect();
        if values.len() <= MAX_FRAMES {
            return least;
        }
        let (_, last, _) = values.select_nth_unstable_by(MAX_FRAMES, |a, b| b.total_cmp(a));
        // Those that are as narrow as the first that is too many go with it.
        last.next_up()
    }

    fn total(&self) -> f64 {
        self.tree.nodes[0].values[self.side]
    }

    fn frame(&self, node: &Node<'_, SIDES>, x: f64) -> Html {
        let (value, total) = (node.values[self.side], self.total());
        let width = value / total;
        let (left, wide) = (
            format!("{:.4}%", 100.0 * x / total),
            format!("{:.4}%", 100.0 * width),
        );
        let y = node.depth * ROW;
        let short = short(node.name);
        html!(
            "<g class=\"frame {}\" tabindex=\"-1\" role=\"button\" data-kind=\"{}\"{}><title>{}\n{}</title>\
             <rect data-x=\"{}\" data-w=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\
             <text x=\"{}\" y=\"{}\" dx=\"4\">{}</text></g>\n",
            self.colour(node),
            node.kind,
            attribute("data-short", &short, node.name),
            self.name(node),
            self.numbers(node),
            format!("{x:.0}"),
            format!("{value:.0}"),
            left,
            y,
            wide,
            ROW - 1,
            left,
            y + 14,
            fitting(node.name, &short, (width * CHARS) as usize),
        )
    }

    /// The name with its kind.
    fn name(&self, node: &Node<'_, SIDES>) -> String {
        match node.kind {
            "" => node.name.to_owned(),
            kind => format!("{} [{kind}]", node.name),
        }
    }

    fn numbers(&self, node: &Node<'_, SIDES>) -> String {
        if let [base, new] = node.values[..] {
            let sign = if new > base { "+" } else { "" };
            let change = self.measure.shown(new - base);
            let [base, new] = [base, new].map(|value| self.measure.shown(value));
            return format!("{base} → {new} ({sign}{change})");
        }
        let value = node.values[self.side];
        let share = percent(value, self.total());
        format!("{} · {share}", self.measure.shown(value))
    }

    fn colour(&self, node: &Node<'_, SIDES>) -> Html {
        if let [base, new] = node.values[..] {
            let largest = self.tree.nodes[0].values.into_iter().fold(0.0, f64::max);
            return html!("{}", change(base, new, largest));
        }
        match self.kinds.iter().position(|kind| *kind == node.kind) {
            _ if node.depth == 0 => html!("all"),
            Some(place) => html!("kind kind{}", place % KINDS),
            None => html!("{}", family(node.name)),
        }
    }
}

/// Colours that kinds have. Of more, two share one.
pub(super) const KINDS: usize = 6;

/// The class of a change, by its part of the larger of both totals.
fn change(base: f64, new: f64, largest: f64) -> &'static str {
    let part = (new - base) / largest;
    match part {
        0.1.. => "more3",
        0.01.. => "more2",
        0.001.. => "more1",
        ..=-0.1 => "less3",
        ..=-0.01 => "less2",
        ..=-0.001 => "less1",
        _ => "same",
    }
}

/// The class of a function by its crate and module, since most frames are of one crate.
fn family(name: &str) -> String {
    let path = name.trim_start_matches(['<', '&', '*']);
    let path = ["mut ", "dyn "]
        .iter()
        .fold(path, |path, word| path.strip_prefix(word).unwrap_or(path));
    let mut parts = path.split("::");
    let (Some(first), Some(module)) = (parts.next(), parts.next()) else {
        return "unknown".to_owned();
    };
    match first {
        "contend" => "wrapper".to_owned(),
        "core" | "std" | "alloc" => "std".to_owned(),
        _ => {
            let bytes = first.bytes().chain(module.bytes());
            let hash = bytes.fold(0_u32, |hash, byte| (hash * 31 + u32::from(byte)) % 9973);
            format!("module{}", hash % 6)
        }
    }
}

fn attribute(name: &str, value: &str, unless: &str) -> Html {
    match value == unless {
        true => when(false, ""),
        false => html!(" {}=\"{}\"", name, value),
    }
}

/// The longest form of a name that has room: whole, short, or the beginning of the function.
fn fitting(name: &str, short: &str, room: usize) -> String {
    let function = short.rsplit("::").next().unwrap_or_default();
    let forms = [name, short, function];
    let fits = |form: &&str| form.chars().count() <= room;
    match forms.into_iter().find(fits) {
        Some(form) => form.to_owned(),
        None if room < 3 => String::new(),
        None => function.chars().take(room - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_frame_shows_its_function() {
        let name = "contend::sync::MutexGuard<T>::drop";
        let shown = |room| fitting(name, &short(name), room);
        assert_eq!(shown(40), name);
        assert_eq!(shown(20), "MutexGuard::drop");
        assert_eq!(shown(10), "drop");
        assert_eq!(shown(3), "dr…");
        assert_eq!(shown(2), "");
    }

    #[test]
    fn changes_are_told_apart_by_size_and_sign() {
        let class = |base, new| change(base, new, 1000.0);
        assert_eq!(class(0.0, 500.0), "more3");
        assert_eq!(class(100.0, 120.0), "more2");
        assert_eq!(class(100.0, 102.0), "more1");
        assert_eq!(class(100.0, 100.0), "same");
        assert_eq!(class(102.0, 100.0), "less1");
        assert_eq!(class(120.0, 100.0), "less2");
        assert_eq!(class(1000.0, 0.0), "less3");
    }

    #[test]
    fn functions_are_coloured_by_their_module() {
        assert_eq!(family("contend::blocking"), "wrapper");
        assert_eq!(family("<&mut core::iter::Map<I> as Iterator>::next"), "std");
        assert_eq!(family("main"), "unknown");
        assert!(family("shop::cart::add").starts_with("module"));
        assert_eq!(family("shop::cart::add"), family("shop::cart::remove"));
    }
}
