//! Input that is no profile, or a broken one: a clear error each, and soon.

use std::fs;
use std::path::Path;

use super::handmade::{Builder, gzip, message, number, numbers, shop};
use super::{Folder, run};

/// A name, the bytes, and a part of the error.
fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let whole = shop().gzip();
    let plain = shop().plain();
    let with = |fields: Vec<u8>| shop().with(fields).plain();
    let string = |field| {
        message(
            2,
            [numbers(2, &[1, 2]), message(3, number(field, 99))].concat(),
        )
    };
    vec![
        ("empty", vec![], "empty: no profile"),
        ("empty gzip", gzip(b""), "empty: no profile"),
        (
            "gzip header",
            whole[..8].to_vec(),
            "truncated: the gzip stream has no end",
        ),
        (
            "half gzip",
            whole[..whole.len() / 2].to_vec(),
            "truncated: the gzip stream has no end",
        ),
        (
            "gzip without its sum",
            whole[..whole.len() - 4].to_vec(),
            "truncated: the gzip stream has no end",
        ),
        (
            "wrong sum",
            [&whole[..whole.len() - 8], &[0; 8]].concat(),
            "broken gzip: ",
        ),
        (
            "rubbish behind gzip",
            [&whole[..], b"rubbish"].concat(),
            "gzip",
        ),
        (
            "half a protocol buffer",
            plain[..plain.len() / 2].to_vec(),
            "truncated or no profile: at byte ",
        ),
        ("text", b"hello".to_vec(), "text, not a profile"),
        (
            "random",
            vec![0xff; 1000],
            "not a profile: neither gzip nor a protocol buffer",
        ),
        (
            "page",
            b"\n<!DOCTYPE html><html>".to_vec(),
            "a web page, not a profile",
        ),
        (
            "page in gzip",
            gzip(b"<html><body>"),
            "a web page, not a profile",
        ),
        (
            "svg",
            b"<?xml version=\"1.0\"?><svg>".to_vec(),
            "a web page, not a profile",
        ),
        (
            "mutex text",
            b"--- mutex:\ncycles/second=1\n".to_vec(),
            "a text profile; ask for",
        ),
        (
            "goroutine text",
            b"goroutine profile: total 1\n".to_vec(),
            "a text profile; ask for",
        ),
        ("zip", b"PK\x03\x04\0\0".to_vec(), "a zip file; unpack it"),
        ("trace", b"go 1.22 trace\0\0\0".to_vec(), "a trace of Go's"),
        ("no sample types", message(6, ""), "has no sample types"),
        (
            "first string",
            [message(6, "x"), plain.clone()].concat(),
            "its first string is not empty",
        ),
        (
            "string of a label",
            with(string(1)),
            "refers to string 99 of",
        ),
        (
            "string of a unit",
            with(string(4)),
            "refers to string 99 of",
        ),
        (
            "negative string",
            with(message(5, [number(1, 77), number(2, -1)].concat())),
            "refers to string -1 of",
        ),
        (
            "string of a comment",
            with(numbers(13, &[i64::MAX])),
            "refers to string 9223372036854775807 of",
        ),
        (
            "string of a mapping",
            with(message(3, [number(1, 1), number(5, 50)].concat())),
            "refers to string 50 of",
        ),
        (
            "missing location",
            with(message(
                2,
                [numbers(1, &[77]), numbers(2, &[1, 2])].concat(),
            )),
            "there is no location 77",
        ),
        (
            "location zero",
            with(message(2, [numbers(1, &[0]), numbers(2, &[1, 2])].concat())),
            "there is no location 0",
        ),
        (
            "missing function",
            with(message(
                4,
                [number(1, 77), message(4, number(1, 55))].concat(),
            )),
            "there is no function 55",
        ),
        (
            "missing mapping",
            with(message(4, [number(1, 77), number(2, 44)].concat())),
            "there is no mapping 44",
        ),
        (
            "id zero",
            with(message(4, number(3, 5))),
            "a location has the id 0",
        ),
        (
            "same id",
            with(message(5, number(1, 1))),
            "two functions have the id 1",
        ),
        (
            "same mapping",
            with([message(3, number(1, 3)), message(3, number(1, 3))].concat()),
            "two mappings have the id 3",
        ),
        (
            "no values",
            with(message(2, "")),
            "a sample has 0 values where there are 2 sample types",
        ),
        (
            "too many values",
            with(message(2, numbers(2, &[1, 2, 3]))),
            "a sample has 3 values",
        ),
        (
            "huge length",
            [
                plain.clone(),
                vec![0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            ]
            .concat(),
            "truncated or no profile",
        ),
        (
            "endless number",
            [plain.clone(), vec![0x48], vec![0xff; 20]].concat(),
            "truncated or no profile",
        ),
        (
            "wrong wire type",
            [plain.clone(), vec![0x13]].concat(),
            "truncated or no profile",
        ),
        (
            "number as message",
            [plain.clone(), vec![0x10, 1]].concat(),
            "truncated or no profile",
        ),
        (
            "huge entry",
            [plain.clone(), message(6, vec![b'x'; 17 << 20])].concat(),
            "too large: an entry has 17.0 MB, and 16 MB is the limit",
        ),
        (
            "short entry",
            [plain.clone(), vec![0x32, 100], vec![b'x'; 30]].concat(),
            "of 100 bytes that belong there 70 are missing",
        ),
        (
            "concatenated",
            [plain.clone(), plain].concat(),
            "several profiles, one behind the other",
        ),
        (
            "concatenated with times",
            {
                let timed = Builder::contention().with(number(9, 7)).plain();
                [timed.clone(), timed].concat()
            },
            "several profiles, one behind the other",
        ),
        (
            "concatenated empty ones",
            Builder::contention().plain().repeat(2),
            "several profiles, one behind the other",
        ),
        (
            "concatenated gzip",
            Builder::contention().gzip().repeat(2),
            "several profiles, one behind the other",
        ),
    ]
}

