//! A build gets a summary of two profiles, and may fail by it.

use std::path::Path;
use std::process::Command;

use super::handmade::{Builder, number};
use super::{Folder, Run, run};

const MAIN: &str = "shop::main src/main.rs:7";

/// Holds of two functions: contentions and nanoseconds of each.
fn shop(checkout: [i64; 2], browse: [i64; 2]) -> Builder {
    let unlock = "contend::sync::MutexGuard::drop";
    Builder::contention()
        .sample(&checkout, &[unlock, "shop::checkout src/cart.rs:12", MAIN])
        .sample(&browse, &[unlock, "shop::browse src/cart.rs:31", MAIN])
}

/// A profile that lasted so many seconds.
fn lasting(profile: Builder, seconds: i64) -> Vec<u8> {
    profile.with(number(10, seconds * 1_000_000_000)).gzip()
}

/// Before and after: checkout has become slower, browse quicker.
fn both(folder: &Folder) -> [String; 2] {
    let base = shop([10, 1_000_000_000], [20, 400_000_000]);
    let new = shop([12, 1_500_000_000], [20, 300_000_000]);
    [
        folder.file("base.pb.gz", base.gzip()),
        folder.file("new.pb.gz", new.gzip()),
    ]
}

fn ci([base, new]: &[String; 2], more: &[&str]) -> Run {
    run([&["ci", base, new], more].concat())
}

#[test]
fn a_build_that_became_worse_fails_with_a_summary() {
    let folder = Folder::new();
    let checkout = "--fail-if=delay(\"::checkout\") > 1.2x";
    let browse = "--fail-if=delay(\"::browse\") > 1x";
    let ended = ci(&both(&folder), &[checkout, browse]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(
        ended.stderr,
        "contend: delay(\"::checkout\") > 1.2x: 1.50x\n"
    );
    let expected = "\
**contention: 1 of 2 conditions met**

| fails if | base | new | |
|:--|--:|--:|:--|
| `delay(\"::checkout\") > 1.2x` | 1s | 1.50s | **met**: 1.50x |
| `delay(\"::browse\") > 1x` | 400ms | 300ms | not met: 0.75x |

| total | base | new | change |
|:--|--:|--:|--:|
| contentions | 30 | 32 | +2 (+6.7%) |
| delay | 1.40s | 1.80s | +400ms (+28.6%) |

2 of 2 call sites whose delay changed:

| base | new | change | kind | function |
|--:|--:|--:|:--|:--|
| 1s | 1.50s | +500ms | mutex | `shop::checkout` |
| 400ms | 300ms | -100ms | mutex | `shop::browse` |

";
    assert_eq!(ended.stdout, expected);
}

#[test]
fn each_limit_has_its_meaning() {
    let folder = Folder::new();
    let files = both(&folder);
    for (condition, is_met) in [
        ("delay > 1.28x", true),
        ("delay > 1.29x", false),
        ("delay(\"checkout\") > 83%", true),
        ("delay(\"checkout\") > 84%", false),
        ("delay > 1.79s", true),
        ("delay > 1800ms", false),
        ("delay >= 1800ms", true),
        ("contentions > 31", true),
        ("contentions > 32", false),
        ("contentions(\"main\") >= 32", true),
        ("contentions(\"nobody\") > 0", false),
        // Nothing is not more than twice nothing.
        ("delay(\"nobody\") > 2x", false),
    ] {
        let ended = ci(&files, &["--fail-if", condition]);
        let code = if is_met { 3 } else { 0 };
        assert_eq!(ended.code, Some(code), "{condition}: {}", ended.stdout);
    }
    let new = shop([1, 5], [0, 0]).sample(&[1, 1_000_000], &["shop::pay src/pay.rs:1", MAIN]);
    let files = [files[0].clone(), folder.file("pay.pb.gz", new.gzip())];
    let ended = ci(&files, &["--fail-if=delay(\"pay\") > 100x"]);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stdout.contains("1ms where there was nothing"),
        "{}",
        ended.stdout
    );
}

#[test]
fn without_conditions_there_is_a_summary_alone() {
    let folder = Folder::new();
    let [base, new] = both(&folder);
    let text = ci(&[base.clone(), new], &["-n", "1"]).success();
    assert!(text.starts_with("| total |"), "{text}");
    assert!(text.contains("\n1 of 2 call sites"), "{text}");
    let text = ci(&[base.clone(), base], &[]).success();
    assert!(text.contains("No call site has changed."), "{text}");
}

