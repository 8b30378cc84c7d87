//! The threads of the program: `threads` and `monitor`, in each form.

use contend::http::{Handler, Request, Response};
use serde_json::Value;

use super::{alone, ask, get};

fn text(response: &Response) -> String {
    assert_eq!(response.status(), 200);
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn json(handler: &Handler, target: &str) -> Value {
    let response = ask(handler, &get(target));
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    serde_json::from_slice(response.body()).unwrap()
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[test]
fn browsers_get_pages_and_others_text() {
    let _alone = alone();
    let handler = Handler::new();
    for path in [
        "/debug/pprof/threads",
        "/debug/pprof/deadlock",
        "/debug/pprof/monitor",
        "/debug/pprof/locks",
    ] {
        let page = ask(&handler, &get(path).header("Accept", BROWSER));
        assert!(text(&page).starts_with("<!DOCTYPE html>"), "{path}");
        let page = ask(&handler, &get(&format!("{path}?form=page")));
        assert!(text(&page).starts_with("<!DOCTYPE html>"), "{path}");
        for accept in ["", "*/*"] {
            let plain = ask(&handler, &get(path).header("Accept", accept));
            assert!(
                !text(&plain).contains("<!DOCTYPE"),
                "{path}: {}",
                text(&plain)
            );
        }
        let target = format!("{path}?form=text");
        let plain = ask(&handler, &get(&target).header("Accept", BROWSER));
        let content_type = plain.header("Content-Type").unwrap();
        assert!(content_type.starts_with("text/plain"), "{content_type}");
        let wrong = ask(&handler, &get(&format!("{path}?form=xml")));
        assert_eq!(wrong.status(), 400);
    }
}

#[test]
fn the_time_of_each_thread_comes_before_the_threads() {
    let _alone = alone();
    let handler = Handler::new();
    let plain = text(&ask(&handler, &get("/debug/pprof/threads?seconds=1")));
    let first = plain.lines().next().unwrap();
    assert!(first.contains(" threads in 1.0"), "{first}");
    #[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
    {
        let table = plain.split("\n\n").next().unwrap();
        assert!(
            table.contains("elsewhere") && table.contains("window"),
            "{table}"
        );
        assert!(plain.contains("the_time_of_each"), "the threads themselves");
        let value = json(&handler, "/debug/pprof/threads?seconds=1&form=json");
        let times = value["accounting"]["threads"].as_array().unwrap();
        for time in times {
            let part = |name: &str| time[name].as_u64().unwrap();
            let waits = time["waits_nanos"].as_object().unwrap().values();
            let waits: u64 = waits.map(|nanos| nanos.as_u64().unwrap()).sum();
            let parts = part("on_cpu_nanos") + part("runnable_nanos") + part("elsewhere_nanos");
            assert_eq!(
                parts + waits + part("not_started_nanos"),
                part("window_nanos")
            );
        }
        let page = ask(&handler, &get("/debug/pprof/threads?seconds=1&form=page"));
        assert!(text(&page).contains("Where the time of each thread went"));
    }
    for wrong in ["seconds=0", "seconds=301", "seconds=x"] {
        let target = format!("/debug/pprof/threads?{wrong}");
        assert_eq!(ask(&handler, &get(&target)).status(), 400, "{wrong}");
    }
}

#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_json_of_threads_says_what_the_dump_says() {
    let _alone = alone();
    let value = json(&Handler::new(), "/debug/pprof/threads?form=json");
    let threads = value["threads"].as_array().unwrap();
    let own: Vec<&Value> = threads
        .iter()
        .filter(|thread| thread["is_dumper"] == true)
        .collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["state"], "running");
    assert_eq!(own[0]["category"], "running");
    assert!(own[0]["cpu_nanos"].as_u64().unwrap() > 0);
    let stack = own[0]["stack"].as_array().unwrap();
    let is_here = |frame: &Value| {
        frame["function"]
            .as_str()
            .unwrap()
            .contains("the_json_of_threads")
            && frame["line"].as_u64().unwrap() > 0
    };
    assert!(stack.iter().any(is_here), "{stack:?}");
}

#[test]
fn the_monitor_reports_if_there_is_one() {
    let _alone = alone();
    let handler = Handler::new();
    let target = "/debug/pprof/monitor?form=json";
    assert_eq!(json(&handler, target)["monitor"], Value::Null);
    let none = text(&ask(&handler, &get("/debug/pprof/monitor")));
    assert!(none.contains("CONTEND_MONITOR=1s"), "{none}");
    let interval = std::time::Duration::from_millis(10);
    let monitor = contend::Monitor::builder()
        .interval(interval)
        .history(2)
        .start();
    let monitor = monitor.unwrap();
    let report = loop {
        let report = json(&handler, target);
        if report["monitor"]["history"].as_array().unwrap().len() == 2 {
            break report;
        }
    };
    let report = &report["monitor"];
    assert_eq!(report["threads"], report["history"][1]["threads"]);
    assert_eq!(report["health"].as_array().unwrap().len(), 4);
    let page = text(&ask(&handler, &get("/debug/pprof/monitor?form=page")));
    assert!(page.contains("<svg class=\"chart\"") && page.contains("The rule: "));
    drop(monitor);
    assert_eq!(json(&handler, target)["monitor"], Value::Null);
}

