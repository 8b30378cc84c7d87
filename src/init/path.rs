//! Paths with placeholders.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{self, Path, PathBuf};
use std::process;

use crate::text::template;

/// The hash that cargo puts behind the names of test and bench programs, after a dash.
const CARGO_HASH_LEN: usize = 16;

/// Puts in what the placeholders stand for. Absolute, because the program may change its folder.
pub(super) fn expand(text: &str) -> Result<PathBuf, String> {
    let expanded = replace(text, program_name, process::id())?;
    path::absolute(expanded).map_err(|error| error.to_string())
}

fn replace(text: &str, bin: impl Fn() -> OsString, pid: u32) -> Result<OsString, String> {
    template::replace(text, |name| match name {
        "bin" => Some(bin()),
        "pid" => Some(pid.to_string().into()),
        _ => None,
    })
}

/// `shop` for `/opt/bin/shop`, `shop.exe`, and for cargo's `shop-0123456789abcdef`.
fn program_name() -> OsString {
    let program = env::current_exe().unwrap_or_default();
    without_hash(program.file_stem().unwrap_or(OsStr::new("program")))
}

fn without_hash(name: &OsStr) -> OsString {
    let is_hash = |text: &str| {
        text.len() == CARGO_HASH_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let split = name.to_str().and_then(|name| name.rsplit_once('-'));
    match split {
        Some((name, hash)) if !name.is_empty() && is_hash(hash) => name.into(),
        _ => name.to_owned(),
    }
}

/// Whether two paths lead to the same file, or will once it exists.
pub(super) fn is_same_file(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent()?.canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        })
    };
    // A device or a pipe takes both.
    let is_file =
        |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.is_file()) || !path.exists();
    place(a)
        .filter(is_file)
        .is_some_and(|a| place(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> Result<OsString, String> {
        replace(text, || "shop".into(), 42)
    }

    #[test]
    fn placeholders_are_replaced_wherever_they_stand() {
        assert_eq!(replaced("mutex.pb.gz"), Ok("mutex.pb.gz".into()));
        assert_eq!(replaced("{bin}/{pid}.{pid}"), Ok("shop/42.42".into()));
        assert_eq!(replaced("a}b{bin}"), Ok("a}bshop".into()));
    }

    #[test]
    fn what_is_no_placeholder_is_named() {
        let error = |text| replaced(text).unwrap_err();
        assert_eq!(error("a/{host}.txt"), "`{host}` is no placeholder");
        assert_eq!(error("{}"), "`{}` is no placeholder");
        assert_eq!(error("{Pid}"), "`{Pid}` is no placeholder");
        assert_eq!(error("a{pid"), "`{pid` lacks its `}`");
    }

    #[test]
    fn cargos_hash_is_left_out() {
        let name = |text: &str| without_hash(text.as_ref());
        assert_eq!(name("sharded_map-0123456789abcdef"), "sharded_map");
        assert_eq!(name("shop"), "shop");
        assert_eq!(name("shop-server"), "shop-server");
        assert_eq!(name("shop-0123456789abcdeg"), "shop-0123456789abcdeg");
        assert_eq!(name("-0123456789abcdef"), "-0123456789abcdef");
    }

    #[test]
    fn the_same_file_has_many_paths() {
        let folder = env::temp_dir();
        let file = folder.join("contend-no-such-file");
        let other = folder.join("contend-another-file");
        assert!(is_same_file(&file, &folder.join("./contend-no-such-file")));
        assert!(!is_same_file(&file, &other));
        #[cfg(unix)]
        assert!(!is_same_file("/dev/null".as_ref(), "/dev/null".as_ref()));
    }
}
