//! The program of `waits_and_releases.rs`, built in some way, and what it prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSymbol};

use super::Names;
use super::library::Library;

/// The beginning of each stack: the type and the method of the wrapper, and the function that
/// called it.
const EXPECTED: [(&str, [&str; 2], &str); 16] = [
    (
        "guard release",
        ["MutexGuard", "drop"],
        "program::takes_a_guard",
    ),
    ("guard wait", ["Mutex", "lock"], "program::ends_with_lock"),
    (
        "struct release",
        ["MutexGuard", "drop"],
        "program::drops_a_struct",
    ),
    ("struct wait", ["Mutex", "lock"], "program::ends_with_lock"),
    (
        "trait release",
        ["RwLockWriteGuard", "drop"],
        "<program::Shop as program::Stock>::take",
    ),
    (
        "trait wait",
        ["RwLock", "read"],
        "<program::Shop as program::Stock>::count",
    ),
    (
        "generic release",
        ["MutexGuard", "drop"],
        "program::holds_any",
    ),
    ("generic wait", ["Mutex", "lock"], "program::reads_any"),
    (
        "modules release",
        ["MutexGuard", "drop"],
        "program::sold::get",
    ),
    ("modules wait", ["Mutex", "lock"], "program::left::get"),
    (
        "inlined release",
        ["MutexGuard", "drop"],
        "program::inlined",
    ),
    ("inlined wait", ["Mutex", "lock"], "program::ends_with_lock"),
    (
        "thread release",
        ["MutexGuard", "drop"],
        "program::in_threads::{",
    ),
    ("thread wait", ["Mutex", "lock"], "program::in_threads::{"),
    (
        "our_thread release",
        ["MutexGuard", "drop"],
        "program::in_our_threads::{",
    ),
    (
        "our_thread wait",
        ["Mutex", "lock"],
        "program::in_our_threads::{",
    ),
];

pub(super) struct Program {
    flags: String,
    folder: PathBuf,
    file: PathBuf,
}

impl Program {
    pub(super) fn built(library: &Library, flags: &str) -> Self {
        let name = flags.replace(|c: char| !c.is_alphanumeric(), "_");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("names_programs")
            .join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("program");
        let program = Self {
            flags: flags.to_owned(),
            folder,
            file,
        };
        program.build(library, flags, &program.file);
        if flags.contains("strip=symbols") {
            // The same code with its names.
            let named = flags.replace("strip=symbols", "strip=none");
            program.build(library, &named, &program.folder.join("named"));
        }
        program
    }

    fn is_small(&self) -> bool {
        ["opt-level=s", "opt-level=z"]
            .iter()
            .any(|level| self.flags.contains(level))
    }

    fn build(&self, library: &Library, flags: &str, file: &Path) {
        // Beside cargo.
        let compiler = Path::new(env!("CARGO")).with_file_name("rustc");
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/names/waits_and_releases.rs"
        );
        let output = Command::new(compiler)
            .current_dir(&self.folder)
            .args([
                "--edition",
                "2024",
                "--crate-name",
                "program",
                source,
                "--extern",
            ])
            .arg(format!("contend={}", library.file.display()))
            .arg("-L")
            .arg(format!("dependency={}", library.dependencies.display()))
            .args(flags.split_whitespace())
            .arg("-o")
            .arg(file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{flags}: {said}");
    }

    /// The differences from what such a build should print.
    pub(super) fn differences(&self, names: Names) -> Vec<String> {
        let output = Command::new(&self.file).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return vec![format!("{}: {}: {said}", self.flags, output.status)];
        }
        let mut stacks = BTreeMap::<&str, Vec<Vec<String>>>::new();
        for line in printed.lines() {
            let (case, frames) = line.split_once(": ").unwrap();
            let frames = frames.split(" < ").map(str::to_owned).collect();
            stacks.entry(case).or_default().push(frames);
        }
        let symbols = (names == Names::Addresses).then(|| Symbols::of(&self.folder.join("named")));
        let wrong = EXPECTED.iter().filter_map(|(case, wrapper, function)| {
            let found = stacks.get(case).map_or(&[][..], Vec::as_slice);
            let is_of = |function: &str| match (found, &symbols) {
                ([stack], None) => is_right(names, stack, wrapper, function),
                ([stack], Some(symbols)) => symbols.are_of(stack, function),
                _ => false,
            };
            let may_be_left_out = self.is_small() && *case == LEFT_OUT_OF_SMALL;
            let is_right = is_of(function) || may_be_left_out && CALLERS.into_iter().any(is_of);
            (!is_right).then(|| format!("{}: {names:?}: {case}: {found:?}", self.flags))
        });
        wrong.collect()
    }
}

