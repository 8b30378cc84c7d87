//! Placeholders in texts, as `{pid}`.
#![forbid(unsafe_code)]

use std::ffi::OsString;

/// Puts in what the placeholders stand for; `value` knows them by their names.
///
/// # Errors
///
/// One that names the place, where a placeholder is unknown or has no end.
pub(crate) fn replace(
    text: &str,
    mut value: impl FnMut(&str) -> Option<OsString>,
) -> Result<OsString, String> {
    let mut pieces = text.split('{');
    let mut replaced = OsString::from(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece
            .split_once('}')
            .ok_or_else(|| format!("`{{{piece}` lacks its `}}`"))?;
        let value = value(name).ok_or_else(|| format!("`{{{name}}}` is no placeholder"))?;
        replaced.push(value);
        replaced.push(rest);
    }
    Ok(replaced)
}
