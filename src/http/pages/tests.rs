//! Pages of profiles made by hand.

use std::sync::Arc;
use std::time::Duration;

use super::card::Card;
use super::html::Html;
use super::index::body;
use super::view::View;
use super::{function, live, top};
use crate::http::call::{Call, State};
use crate::http::custom::Registered;
use crate::http::query::Query;
use crate::http::routes::ROUTES;
use crate::http::{Cancel, Handler, Request, Response};
use crate::profile::Profile;
use crate::profile::kind::{Kind, ProfileKind};
use crate::profile::lost::Lost;
use crate::profile::tests::{location, profile, sample, with_kind, with_lost};

const MARKUP: &str = "shop::<script>alert('x')</script>";
const ESCAPED: &str = "shop::<wbr>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;";

fn text(html: Html) -> String {
    String::from_utf8(html.into()).unwrap()
}

fn ask(target: &str) -> Response {
    Handler::new().handle(&Request::new("GET", target).header("Host", "localhost"))
}

/// Three call sites, of 60, 30 and 10 % of the delay.
fn three_sites() -> Profile {
    let site = |at: u64, millis: u64, caller: &str| {
        let wrapper = location(0x2000 + at, &["contend::sync::MutexGuard<T>::drop"]);
        let stack = [wrapper, location(0x3000 + at, &[caller])];
        sample(
            Kind::MUTEX,
            1500.0 * millis as f64,
            millis * 1_000_000,
            &stack,
        )
    };
    profile(vec![
        site(1, 30, "shop::pay@/home/u/shop/src/pay.rs:5"),
        site(
            2,
            60,
            "shop::<script>alert('x')</script>@/home/u/shop/src/\"a\".rs:7",
        ),
        site(3, 10, "shop::list"),
    ])
}

/// The text that `make` makes of a view of the profile that was asked for with this query.
pub(super) fn viewed(profile: &Profile, query: &str, make: impl Fn(&View<'_>) -> Html) -> String {
    let (state, cancel) = (State::default(), Cancel::new());
    let call = Call {
        state: &state,
        request: &Request::new("GET", "/flamegraph"),
        name: "flamegraph",
        query: Query::new(query),
        cancel: &cancel,
    };
    let shown = live::shown(&call, profile, "flamegraph");
    text(make(&View::new(&call, shown, "flamegraph").unwrap()))
}

fn card(profile: Profile, rate_set: u64) -> Card {
    Card {
        profile,
        rate_set,
        own_rate: rate_set,
        recorded_for: Some(Duration::from_millis(50)),
        can_record: true,
        hint: None,
        longest_window: Some(300),
    }
}

fn index(card: Card) -> String {
    text(body([card], &Html::default(), &[], &ROUTES))
}

fn assert_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
}

/// Nothing is there that the policy of these pages would refuse.
fn assert_nothing_inline(page: &str) {
    for inline in [
        "<script>",
        "<style",
        " style=",
        " onload",
        " onerror",
        " onclick",
        "javascript:",
    ] {
        assert!(!page.contains(inline), "{inline:?} is in {page}");
    }
}

#[test]
fn the_index_shows_what_a_profile_says_already() {
    let page = index(card(three_sites(), 1));
    assert_has(
        &page,
        &[
            "<dt>delay</dt><dd class=\"delay\">100ms</dd>",
            "<dd class=\"contentions\">150,000</dd>",
            "2.0 waiting at a time, on average: 100ms of delay in the 50.0ms since recording began",
            "<span class=\"state on\">on: every contention</span>",
            "data-rate=\"1\" aria-pressed=\"true\"",
            "data-rate=\"100\" aria-pressed=\"false\"",
            "<span class=\"number\">60.0%</span>",
            ESCAPED,
            "title=\"/home/u/shop/src/&quot;a&quot;.rs:7\"",
            "href=\"function?profile=mutex&amp;name=shop%3A%3Apay&amp;kind=mutex\"",
            "<button>Top</button><button formaction=\"mutex\">Download</button>",
            "href=\"mutex?debug=1\"",
        ],
    );
    let order = ["alert", "shop::<wbr>pay", "shop::<wbr>list"].map(|name| page.find(name).unwrap());
    assert!(order.is_sorted(), "largest delay first");
    assert_nothing_inline(&page);
}

