//! The names that people gave their functions, from those that linkers see.
//!
//! Names of C++ come without parameters and without template arguments. Names of Rust's keep what
//! stands in `<>`, as Rust's own profiles have them.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, Symbol};

/// Short symbols can stand for names that are longer than any memory.
const MAX_NAME: usize = 64 << 10;

/// `None`: it is no symbol, or too long a name.
pub(crate) fn readable(symbol: &str) -> Option<String> {
    // Mach-O puts another underscore in front.
    let is_mangled = ["_R", "__R", "_Z", "__Z", "___Z"];
    if !is_mangled.iter().any(|start| symbol.starts_with(start)) {
        return None;
    }
    rust(symbol).or_else(|| cpp(symbol))
}

fn rust(symbol: &str) -> Option<String> {
    // The compiler puts words such as `.llvm.123` behind. The older form has dots of its own.
    let is_new = symbol.trim_start_matches('_').starts_with('R');
    let own = symbol
        .split('.')
        .next()
        .filter(|_| is_new)
        .unwrap_or(symbol);
    let name = rustc_demangle::try_demangle(own).ok()?;
    // C++ may have the same form, but no hash.
    let is_rust = is_new || symbol.contains("17h");
    // `#`: without the hash.
    is_rust.then(|| limited(|text| write!(text, "{name:#}")))?
}

fn cpp(symbol: &str) -> Option<String> {
    let symbol = symbol
        .strip_prefix('_')
        .filter(|rest| rest.starts_with("_Z"))
        .unwrap_or(symbol);
    let parsed = Symbol::new(symbol).ok()?;
    let options = DemangleOptions::new().no_params().no_return_type();
    let name = limited(|text| parsed.structured_demangle(text, &options))?;
    let name = without_templates(&name).unwrap_or(name);
    // The qualifiers of a method belong to its parameters.
    let qualifiers = [" const", " volatile", " &", " &&"];
    let mut name = &*name;
    while let Some(rest) = qualifiers.iter().find_map(|word| name.strip_suffix(word)) {
        name = rest;
    }
    Some(name.to_owned())
}

fn limited(write: impl FnOnce(&mut Limited) -> fmt::Result) -> Option<String> {
    let mut text = Limited(String::new());
    write(&mut text).ok().map(|()| text.0)
}

/// Takes no more than fits.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Without what stands in `<>`, but with the operators that are written so. `None`: they do not
/// pair up.
fn without_templates(name: &str) -> Option<String> {
    let mut kept = String::new();
    let mut depth = 0_usize;
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let operators = ["operator<=>", "operator<<=", "operator>>=", "operator->*"];
        let shorter = [
            "operator<<",
            "operator>>",
            "operator<=",
            "operator>=",
            "operator->",
        ];
        let shortest = ["operator<", "operator>", "->"];
        let mut all = operators.iter().chain(&shorter).chain(&shortest);
        let word = all.find(|word| rest.starts_with(**word)).copied();
        let len = word.map_or(c.len_utf8(), str::len);
        let (text, behind) = rest.split_at(len);
        match (text, depth) {
            ("<", _) => depth += 1,
            (">", 0) => return None,
            (">", _) => depth -= 1,
            (text, 0) => kept.push_str(text),
            _ => {}
        }
        rest = behind;
    }
    (depth == 0).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_each_language_are_read() {
        let cases = [
            (
                "_ZN4shop4Cart3addERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
                "shop::Cart::add",
            ),
            ("_ZN4shop5serve17h0123456789abcdefE", "shop::serve"),
            ("__ZN4shop5serve17h0123456789abcdefE", "shop::serve"),
            (
                "_RNvMs_CsaBcDeFgHi_4shopNtB4_5Stock4take",
                "<shop::Stock>::take",
            ),
            (
                "_ZNSt6vectorIiSaIiEE9push_backERKi",
                "std::vector::push_back",
            ),
            ("_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)::run"),
            ("_ZNK4shop5PricelsERKS0_", "shop::Price::operator<<"),
            ("_ZltRK1aS1_", "operator<"),
            ("_ZNK1a1bEv", "a::b"),
            (
                "_RNvMs_CsaBcDeFgHi_4shopNtB4_5Stock4take.llvm.123",
                "<shop::Stock>::take",
            ),
            ("_Z3addIiEvT_", "add"),
        ];
        for (symbol, name) in cases {
            assert_eq!(readable(symbol).as_deref(), Some(name), "{symbol}");
        }
        for name in [
            "",
            "main",
            "_start",
            "_Z",
            "_R",
            "_ZN",
            "shop::add",
            "<T as _R>::f",
        ] {
            assert_eq!(readable(name), None, "{name}");
        }
    }

    #[test]
    fn a_short_symbol_of_a_long_name_stays_as_it_is() {
        // `f<a<int, int>, a<a<int, int>, a<int, int>>, …>`: each argument has the one before it
        // twice.
        let symbol = |levels: u32| {
            let digit = |level| char::from_digit(level, 36).unwrap().to_ascii_uppercase();
            let arguments = (1..levels).map(|level| {
                let before = digit(level);
                format!("S0_IS{before}_S{before}_E")
            });
            format!("_Z1fI1aIiiE{}EvT_", arguments.collect::<String>())
        };
        assert_eq!(readable(&symbol(3)).as_deref(), Some("f"));
        assert_eq!(readable(&symbol(35)), None);
    }

    #[test]
    fn template_arguments_are_left_out() {
        let name = |name| without_templates(name);
        assert_eq!(name("a<b<c>, d>::e").as_deref(), Some("a::e"));
        assert_eq!(
            name("a<&b::operator->>::operator>>").as_deref(),
            Some("a::operator>>")
        );
        assert_eq!(name("operator<=><int>").as_deref(), Some("operator<=>"));
        assert_eq!(name("a<b"), None);
        assert_eq!(name("a>b"), None);
    }
}
