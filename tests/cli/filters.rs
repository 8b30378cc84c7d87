//! The rows that filters leave, and `peek` and `tree`; `.ci/go_cli.py` has the same numbers from
//! Go.

use super::handmade::{Builder, message, number, numbers, shop};
use super::{Folder, run, run_with_input};

#[track_caller]
fn assert_lines(text: &str, expected: &[&str]) {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(lines, expected, "{text}");
}

fn shop_file(folder: &Folder) -> String {
    folder.file("shop.pb.gz", shop().gzip())
}

/// Without the lines above the table.
fn rows(text: &str) -> Vec<&str> {
    let lines = text.lines().skip_while(|line| !line.contains("flat%"));
    lines.skip(1).collect()
}

#[test]
fn focus_keeps_the_shares_of_the_whole() {
    let folder = Folder::new();
    let file = shop_file(&folder);
    assert_lines(
        &run(["top", "--focus", "check.ut", &file]).success(),
        &[
            "Type: delay",
            "Total: 1s",
            "Left: 600ms (60.00%) by --focus check.ut",
            "      flat  flat%   sum%        cum   cum%",
            "     600ms 60.00% 60.00%      600ms 60.00%  contend::sync::MutexGuard::drop",
            "         0     0% 60.00%      600ms 60.00%  shop::checkout",
            "         0     0% 60.00%      600ms 60.00%  shop::main",
        ],
    );
    // Files and programs count as well.
    let by_file = run(["top", "--focus", "src/tree", &file]).success();
    assert!(by_file.contains("Left: 100ms (10.00%)"), "{by_file}");
}

#[test]
fn ignore_takes_stacks_and_hide_takes_frames() {
    let folder = Folder::new();
    let file = shop_file(&folder);
    let ignored = run(["top", "--ignore", "checkout|walk", &file]).success();
    assert!(
        ignored.contains("Left: 300ms (30.00%) by --ignore"),
        "{ignored}"
    );
    let hidden = run(["top", "--hide", "^contend::|main", &file]).success();
    assert_eq!(
        rows(&hidden),
        [
            "     600ms 60.00% 60.00%      600ms 60.00%  shop::checkout",
            "     300ms 30.00% 90.00%      300ms 30.00%  shop::browse",
            "     100ms 10.00%   100%      100ms 10.00%  shop::walk",
        ]
    );
    let shown = run(["top", "--show", "main", &file]).success();
    let row = "     1000ms   100%   100%     1000ms   100%  shop::main";
    assert_eq!(rows(&shown).len(), 1, "{shown}");
    assert_eq!(
        rows(&shown)[0].split_whitespace().last(),
        row.split_whitespace().last()
    );
    // A stack of which nothing is left is no stack.
    let none = run(["top", "--hide", ".", &file]).success();
    assert!(none.contains("the filters leave nothing"), "{none}");
}

#[test]
fn inlined_frames_are_hidden_one_by_one() {
    // One location, whose innermost line is inlined in two others.
    let mut builder = Builder::contention();
    let names = ["inner", "middle", "outer"].map(|name| builder.string(name));
    let mut fields = Vec::new();
    let mut lines = Vec::new();
    for (id, name) in (1..).zip(names) {
        fields.extend(message(5, [number(1, id), number(2, name)].concat()));
        lines.extend(message(4, [number(1, id), number(2, 7)].concat()));
    }
    let location = [number(1, 1), number(3, 0x1000), lines].concat();
    fields.extend(message(4, location));
    fields.extend(message(2, [numbers(1, &[1]), numbers(2, &[1, 5])].concat()));
    let folder = Folder::new();
    let file = folder.file("inlined.pb.gz", builder.with(fields).gzip());
    let text = run(["tree", "--hide", "middle", &file]).success();
    assert!(text.contains("| outer\n"), "{text}");
    assert!(text.contains("|   inner (inline)\n"), "{text}");
    assert!(!text.contains("| middle"), "{text}");
}

fn labelled(folder: &Folder) -> String {
    let mut builder = Builder::contention().sample(&[1, 100], &["f a.rs:1"]);
    let mut samples = Vec::new();
    let [kind, sleep, request, bytes] =
        ["kind", "sleep", "request", "bytes"].map(|text| builder.string(text));
    let [kilobytes, user, anna] = ["kb", "user", "anna"].map(|text| builder.string(text));
    let labels = [
        [number(1, kind), number(2, sleep)].concat(),
        [number(1, request), number(3, 4096)].concat(),
        [number(1, bytes), number(3, 2), number(4, kilobytes)].concat(),
        [number(1, user), number(2, anna)].concat(),
    ];
    for (value, label) in (2..).zip(labels) {
        let values = numbers(2, &[1, value * 100]);
        let sample = [numbers(1, &[1]), values, message(3, label)].concat();
        samples.extend(message(2, sample));
    }
    folder.file("labels.pb.gz", builder.with(samples).gzip())
}

