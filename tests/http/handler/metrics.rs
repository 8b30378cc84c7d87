//! `/debug/pprof/metrics`: read by a parser of its own, and held against what the test has seen.

use std::collections::BTreeMap;

#[cfg(feature = "profiling")]
use super::set_rates;
use super::{Handler, alone, ask, get, text};

/// A sample's name and labels.
type Key = (String, BTreeMap<String, String>);

/// A text of metrics: each sample, and the type and the unit of each family.
#[derive(Default)]
struct Parsed {
    samples: BTreeMap<Key, f64>,
    types: BTreeMap<String, String>,
    units: BTreeMap<String, String>,
    ended: bool,
}

impl Parsed {
    #[track_caller]
    fn of(text: &str) -> Self {
        let mut parsed = Self::default();
        let mut family = String::new();
        for line in text.split_terminator('\n') {
            assert!(!parsed.ended, "after the end: {line}");
            match line.strip_prefix("# ") {
                Some("EOF") => parsed.ended = true,
                Some(comment) => {
                    let mut words = comment.splitn(3, ' ');
                    let mut word = || words.next().expect(line).to_owned();
                    let (what, name, rest) = (word(), word(), word());
                    match &*what {
                        "HELP" => family = name,
                        "TYPE" => {
                            assert_eq!(name, family);
                            assert_eq!(parsed.types.insert(name, rest), None, "{line}");
                        }
                        "UNIT" => {
                            assert!(name == family && name.ends_with(&rest), "{line}");
                            parsed.units.insert(name, rest);
                        }
                        other => panic!("{other}: {line}"),
                    }
                }
                None => parsed.sample(&family, line),
            }
        }
        parsed
    }

    fn sample(&mut self, family: &str, line: &str) {
        let end = line.find(['{', ' ']).expect(line);
        let (name, mut rest) = line.split_at(end);
        assert!(name.starts_with(family), "{line} is not of {family}");
        let mut labels = BTreeMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            while !rest.starts_with('}') {
                let (key, after) = rest.split_once("=\"").expect(line);
                let mut value = String::new();
                let mut chars = after.char_indices();
                let end = loop {
                    match chars.next().expect(line) {
                        (at, '"') => break at,
                        (_, '\\') => value.push(match chars.next().expect(line).1 {
                            'n' => '\n',
                            same @ ('\\' | '"') => same,
                            other => panic!("\\{other}: {line}"),
                        }),
                        (_, char) => value.push(char),
                    }
                };
                assert_eq!(labels.insert(key.to_owned(), value), None, "{line}");
                rest = &after[end + 1..];
                rest = rest.strip_prefix(',').unwrap_or(rest);
            }
            rest = &rest[1..];
        }
        let value = rest.strip_prefix(' ').expect(line).parse().expect(line);
        let before = self.samples.insert((name.to_owned(), labels), value);
        assert_eq!(before, None, "twice: {line}");
    }

    /// The value of the sample with this one label; 0 where there is none.
    fn value(&self, name: &str, key: &str, value: &str) -> f64 {
        let labels = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let value = self.samples.get(&(name.to_owned(), labels));
        value.copied().unwrap_or(0.0)
    }

    /// The bounds of a kind's buckets in seconds, with the count up to each.
    #[cfg(feature = "profiling")]
    fn buckets(&self, kind: &str) -> Vec<(f64, f64)> {
        let samples = self.samples.iter().filter(|((name, labels), _)| {
            name == "contend_wait_duration_seconds_bucket" && labels["kind"] == kind
        });
        let mut buckets: Vec<_> = samples
            .map(|((_, labels), count)| {
                (labels["le"].replace("+Inf", "inf").parse().unwrap(), *count)
            })
            .collect();
        buckets.sort_by(|one: &(f64, f64), other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{buckets:?}");
        buckets
    }
}

fn open_metrics(handler: &Handler) -> Parsed {
    let accept = "application/openmetrics-text; version=1.0.0, */*;q=0.1";
    let request = get("/debug/pprof/metrics").header("Accept", accept);
    let response = ask(handler, &request);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(response.header("Content-Type"), Some(content_type));
    let parsed = Parsed::of(text(&response));
    assert!(parsed.ended);
    parsed
}