#[test]
fn the_index_says_what_is_off_and_offers_to_turn_it_on() {
    let off = with_kind(profile(vec![]), ProfileKind::Block, 0);
    let page = index(card(off, 0));
    assert_has(
        &page,
        &[
            "<span class=\"state off\">off</span>",
            "data-name=\"block_profile_rate\" data-rate=\"1000000\" aria-pressed=\"false\">1 per ms waited<",
            "data-rate=\"0\" aria-pressed=\"true\"",
            "name=\"rate\" value=\"1\" checked>",
        ],
    );
    if cfg!(feature = "profiling") {
        assert_has(&page, &["the block profile is empty: it is off"]);
    }
}

#[test]
fn the_index_tells_a_rate_for_a_while_from_the_programs_own() {
    let page = index(card(with_kind(three_sites(), ProfileKind::Mutex, 1), 100));
    assert_has(
        &page,
        &["on: every contention while a recording lasts, else 1 in 100</span>"],
    );
    assert_has(&page, &["data-rate=\"100\" aria-pressed=\"true\""]);
}

#[test]
fn the_programs_own_rate_is_one_of_the_buttons_whatever_is_chosen() {
    for chosen in [10, 1] {
        let card = Card {
            own_rate: 10,
            ..card(three_sites(), chosen)
        };
        let page = index(card);
        let place = |rate: u64| {
            page.find(&format!("data-rate=\"{rate}\""))
                .expect("a button")
        };
        assert!(
            [0, 100, 10, 1].map(place).is_sorted(),
            "from off to everything"
        );
        assert_has(
            &page,
            &["title=\"the program&#39;s own rate\">1 in 10</button>"
                .replace("&#39;", "'")
                .as_str()],
        );
        assert_eq!(page.matches("aria-pressed=\"true\"").count(), 1);
    }
}

#[test]
fn the_index_counts_what_was_lost() {
    let lost = Lost {
        reentrant: 1234,
        ..Lost::default()
    };
    let page = index(card(with_lost(three_sites(), lost), 1));
    assert_has(
        &page,
        &[
            "<dd class=\"lost\">1,234</dd>",
            "Lost events: reentrant 1234.",
        ],
    );
}

#[test]
fn without_the_profiler_no_rate_is_offered() {
    let card = Card {
        profile: with_kind(profile(vec![]), ProfileKind::Mutex, 0),
        rate_set: 0,
        own_rate: 0,
        recorded_for: None,
        can_record: false,
        hint: None,
        longest_window: Some(300),
    };
    let page = index(card);
    assert!(
        !page.contains("data-rate") && !page.contains("<select"),
        "{page}"
    );
}

#[test]
fn the_index_lists_the_programs_own_profiles() {
    let heap = Registered {
        name: "heap".to_owned(),
        description: Arc::from(MARKUP),
    };
    let page = text(body([], &Html::default(), &[heap], &ROUTES));
    let description = "<dd>shop::&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</dd>";
    assert_has(&page, &["<a href=\"heap\">heap</a>", description]);
    assert_nothing_inline(&page);
}

#[test]
fn the_table_says_what_could_be_won_where_that_is_not_the_delay() {
    let site = |frames: &[&str], nanos| {
        let frames = frames.iter().map(|frame| match *frame {
            "contend::wakeup" => location(0, &[frame]),
            frame => location(0x2000, &[frame]),
        });
        sample(Kind::MUTEX, 1.0, nanos, &frames.collect::<Vec<_>>())
    };
    let samples = vec![
        site(&["contend::sync::MutexGuard<T>::drop", "shop::pay"], 30_000),
        site(&["contend::wakeup", "shop::pay"], 12_000),
    ];
    let table = viewed(&profile(samples), "", top::content);
    assert_has(
        &table,
        &[
            ">could win</th>",
            "win\" data-value=\"30000\">30.0µs</td>",
            "value\" data-value=\"42000\">42.0µs</td>",
        ],
    );
    assert_nothing_inline(&table);
}