/// A page of another site must not make a browser interrupt the program.
#[test]
fn other_sites_may_not_ask_for_threads() {
    let _alone = alone();
    let handler = Handler::new();
    let status = |target: &str| {
        let request = Request::new("GET", target).header("Sec-Fetch-Site", "cross-site");
        handler.handle(&request).status()
    };
    assert_eq!(status("/debug/pprof/threads?form=page"), 403);
    assert_eq!(
        (status("/debug/pprof/"), status("/debug/pprof/monitor")),
        (200, 200)
    );
}

#[test]
fn without_a_deadlock_there_is_none() {
    let _alone = alone();
    let handler = Handler::new();
    let value = json(&handler, "/debug/pprof/deadlock?form=json");
    assert_eq!(value["deadlocks"].as_array().unwrap().len(), 0);
    let plain = text(&ask(&handler, &get("/debug/pprof/deadlock")));
    assert!(plain.starts_with("no deadlock"), "{plain}");
    let page = text(&ask(&handler, &get("/debug/pprof/")));
    assert!(!page.contains("class=\"alarm\""), "{page}");
}

/// This test holds a lock that another thread waits for, which holds one that two wait for.
#[cfg(all(feature = "framehop", target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_page_draws_who_blocks_whom() {
    use contend::sync::Mutex;

    let _alone = alone();
    let handler = Handler::new();
    let (inner, outer) = (Mutex::new(()), Mutex::new(()));
    let held = inner.lock().unwrap();
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let middle = || {
            let _outer = outer.lock().unwrap();
            drop(inner.lock());
        };
        named("middle").spawn_scoped(scope, middle).unwrap();
        let waits = |name: &str| {
            let value = json(&handler, "/debug/pprof/threads?form=json");
            let threads = value["threads"].as_array().unwrap().clone();
            let mut named = threads.into_iter().filter(|thread| thread["name"] == name);
            named.find(|thread| !thread["wait"].is_null())
        };
        while waits("middle").is_none() {}
        for number in 0..2 {
            let name = format!("crowd-{number}");
            named(&name)
                .spawn_scoped(scope, || drop(outer.lock()))
                .unwrap();
            while waits(&name).is_none() {}
        }
        let crowd = waits("crowd-0").unwrap();
        let holders = crowd["wait"]["holders"].as_array().unwrap();
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0]["name"], "middle");
        let page = text(&ask(&handler, &get("/debug/pprof/threads?form=page")));
        let count = |what: &str| page.matches(what).count();
        // The crowd, its lock, the middle, its lock, and this thread.
        assert_eq!(
            (count("class=\"node thread\""), count("class=\"node lock\"")),
            (3, 2)
        );
        assert_eq!((count("class=\"edge\""), count(" cycle\"")), (4, 0));
        assert!(
            page.contains("2 × crowd") && page.contains("2 wait, \u{2264} "),
            "{page}"
        );
        drop(held);
    });
}

#[cfg(feature = "profiling")]
#[test]
fn locks_with_names_are_listed_in_each_form() {
    let _alone = alone();
    let handler = Handler::new();
    super::set_rates(0, 1);
    let lock = contend::sync::named_mutex(&"a <named> lock", ());
    let none = json(&handler, "/debug/pprof/locks?form=json");
    let is_own = |lock: &&Value| lock["name"] == "a <named> lock";
    assert!(
        !none["locks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|lock| is_own(&lock))
    );
    let guard = lock.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(lock.lock()));
        loop {
            let locks = json(&handler, "/debug/pprof/locks?form=json");
            let mut locks = locks["locks"].as_array().unwrap().iter();
            if locks.any(|lock| is_own(&lock) && lock["waiting"] == 1) {
                break;
            }
        }
        drop(guard);
    });
    let locks = json(&handler, "/debug/pprof/locks?form=json");
    let own = locks["locks"]
        .as_array()
        .unwrap()
        .iter()
        .find(is_own)
        .unwrap();
    assert_eq!(
        (&own["kind"], &own["contentions"]),
        (&"mutex".into(), &1.into())
    );
    assert_eq!(
        (&own["waiting"], &own["p50_nanos"]),
        (&0.into(), &own["longest_nanos"])
    );
    assert_eq!(own["delay_nanos"], own["longest_nanos"]);
    let buckets = own["histogram"].as_array().unwrap();
    assert!(buckets.last().unwrap()["up_to_nanos"].is_null());
    let waits: f64 = buckets
        .iter()
        .map(|bucket| bucket["waits"].as_f64().unwrap())
        .sum();
    assert_eq!(waits, 1.0);
    let plain = text(&ask(&handler, &get("/debug/pprof/locks")));
    assert!(
        plain.contains("a <named> lock (mutex): 1 contentions, "),
        "{plain}"
    );
    let page = text(&ask(&handler, &get("/debug/pprof/locks?form=page")));
    assert!(page.contains(">a &lt;named&gt; lock</td>"), "{page}");
    let wrong = ask(&handler, &get("/debug/pprof/locks?seconds=1"));
    assert_eq!(wrong.status(), 400);
}
