//! The conditions of `contend ci`: `delay("shop::") > 1.2x`.
//!
//! ```text
//! condition = value [ "(" [ '"' regular expression '"' ] ")" ] ( ">" | ">=" ) limit
//! limit     = number "x" | number "%" | time | number
//! ```
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use regex::Regex;

use crate::text::duration::nanos_of;

/// When a build fails.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Condition {
    /// As the user wrote it.
    text: String,
    /// Which of the profile's values.
    pub(super) value: String,
    /// Counts stacks with such a function. `None`: all.
    pub(super) functions: Option<Regex>,
    or_equal: bool,
    pub(super) limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    /// So many times what the base has.
    Times(f64),
    /// So many percent of the profile's total.
    Percent(f64),
    Nanos(f64),
    Number(f64),
}

impl Condition {
    /// Whether `new` is beyond `bound`.
    pub(super) fn is_met(&self, new: f64, bound: f64) -> bool {
        match self.or_equal {
            true => new >= bound,
            false => new > bound,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_of_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let (value, rest) = split(text, is_of_name);
        if value.is_empty() {
            return Err(expected("a value, such as delay or contentions", rest));
        }
        let (functions, rest) = functions(rest.trim_start())?;
        let rest = rest.trim_start();
        let after = rest
            .strip_prefix('>')
            .ok_or_else(|| expected("> or >=", rest))?;
        let (or_equal, after) = match after.strip_prefix('=') {
            Some(after) => (true, after),
            None => (false, after),
        };
        Ok(Self {
            text: text.to_owned(),
            value: value.to_owned(),
            functions,
            or_equal,
            limit: limit(after.trim())?,
        })
    }
}

/// `("shop::")`, `()`, or nothing.
fn functions(text: &str) -> Result<(Option<Regex>, &str), String> {
    let Some(inside) = text.strip_prefix('(') else {
        return Ok((None, text));
    };
    let inside = inside.trim_start();
    if let Some(rest) = inside.strip_prefix(')') {
        return Ok((None, rest));
    }
    let quoted = inside.strip_prefix('"');
    let quoted = quoted.ok_or_else(|| expected("a regular expression in quotes", inside))?;
    // Names have no quotes.
    let (regex, rest) = quoted
        .split_once('"')
        .ok_or_else(|| expected("a quote at the end", ""))?;
    let rest = rest.trim_start();
    let rest = rest
        .strip_prefix(')')
        .ok_or_else(|| expected("a closing parenthesis", rest))?;
    let regex = Regex::new(regex).map_err(|error| error.to_string())?;
    Ok((Some(regex), rest))
}

fn limit(text: &str) -> Result<Limit, String> {
    let what = "a limit, such as 1.2x, 30%, 500ms or 10000";
    let (digits, unit) = split(text, |c| c.is_ascii_digit() || c == '.');
    let number: f64 = digits.parse().map_err(|_| expected(what, text))?;
    match unit {
        "" => Ok(Limit::Number(number)),
        "x" => Ok(Limit::Times(number)),
        "%" => Ok(Limit::Percent(number)),
        _ => {
            let nanos = nanos_of(unit).ok_or_else(|| expected(what, text))?;
            Ok(Limit::Nanos(number * nanos as f64))
        }
    }
}

/// The characters at the start of which `is_part` says so, and the rest.
fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn expected(what: &str, at: &str) -> String {
    let at = match at {
        "" => "the end".to_owned(),
        _ => format!("\"{at}\""),
    };
    format!("expected {what}, at {at}; a condition is such as delay(\"shop::\") > 1.2x")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, Option<String>, bool, Limit), String> {
        let condition: Condition = text.parse()?;
        let functions = condition.functions.map(|regex| regex.as_str().to_owned());
        let Condition {
            value,
            or_equal,
            limit,
            ..
        } = condition;
        Ok((value, functions, or_equal, limit))
    }

    #[test]
    fn conditions_are_read() {
        for (text, value, functions, or_equal, limit) in [
            (
                "delay(\"shop::\") > 1.2x",
                "delay",
                Some("shop::"),
                false,
                Limit::Times(1.2),
            ),
            (
                " contentions>=10000 ",
                "contentions",
                None,
                true,
                Limit::Number(10_000.0),
            ),
            ("delay()>30%", "delay", None, false, Limit::Percent(30.0)),
            (
                "delay( \"<A as B>::c|d\" ) > 1.5ms",
                "delay",
                Some("<A as B>::c|d"),
                false,
                Limit::Nanos(1_500_000.0),
            ),
            ("delay > 2s", "delay", None, false, Limit::Nanos(2e9)),
            ("delay > 5µs", "delay", None, false, Limit::Nanos(5e3)),
        ] {
            let functions = functions.map(str::to_owned);
            let expected = (value.to_owned(), functions, or_equal, limit);
            assert_eq!(parsed(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        for (text, what, place) in [
            ("", "a value", "the end"),
            ("> 3", "a value", "\"> 3\""),
            ("delay", "> or >=", "the end"),
            ("delay < 3s", "> or >=", "\"< 3s\""),
            ("delay(shop) > 3s", "in quotes", "\"shop) > 3s\""),
            ("delay(\"shop) > 3s", "a quote at the end", "the end"),
            ("delay(\"shop\" > 3s", "a closing parenthesis", "\"> 3s\""),
            ("delay(\"(\") > 3s", "unclosed group", ""),
            ("delay >", "a limit", "the end"),
            ("delay > fast", "a limit", "\"fast\""),
            ("delay > 3 apples", "a limit", "\"3 apples\""),
            ("delay > -1x", "a limit", "\"-1x\""),
            ("delay > 1.2.3x", "a limit", "\"1.2.3x\""),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(
                error.contains(what) && error.contains(place),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn equal_is_beyond_only_where_that_is_said() {
        let is_met = |text: &str| text.parse::<Condition>().unwrap().is_met(2.0, 2.0);
        assert!(!is_met("delay > 2"));
        assert!(is_met("delay >= 2"));
    }
}
