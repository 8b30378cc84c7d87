//! What the commands print of profiles whose numbers are known.

use std::fs;

use super::handmade::{Builder, message, number, shop};
use super::{Folder, run};

#[track_caller]
fn assert_lines(text: &str, expected: &[&str]) {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(lines, expected, "{text}");
}

#[test]
fn top_shows_flat_and_cum_of_functions() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    assert_lines(
        &run(["top", &file]).success(),
        &[
            "Type: delay",
            "Total: 1s",
            "      flat  flat%   sum%        cum   cum%",
            "     900ms 90.00% 90.00%      900ms 90.00%  contend::sync::MutexGuard::drop",
            "     100ms 10.00%   100%      100ms 10.00%  shop::walk",
            "         0     0%   100%      300ms 30.00%  shop::browse",
            "         0     0%   100%      600ms 60.00%  shop::checkout",
            "         0     0%   100%     1000ms   100%  shop::main",
        ],
    );
}

#[test]
fn top_by_line_tells_the_lines_of_one_function_apart() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let text = run([
        "top",
        "--by",
        "line",
        "--cum",
        "--value",
        "contentions",
        &file,
    ])
    .success();
    assert_lines(
        &text,
        &[
            "Type: contentions",
            "Total: 10",
            "      flat  flat%   sum%        cum   cum%",
            "         0     0%     0%         10   100%  shop::main src/main.rs:7",
            "         9 90.00% 90.00%          9 90.00%  contend::sync::MutexGuard::drop",
            "         0     0% 90.00%          7 70.00%  shop::browse src/cart.rs:30",
            "         0     0% 90.00%          2 20.00%  shop::checkout src/cart.rs:12",
            "         1 10.00%   100%          1 10.00%  shop::walk src/tree.rs:5",
            "         0     0%   100%          1 10.00%  shop::walk src/tree.rs:9",
        ],
    );
}

#[test]
fn top_says_what_it_leaves_out() {
    let folder = Folder::new();
    let profile = shop().sample(&[1, 4_000_000], &["shop::small src/small.rs:1"]);
    let file = folder.file("shop.pb.gz", profile.gzip());
    let shown = run(["top", &file]).success();
    assert!(shown.contains("1 row below 0.5% left out"), "{shown}");
    assert!(!shown.contains("shop::small"), "{shown}");
    assert!(
        run(["top", "--all", &file])
            .success()
            .contains("shop::small")
    );
    let two = run(["top", "-n", "2", &file]).success();
    assert!(two.contains("2 of 5 rows"), "{two}");
    assert_eq!(two.matches("shop::").count(), 1, "{two}");
}

#[test]
fn the_header_says_when_how_long_and_what_was_lost() {
    use super::handmade::number;
    let folder = Folder::new();
    let time = [
        number(9, 1_795_562_470_000_000_000),
        number(10, 2_000_000_000),
    ]
    .concat();
    let profile = shop().with(time).comment("lost: reentrant 3");
    let text = run(["top", &folder.file("shop.pb.gz", profile.gzip())]).success();
    let header: Vec<&str> = text.lines().take(4).collect();
    let expected = [
        "Type: delay",
        "Time: 2026-11-24 23:21:10 UTC",
        "Total: 1s in 2s (50.00%)",
        "lost: reentrant 3",
    ];
    assert_eq!(header, expected);
}

#[test]
fn a_profile_without_samples_says_so() {
    let folder = Folder::new();
    let why = "the mutex profile is empty: it is off";
    let file = folder.file("empty.pb.gz", Builder::contention().comment(why).gzip());
    let text = run(["top", &file]).success();
    assert!(
        text.contains(why) && text.contains("nothing was recorded"),
        "{text}"
    );
}

#[test]
fn list_shows_values_beside_the_source_that_it_finds() {
    let folder = Folder::new();
    let source: String = (1..=40)
        .map(|line| format!("line {line} of the cart\n"))
        .collect();
    folder.file("elsewhere/src/cart.rs", source);
    let file = folder.file("shop.pb.gz", shop().gzip());
    let root = folder.path("elsewhere");
    let text = run(["list", "check.ut$", &file, "--source-path", &root]).success();
    let expected = [
        "Total: 1s",
        "ROUTINE ======================== shop::checkout in src/cart.rs",
        "         0      600ms (flat, cum) 60.00% of Total",
    ];
    assert_eq!(text.lines().take(3).collect::<Vec<_>>(), expected);
    let lines: Vec<&str> = text.lines().skip(3).collect();
    assert_eq!(lines.len(), 11, "{text}");
    assert_eq!(lines[0], "         .          .      7:line 7 of the cart");
    assert_eq!(lines[5], "         .      600ms     12:line 12 of the cart");
}