#[test]
fn each_broken_profile_has_its_error() {
    let folder = Folder::new();
    for (name, bytes, expected) in cases() {
        let file = folder.file(name, &bytes);
        let error = run(["top", &file]).error();
        assert!(error.starts_with(&format!("{file}: ")), "{name}: {error}");
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn every_part_of_a_profile_is_an_error_or_a_profile() {
    let plain = shop().plain();
    for end in 0..plain.len() {
        let _ = contend::cli::exercise(&plain[..end]);
    }
    for at in 0..plain.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = plain.clone();
            changed[at] = value;
            let _ = contend::cli::exercise(&changed);
        }
    }
    contend::cli::exercise(&plain).unwrap();
}

#[test]
fn a_reference_to_itself_is_no_trouble() {
    // Nothing in the format can lead in circles: a location with the id of its function is not one.
    let location = [number(1, 50), number(2, 50), message(4, number(1, 50))].concat();
    let sample = [numbers(1, &[50, 50, 50]), numbers(2, &[1, 2])].concat();
    let fields = [
        message(4, location),
        message(5, number(1, 50)),
        message(3, number(1, 50)),
        message(2, sample),
    ];
    contend::cli::exercise(&Builder::contention().with(fields.concat()).plain()).unwrap();
}

#[test]
fn ids_are_whatever_they_are() {
    let location = [
        number(1, -1),
        message(4, [number(1, i64::MAX), number(2, -7)].concat()),
    ]
    .concat();
    let sample = [numbers(1, &[-1]), numbers(2, &[1, 2])].concat();
    let fields = [
        message(4, location),
        message(5, number(1, i64::MAX)),
        message(2, sample),
    ];
    contend::cli::exercise(&Builder::contention().with(fields.concat()).plain()).unwrap();
}

#[test]
fn names_that_are_not_utf8_are_shown() {
    let folder = Folder::new();
    // Behind the strings of the builder, so the index is known: it has five.
    let function = [number(1, 9), number(2, 5)].concat();
    let location = [number(1, 9), message(4, number(1, 9))].concat();
    let sample = [numbers(1, &[9]), numbers(2, &[1, 2])].concat();
    let fields = [
        message(5, function),
        message(4, location),
        message(2, sample),
    ]
    .concat();
    let mut bytes = Builder::contention().with(fields).plain();
    bytes.extend(message(6, b"caf\xe9"));
    let file = folder.file("latin1.pb", bytes);
    assert!(run(["top", &file]).success().contains("caf\u{fffd}"));
}

