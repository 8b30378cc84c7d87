//! `use` and its trees.
#![forbid(unsafe_code)]

use std::ops::Range;

use proc_macro2::Delimiter;

use super::tokens::Token;

/// A statement, from its attributes to its semicolon.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) range: Range<usize>,
    /// Where the word `use` is.
    pub(super) keyword: Range<usize>,
    pub(super) tree: Tree,
}

/// `a::b`, `a::*`, `a as b` or `a::{…}`, whole or within braces.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) range: Range<usize>,
    pub(super) segments: Vec<(String, Range<usize>)>,
    pub(super) tail: Tail,
}

#[derive(Clone, Debug)]
pub(super) enum Tail {
    /// The name that it gets here.
    Name(String),
    Glob,
    /// With the range of the braces.
    Group(Range<usize>, Vec<Tree>),
}

impl Use {
    /// The statement whose `use` is `tokens[at]`, and the index of its semicolon. `None`: the word
    /// means something else, or the tree has parts that a macro fills in.
    pub(super) fn parse(tokens: &[Token], at: usize) -> Option<(Self, usize)> {
        let end = tokens[at..].iter().position(|token| token.is_punct(';'))? + at;
        let tree = Tree::parse(&tokens[at + 1..end])?;
        let start = start(tokens, at);
        let parsed = Self {
            range: tokens[start].range().start..tokens[end].range().end,
            keyword: tokens[at].range(),
            tree,
        };
        Some((parsed, end))
    }
}

/// The index of the first token of a statement: before its `use` stand attributes and visibility.
fn start(tokens: &[Token], keyword: usize) -> usize {
    let is_group = |at: usize, wanted: Delimiter| matches!(&tokens[at], Token::Group { delimiter, .. } if *delimiter == wanted);
    let mut start = keyword;
    if start >= 2
        && is_group(start - 1, Delimiter::Parenthesis)
        && tokens[start - 2].is_ident("pub")
    {
        start -= 2;
    } else if start >= 1 && tokens[start - 1].is_ident("pub") {
        start -= 1;
    }
    while start >= 2 && is_group(start - 1, Delimiter::Bracket) && tokens[start - 2].is_punct('#') {
        start -= 2;
    }
    start
}

impl Tree {
    fn parse(tokens: &[Token]) -> Option<Self> {
        let range = tokens.first()?.range().start..tokens.last()?.range().end;
        // `::a` is a path from the root.
        let mut rest = match tokens {
            [first, rest @ ..] if first.is_separator() => rest,
            tokens => tokens,
        };
        let mut segments = Vec::new();
        let tail = loop {
            match rest {
                [Token::Ident(name, range), separator, others @ ..] if separator.is_separator() => {
                    segments.push((name.clone(), range.clone()));
                    rest = others;
                }
                [Token::Ident(name, range)] => {
                    segments.push((name.clone(), range.clone()));
                    break Tail::Name(name.clone());
                }
                [Token::Ident(name, range), renamed, Token::Ident(new, _)]
                    if renamed.is_ident("as") =>
                {
                    segments.push((name.clone(), range.clone()));
                    break Tail::Name(new.clone());
                }
                [star] if star.is_punct('*') => break Tail::Glob,
                [
                    Token::Group {
                        delimiter: Delimiter::Brace,
                        range,
                        tokens,
                    },
                ] => break Tail::Group(range.clone(), Self::items(tokens)?),
                _ => return None,
            }
        };
        Some(Self {
            range,
            segments,
            tail,
        })
    }

    fn items(tokens: &[Token]) -> Option<Vec<Self>> {
        let items = tokens.split(|token| token.is_punct(','));
        let items = items.filter(|item| !item.is_empty());
        items.map(Self::parse).collect()
    }
}
