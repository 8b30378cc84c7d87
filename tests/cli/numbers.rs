//! The output of the commands for profiles whose numbers are known.

use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;

use super::handmade::{Builder, message, number, numbers, shop};
use super::{Folder, Run, contend, run};

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
        "  no source: looked for src/tree.rs, and for its end, below {}; --source-path names other folders",
        folder.path("nowhere")
    );
    assert!(text.contains(&looked_for), "{text}");
    assert!(text.contains("     100ms      100ms      5:?"), "{text}");
    assert!(text.contains("         .      100ms      9:?"), "{text}");
}

/// A profile may name any file: it is not even looked at unless the user named its folder.
#[test]
fn list_opens_nothing_outside_of_the_folders_that_the_user_named() {
    let folder = Folder::new();
    let secret = folder.file("outside/secret.txt", "the secret\n");
    folder.file("inside/src/cart.rs", "a line of the cart\n");
    let inside = folder.path("inside");
    let outside = folder.path("outside");
    let profile = Builder::contention()
        .sample(&[1, 1_000_000], &[&format!("secret {secret}:1")])
        .sample(&[1, 1_000_000], &["up ../outside/secret.txt:1"])
        .sample(&[1, 1_000_000], &["cart /build/src/cart.rs:1"])
        .sample(&[1, 1_000_000], &["kmsg /proc/kmsg:1"]);
    let file = folder.file("shop.pb.gz", profile.gzip());
    let list = |arguments: &[&str]| {
        let command = &mut contend(["list", ".", &file]);
        let output = command.args(arguments).current_dir(&inside).output();
        Run::from(output.unwrap()).success()
    };
    for text in [list(&[]), list(&["--source-path", &inside])] {
        assert_eq!(
            text.matches("  no source: looked for ").count(),
            3,
            "{text}"
        );
        assert!(text.contains("      1:a line of the cart\n"), "{text}");
        assert!(!text.contains("the secret"), "{text}");
    }
    // As in Go's -source_path.
    let both = format!("{inside}:{outside}");
    for text in [
        list(&["--source-path", &both]),
        list(&["--source-path", &inside, "--source-path", &outside]),
    ] {
        assert_eq!(text.matches("      1:the secret\n").count(), 2, "{text}");
        assert!(text.contains("      1:a line of the cart\n"), "{text}");
    }
    let output = contend(["list", "kmsg", &file]).current_dir("/").output();
    let text = Run::from(output.unwrap()).success();
    let why = "  no source: the working folder is the root of all files; name the sources' folder by --source-path\n";
    assert!(text.contains(why), "{text}");
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
    let bytes = Builder::with_types(&[("delay", "bytes")]);
    let bytes = folder.file("bytes.pb.gz", bytes.gzip());
    let error = run(["diff", &bytes, &new]).error();
    assert_eq!(
        error,
        format!("{bytes}: its delay are in bytes, not in nanoseconds")
    );
    let error = run(["diff", &bytes, &new, "--value", "contentions"]).error();
    assert!(error.starts_with(&bytes), "{error}");
}

#[test]
fn diff_and_merge_convert_units_and_take_what_both_have() {
    let folder = Folder::new();
    let types = [
        ("delay", "microseconds"),
        ("size", "kilobytes"),
        ("contentions", "count"),
    ];
    let micros = Builder::with_types(&types)
        .sample(&[400, 1, 4], &["a a.rs:1"])
        .sample(&[100, 0, 0], &["b a.rs:1"]);
    let micros = folder.file("us.pb.gz", micros.gzip());
    let nanos = Builder::contention().sample(&[3, 350_500], &["a a.rs:1"]);
    let nanos = folder.file("ns.pb.gz", nanos.gzip());
    let text = run(["diff", &micros, &nanos]).success();
    let expected = [
        "Type: delay",
        "Total: 500us -> 350.50us, -149.50us (29.90% of the base)",
        "      flat  flat%   sum%        cum   cum%  change",
        "    -100us 20.00% 20.00%     -100us 20.00%  gone    b",
        "  -49.50us  9.90% 29.90%   -49.50us  9.90%  better  a",
    ];
    assert_lines(&text, &expected);
    let merged = folder.path("merged.pb.gz");
    for files in [[&micros, &nanos], [&nanos, &micros]] {
        let run_merge = run(["merge", files[0], files[1], "-o", &merged]);
        assert_eq!(run_merge.code, Some(0));
        assert_eq!(
            run_merge.stderr,
            "contend: left out: size, which not all of them have\n"
        );
        let text = run(["top", &merged, "--value", "delay"]).success();
        assert!(text.contains("Total: 850.50us\n"), "{text}");
        let text = run(["top", &merged, "--value", "contentions"]).success();
        assert!(text.contains("Total: 7\n"), "{text}");
        let error = run(["top", &merged, "--value", "size"]).error();
        assert!(error.contains("has no values \"size\""), "{error}");
    }
}