#[test]
fn names_cannot_command_the_terminal() {
    let folder = Folder::new();
    let profile = Builder::contention().sample(&[1, 2], &["evil\u{1b}[2J\u{7} a\nb.rs:1"]);
    let file = folder.file("evil.pb.gz", profile.gzip());
    for arguments in [vec!["top", "--by=line"], vec!["list", "evil"]] {
        let text = run(arguments.into_iter().chain([&*file])).success();
        assert!(text.contains(r"evil\u{1b}[2J\u{7}"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
    }
}

#[test]
fn units_and_types_cannot_command_the_terminal() {
    let folder = Folder::new();
    let types = [("evil\u{1b}[2J", "count"), ("delay", "bits\u{1b}[2J")];
    let profile = Builder::with_types(&types).sample(&[1, 2], &["f a.rs:1"]);
    let file = folder.file("evil.pb.gz", profile.gzip());
    for arguments in [["top", &file, "--all"], ["list", "f", &file]] {
        let text = run(arguments).success();
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    // A listing does not name such units.
    let text = run(["top", &file]).success();
    assert!(text.contains(r"2bits\u{1b}[2J"), "{text}");
    let error = run(["top", &file, "--value", "contentions"]).error();
    assert!(error.contains(r"it has evil\u{1b}[2J, delay"), "{error}");
}

#[test]
fn a_long_name_in_many_frames_ends_at_the_limit() {
    let folder = Folder::new();
    let name = "x".repeat(1 << 19);
    let stack = vec![&*name; 1_500];
    let file = folder.file(
        "once.pb.gz",
        Builder::contention().sample(&[1, 2], &stack).gzip(),
    );
    assert!(run(["top", &file]).success().contains(name.as_str()));
    let profile = Builder::contention()
        .sample(&[1, 2], &stack)
        .sample(&[1, 2], &stack);
    let file = folder.file("twice.pb.gz", profile.gzip());
    let svg = folder.path("out.svg");
    for arguments in [vec!["top", &file], vec!["flamegraph", &file, "-o", &svg]] {
        let error = run(arguments).error();
        assert_eq!(
            error,
            format!("{file}: too large: more than 1024 MB of names in its stacks")
        );
    }
}

#[test]
fn an_entry_of_megabytes_is_read() {
    let folder = Folder::new();
    let name = "x".repeat(3 << 20);
    let file = folder.file(
        "long.pb.gz",
        Builder::contention().sample(&[1, 2], &[&name]).gzip(),
    );
    assert!(run(["top", &file]).success().contains(&name));
}

/// By a program, and again by its server, as `curl` saves it.
#[test]
fn a_profile_that_is_compressed_twice_is_read() {
    let folder = Folder::new();
    let file = folder.file("twice.pb.gz", gzip(&shop().gzip()));
    assert!(run(["top", &file]).success().contains("shop::checkout"));
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let folder = Folder::new();
    // A string table of 600 MB in 600 kB. gzip allows streams one behind the other.
    let entry = gzip(&message(6, vec![0; (1 << 20) - 4]));
    let path = folder.file("bomb", entry.repeat(600));
    let error = run(["top", &path]).error();
    assert_eq!(
        error,
        format!("{path}: too large: more than 512 MB uncompressed")
    );
}

#[test]
fn what_is_no_file_is_an_error() {
    let folder = Folder::new();
    let directory = folder.path("");
    let error = run(["top", &directory]).error();
    assert!(
        error.starts_with(&format!("{directory}: ")) && error.contains("is a directory"),
        "{error}"
    );
    let missing = folder.path("missing.pb.gz");
    let error = run(["top", &missing]).error();
    assert!(
        error.starts_with(&format!("{missing}: No such file")),
        "{error}"
    );
    for (base, new) in [(&missing, &directory), (&directory, &missing)] {
        assert!(run(["diff", base, new]).error().starts_with(&**base));
    }
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let output = folder.path("missing/out");
    for command in ["merge", "flamegraph"] {
        let error = run([command, &file, "-o", &output]).error();
        assert!(error.starts_with(&format!("{output}: ")), "{error}");
    }
}

/// The fuzzer's corpus (`tests/fuzz`), on every compiler: refused or used, never a panic.
#[test]
fn every_kept_input_of_the_fuzzer_is_refused_or_used() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/profile_reader");
    let results: Vec<_> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| contend::cli::exercise(&fs::read(entry.unwrap().path()).unwrap()))
        .collect();
    assert!(results.iter().any(Result::is_ok), "{results:?}");
    assert!(results.iter().any(Result::is_err), "{results:?}");
}
