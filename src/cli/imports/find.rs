//! The places in a file that name something that is profiled here, and how each is swapped.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::ops::Range;

use super::tokens::{self, Token};
use super::uses::{Tail, Tree, Use};
use crate::skin::table::{SKINS, Skin};

/// In a comment: this is to stay as it is.
const KEEP: &str = "contend: keep";

/// An import or a path that is not swapped.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// As the program names it.
    pub(super) path: String,
    pub(super) swapped: String,
    pub(super) at: usize,
    pub(super) feature: Option<&'static str>,
    pub(super) swap: Swap,
}

#[derive(Clone, Debug)]
pub(super) enum Swap {
    /// This text becomes that.
    Replace(Range<usize>, String),
    /// The item of these braces becomes a statement of its own, in which the part of the item
    /// becomes that.
    Extract {
        statement: Use,
        item: Range<usize>,
        part: Range<usize>,
        text: String,
    },
}

/// Where in the file each is, in order. `is_of` says whether a skin is for the version of its crate
/// that the file uses.
///
/// # Errors
///
/// If it is no Rust.
pub(super) fn in_source(
    source: &str,
    is_of: &dyn Fn(&Skin) -> bool,
) -> Result<Vec<Finding>, String> {
    let tokens = tokens::of(source)?;
    let mut bound = HashSet::new();
    names(&tokens, &mut bound);
    let mut finder = Finder {
        source,
        is_of,
        bound,
        findings: Vec::new(),
    };
    finder.look(&tokens);
    let mut findings = finder.findings;
    findings.sort_by_key(|finding| finding.at);
    Ok(findings)
}

/// The first segments that mean something else than a crate in this file: modules, and what is
/// imported under their names, such as `use contend::parking_lot;`.
fn names(tokens: &[Token], bound: &mut HashSet<String>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            token if token.is_ident("use") => {
                if let Some((statement, end)) = Use::parse(tokens, at) {
                    bind(&statement.tree, true, bound);
                    at = end;
                }
            }
            token if token.is_ident("mod") => {
                let name = tokens.get(at + 1).and_then(Token::ident);
                bound.extend(name.map(str::to_owned));
            }
            Token::Group { tokens, .. } => names(tokens, bound),
            _ => {}
        }
        at += 1;
    }
}

fn bind(tree: &Tree, is_root: bool, bound: &mut HashSet<String>) {
    match &tree.tail {
        // `use parking_lot;` says no more than that there is such a crate.
        Tail::Name(_) if is_root && tree.segments.len() == 1 => {}
        Tail::Name(name) => drop(bound.insert(name.clone())),
        Tail::Glob => {}
        Tail::Group(_, items) => {
            let is_root = is_root && tree.segments.is_empty();
            items.iter().for_each(|item| bind(item, is_root, bound));
        }
    }
}

struct Finder<'s> {
    source: &'s str,
    is_of: &'s dyn Fn(&Skin) -> bool,
    bound: HashSet<String>,
    findings: Vec<Finding>,
}

