//! Standard streams, exit codes, and colours.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use super::handmade::{Builder, shop};
#[cfg(target_os = "linux")]
use super::terminal::in_terminal;
use super::{Folder, Run, contend, run, run_with_input};

#[test]
fn a_profile_is_read_from_standard_input() {
    let text = run_with_input(["top", "-"], &shop().gzip()).success();
    assert!(text.contains("shop::checkout"), "{text}");
    assert_eq!(
        run(["top", "-"]).error(),
        "standard input: empty: no profile"
    );
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let folder = Folder::new();
    let mut profile = Builder::contention();
    // Several times what a pipe takes before it is read.
    for index in 0..4_000 {
        profile = profile.sample(&[1, 1_000], &[&format!("shop::function_number_{index}")]);
    }
    let file = folder.file("large.pb.gz", profile.gzip());
    let mut child = contend(["top", "--all", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As `head -c 1` does.
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    drop(stdout);
    assert_eq!(Run::from(child.wait_with_output().unwrap()).success(), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let output = contend(["top", &file]).stdout(full()).output().unwrap();
    let error = Run::from(output).error();
    assert!(
        error.starts_with("standard output: No space left"),
        "{error}"
    );
}

#[test]
fn pipes_get_no_colours() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    for arguments in [
        vec!["top", &file],
        vec!["diff", &file, &file],
        vec!["list", "shop", &file],
        vec!["--help"],
    ] {
        assert!(!run(arguments).success().contains('\u{1b}'));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn terminals_get_colours_unless_no_color_is_set() {
    let text = |environment: &[(&str, &str)], arguments: &str| {
        Run::from(in_terminal(environment, arguments).output().unwrap()).success()
    };
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let other = folder.file(
        "other.pb.gz",
        Builder::contention().sample(&[1, 9], &["a"]).gzip(),
    );
    for arguments in [
        format!("top {file}"),
        format!("diff {file} {other}"),
        format!("list shop {file}"),
    ] {
        assert!(text(&[], &arguments).contains("\u{1b}["), "{arguments}");
        assert!(
            text(&[("NO_COLOR", "")], &arguments).contains("\u{1b}["),
            "{arguments}"
        );
        assert!(
            !text(&[("NO_COLOR", "1")], &arguments).contains('\u{1b}'),
            "{arguments}"
        );
        assert!(
            !text(&[("TERM", "dumb")], &arguments).contains('\u{1b}'),
            "{arguments}"
        );
    }
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let cases = [
        vec![],
        vec!["nothing"],
        vec!["top"],
        vec!["top", "a", "b"],
        vec!["top", "--by", "file", "a"],
        vec!["top", "-n", "-1", "a"],
        vec!["list", "(", "a"],
        vec!["merge", "a"],
        vec!["merge", "-o", "b"],
        vec!["flamegraph", "a"],
        vec!["snap", "--seconds", "0", "localhost:1"],
        vec!["watch", "--every", "0", "localhost:1"],
        vec!["watch", "--every", "NaN", "localhost:1"],
    ];
    for arguments in cases {
        let run = run(&arguments);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{arguments:?}");
        assert!(
            run.stderr.contains("Usage: contend") || run.stderr.starts_with("error: "),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn help_has_examples_and_the_version_is_the_crates() {
    let version = run(["--version"]).success();
    assert_eq!(version, format!("contend {}\n", env!("CARGO_PKG_VERSION")));
    assert!(run(["--help"]).success().contains(
        "Exit codes: 0, 1 for an error, 2 for wrong usage, 3 where `deadlocks` finds one"
    ));
    for command in [
        "top",
        "list",
        "diff",
        "flamegraph",
        "merge",
        "snap",
        "watch",
    ] {
        let help = run([command, "--help"]).success();
        assert!(
            help.contains(&format!("contend {command} ")) && help.contains("Example"),
            "{help}"
        );
    }
}
