//! The tokens of a file, with their places in it.
//!
//! Tokens and not a syntax tree: paths count wherever they stand, also in the arguments and the
//! bodies of macros, where no tree is known.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};

/// Deeper than people write. Each level is a call.
const MAX_DEPTH: usize = 256;

#[derive(Debug)]
pub(super) enum Token {
    Ident(String, Range<usize>),
    /// `::`
    PathSeparator(Range<usize>),
    Punct(char, Range<usize>),
    Group {
        delimiter: Delimiter,
        range: Range<usize>,
        tokens: Vec<Token>,
    },
    /// A literal, or a comment of documentation.
    Other(Range<usize>),
}

impl Token {
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Self::Ident(_, range)
            | Self::PathSeparator(range)
            | Self::Punct(_, range)
            | Self::Group { range, .. }
            | Self::Other(range) => range.clone(),
        }
    }

    pub(super) fn ident(&self) -> Option<&str> {
        match self {
            Self::Ident(name, _) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is_ident(&self, wanted: &str) -> bool {
        self.ident() == Some(wanted)
    }

    pub(super) fn is_punct(&self, wanted: char) -> bool {
        matches!(self, Self::Punct(c, _) if *c == wanted)
    }

    pub(super) fn is_separator(&self) -> bool {
        matches!(self, Self::PathSeparator(_))
    }
}

/// # Errors
///
/// Where the text is no Rust.
pub(super) fn of(source: &str) -> Result<Vec<Token>, String> {
    let offset = preface(source);
    let stream = TokenStream::from_str(&source[offset..]).map_err(|error| {
        let line = source[..offset].matches('\n').count() + error.span().start().line;
        format!("not Rust in line {line}: {error}")
    })?;
    let tokens = flat(stream, source, offset, 0);
    // Spans of all files would be kept else.
    proc_macro2::extra::invalidate_current_thread_spans();
    tokens
}

/// The length of what stands before the tokens: a byte order mark, and a line for a shell.
fn preface(source: &str) -> usize {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mark = source.len() - text.len();
    let is_shebang = text.starts_with("#!") && !text[2..].trim_start().starts_with('[');
    match text.find('\n').filter(|_| is_shebang) {
        Some(end) => mark + end,
        None => mark,
    }
}

fn flat(
    stream: TokenStream,
    source: &str,
    offset: usize,
    depth: usize,
) -> Result<Vec<Token>, String> {
    if depth > MAX_DEPTH {
        return Err("its brackets are nested too deeply".to_owned());
    }
    let range = |span: Span| {
        let range = span.byte_range();
        range.start + offset..range.end + offset
    };
    let mut tokens: Vec<Token> = Vec::new();
    let mut is_joined = false;
    for tree in stream {
        let was_joined = std::mem::take(&mut is_joined);
        match tree {
            TokenTree::Ident(ident) => {
                let (name, range) = (ident.to_string(), range(ident.span()));
                // A wrong place would spoil the file.
                if source.get(range.clone()) != Some(&*name) {
                    return Err(format!("{name} is not where it should be"));
                }
                tokens.push(Token::Ident(name, range));
            }
            TokenTree::Punct(punct) => {
                let range = range(punct.span());
                let last = tokens.last_mut().filter(|_| was_joined);
                match last {
                    Some(Token::Punct(':', first)) if punct.as_char() == ':' => {
                        let whole = first.start..range.end;
                        tokens.pop();
                        tokens.push(Token::PathSeparator(whole));
                    }
                    _ => {
                        is_joined = punct.spacing() == Spacing::Joint;
                        tokens.push(Token::Punct(punct.as_char(), range));
                    }
                }
            }
            TokenTree::Literal(literal) => tokens.push(Token::Other(range(literal.span()))),
            TokenTree::Group(group) => {
                let range = range(group.span());
                // The attribute that stands for a comment of documentation.
                let is_comment = source[range.clone()].starts_with('/');
                tokens.push(match is_comment {
                    true => Token::Other(range),
                    false => Token::Group {
                        delimiter: group.delimiter(),
                        tokens: flat(group.stream(), source, offset, depth + 1)?,
                        range,
                    },
                });
            }
        }
    }
    Ok(tokens)
}