#[test]
fn each_form_is_what_its_readers_expect() {
    let _alone = alone();
    let handler = Handler::new();
    let parsed = open_metrics(&handler);
    assert_eq!(parsed.types["contend_waits"], "counter");
    assert_eq!(parsed.types["contend_build"], "info");
    assert_eq!(parsed.units["contend_wait_duration_seconds"], "seconds");
    assert_eq!(
        parsed.value("contend_build_info", "version", env!("CARGO_PKG_VERSION")),
        1.0
    );
    let response = ask(&handler, &get("/debug/pprof/metrics"));
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(response.header("Content-Type"), Some(content_type));
    let parsed = Parsed::of(text(&response));
    assert!(!parsed.ended && parsed.units.is_empty());
    assert_eq!(parsed.types["contend_waits_total"], "counter");
    assert_eq!(parsed.types["contend_build_info"], "gauge");
    let mut written = Vec::new();
    contend::write_metrics(&mut written).unwrap();
    let written = Parsed::of(std::str::from_utf8(&written).unwrap());
    assert_eq!(written.types, parsed.types);
    let refused = ask(&handler, &get("/debug/pprof/metrics?seconds=1"));
    assert_eq!(refused.status(), 400);
}

/// Waits of lengths from 2 µs to 2 ms, as many short as long: how long each was at least and at
/// most, in seconds.
#[cfg(feature = "profiling")]
fn waits(kind: &'static str) -> (Vec<f64>, Vec<f64>) {
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    let length = |index: u32| Duration::from_secs_f64(2e-6 * 1000_f64.powf(f64::from(index) / 2e3));
    let both = (0..2000).map(|index| {
        let outside = Instant::now();
        let inside = contend::blocking(kind, || {
            let begin = Instant::now();
            while begin.elapsed() < length(index) {
                black_box(index);
            }
            begin.elapsed()
        });
        (inside.as_secs_f64(), outside.elapsed().as_secs_f64())
    });
    let (mut least, mut most): (Vec<_>, Vec<_>) = both.unzip();
    least.sort_by(f64::total_cmp);
    most.sort_by(f64::total_cmp);
    (least, most)
}

/// The number of the bucket that the quantile is in.
#[cfg(feature = "profiling")]
fn bucket_of_quantile(buckets: &[(f64, f64)], quantile: f64) -> usize {
    let rank = quantile * buckets[buckets.len() - 1].1;
    let bucket = buckets.iter().position(|(_, count)| *count >= rank);
    bucket.unwrap()
}

#[cfg(feature = "profiling")]
#[track_caller]
fn assert_quantiles(
    parsed: &Parsed,
    kind: &str,
    (least, most): &(Vec<f64>, Vec<f64>),
    slack: usize,
) {
    let buckets = parsed.buckets(kind);
    let bucket_of = |seconds: f64| {
        buckets
            .iter()
            .position(|(bound, _)| seconds <= *bound)
            .unwrap()
    };
    for quantile in [0.5, 0.99] {
        let rank = (quantile * least.len() as f64).ceil() as usize - 1;
        // Nanoseconds of the clocks, at a bound.
        let (low, high) = (least[rank] - 1e-7, most[rank] + 1e-7);
        let expected = bucket_of(low).saturating_sub(slack)..=bucket_of(high) + slack;
        let found = bucket_of_quantile(&buckets, quantile);
        assert!(
            expected.contains(&found),
            "p{quantile}: {found}, not {expected:?}: {buckets:?}"
        );
    }
}

#[cfg(feature = "profiling")]
#[test]
fn a_histogram_has_the_quantiles_of_the_truth() {
    let _alone = alone();
    let handler = Handler::new();
    set_rates(0, 1);
    let kind = "every \"wait\"\\\n";
    let truth = waits(kind);
    let parsed = open_metrics(&handler);
    assert_quantiles(&parsed, kind, &truth, 0);
    assert_eq!(parsed.value("contend_waits_total", "kind", kind), 2000.0);
    assert_eq!(
        parsed.value("contend_wait_duration_seconds_count", "kind", kind),
        2000.0
    );
    let seconds = parsed.value("contend_wait_seconds_total", "kind", kind);
    let (least, most): (f64, f64) = (truth.0.iter().sum(), truth.1.iter().sum());
    assert!(
        (least * 0.999..=most * 1.001).contains(&seconds),
        "{least} {seconds} {most}"
    );
    let sum = parsed.value("contend_wait_duration_seconds_sum", "kind", kind);
    assert_eq!(sum, seconds);

    // The standard error of the count is some 50; the median moves by a bucket at 400.
    set_rates(0, 20_000);
    let truth = waits("sampled");
    let parsed = open_metrics(&handler);
    assert_quantiles(&parsed, "sampled", &truth, 1);
    let count = parsed.value("contend_waits_total", "kind", "sampled");
    assert!((1600.0..2400.0).contains(&count), "{count}");
}