/// As cases of Go's tool: `go tool pprof -top` prints these.
#[test]
fn frames_that_a_profile_wants_left_out_are() {
    let folder = Folder::new();
    let with = |keep: &str| {
        let mut profile = Builder::contention()
            .sample(
                &[3, 300],
                &["base::Mutex::Unlock", "release", "add", "serve", "main"],
            )
            .sample(
                &[2, 100],
                &["take(int)", "base::Mutex::Lock(int)", "serve", "main"],
            )
            .sample(&[1, 50], &["base::Mutex::LockSlowKept", "serve", "main"])
            .sample(&[1, 7], &["base::Mutex::Lock(int)"]);
        let (drop, keep) = (
            profile.string("base::Mutex::.*|release"),
            profile.string(keep),
        );
        folder.file(
            &format!("{keep}.pb.gz"),
            profile
                .with([number(7, drop), number(8, keep)].concat())
                .gzip(),
        )
    };
    let file = with("base::Mutex::.*Kept");
    assert_lines(
        &run(["top", &file]).success(),
        &[
            "Type: delay",
            "Total: 457ns",
            "      flat  flat%   sum%        cum   cum%",
            "     300ns 65.65% 65.65%      300ns 65.65%  add",
            "     100ns 21.88% 87.53%      450ns 98.47%  serve",
            "      50ns 10.94% 98.47%       50ns 10.94%  base::Mutex::LockSlowKept",
            "       7ns  1.53%   100%        7ns  1.53%  base::Mutex::Lock(int)",
            "         0     0%   100%      450ns 98.47%  main",
        ],
    );
    let text = run(["top", &with("")]).success();
    assert!(
        !text.contains("LockSlowKept") && text.contains("150ns 32.82%"),
        "{text}"
    );
    assert_eq!(
        run(["diff", &file, &file]).success().lines().last(),
        Some("no difference")
    );
    let svg = run(["flamegraph", &file, "-o", "-"]).success();
    for (name, is_shown) in [("base::Mutex::Unlock", false), ("LockSlowKept", true)] {
        assert_eq!(svg.contains(name), is_shown, "{name}");
    }
    // Text that is no regular expression is passed over, as in Go's tool.
    let mut broken = shop();
    let index = broken.string("(");
    let file = folder.file("broken.pb.gz", broken.with(number(7, index)).gzip());
    assert!(run(["top", &file]).success().contains("MutexGuard::drop"));
}

#[test]
fn linker_symbols_are_shown_as_names() {
    let folder = Folder::new();
    let symbols = [
        (
            "_ZN4shop4Cart3addERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
            "shop::Cart::add",
        ),
        ("_ZN4shop5serve17h0123456789abcdefE", "shop::serve"),
        (
            "_RNvMs_CsaBcDeFgHi_4shopNtB4_5Stock4take",
            "<shop::Stock>::take",
        ),
        (
            "_ZNSt6vectorIiSaIiEE9push_backERKi",
            "std::vector::push_back",
        ),
        ("_start", "_start"),
    ];
    // As the name, as the system's name alone, and as both: perf, other tools, and Go's.
    for fields in [&[2][..], &[3], &[2, 3]] {
        let mut profile = Builder::contention();
        for (id, (symbol, _)) in (1..).zip(symbols) {
            let index = profile.string(symbol);
            let names: Vec<_> = fields.iter().map(|field| number(*field, index)).collect();
            let function = [number(1, id), names.concat()].concat();
            let location = [number(1, id), message(4, number(1, id))].concat();
            let sample = [numbers(1, &[id]), numbers(2, &[id, 10 * id])].concat();
            let fields = [
                message(5, function),
                message(4, location),
                message(2, sample),
            ];
            profile = profile.with(fields.concat());
        }
        let file = folder.file("symbols.pb.gz", profile.gzip());
        let text = run(["top", &file, "--value", "contentions"]).success();
        for (id, (_, name)) in (1..).zip(symbols) {
            let row = text
                .lines()
                .find(|line| line.ends_with(&format!("%  {name}")));
            let row = row.unwrap_or_else(|| panic!("{name}: {text}"));
            assert_eq!(
                row.split_whitespace().next(),
                Some(&*id.to_string()),
                "{text}"
            );
        }
        let text = run(["list", "^shop::serve$", &file]).success();
        assert!(text.starts_with("Total: 150ns\n"), "{text}");
    }
    // A name of its own is a person's.
    let mut profile = Builder::contention();
    let [name, symbol] =
        ["mine", "_ZN4shop5serve17h0123456789abcdefE"].map(|text| profile.string(text));
    let function = message(
        5,
        [number(1, 1), number(2, name), number(3, symbol)].concat(),
    );
    let location = message(4, [number(1, 1), message(4, number(1, 1))].concat());
    let sample = message(2, [numbers(1, &[1]), numbers(2, &[1, 2])].concat());
    let file = folder.file(
        "mine.pb.gz",
        profile.with([function, location, sample].concat()).gzip(),
    );
    assert!(run(["top", &file]).success().contains("100%  mine\n"));
}

#[test]
fn merge_keeps_what_the_command_does_not_use() {
    let folder = Folder::new();
    let mut profile = shop();
    let url = profile.string("https://example.com/how-to-read");
    let file = folder.file("a.pb.gz", profile.with(number(15, url)).gzip());
    let other = folder.file("b.pb.gz", shop().gzip());
    let merged = folder.path("merged.pb");
    run(["merge", &other, &file, "-o", &merged]).success();
    let mut plain = Vec::new();
    let bytes = fs::read(&merged).unwrap();
    GzDecoder::new(&*bytes).read_to_end(&mut plain).unwrap();
    let text = String::from_utf8_lossy(&plain);
    assert!(text.contains("https://example.com/how-to-read"));
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
    let what = "its values, samples/count cpu/nanoseconds, are none of those before it";
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