#[test]
fn the_table_has_a_row_for_each_call_site() {
    let table = viewed(&three_sites(), "", top::content);
    assert_eq!(table.matches("<tr role=\"row\">").count(), 1 + 3);
    assert_has(
        &table,
        &[
            "aria-sort=\"descending\">delay</th>",
            "value\" data-value=\"60000000\">60.0ms</td>",
            "<rect width=\"60.00%\"",
            "other\" data-value=\"90000\">90,000 <span class=\"unit\">contentions</span></td>",
            "mean\" data-value=\"667\">667ns</td>",
            ESCAPED,
            "title=\"/home/u/shop/src/pay.rs:5\"><a href=\"function?profile=mutex&amp;name=shop%3A%3Apay\
             &amp;kind=mutex#source\">…/shop/src/pay.rs:5</a></td>",
            "<td role=\"cell\" class=\"where\">-</td>",
        ],
    );
    assert!(!table.contains('±'), "nothing was sampled");
    assert!(!table.contains("could win"), "that is the delay");
    let order =
        ["alert", "shop::<wbr>pay", "shop::<wbr>list"].map(|name| table.find(name).unwrap());
    assert!(order.is_sorted(), "largest delay first");
    assert_nothing_inline(&table);
}

#[test]
fn the_table_shows_the_error_of_what_was_sampled() {
    let stack = |at| [location(at, &[if at == 1 { "f" } else { "g" }])];
    let mut sampled = sample(Kind::MUTEX, 10.0, 1000, &stack(1));
    sampled.variance = 400.0;
    let all = sample(Kind::MUTEX, 10.0, 900, &stack(2));
    let table = viewed(&profile(vec![sampled, all]), "", top::content);
    assert_has(
        &table,
        &[
            ">±</th>",
            "data-value=\"20\">±20ns</td>",
            "data-value=\"0\"></td>",
        ],
    );
}

#[test]
fn an_empty_table_says_why() {
    let empty = profile(vec![]);
    assert_has(
        &viewed(&empty, "", top::content),
        &[&crate::export::why_empty(&empty)],
    );
}

#[test]
fn a_view_sums_up_and_leads_on() {
    let page = viewed(&three_sites(), "", |view| view.body(&Html::default()));
    assert_has(
        &page,
        &[
            "<b>100ms</b> of delay in <b>150,000</b> contentions since the start; rate: every contention; lost: none",
            "<a href=\"flamegraph?profile=mutex\" aria-current=\"true\">mutex</a>",
            "<a href=\"flamegraph?profile=block\">block</a>",
            "<a href=\"top?profile=mutex\">Top</a>",
            "<a href=\"mutex?debug=1\">Text</a> <a href=\"mutex\" download>Download</a>",
            "<option value=\"\">all since the start</option>",
        ],
    );
    let has_tab = page.contains(">Flame graph</a>");
    assert_eq!(has_tab, cfg!(feature = "flamegraph"));
}

#[test]
fn of_a_window_the_files_say_that_they_have_none() {
    let start = profile(vec![]);
    let window = three_sites().since(&start);
    let page = viewed(&window, "seconds=5", |view| view.body(&Html::default()));
    let files = "<a href=\"mutex?debug=1\">Text since the start</a> \
                 <a href=\"mutex\" download>Download since the start</a>";
    assert_has(&page, &["contentions during <b>", files]);
}

#[test]
fn windows_that_the_handler_refuses_are_not_offered() {
    let page = |longest_window| {
        index(Card {
            longest_window,
            ..card(three_sites(), 1)
        })
    };
    assert_has(&page(Some(300)), &["<option value=\"60\">"]);
    assert_has(&page(Some(30)), &["<option value=\"30\">"]);
    assert!(!page(Some(30)).contains("<option value=\"60\">"));
    assert!(!page(Some(7)).contains("<option value=\"10\""));
    assert!(!page(None).contains("<select"));
}

#[test]
fn links_of_a_window_record_another_one() {
    let query = "profile=mutex&seconds=5&fraction=10";
    let page = viewed(&three_sites(), query, |view| view.body(&Html::default()));
    assert_has(
        &page,
        &[
            "<a href=\"top?profile=mutex&amp;seconds=5&amp;fraction=10\" class=\"again\">Top</a>",
            "<a href=\"flamegraph?profile=block&amp;seconds=5\" class=\"again\">block</a>",
            "<option value=\"5\" selected>only the next 5 s</option>",
        ],
    );
    // A length that is not offered can be asked for again.
    let page = viewed(&three_sites(), "seconds=7", |view| {
        view.body(&Html::default())
    });
    assert_has(
        &page,
        &["<option value=\"7\" selected>only the next 7 s</option>"],
    );
    let page = viewed(&three_sites(), "seconds=\"><script>", |view| {
        view.body(&Html::default())
    });
    assert_nothing_inline(&page);
}