#[cfg(feature = "profiling")]
#[test]
fn waits_go_on_over_a_reset_and_others_begin_again() {
    use contend::sync::Mutex;

    let _alone = alone();
    let handler = Handler::new();
    set_rates(1, 1);
    let before = open_metrics(&handler);
    let lock = Mutex::new(());
    let guard = lock.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(lock.lock()));
        loop {
            let now = open_metrics(&handler);
            if now.value("contend_waiting_threads", "kind", "mutex") == 1.0 {
                assert!(now.value("contend_oldest_wait_seconds", "kind", "mutex") >= 0.0);
                break;
            }
        }
        drop(guard);
    });
    let after = open_metrics(&handler);
    let gained = |parsed: &Parsed, name: &str| {
        parsed.value(name, "kind", "mutex") - before.value(name, "kind", "mutex")
    };
    assert_eq!(gained(&after, "contend_waits_total"), 1.0);
    assert_eq!(gained(&after, "contend_contentions_total"), 1.0);
    let (waited, charged) = (
        "contend_wait_seconds_total",
        "contend_contention_seconds_total",
    );
    let difference = gained(&after, waited) - gained(&after, charged);
    assert!(difference.abs() < 1e-8, "{difference}");
    assert_eq!(after.value("contend_waiting_threads", "kind", "mutex"), 0.0);
    let counters = |parsed: &Parsed| {
        let counters = parsed.samples.clone().into_iter();
        let counters = counters.filter(|((name, _), _)| {
            name.ends_with("_total") || name.ends_with("_bucket") || name.ends_with("_sum")
        });
        counters.collect::<Vec<_>>()
    };
    for (key, count) in counters(&before) {
        assert!(after.samples[&key] >= count, "{key:?}");
    }
    contend::reset();
    let reset = open_metrics(&handler);
    assert_eq!(gained(&reset, "contend_waits_total"), 1.0);
    assert_eq!(
        reset.value("contend_contentions_total", "kind", "mutex"),
        0.0
    );
}

#[cfg(feature = "profiling")]
#[test]
fn a_lock_with_a_name_has_its_own_numbers() {
    use contend::sync::{Mutex, named_mutex};

    let _alone = alone();
    let handler = Handler::new();
    set_rates(0, 1);
    let name = "a \"lock\"\\\n";
    let lock: Mutex<()> = named_mutex(contend::lock_name(name), ());
    let value = |parsed: &Parsed, metric: &str| {
        let labels = [("lock", name), ("kind", "mutex")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let key = (metric.to_owned(), BTreeMap::from(labels));
        parsed.samples.get(&key).copied()
    };
    assert_eq!(
        value(&open_metrics(&handler), "contend_lock_waits_total"),
        None
    );
    let guard = lock.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| drop(lock.lock()));
        let waiting = |parsed: &Parsed| value(parsed, "contend_lock_waiting_threads");
        while waiting(&open_metrics(&handler)) != Some(1.0) {}
        drop(guard);
    });
    let parsed = open_metrics(&handler);
    assert_eq!(value(&parsed, "contend_lock_waits_total"), Some(1.0));
    assert_eq!(value(&parsed, "contend_lock_waiting_threads"), Some(0.0));
    let of_histogram = |ending: &str| {
        let metric = format!("contend_lock_wait_duration_seconds{ending}");
        value(&parsed, &metric)
    };
    assert_eq!(of_histogram("_count"), Some(1.0));
    let seconds = value(&parsed, "contend_lock_wait_seconds_total");
    assert!(seconds > Some(0.0) && seconds == of_histogram("_sum"));
    let of_lock = contend::locks();
    let of_lock = of_lock.iter().find(|lock| lock.name() == name).unwrap();
    assert_eq!(Some(of_lock.delay().as_secs_f64()), seconds);
    let buckets = parsed.samples.iter().filter(|((metric, labels), _)| {
        metric == "contend_lock_wait_duration_seconds_bucket" && labels["lock"] == name
    });
    let bound = |text: &str| text.replace("+Inf", "inf").parse::<f64>().unwrap();
    let buckets: Vec<(f64, f64)> = buckets
        .map(|((_, labels), count)| (bound(&labels["le"]), *count))
        .collect();
    assert_eq!(buckets.len(), of_lock.histogram().count());
    for (bound, count) in buckets {
        let is_within = seconds.unwrap() <= bound;
        assert_eq!(count, f64::from(u8::from(is_within)), "up to {bound}");
    }
}