#[test]
fn labels_tell_samples_apart() {
    let folder = Folder::new();
    let file = labelled(&folder);
    for (option, text, left) in [
        ("--kind", "mutex", "100ns"),
        ("--kind", "mutex,sleep", "300ns"),
        ("--tagfocus", "kind=^(mutex|sleep)$", "300ns"),
        ("--tagfocus", "kind:s", "200ns"),
        // Without a key each of them has to match, with one any of them.
        ("--tagfocus", "kind:s,user", "0"),
        ("--tagfocus", "kind=s,m", "300ns"),
        ("--tagfocus", "user=n+a", "500ns"),
        // Numbers, in the label's unit or in that which its name says.
        ("--tagfocus", "4kb", "300ns"),
        ("--tagfocus", "request=:1kb", "0"),
        ("--tagfocus", "1kb:3kb", "400ns"),
        ("--tagignore", "1kb:", "800ns"),
        ("--tagignore", "kind=.", "1.20us"),
    ] {
        let output = run(["top", option, text, &file]);
        let stdout = &output.stdout;
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        let line = stdout.lines().find(|line| line.starts_with("Left: "));
        let shown = line.and_then(|line| line.split(' ').nth(1));
        assert_eq!(shown, Some(left), "{option} {text}: {stdout}");
        assert_eq!(output.stderr.is_empty(), left != "0", "{}", output.stderr);
    }
}

#[test]
fn a_filter_that_matches_nothing_is_named() {
    let folder = Folder::new();
    let file = labelled(&folder);
    let output = run(["top", "--kind", "mutx", "--focus", "f", &file]);
    assert_eq!(output.code, Some(0));
    assert_eq!(
        output.stderr,
        "contend: --kind mutx matches no sample; there are mutex, sleep\n"
    );
    assert!(output.stdout.contains("the filters leave nothing"));
    let output = run(["top", "--ignore", "nobody", "--hide", "\u{1b}", &file]);
    assert_eq!(
        output.stderr,
        "contend: --ignore nobody matches no sample\ncontend: --hide \\u{1b} matches no sample\n"
    );
    for (option, text) in [
        ("--focus", "("),
        ("--tagfocus", "a=("),
        ("--tagfocus", "99999999999999999999kb"),
    ] {
        let output = run(["top", option, text, &file]);
        assert_eq!(output.code, Some(2), "{option} {text}");
        assert!(output.stderr.contains(option), "{}", output.stderr);
    }
    // As in Go's pprof, an empty text is none.
    assert!(
        !run(["top", "--focus", "", &file])
            .success()
            .contains("Left")
    );
}

#[test]
fn both_sides_of_a_difference_are_filtered() {
    let folder = Folder::new();
    let base = shop_file(&folder);
    let new = Builder::contention()
        .sample(&[1, 100_000_000], &["drop", "shop::checkout"])
        .sample(&[1, 900_000_000], &["drop", "shop::report"]);
    let new = folder.file("new.pb.gz", new.gzip());
    let text = run(["diff", "--focus", "checkout|report", &base, &new]).success();
    let head: Vec<&str> = text.lines().take(3).collect();
    assert_eq!(
        head,
        [
            "Type: delay",
            "Total: 1s -> 1s, +0 (0% of the base)",
            "Left: 600ms -> 1s, +400ms (40.00% of the base) by --focus checkout|report",
        ]
    );
    assert!(!text.contains("browse"), "{text}");
    // Only the new one has it.
    assert!(
        run(["diff", "--focus", "report", &base, &new])
            .stderr
            .is_empty()
    );
    let nobody = run(["diff", "--focus", "nobody", &base, &new]);
    assert_eq!(nobody.stderr, "contend: --focus nobody matches no sample\n");
    assert!(
        nobody
            .stdout
            .contains("no difference in what the filters leave")
    );
}