#[test]
fn profiles_of_different_length_are_compared_per_second_if_asked_for() {
    let folder = Folder::new();
    let profile = || shop([10, 1_000_000_000], [20, 400_000_000]);
    let twice = shop([20, 2_000_000_000], [40, 800_000_000]);
    let files = [
        folder.file("base.pb.gz", lasting(profile(), 10)),
        folder.file("new.pb.gz", lasting(twice, 20)),
    ];
    let condition = "--fail-if=delay > 1.5x";
    let sums = ci(&files, &[condition]);
    assert_eq!(sums.code, Some(3));
    let hint = "The profiles last 10.0s and 20.0s; `--per-second` compares";
    assert!(sums.stdout.contains(hint), "{}", sums.stdout);
    let rates = ci(&files, &[condition, "--per-second"]).success();
    assert!(
        rates.contains("| delay | 140ms | 140ms | +0 (+0.0%) |"),
        "{rates}"
    );

    let unknown = [
        files[0].clone(),
        folder.file("unknown.pb.gz", profile().gzip()),
    ];
    let error = ci(&unknown, &["--per-second"]).error();
    assert!(error.starts_with(&unknown[1]), "{error}");
}

#[test]
fn a_condition_that_cannot_be_understood_is_wrong_usage() {
    let folder = Folder::new();
    let files = both(&folder);
    for (condition, why) in [
        ("delay", "expected > or >="),
        ("delay(shop) > 2x", "in quotes"),
        ("delay(\"(\") > 2x", "unclosed group"),
        ("delay > soon", "expected a limit"),
    ] {
        let ended = ci(&files, &["--fail-if", condition]);
        assert_eq!(ended.code, Some(2), "{condition}");
        assert!(ended.stderr.contains(why), "{condition}: {}", ended.stderr);
    }
    for (condition, why) in [
        (
            "speed > 2x",
            "has no values \"speed\"; it has contentions, delay",
        ),
        ("delay > 2000", "its limit needs a unit"),
        ("contentions > 2s", "its limit is a number"),
    ] {
        let error = ci(&files, &["--fail-if", condition]).error();
        assert!(error.contains(why), "{condition}: {error}");
    }
}

#[test]
fn names_cannot_break_the_tables() {
    let folder = Folder::new();
    let name = "<a|b>::`c`\u{1b}[31m\n| x |";
    let new = Builder::contention()
        .sample(
            &[1, 7],
            &[&format!("{} src/x.rs:1", name.replace(' ', "_")), MAIN],
        )
        .comment("lost: <b>everything</b> | all");
    let files = [
        folder.file("base.pb.gz", Builder::contention().gzip()),
        folder.file("new.pb.gz", new.gzip()),
    ];
    let text = ci(&files, &[]).success();
    let row = text
        .lines()
        .find(|line| line.contains("| mutex |"))
        .unwrap();
    let cells = row.replace("\\|", "").matches('|').count();
    assert_eq!(cells, 6, "{row}");
    assert!(!text.contains("<b>"), "{text}");
}

/// A checkout whose program leaves the profile `new`, and left `base` in its first commit.
fn checkout([base, new]: [Vec<u8>; 2]) -> Folder {
    let folder = Folder::new();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t"]);
        let output = git.args(arguments).current_dir(folder.path("")).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    };
    folder.file("profile", base);
    git(&["init", "--quiet"]);
    git(&["add", "profile"]);
    git(&["commit", "--quiet", "--message=base"]);
    folder.file("profile", new);
    folder
}

/// The script for builds, with a program of one line.
fn compare_with(checkout: &Folder, program: &str, summary: &str) -> Run {
    let command = Path::new(env!("CARGO_BIN_EXE_contend")).parent().unwrap();
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap());
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/fleet/compare_with.sh"
    );
    let output = Command::new(script)
        .args(["HEAD", "sh", "-c", program])
        .current_dir(checkout.path(""))
        .env("PATH", path)
        .env(
            "CONTEND_FAIL_IF",
            "delay(\"::checkout\") > 1.2x\ncontentions > 1000",
        )
        .env("GITHUB_STEP_SUMMARY", checkout.path(summary))
        .output()
        .unwrap();
    output.into()
}

#[test]
fn a_script_compares_two_commits_in_a_build() {
    let base = shop([10, 1_000_000_000], [20, 400_000_000]);
    let new = shop([12, 1_500_000_000], [20, 300_000_000]);
    let checkout = checkout([base.gzip(), new.gzip()]);
    let program = "cp profile \"$CONTEND_MUTEX_PROFILE\" && echo no part of the summary";
    let ended = compare_with(&checkout, program, "summary.md");
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let summary = std::fs::read_to_string(checkout.path("summary.md")).unwrap();
    let first = "**contention: 1 of 2 conditions met**\n";
    assert!(summary.starts_with(first), "{summary}");
    assert!(summary.contains("**met**: 1.50x"), "{summary}");

    for (program, why) in [
        ("exit 7", "the program has failed"),
        ("true", "left no profile"),
    ] {
        let ended = compare_with(&checkout, program, "none.md");
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
    assert!(!Path::new(&checkout.path("none.md")).exists());
    let worktrees = checkout.path(".git/worktrees");
    let left = std::fs::read_dir(worktrees).map_or(0, Iterator::count);
    assert_eq!(left, 0, "checkouts are taken away");
}