impl Finder<'_> {
    fn look(&mut self, tokens: &[Token]) {
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].is_ident("use")
                && let Some((statement, end)) = Use::parse(tokens, at)
            {
                if !self.is_kept(statement.range.clone()) {
                    self.look_at_use(&statement);
                }
                at = end;
            } else if let Token::Group { tokens, .. } = &tokens[at] {
                self.look(tokens);
            } else if begins_path(tokens, at) {
                at = self.look_at_path(tokens, at);
            }
            at += 1;
        }
    }

    /// Returns the index of the path's last token.
    fn look_at_path(&mut self, tokens: &[Token], at: usize) -> usize {
        let mut segments: Vec<(&str, Range<usize>)> = Vec::new();
        let mut last = at;
        while let Some(Token::Ident(name, range)) = tokens.get(last) {
            segments.push((name, range.clone()));
            let is_followed = tokens.get(last + 1).is_some_and(Token::is_separator)
                && tokens.get(last + 2).and_then(Token::ident).is_some();
            if !is_followed {
                break;
            }
            last += 2;
        }
        let names: Vec<&str> = segments.iter().map(|(name, _)| *name).collect();
        let whole = segments[0].1.start..segments[segments.len() - 1].1.end;
        if let Some((skin, used)) = self.skin(&names)
            && let Some(name) = profiled_name(skin, &names[used..])
            && !self.is_kept(whole.clone())
        {
            let text = format!("contend::{}", skin.swapped);
            let prefix = whole.start..segments[used - 1].1.end;
            self.findings.push(Finding {
                path: format!("{}::{name}", names[..used].join("::")),
                swapped: format!("{text}::{name}"),
                at: whole.start,
                feature: skin.feature.map(|feature| feature.name),
                swap: Swap::Replace(prefix, text),
            });
        }
        last
    }

    fn look_at_use(&mut self, statement: &Use) {
        self.look_at_tree(statement, &statement.tree, &mut Vec::new());
    }

    /// `outer` are the segments of the trees around.
    fn look_at_tree<'t>(&mut self, statement: &Use, tree: &'t Tree, outer: &mut Vec<&'t str>) {
        let from = outer.len();
        outer.extend(tree.segments.iter().map(|(name, _)| &**name));
        match self.skin(outer) {
            Some((skin, used)) if used > from => {
                let of_tree = leaves(tree);
                let named: Vec<String> = of_tree
                    .iter()
                    .filter_map(|(names, is_glob)| {
                        let inner: Vec<&str> = outer[used..].iter().chain(names).copied().collect();
                        imported_name(skin, &inner, *is_glob)
                    })
                    .collect();
                let name = match &*named {
                    [] => None,
                    [only] => Some(only.clone()),
                    several => {
                        let names: Vec<&str> = several
                            .iter()
                            .map(|name| name.strip_prefix("::").unwrap_or("self"))
                            .collect();
                        Some(format!("::{{{}}}", names.join(", ")))
                    }
                };
                if let Some(name) = name {
                    let part = tree.segments[0].1.start..tree.segments[used - from - 1].1.end;
                    let path = &outer[..used];
                    self.found(statement, tree, (skin, path, &name), part, from > 0);
                }
            }
            _ => {
                if let Tail::Group(_, items) = &tree.tail {
                    for item in items {
                        self.look_at_tree(statement, item, outer);
                    }
                }
            }
        }
        outer.truncate(from);
    }

    fn found(
        &mut self,
        statement: &Use,
        tree: &Tree,
        (skin, path, name): (&'static Skin, &[&str], &str),
        part: Range<usize>,
        is_within: bool,
    ) {
        let text = format!("contend::{}", skin.swapped);
        self.findings.push(Finding {
            path: format!("{}{name}", path.join("::")),
            swapped: format!("{text}{name}"),
            at: part.start,
            feature: skin.feature.map(|feature| feature.name),
            swap: match is_within {
                false => Swap::Replace(part, text),
                true => Swap::Extract {
                    statement: statement.clone(),
                    item: tree.range.clone(),
                    part,
                    text,
                },
            },
        });
    }

    /// The skin for a path, and how many of its segments are the library's.
    fn skin(&self, names: &[&str]) -> Option<(&'static Skin, usize)> {
        if self.bound.contains(*names.first()?) {
            return None;
        }
        let mut skins = SKINS.iter().filter(|skin| (self.is_of)(skin));
        skins.find_map(|skin| {
            let mut originals = skin.originals.iter();
            let used = originals.find_map(|original| {
                let original: Vec<&str> = original.split("::").collect();
                names.starts_with(&original).then_some(original.len())
            })?;
            Some((skin, used))
        })
    }

    /// Whether a comment in its lines, or in the line before, says so.
    fn is_kept(&self, range: Range<usize>) -> bool {
        let line = self.source[..range.start].rfind('\n').unwrap_or(0);
        let before = self.source[..line].rfind('\n').unwrap_or(0);
        let rest = &self.source[range.end..];
        let end = rest
            .find('\n')
            .map_or(self.source.len(), |end| range.end + end);
        self.source[before..end].contains(KEEP)
    }
}

/// After these a path may begin with `::`.
const KEYWORDS: [&str; 22] = [
    "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "match", "move",
    "mut", "pub", "ref", "return", "static", "unsafe", "use", "where", "while", "yield",
];

fn begins_path(tokens: &[Token], at: usize) -> bool {
    let name = tokens[at].ident().filter(|name| !KEYWORDS.contains(name));
    name.is_some() && !is_continued(tokens, at)
}

/// Whether the identifier goes on with a path: `a` of `b::a`, `<T>::a` or `$crate::a`, but not of
/// `return ::a`.
fn is_continued(tokens: &[Token], at: usize) -> bool {
    let before = |distance: usize| at.checked_sub(distance).map(|at| &tokens[at]);
    if !before(1).is_some_and(Token::is_separator) {
        return before(1).is_some_and(|token| token.is_punct('.') || token.is_punct('$'));
    }
    match before(2) {
        Some(Token::Ident(name, _)) => !KEYWORDS.contains(&&**name),
        Some(token) => token.is_punct('>') || matches!(token, Token::Group { .. }),
        None => false,
    }
}

/// The profiled name with which these segments begin.
fn profiled_name(skin: &Skin, names: &[&str]) -> Option<&'static str> {
    let path = names.join("::");
    let is_it = |name: &&&str| {
        let rest = path.strip_prefix(**name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    skin.names.iter().find(is_it).copied()
}

/// As [`profiled_name`] with `::` in front, where also a module or a glob brings such a name.
/// Nothing for the skin's module itself.
fn imported_name(skin: &Skin, names: &[&str], is_glob: bool) -> Option<String> {
    let names = match names {
        [outer @ .., "self"] => outer,
        names => names,
    };
    let module = names.join("::");
    let brings = |name: &&str| module.is_empty() || name.starts_with(&format!("{module}::"));
    let has_it = skin.names.iter().any(brings);
    match (has_it, is_glob, &*module) {
        (true, true, "") => Some("::*".to_owned()),
        (true, true, module) => Some(format!("::{module}::*")),
        (true, false, "") => Some(String::new()),
        (true, false, module) => Some(format!("::{module}")),
        (false, ..) => profiled_name(skin, names).map(|name| format!("::{name}")),
    }
}

/// The imports of a tree: the segments behind its own, and whether it is a glob.
fn leaves(tree: &Tree) -> Vec<(Vec<&str>, bool)> {
    match &tree.tail {
        Tail::Name(_) => vec![(Vec::new(), false)],
        Tail::Glob => vec![(Vec::new(), true)],
        Tail::Group(_, items) => {
            let of_item = |item| {
                let tree: &Tree = item;
                leaves(tree).into_iter().map(|(inner, is_glob)| {
                    let own = tree.segments.iter().map(|(name, _)| &**name);
                    (own.chain(inner).collect(), is_glob)
                })
            };
            items.iter().flat_map(of_item).collect()
        }
    }
}