#[test]
fn list_and_flamegraph_are_filtered() {
    let folder = Folder::new();
    let file = shop_file(&folder);
    let text = run(["list", "main", "--focus", "walk", &file]).success();
    assert!(
        text.contains("Total: 1s\nLeft: 100ms (10.00%) by --focus walk\n"),
        "{text}"
    );
    assert!(
        text.contains("         0      100ms (flat, cum) 10.00% of Total"),
        "{text}"
    );
    let error = run(["list", "browse", "--focus", "walk", &file]).error();
    assert!(error.contains("no function matches"), "{error}");
    let output = folder.path("walk.svg");
    run(["flamegraph", "--focus", "walk", &file, "-o", &output]).success();
    let svg = std::fs::read_to_string(&output).unwrap();
    assert!(svg.contains("100ms of 1s: --focus walk"), "{svg}");
    assert!(
        svg.contains("shop::walk") && !svg.contains("shop::browse"),
        "{svg}"
    );
    let nothing = run(["flamegraph", "--focus", "nobody", &file, "-o", "-"]);
    assert!(
        nothing.stdout.contains("the filters leave nothing"),
        "{}",
        nothing.stdout
    );
}

#[test]
fn peek_shows_callers_and_callees() {
    let folder = Folder::new();
    let file = shop_file(&folder);
    let line = "----------------------------------------------------------+-------------";
    assert_lines(
        &run(["peek", "walk|browse$", &file]).success(),
        &[
            "Type: delay",
            "Total: 1s",
            line,
            "      flat  flat%   sum%        cum   cum%   calls calls% + context",
            line,
            "                                             100ms   100% |   shop::main",
            "     100ms 10.00% 10.00%      100ms 10.00%                | shop::walk",
            line,
            "                                             300ms   100% |   shop::main",
            "         0     0% 10.00%      300ms 30.00%                | shop::browse",
            "                                             300ms   100% |   contend::sync::MutexGuard::drop",
            line,
        ],
    );
    // By line a function may call itself.
    let lines = run(["peek", "walk", "--by", "line", &file]).success();
    assert!(lines.contains("| shop::walk src/tree.rs:9\n"), "{lines}");
    assert!(lines.contains("|   shop::walk src/tree.rs:5\n"), "{lines}");
    let error = run(["peek", "^nobody$", &file]).error();
    assert_eq!(error, format!("{file}: no function matches \"^nobody$\""));
    let error = run(["peek", "walk", "--ignore", "walk", &file]).error();
    assert!(error.contains("no function matches"), "{error}");
}

#[test]
fn tree_leads_over_what_it_leaves_out() {
    let folder = Folder::new();
    let file = shop_file(&folder);
    let text = run(["tree", "--cum", "-n", "2", &file]).success();
    assert!(text.contains("2 of 5 rows\n"), "{text}");
    // Checkout and browse stand between.
    assert!(
        text.contains("900ms 90.00% |   contend::sync::MutexGuard::drop\n"),
        "{text}"
    );
    assert!(!text.contains("shop::checkout"), "{text}");
    let empty = folder.file("empty.pb.gz", Builder::contention().gzip());
    let text = run(["tree", &empty]).success();
    assert!(text.ends_with("nothing was recorded\n"), "{text}");
}

#[test]
fn filters_apply_to_what_a_pipe_brings() {
    let text = run_with_input(["top", "--focus", "walk", "-"], &shop().gzip()).success();
    assert!(text.contains("Left: 100ms"), "{text}");
}

/// Two endpoints with one stack, and a sample without labels.
fn endpoints(folder: &Folder) -> String {
    let mut builder = Builder::contention().sample(&[1, 100], &["f a.rs:1"]);
    let [endpoint, cart, search] =
        ["endpoint", "/cart", "/search"].map(|text| builder.string(text));
    let mut samples = Vec::new();
    for (value, name) in [(300, cart), (500, search), (100, cart)] {
        let label = [number(1, endpoint), number(2, name)].concat();
        let values = numbers(2, &[1, value]);
        let sample = [numbers(1, &[1]), values, message(3, label)].concat();
        samples.extend(message(2, sample));
    }
    folder.file("endpoints.pb.gz", builder.with(samples).gzip())
}