#[test]
fn the_page_of_a_function_has_its_neighbours_lines_and_stacks() {
    let query = "name=shop::<script>alert('x')</script>&kind=mutex";
    let page = viewed(&three_sites(), query, function::content);
    assert_has(
        &page,
        &[
            ESCAPED,
            "<b>60.0ms</b> (60.0%) with what it calls, <b>0ns</b> in itself",
            "none: it is where stacks begin",
            "contend::<wbr>sync::<wbr>MutexGuard&lt;T&gt;::<wbr>drop",
            "/home/u/shop/src/&quot;a&quot;.rs",
            "<td class=\"number\">60.0ms</td><td class=\"number line\">7</td>",
            "contend open http://localhost:6060/debug/pprof/mutex",
            "<details class=\"group\" open><summary><span class=\"count\">60.0ms</span>",
        ],
    );
    assert!(!page.contains("shop::<wbr>pay"), "of another one");
    assert_nothing_inline(&page);
    let unknown = viewed(&three_sites(), "name=nothing", function::content);
    assert_has(&unknown, &["it is on no stack of this profile"]);
}

#[test]
fn pages_are_whole_and_have_nothing_inline() {
    for target in [
        "/debug/pprof/",
        "/debug/pprof/top",
        "/debug/pprof/top?profile=block",
        "/debug/pprof/function",
        "/debug/pprof/function?name=%3Cscript%3E&kind=%22",
        // As a form without scripts sends it.
        "/debug/pprof/top?profile=mutex&seconds=&fraction=1",
    ] {
        let page = ask(target);
        assert_eq!(page.status(), 200, "{target}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let page = String::from_utf8(page.into_body()).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        assert_nothing_inline(&page);
    }
}

#[test]
fn every_file_that_a_page_loads_is_there() {
    let mut pages = String::new();
    for target in ["/", "/top", "/flamegraph"] {
        pages += &String::from_utf8_lossy(ask(target).body());
    }
    let addresses = pages.split('"').filter(|part| part.starts_with("assets/"));
    let addresses: Vec<_> = addresses.collect();
    assert!(addresses.len() >= 6, "{addresses:?}");
    for address in addresses {
        let asset = ask(&format!("/debug/pprof/{address}"));
        assert_eq!(asset.status(), 200, "{address}");
        let content_type = match address.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(asset.header("content-type"), Some(content_type));
    }
    assert_eq!(ask("/debug/pprof/assets/nothing.js").status(), 404);
}

#[test]
fn unknown_profiles_and_values_are_errors() {
    let mut wrong = vec![
        "/top?profile=heap",
        "/top?profile=%3Cscript%3E",
        "/top?profile=MUTEX",
    ];
    if cfg!(feature = "flamegraph") {
        wrong.extend(["/flamegraph?value=time", "/flamegraph?profile=1"]);
    }
    for target in wrong {
        let response = ask(target);
        assert_eq!(response.status(), 400, "{target}");
        assert_eq!(
            response.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        let message = String::from_utf8_lossy(response.body());
        assert!(message.starts_with("invalid value for \""), "{message}");
    }
}

#[cfg(not(feature = "flamegraph"))]
#[test]
fn without_its_feature_the_flame_graph_says_how_to_get_it() {
    let response = ask("/debug/pprof/flamegraph?profile=mutex");
    assert_eq!(response.status(), 501);
    assert!(String::from_utf8_lossy(response.body()).contains("feature `flamegraph`"));
}

#[cfg(feature = "flamegraph")]
mod flamegraph {
    use super::super::flamegraph::content;
    use super::*;

    #[test]
    fn the_page_has_a_frame_for_each_function_on_a_path() {
        let page = viewed(&three_sites(), "", content);
        // All, three callers, their wrappers; and the swatch of a kind.
        assert_eq!(page.matches("<rect ").count(), 1 + 3 + 3 + 1);
        assert_has(
            &page,
            &[
                "<svg width=\"100%\" height=\"60\" data-function=\"function?profile=mutex&amp;name=\"",
                "<g class=\"frame all\"",
                "<title>all\n100ms · 100.0%</title><rect data-x=\"0\" data-w=\"100000000\"",
                "<g class=\"frame kind kind0\" tabindex=\"-1\" role=\"button\" data-kind=\"mutex\" \
                 data-short=\"MutexGuard::drop\"><title>contend::sync::MutexGuard&lt;T&gt;::drop [mutex]\n",
                "&lt;script&gt;alert(",
                "<button type=\"button\" data-kind=\"mutex\">",
            ],
        );
        assert_nothing_inline(&page);
        assert!(
            !page.contains("<script") && !page.contains("http:"),
            "{page}"
        );
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    }

    #[test]
    fn frames_are_as_wide_as_the_value_that_is_asked_for() {
        let page = viewed(&three_sites(), "value=contentions", content);
        assert_has(
            &page,
            &["data-w=\"150000\"", "A frame is as wide as its contentions"],
        );
    }

    #[test]
    fn an_empty_graph_says_why() {
        let empty = profile(vec![]);
        let page = viewed(&empty, "", content);
        assert_has(&page, &[&crate::export::why_empty(&empty)]);
        assert!(!page.contains("turn it on"), "it is on");
        let off = with_kind(empty, ProfileKind::Mutex, 0);
        let offers = viewed(&off, "", content).contains("<a href=\"./\">turn it on</a>");
        assert_eq!(offers, cfg!(feature = "profiling"));
        let no_contention = profile(vec![sample(Kind::MUTEX, 0.0, 9, &[location(1, &["f"])])]);
        let page = viewed(&no_contention, "value=contentions", content);
        assert_has(&page, &["the stacks of this profile have no contentions"]);
    }

    #[test]
    fn the_file_is_an_attachment() {
        let file = ask("/debug/pprof/flamegraph?profile=block&value=contentions&download=1");
        assert_eq!(file.header("content-type"), Some("image/svg+xml"));
        assert_eq!(
            file.header("content-disposition"),
            Some("attachment; filename=\"block-contentions.svg\"")
        );
        assert!(file.body().ends_with(b"</svg>\n") || file.body().ends_with(b"</svg>"));
    }
}

/// The block profile of a program that mostly waits for work.
fn mostly_idle() -> Profile {
    let site = |kind, nanos, caller: &str| {
        let wrapper = location(0x2000, &["contend::sync::Mutex<T>::lock"]);
        sample(
            kind,
            1.0,
            nanos,
            &[wrapper, location(0x3000 + nanos, &[caller])],
        )
    };
    let samples = vec![
        site(Kind::CHAN_RECV, 70_000_000, "shop::worker"),
        site(Kind::SLEEP, 20_000_000, "shop::timer"),
        site(Kind::MUTEX, 10_000_000, "shop::pay"),
    ];
    with_kind(profile(samples), ProfileKind::Block, 1)
}

#[test]
fn waits_for_work_are_one_line_that_leads_to_their_rows() {
    let page = index(card(mostly_idle(), 1));
    let line = "waiting for work is left out: 90.0ms (90.0%) in 2 contentions at 2 call sites; \
                <a href=\"top?profile=block&amp;idle=1\">show it</a>";
    assert_has(&page, &[line, "shop::<wbr>pay"]);
    assert!(!page.contains("worker"), "{page}");
    let table = viewed(&mostly_idle(), "", top::content);
    assert_eq!(table.matches("<tr role=\"row\">").count(), 1 + 1);
    let line = "waiting for work is left out: <b>90.0ms</b> (90.0%) at 2 call sites; \
                <a href=\"top?profile=block&amp;idle=1\">show it</a>";
    assert_has(&table, &[line, ">10.0%</span>"]);
    let all = viewed(&mostly_idle(), "idle=1", top::content);
    assert_eq!(all.matches("<tr role=\"row\">").count(), 1 + 3);
    assert_has(&all, &["<a href=\"top?profile=block\">leave it out</a>"]);
    for page in [page, table, all] {
        assert_nothing_inline(&page);
    }
}