#[test]
fn list_says_which_source_it_looked_for_and_shows_the_values() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let text = run([
        "list",
        "walk",
        &file,
        "--source-path",
        &folder.path("nowhere"),
    ])
    .success();
    let looked_for = format!(
        "  no source: looked for src/tree.rs, and for its end in {}",
        folder.path("nowhere")
    );
    assert!(text.contains(&looked_for), "{text}");
    assert!(text.contains("     100ms      100ms      5:?"), "{text}");
    assert!(text.contains("         .      100ms      9:?"), "{text}");
}

#[test]
fn list_begins_before_the_first_line_with_a_value() {
    let folder = Folder::new();
    let source: String = (1..=60).map(|line| format!("line {line}\n")).collect();
    folder.file("src/cart.rs", source);
    let profile = Builder::contention()
        .sample(&[1, 1_000_000], &["shop::checkout src/cart.rs:5"])
        .sample(&[1, 2_000_000], &["shop::checkout src/cart.rs:50"]);
    let file = folder.file("shop.pb.gz", profile.gzip());
    let text = run(["list", "checkout", &file, "--source-path", &folder.path("")]).success();
    assert!(
        text.contains("       1ms        1ms      5:line 5\n"),
        "{text}"
    );
    assert!(
        text.contains("       2ms        2ms     50:line 50\n"),
        "{text}"
    );
}

#[test]
fn a_profile_with_samples_is_not_called_empty() {
    let folder = Folder::new();
    let why = "the mutex profile is empty: it is off";
    let file = folder.file("merged.pb.gz", shop().comment(why).gzip());
    let text = run(["top", &file]).success();
    assert!(!text.contains("is empty"), "{text}");
}

#[test]
fn list_of_nothing_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let error = run(["list", "^nobody$", &file]).error();
    assert_eq!(error, format!("{file}: no function matches \"^nobody$\""));
}

#[test]
fn diff_says_what_became_better_and_worse() {
    let folder = Folder::new();
    let base = folder.file("base.pb.gz", shop().gzip());
    let unlock = "contend::sync::MutexGuard::drop";
    let main = "shop::main src/main.rs:7";
    let new = Builder::contention()
        .sample(
            &[2, 200_000_000],
            &[unlock, "shop::checkout src/cart.rs:12", main],
        )
        .sample(
            &[9, 500_000_000],
            &[unlock, "shop::browse src/cart.rs:31", main],
        )
        .sample(&[9, 50_000_000], &["shop::pay src/pay.rs:31", main]);
    let new = folder.file("new.pb.gz", new.gzip());
    assert_lines(
        &run(["diff", &base, &new]).success(),
        &[
            "Type: delay",
            "Total: 1s -> 750ms, -250ms (25.00% of the base)",
            "      flat  flat%   sum%        cum   cum%  change",
            "    -200ms 20.00% 20.00%     -200ms 20.00%  better  contend::sync::MutexGuard::drop",
            "    -100ms 10.00% 30.00%     -100ms 10.00%  gone    shop::walk",
            "      50ms  5.00% 25.00%       50ms  5.00%  new     shop::pay",
            "         0     0% 25.00%      200ms 20.00%  worse   shop::browse",
            "         0     0% 25.00%     -400ms 40.00%  better  shop::checkout",
            "         0     0% 25.00%     -250ms 25.00%  better  shop::main",
        ],
    );
    assert!(
        run(["diff", &base, &base])
            .success()
            .ends_with("no difference\n")
    );
}

#[test]
fn diff_of_other_values_is_an_error() {
    let folder = Folder::new();
    let new = folder.file("new.pb.gz", shop().gzip());
    let cpu = Builder::with_types(&[("samples", "count"), ("cpu", "nanoseconds")]);
    let cpu = folder.file("cpu.pb.gz", cpu.gzip());
    let error = run(["diff", &cpu, &new]).error();
    assert_eq!(
        error,
        format!("{cpu}: has no values \"delay\"; it has samples, cpu")
    );
    let seconds = Builder::with_types(&[("delay", "seconds")]);
    let seconds = folder.file("seconds.pb.gz", seconds.gzip());
    let error = run(["diff", &seconds, &new]).error();
    assert_eq!(
        error,
        format!("{seconds}: its delay are in seconds, not in nanoseconds")
    );
}