#[test]
fn a_label_keeps_its_samples_or_makes_the_rows() {
    let folder = Folder::new();
    let file = endpoints(&folder);
    let of_cart = run(["top", "--label", "endpoint=/cart", &file]).success();
    assert!(
        of_cart.contains("(40.00%) by --label endpoint=/cart"),
        "{of_cart}"
    );
    let by_endpoint = run(["top", "--by", "label:endpoint", &file]).success();
    let names: Vec<&str> = rows(&by_endpoint)
        .iter()
        .map(|row| row.split("%  ").last().unwrap())
        .collect();
    assert_eq!(
        names,
        ["endpoint=/search", "endpoint=/cart", "(no endpoint)"]
    );
    let both = [
        "top",
        "--by=label:endpoint",
        "--label=endpoint=/cart",
        &file,
    ];
    assert!(rows(&run(both).success()).len() == 1);
    let same = run(["diff", "--by", "label:endpoint", &file, &file]).success();
    assert!(
        same.contains("0%") || same.contains("no difference"),
        "{same}"
    );
    let none = run(["top", "--label", "endpoint=/none", &file]).stderr;
    assert!(
        none.contains("--label endpoint=/none matches no sample"),
        "{none}"
    );
    for arguments in [["--label", "endpoint"], ["--by", "label:"]] {
        assert_eq!(
            run(["top", arguments[0], arguments[1], &file]).code,
            Some(2)
        );
    }
}

/// A sample with labels that are texts.
fn with_labels(
    builder: &mut Builder,
    nanos: i64,
    stack: [i64; 2],
    labels: &[[&str; 2]],
) -> Vec<u8> {
    let labels: Vec<u8> = labels
        .iter()
        .flat_map(|[key, value]| {
            let label = [
                number(1, builder.string(key)),
                number(2, builder.string(value)),
            ];
            message(3, label.concat())
        })
        .collect();
    let sample = [numbers(1, &stack), numbers(2, &[1, nanos]), labels];
    message(2, sample.concat())
}

