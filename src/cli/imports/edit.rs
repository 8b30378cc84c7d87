//! A file's text with what was found swapped; all else stays as it is.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::ops::Range;

use super::find::{Finding, Swap};
use super::tokens;
use super::uses::{Tail, Tree, Use};

/// # Errors
///
/// If the result would be no Rust: then it is not worth writing.
pub(super) fn swapped(source: &str, findings: &[Finding]) -> Result<String, String> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut statements: Vec<(&Use, Vec<&Swap>)> = Vec::new();
    for finding in findings {
        match &finding.swap {
            Swap::Replace(range, text) => edits.push((range.clone(), text.clone())),
            swap @ Swap::Extract { statement, .. } => {
                let known = statements.iter_mut();
                let mut known = known.filter(|(known, _)| known.range == statement.range);
                match known.next() {
                    Some((_, swaps)) => swaps.push(swap),
                    None => statements.push((statement, vec![swap])),
                }
            }
        }
    }
    for (statement, swaps) in statements {
        // Replacements elsewhere in the statement go into its new text.
        let (inside, outside) = edits
            .into_iter()
            .partition(|(range, _)| statement.range.contains(&range.start));
        edits = outside;
        let text = split(source, statement, &swaps, inside);
        edits.push((statement.range.clone(), text));
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = source.to_owned();
    for (range, new) in edits {
        text.replace_range(range, &new);
    }
    match tokens::of(&text) {
        Ok(_) => Ok(text),
        Err(what) => Err(format!("could not be swapped: {what}")),
    }
}

/// The statement without the items that get their own, and these before it.
fn split(
    source: &str,
    statement: &Use,
    swaps: &[&Swap],
    replaced: Vec<(Range<usize>, String)>,
) -> String {
    let head = &source[statement.range.start..statement.keyword.start];
    let root = match source[statement.keyword.end..]
        .trim_start()
        .starts_with("::")
    {
        true => "::",
        false => "",
    };
    let line = source[..statement.range.start]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let indent = &source[line..statement.range.start];
    let indent = if indent.trim().is_empty() { indent } else { "" };
    let newline = match source.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    };
    let mut rest = Rest {
        source,
        replaced,
        removed: HashSet::new(),
        comments: Vec::new(),
    };
    let mut new = Vec::new();
    for swap in swaps {
        if let Swap::Extract {
            item, part, text, ..
        } = swap
        {
            let behind = &source[part.end..item.end];
            new.push(format!("{head}use {root}{text}{};", unindented(behind)));
            rest.removed.insert(item.start);
        }
    }
    let tree = rest.tree(&statement.tree);
    let comments = rest.comments.iter().map(|comment| (*comment).to_owned());
    let mut lines: Vec<String> = comments.chain(new).collect();
    if let Some(tree) = tree {
        let keyword = &source[statement.range.start..statement.tree.range.start];
        let end = &source[statement.tree.range.end..statement.range.end];
        lines.push(format!("{keyword}{tree}{end}"));
    }
    lines.join(&format!("{newline}{indent}"))
}

/// One level less: it stood within braces.
fn unindented(text: &str) -> String {
    text.replace("\n    ", "\n")
}

/// The rest of a statement.
struct Rest<'s> {
    source: &'s str,
    replaced: Vec<(Range<usize>, String)>,
    /// Where the items begin that go.
    removed: HashSet<usize>,
    /// Those of the items that go.
    comments: Vec<&'s str>,
}

impl<'s> Rest<'s> {
    /// `None`: nothing is left.
    fn tree(&mut self, tree: &Tree) -> Option<String> {
        if self.removed.contains(&tree.range.start) {
            return None;
        }
        let Tail::Group(braces, items) = &tree.tail else {
            return Some(self.text(tree.range.clone()));
        };
        let path = self.text(tree.range.start..braces.start);
        let kept: Vec<Option<String>> = items.iter().map(|item| self.tree(item)).collect();
        if kept.iter().all(Option::is_none) {
            return None;
        }
        let inner = &self.source[braces.start + 1..braces.end - 1];
        let is_plain = !inner.contains('\n') && !inner.contains("/*");
        let mut left = kept.iter().flatten();
        let is_whole = kept.iter().all(Option::is_some);
        match (left.next(), left.next()) {
            // As rustfmt has it.
            (Some(only), None) if !is_whole && only != "self" && !has_comment(inner) => {
                Some(format!("{path}{only}"))
            }
            _ if is_plain => {
                let kept: Vec<&str> = kept.iter().flatten().map(String::as_str).collect();
                let (start, end) = (inner.len() - inner.trim_start().len(), inner.trim_end());
                let (space, end) = (&inner[..start], &inner[end.len()..]);
                Some(format!("{path}{{{space}{}{end}}}", kept.join(", ")))
            }
            _ => Some(format!("{path}{{{}}}", self.lines(braces, items, &kept))),
        }
    }

    /// The items of braces over several lines. What stands before an item, and behind it in its
    /// line, stays or goes with it.
    fn lines(&mut self, braces: &Range<usize>, items: &[Tree], kept: &[Option<String>]) -> String {
        let source = self.source;
        let mut text = String::new();
        let mut from = braces.start + 1;
        for (at, (item, kept)) in items.iter().zip(kept).enumerate() {
            let before = &source[from..item.range.start];
            let next = items.get(at + 1).map(|next| next.range.start);
            let gap = &source[item.range.end..next.unwrap_or(braces.end - 1)];
            let behind = match gap.find('\n') {
                Some(end) => &gap[..end],
                None => gap.trim_end(),
            };
            from = item.range.end + behind.len();
            match kept {
                Some(kept) => text += &format!("{before}{kept}{behind}"),
                None => {
                    let lines = before.lines().chain([behind.trim_start_matches(',')]);
                    let comments = lines.map(str::trim).filter(|line| !line.is_empty());
                    self.comments.extend(comments);
                }
            }
        }
        text + &source[from..braces.end - 1]
    }

    /// The text with what is replaced in it.
    fn text(&self, range: Range<usize>) -> String {
        let mut text = self.source[range.clone()].to_owned();
        let inside = self.replaced.iter().rev();
        let inside = inside.filter(|(replaced, _)| range.contains(&replaced.start));
        for (replaced, new) in inside {
            text.replace_range(
                replaced.start - range.start..replaced.end - range.start,
                new,
            );
        }
        text
    }
}

fn has_comment(text: &str) -> bool {
    text.contains("//") || text.contains("/*")
}
