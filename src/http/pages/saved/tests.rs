//! Files that nobody can be trusted with, as pages.

use super::*;
use crate::http::{Handler, Request};
use crate::pprof::proto;

const MARKUP: &str = "<script>alert('name')</script>";

/// A profile with these samples: kind, values, and frames as `name file:line`, leaf first.
fn profile(types: &[(&str, &str)], samples: &[(&str, &[i64], &[&str])]) -> DecodedProfile {
    let mut strings = vec![String::new()];
    let mut string = |text: &str| {
        strings.push(text.to_owned());
        strings.len() as i64 - 1
    };
    let mut tables = proto::Profile::default();
    for (name, unit) in types {
        let (r#type, unit) = (string(name), string(unit));
        tables.sample_type.push(proto::ValueType { r#type, unit });
    }
    for (kind, values, frames) in samples {
        let mut sample = proto::Sample {
            value: values.to_vec(),
            ..Default::default()
        };
        if !kind.is_empty() {
            sample.label.push(proto::Label {
                key: string("kind"),
                str: string(kind),
                ..Default::default()
            });
        }
        for frame in *frames {
            let (name, place) = frame.split_once(' ').unwrap_or((frame, ":0"));
            let (file, line) = place.rsplit_once(':').unwrap();
            let id = tables.location.len() as u64 + 1;
            tables.function.push(proto::Function {
                id,
                name: string(name),
                filename: string(file),
                ..Default::default()
            });
            tables.location.push(proto::Location {
                id,
                line: vec![proto::Line {
                    function_id: id,
                    line: line.parse().unwrap(),
                    ..Default::default()
                }],
                ..Default::default()
            });
            sample.location_id.push(id);
        }
        tables.sample.push(sample);
    }
    tables.string_table = strings.into_iter().map(String::into_bytes).collect();
    DecodedProfile::checked(tables).unwrap()
}

const CONTENTIONS: [(&str, &str); 2] = [("contentions", "count"), ("delay", "nanoseconds")];

fn shop() -> DecodedProfile {
    profile(
        &CONTENTIONS,
        &[
            (
                "mutex",
                &[3, 60_000_000],
                &[
                    "contend::sync::MutexGuard<T>::drop",
                    "shop::pay src/a.rs:2",
                    "main",
                ],
            ),
            (
                "",
                &[1, 40_000_000],
                &[&format!("{MARKUP} {MARKUP}:7"), "main"],
            ),
        ],
    )
}

/// A handler of these, with the sources below a folder of this crate.
fn handler(profiles: Vec<(&str, DecodedProfile)>) -> Handler {
    let files = profiles.into_iter().map(|(name, profile)| SavedFile {
        name: name.to_owned(),
        explained: name.to_owned(),
        profile,
        warnings: vec![MARKUP.to_owned()],
    });
    let files: Arc<[SavedFile]> = files.collect();
    Handler::of_saved(Saved {
        title: "contend open",
        files: Box::new(move || Ok(Arc::clone(&files))),
        sources: Mutex::new(Sources::below(&["tests/cli".into()])),
    })
}

fn ask(handler: &Handler, target: &str) -> (u16, String) {
    let response = handler.handle(&Request::new("GET", target));
    let status = response.status();
    (status, String::from_utf8(response.into_body()).unwrap())
}

#[track_caller]
fn page(handler: &Handler, target: &str) -> String {
    let (status, page) = ask(handler, target);
    assert_eq!(status, 200, "{target}: {page}");
    for inline in [
        "<script>",
        "<style",
        " style=",
        " onload",
        " onerror",
        "javascript:",
    ] {
        assert!(!page.contains(inline), "{inline:?} is in {target}: {page}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    page
}

#[track_caller]
fn assert_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
}

#[test]
fn each_page_is_there_for_each_file() {
    let handler = handler(vec![("before/mutex.pb.gz", shop()), (MARKUP, shop())]);
    let index = page(&handler, "/");
    assert_has(
        &index,
        &[
            "mutex.pb.gz",
            "<b>4</b> contentions · <b>100ms</b> delay",
            "Compare two",
        ],
    );
    for profile in ["1", "2"] {
        let top = page(&handler, &format!("/top?profile={profile}"));
        assert_has(
            &top,
            &[
                "data-value=\"60000000\">60.0ms</td>",
                "<span>60.0%</span>",
                "20.0ms",
                "name=shop%3A%3Apay&amp;kind=mutex",
                "&lt;script&gt;alert(",
            ],
        );
        let graph = page(
            &handler,
            &format!("/flamegraph?profile={profile}&value=contentions"),
        );
        assert_has(&graph, &["data-w=\"4\"", "data-short=\"MutexGuard::drop\""]);
    }
    assert_eq!(ask(&handler, "/top?profile=3").0, 400);
    assert_eq!(ask(&handler, "/top?value=bytes").0, 400);
    assert_eq!(ask(&handler, "/mutex").0, 404);
    assert_eq!(ask(&handler, "/rates").0, 404);
}

#[test]
fn two_files_stand_side_by_side_with_their_differences() {
    let after = profile(
        &CONTENTIONS,
        &[(
            "mutex",
            &[1, 20_000_000],
            &[
                "contend::sync::MutexGuard<T>::drop",
                "shop::pay src/a.rs:2",
                "main",
            ],
        )],
    );
    let handler = handler(vec![("before.pb.gz", shop()), ("after.pb.gz", after)]);
    let page = page(&handler, "/compare");
    assert_has(
        &page,
        &[
            "Before: 100ms",
            "After: 20.0ms",
            // The same scale: a fifth of the width.
            "<svg width=\"20.00%\"",
            "<title>shop::pay\n60.0ms → 20.0ms (-40.0ms)</title>",
            "<g class=\"frame less3\"",
        ],
    );
    assert_eq!(page.matches("<title>shop::pay\n").count(), 2);
    assert_eq!(page.matches("<title>main\n").count(), 2);
}

#[test]
fn what_cannot_be_compared_says_so() {
    let cpu = profile(&[("samples", "count"), ("cpu", "nanoseconds")], &[]);
    let handler = handler(vec![("a", shop()), ("b", cpu)]);
    let (status, message) = ask(&handler, "/compare");
    assert_eq!(status, 422);
    assert_eq!(
        message,
        "these cannot be compared: one has delay in nanoseconds, the other cpu in nanoseconds\n"
    );
}

#[test]
fn only_sources_below_the_folders_are_read() {
    let outside = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let inside = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/main.rs");
    for (file, is_read) in [
        (inside, true),
        (outside, false),
        ("/etc/passwd", false),
        ("../../Cargo.toml", false),
    ] {
        let stack = format!("f {file}:1");
        let handler = handler(vec![(
            "a",
            profile(&CONTENTIONS, &[("", &[1, 9], &[&stack])]),
        )]);
        let page = page(&handler, "/function?name=f");
        assert_eq!(
            page.contains("The `contend` command"),
            is_read,
            "{file}: {page}"
        );
        assert_eq!(page.contains("looked for"), !is_read, "{file}: {page}");
        assert!(
            !page.contains("root:") && !page.contains("[package]"),
            "{page}"
        );
    }
}

#[test]
fn numbers_without_end_and_stacks_without_frames_are_drawn() {
    let deep: Vec<&str> = vec!["f"; 3000];
    let absurd = profile(
        &CONTENTIONS,
        &[
            ("mutex", &[i64::MAX, i64::MAX], &deep),
            ("k", &[i64::MAX, i64::MAX], &[]),
            ("", &[i64::MIN, i64::MIN], &["g a:9223372036854775807"]),
        ],
    );
    let negative = profile(&[("t", "seconds")], &[("", &[-5], &["g"])]);
    let no_values = profile(&[], &[]);
    let handler = handler(vec![("a", absurd), ("b", negative), ("c", no_values)]);
    for target in [
        "/",
        "/top?profile=1",
        "/flamegraph?profile=1",
        "/function?profile=1&name=f",
        "/function?profile=1&name=g",
        "/top?profile=2",
        "/flamegraph?profile=2",
    ] {
        page(&handler, target);
    }
    assert_has(&page(&handler, "/top?profile=2"), &["-5.00s"]);
    assert_eq!(ask(&handler, "/top?profile=3").0, 422);
}

#[test]
fn a_profile_of_ours_is_there_for_tools() {
    let mut of_ours = profile(&CONTENTIONS, &[("mutex", &[3, 5_000], &["hold a.rs:1"])]);
    let comment = of_ours.add_string(&format!("{}: 1 in 1", ProfileKind::Mutex.rate().name));
    of_ours.tables.comment.push(comment);
    let other = profile(&CONTENTIONS, &[]);
    let handler = handler(vec![("other", other), ("ours", of_ours)]);
    for target in ["/mutex", "/debug/pprof/mutex"] {
        let response = handler.handle(&Request::new("GET", target));
        assert_eq!(response.status(), 200);
        let read = crate::pprof::reader::read(response.body()).unwrap();
        assert_eq!(read.values(0).collect::<Vec<_>>(), [3]);
        let frames: Vec<_> = read.frames(1).map(|frame| frame.function).collect();
        assert_eq!(frames, ["hold"]);
    }
    assert_eq!(ask(&handler, "/block").0, 404, "none of them is one");
    assert_eq!(ask(&handler, "/mutex?seconds=1").0, 400);
    let index = page(&handler, "/");
    assert_has(&index, &["href=\"mutex\""]);
    assert!(!index.contains("Compare two"), "they are of two kinds");
}

#[test]
fn why_there_are_no_profiles_is_the_answer() {
    let handler = Handler::of_saved(Saved {
        title: "contend run",
        files: Box::new(|| Err("the program has ended".to_owned())),
        sources: Mutex::new(Sources::below(&[])),
    });
    for target in ["/", "/top", "/mutex"] {
        let (status, body) = ask(&handler, target);
        assert_eq!((status, &*body), (503, "the program has ended\n"));
    }
}