#[test]
fn waits_that_block_async_workers_are_shown_by_line() {
    let folder = Folder::new();
    let lock = "contend::sync::Mutex<T>::lock";
    let query = "contend::Contended<F>::poll";
    let worker = ["thread", "async_worker"];
    // The locations 1 to 3.
    let mut builder = Builder::contention()
        .comment("block_profile_rate=1")
        .sample(&[1, 1000], &[lock, "shop::pay src/pay.rs:5"])
        .sample(&[1, 2000], &[query, "shop::pay src/pay.rs:5"]);
    let samples = [
        with_labels(&mut builder, 3000, [1, 2], &[["kind", "mutex"], worker]),
        with_labels(
            &mut builder,
            500,
            [1, 2],
            &[["kind", "rwlock_read"], worker],
        ),
        with_labels(
            &mut builder,
            700,
            [1, 2],
            &[["kind", "async_mutex"], worker],
        ),
        with_labels(&mut builder, 900, [3, 2], &[["kind", "query"], worker]),
        with_labels(
            &mut builder,
            1900,
            [1, 2],
            &[["kind", "mutex"], ["thread", "blocking_pool"]],
        ),
    ];
    let file = folder.file("block.pb.gz", builder.with(samples.concat()).gzip());
    assert_lines(
        &run(["top", "--blocking-async", &file]).success(),
        &[
            "Type: delay",
            "Total: 10us",
            "Left: 3.50us (35.00%) by --blocking-async",
            "2 of 2 call sites; all tasks of a worker stood still meanwhile:",
            " delay  share  contentions    mean  kind         function   file:line",
            "3.00µs  30.0%            1  3.00µs  mutex        shop::pay  src/pay.rs:5",
            " 500ns   5.0%            1   500ns  rwlock_read  shop::pay  src/pay.rs:5",
        ],
    );
    let one = run([
        "top",
        "--blocking-async",
        "-n",
        "1",
        "--kind",
        "rwlock_read",
        &file,
    ])
    .success();
    assert!(
        one.contains("by --kind rwlock_read --blocking-async"),
        "{one}"
    );
    assert!(one.contains("1 of 1 call sites"), "{one}");
    let none = run(["top", "--blocking-async", "--kind", "query", &file]).success();
    assert!(
        none.contains("no thread that runs tasks has waited"),
        "{none}"
    );
    let error = run(["top", "--blocking-async", &shop_file(&folder)]).error();
    assert!(error.contains("not a block profile of contend"), "{error}");
    let both = run(["top", "--blocking-async", "--cum", &file]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

#[test]
fn pairs_are_summed_up_by_both_functions() {
    let folder = Folder::new();
    let (drop, lock) = (
        "contend::sync::MutexGuard<T>::drop",
        "contend::sync::Mutex::lock",
    );
    let (between, main) = ("contend::blocked_by", "shop::main src/main.rs:1");
    let (slow, quick) = ("shop::slow src/a.rs:2", "shop::quick src/a.rs:9");
    let stack = |release: &[&'static str], waiter: &[&'static str]| {
        [release, &[main, between, lock], waiter, &[main]].concat()
    };
    let file = Builder::contention()
        .comment("pairs_profile_fraction=1")
        .sample(&[2, 6000], &stack(&[drop, slow], &[quick]))
        // Another line of the same function.
        .sample(
            &[1, 1000],
            &stack(&[drop, slow], &["shop::quick src/a.rs:11"]),
        )
        .sample(
            &[0, 1000],
            &stack(&["contend::wakeup", drop, slow], &[quick]),
        )
        .sample(&[5, 2000], &stack(&[drop, quick], &[slow]))
        .gzip();
    let file = folder.file("pairs.pb.gz", file);
    assert_lines(
        &run(["top", "--pairs", &file]).success(),
        &[
            "Type: delay",
            "Total: 10us",
            "2 of 2 pairs of functions:",
            " delay  share  contentions    mean  wakeup  who waited   for whom",
            "8.00µs  80.0%            3  2.67µs  1.00µs  shop::quick  shop::slow",
            "2.00µs  20.0%            5   400ns          shop::slow   shop::quick",
            "contend::wakeup has 10.0% of the delay: the lock was free: the woken thread had no \
             processor yet; shorter sections do not help",
        ],
    );
    let most = run(["top", "--pairs", "-n1", "--value", "contentions", &file]).success();
    assert!(most.contains("1 of 2 pairs of functions:"), "{most}");
    assert!(most.contains("shop::slow  shop::quick"), "{most}");
    let empty = Builder::contention().comment("pairs_profile_fraction=1");
    let empty = folder.file("empty.pb.gz", empty.gzip());
    let none = run(["top", "--pairs", &empty]).success();
    assert!(none.contains("no waits are in it"), "{none}");
    let error = run(["top", "--pairs", &shop_file(&folder)]).error();
    assert!(error.contains("not a pairs profile of contend"), "{error}");
    // Both sides look alike without the frame that stands between them.
    for taken in ["--hide=^contend::", "--show=^shop::"] {
        let error = run(["top", "--pairs", taken, &file]).error();
        assert!(error.contains("contend::blocked_by"), "{taken}: {error}");
    }
    let hidden = run(["top", "--pairs", "--hide=::slow", &file]).success();
    assert!(hidden.contains("shop::quick  shop::main"), "{hidden}");
    let focused = run(["top", "--pairs", "--focus=a.rs:?", "--ignore=wakeup", &file]).success();
    assert!(focused.contains("Left: 9us (90.00%)"), "{focused}");
    for other in ["--cum", "--blocking-async", "--idle"] {
        let both = run(["top", "--pairs", other, &file]);
        assert_eq!(both.code, Some(2), "{other}: {}", both.stderr);
    }
}

#[test]
fn waits_for_work_are_one_line_unless_asked_for() {
    let folder = Folder::new();
    let mut builder = Builder::contention()
        .comment("block_profile_rate=1")
        .sample(
            &[1, 1000],
            &["contend::sync::Mutex<T>::lock", "shop::pay src/pay.rs:5"],
        );
    let idle = [["kind", "sleep"], ["class", "idle"]];
    let idle = with_labels(&mut builder, 3000, [1, 2], &idle);
    let bytes = builder.with(idle).gzip();
    let file = folder.file("block.pb.gz", bytes);
    let line = "Waiting for work is left out: 3us (75.00%); --idle shows it";
    let folded = run(["top", "--cum", &file]).success();
    assert_lines(
        &folded,
        &[
            "Type: delay",
            "Total: 4us",
            line,
            "      flat  flat%   sum%        cum   cum%",
            "       1us 25.00% 25.00%        1us 25.00%  contend::sync::Mutex<T>::lock",
            "         0     0% 25.00%        1us 25.00%  shop::pay",
        ],
    );
    for (option, largest) in [
        ("--idle", "4us"),
        ("--kind=sleep", "3us"),
        ("--tagfocus=class=idle", "3us"),
        ("--by=label:kind", "3us"),
    ] {
        let all = run(["top", option, &file]).success();
        assert!(!all.contains("left out"), "{all}");
        assert!(all.contains(&format!("\n       {largest} ")), "{all}");
    }
    let focused = run(["top", "--focus", "pay", &file]).success();
    assert!(focused.contains(line), "{focused}");
}