/// Optimised for size the drop of std's guard, which is larger than two words, is a function of its
/// own: to drop a guard that was passed by value, in last place, is a jump to it, and the frame is
/// gone.
const LEFT_OUT_OF_SMALL: &str = "guard release";

/// Those of the function that is left out then: one is inlined into the other.
const CALLERS: [&str; 2] = ["program::main::{", "program::one_after_the_other"];

fn is_right(names: Names, stack: &[String], wrapper: &[&str; 2], function: &str) -> bool {
    let [leaf, callers @ ..] = stack else {
        return false;
    };
    let Some(path) = leaf.strip_prefix("contend::sync::") else {
        return false;
    };
    let [of_type, method] = wrapper;
    let is_method = path.contains(&format!("::{method}")) && path.starts_with(of_type);
    let is_bare = names == Names::LineTables && path.starts_with(method);
    (is_method || is_bare) && is_called_by(names, callers, function)
}

/// Whether this function is the first of the program's.
fn is_called_by(names: Names, callers: &[String], function: &str) -> bool {
    let glue = |name: &&String| name.starts_with("core::") || name.contains("drop_in_place");
    let Some(caller) = callers.iter().find(|name| !glue(name)) else {
        return false;
    };
    let is_inlined = function == "program::inlined";
    let is_closure = function.ends_with('{');
    match names {
        Names::LineTables if is_inlined => caller == "inlined" || caller == function,
        Names::LineTables if is_closure => {
            caller.starts_with("{closure#") || caller.starts_with(function)
        }
        Names::Symbols | Names::OldSymbols | Names::Addresses if is_inlined => {
            caller.starts_with("program::calls_inlined")
        }
        Names::OldSymbols | Names::Addresses if is_closure => {
            caller.contains("::__rust_begin_short_backtrace") || caller.starts_with(function)
        }
        _ => caller.starts_with(function),
    }
}

/// The functions of a program, by the addresses of its file.
struct Symbols(Vec<(u64, u64, String)>);

impl Symbols {
    fn of(program: &Path) -> Self {
        let bytes = fs::read(program).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let symbols = file.symbols().filter(|symbol| symbol.size() > 0);
        let symbols = symbols.map(|symbol| {
            // Without the hashes of crates and functions.
            let name = format!(
                "{:#}",
                backtrace::SymbolName::new(symbol.name_bytes().unwrap())
            );
            (symbol.address(), symbol.address() + symbol.size(), name)
        });
        Self(symbols.collect())
    }

    /// Whether these frames, all of them written as `0x1234 (program+0x234)`, are of this crate,
    /// and then of this function.
    fn are_of(&self, stack: &[String], function: &str) -> bool {
        let names = stack.iter().map(|frame| {
            let (_, within) = frame.split_once(" (program+0x")?;
            let address = u64::from_str_radix(within.strip_suffix(')')?, 16).ok()?;
            let mut symbols = self.0.iter();
            let symbol = symbols.find(|(start, end, _)| (*start..*end).contains(&address));
            symbol.map(|(.., name)| name.clone())
        });
        let names: Vec<String> = names.map_while(|name| name).collect();
        let is_ours = |name: &&String| name.trim_start_matches('<').starts_with("contend::sync::");
        let ours = names.iter().take_while(is_ours).count();
        ours > 0 && is_called_by(Names::Addresses, &names[ours..], function)
    }
}
