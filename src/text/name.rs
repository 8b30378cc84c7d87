//! Names of functions, short enough for a narrow place.
#![forbid(unsafe_code)]

/// The last two parts of a function's path, without parameters: `MutexGuard::drop` for
/// `contend::sync::MutexGuard<T>::drop`, `Cache::put` for `<shop::Cache<K> as shop::Store>::put`. A
/// closure has its function in front.
///
/// Names without `::`, as Go's, lose the path in front: `cart.(*Cart).Add`.
pub(crate) fn short(name: &str) -> String {
    let (owner, rest) = owner(name);
    let plain = format!("{}{}", without_parameters(owner), without_parameters(rest));
    let parts: Vec<&str> = plain.split("::").filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 {
        let last = plain.rsplit('/').next().unwrap_or_default();
        return if last.is_empty() { name } else { last }.to_owned();
    }
    let is_named = |part: &&str| !part.starts_with('{');
    let function = parts.iter().rposition(is_named).unwrap_or(parts.len() - 1);
    parts[function.saturating_sub(1)..].join("::")
}

/// The type of `<Type as Trait>::method` or `<Type>::method`, and what stands behind it.
fn owner(name: &str) -> (&str, &str) {
    let Some(inner) = name.strip_prefix('<') else {
        return ("", name);
    };
    let mut depth = 1_usize;
    let mut end_of_type = None;
    let mut before = ' ';
    for (at, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            ' ' if depth == 1 && inner[at..].starts_with(" as ") => {
                end_of_type.get_or_insert(at);
            }
            _ => {}
        }
        if depth == 0 {
            return (&inner[..end_of_type.unwrap_or(at)], &inner[at + 1..]);
        }
        before = c;
    }
    ("", name)
}

/// Without what stands in `<>`. As it is where these do not pair up.
fn without_parameters(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in name.chars() {
        match (c, depth) {
            ('<', _) => depth += 1,
            ('>', 0) if before != '-' => return name.to_owned(),
            ('>', _) if before != '-' => depth -= 1,
            (c, 0) => kept.push(c),
            _ => {}
        }
        before = c;
    }
    match depth {
        0 => kept,
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shortened_to_its_last_two_parts() {
        for (name, expected) in [
            ("contend::sync::MutexGuard<T>::drop", "MutexGuard::drop"),
            ("<shop::Cache<[K; 8]> as shop::Store>::put", "Cache::put"),
            ("<shop::Stock>::take", "Stock::take"),
            ("shop::run::{closure#0}", "shop::run::{closure#0}"),
            (
                "a::shop::run::{{closure}}::{{closure}}",
                "shop::run::{{closure}}::{{closure}}",
            ),
            ("a::map::<fn(u8) -> u8, Vec<u8>>", "a::map"),
            ("main", "main"),
            ("github.com/u/shop/cart.(*Cart).Add", "cart.(*Cart).Add"),
            ("(anonymous namespace)::run", "(anonymous namespace)::run"),
            ("a<b", "a<b"),
            ("a::b>c", "a::b>c"),
            ("<a", "<a"),
            ("", ""),
            ("::", "::"),
            ("/", "/"),
        ] {
            assert_eq!(short(name), expected, "{name}");
        }
    }
}