#[test]
fn merge_adds_equal_stacks_up() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let plain = folder.file("plain.pb", shop().plain());
    let merged = folder.path("merged.pb.gz");
    let said = run(["merge", &file, &plain, &file, "-o", &merged]).success();
    assert_eq!(said, format!("wrote {merged}\n"));
    let once = run(["top", "--value", "contentions", &file]).success();
    let thrice = run(["top", "--value", "contentions", &merged]).success();
    assert!(
        once.contains("Total: 10\n") && thrice.contains("Total: 30\n"),
        "{thrice}"
    );
    assert!(
        thrice.contains("        27 90.00% 90.00%         27 90.00%  contend::sync"),
        "{thrice}"
    );
    // Not three of each.
    let (one, three) = (
        fs::metadata(&file).unwrap().len(),
        fs::metadata(&merged).unwrap().len(),
    );
    assert!(three < 2 * one, "{one} {three}");
}

#[test]
fn merge_of_other_period_types_is_an_error() {
    let folder = Folder::new();
    let period = message(11, [number(1, 1), number(2, 2)].concat());
    let with_period = folder.file("a.pb.gz", shop().with(period).gzip());
    let without = folder.file("b.pb.gz", shop().gzip());
    let nameless = folder.file("c.pb.gz", shop().with(message(11, "")).gzip());
    let merged = folder.path("merged.pb.gz");
    run(["merge", &with_period, &with_period, "-o", &merged]).success();
    run(["merge", &without, &nameless, "-o", &merged]).success();
    let error = run(["merge", &with_period, &without, "-o", &merged]).error();
    assert_eq!(
        error,
        format!("{without}: its period type is not that of the first profile")
    );
}

#[test]
fn merge_of_other_values_is_an_error_and_leaves_no_file() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let cpu = Builder::with_types(&[("samples", "count"), ("cpu", "nanoseconds")]);
    let cpu = folder.file("cpu.pb.gz", cpu.gzip());
    let merged = folder.path("merged.pb.gz");
    let error = run(["merge", &file, &cpu, "-o", &merged]).error();
    let what = "its values, samples/count cpu/nanoseconds, are not those of the first profile";
    assert_eq!(error, format!("{cpu}: {what}"));
    assert!(!fs::exists(merged).unwrap());
}

#[test]
fn flamegraph_draws_every_stack() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    let svg = folder.path("shop.svg");
    run(["flamegraph", &file, "-o", &svg]).success();
    let svg = fs::read_to_string(svg).unwrap();
    for title in [
        "shop::checkout (600,000,000 nanoseconds of delay, 60.00%)",
        "shop::walk",
    ] {
        assert!(svg.contains(title), "{title}");
    }
    let text = run(["flamegraph", &file, "-o", "-", "--value", "contentions"]).success();
    assert!(
        text.contains("shop::browse (7 count of contentions, 70.00%)"),
        "{text}"
    );
}

#[test]
fn a_value_that_is_not_there_is_an_error_that_names_those_that_are() {
    let folder = Folder::new();
    let file = folder.file("shop.pb.gz", shop().gzip());
    for command in ["top", "flamegraph"] {
        let mut arguments = vec![command, &file, "--value", "cpu"];
        if command == "flamegraph" {
            arguments.extend(["-o", "-"]);
        }
        let error = run(arguments).error();
        assert_eq!(
            error,
            format!("{file}: has no values \"cpu\"; it has contentions, delay")
        );
    }
}

#[test]
fn huge_values_are_printed() {
    let folder = Folder::new();
    let profile = Builder::contention()
        .sample(&[i64::MAX, i64::MAX], &["a"])
        .sample(&[i64::MAX, i64::MAX], &["b"])
        .sample(&[i64::MIN, i64::MIN], &["c"]);
    let file = folder.file("huge.pb.gz", profile.gzip());
    let text = run(["top", &file]).success();
    assert!(text.contains("2562047.79hrs"), "{text}");
    run(["diff", &file, &file]).success();
    run(["top", "--value", "contentions", &file]).success();
}
