//! Files are read back by other means, and compared with what people should see.

mod decoder;
mod save;

use std::collections::HashSet;
use std::sync::Arc;

use super::*;
use crate::profile::kind::Kind;
use crate::profile::lost::Lost;
use crate::profile::tests::{location, profile, program, sample, with_kind, with_lost};
use crate::profile::{Location, ProfileKind, Sample, Unread};
use decoder::Decoded;

const LOCK: &str = "contend::sync::Mutex<T>::lock@/c/contend/src/sync/mutex.rs:40";
const DROP: &str = "contend::sync::MutexGuard<u64>::drop@/c/contend/src/sync/mutex.rs:90";
const MEM_DROP: &str = "core::mem::drop@/rustc/0123/library/core/src/mem/mod.rs:960";
const GET: &str = "<shop::Cache<K> as shop::Get>::get@/home/u/shop/src/cache.rs:12";
const MAIN: &str = "shop::main@/home/u/shop/src/main.rs:7";

fn two_sites() -> Vec<Sample> {
    let main = location(0x5000, &[MAIN]);
    vec![
        sample(
            Kind::MUTEX,
            3.0,
            3_000_000,
            &[location(0x2000, &[DROP, MEM_DROP, GET]), Arc::clone(&main)],
        ),
        sample(
            Kind::RWLOCK_WRITE,
            1.5,
            1_000_000,
            &[location(0x3000, &[LOCK]), main],
        ),
    ]
}

fn unnamed(address: u64) -> Arc<Location> {
    let mut location = Arc::into_inner(location(address, &["0x6000 (shop+0x5400)"])).unwrap();
    location.symbolized = false;
    Arc::new(location)
}

/// Reads a profile that is not yet written.
impl Decoded {
    fn of(profile: &Profile) -> Self {
        let mut file = Vec::new();
        profile.write_pprof(&mut file).unwrap();
        Self::from_gzip(&file)
    }
}

fn strings(frames: &[&str]) -> Vec<String> {
    frames.iter().map(|frame| frame.to_string()).collect()
}

#[test]
fn a_profile_reads_back() {
    let profile = profile(two_sites());
    let decoded = Decoded::of(&profile);
    assert_eq!(
        decoded.sample_types(),
        [("contentions", "count"), ("delay", "nanoseconds")]
    );
    assert_eq!(decoded.period_type(), ("contentions", "count"));
    assert_eq!(
        (decoded.raw.period, decoded.default_sample_type()),
        (1, "delay")
    );
    assert_eq!(
        decoded.stacks(),
        [
            (
                vec![3, 3_000_000],
                "mutex",
                strings(&[DROP, MEM_DROP, GET, MAIN])
            ),
            (vec![2, 1_000_000], "rwlock_write", strings(&[LOCK, MAIN])),
        ]
    );
    assert_eq!(
        decoded.comments(),
        [
            concat!("contend ", env!("CARGO_PKG_VERSION")),
            "mutex_profile_fraction=1",
            "lost: none"
        ]
    );
    let time = profile
        .time()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(decoded.raw.time_nanos as u128, time.as_nanos());
    assert_eq!(decoded.raw.duration_nanos, 0);
}

#[test]
fn ids_resolve_and_entries_are_shared() {
    let decoded = Decoded::of(&profile(two_sites()));
    let raw = &decoded.raw;
    assert_eq!(raw.string_table[0], "");
    let strings: HashSet<_> = raw.string_table.iter().collect();
    assert_eq!(
        strings.len(),
        raw.string_table.len(),
        "a string is there twice"
    );
    assert_eq!(raw.location.len(), 3, "the caller of both is there once");
    assert_eq!(raw.function.len(), 5);
    let unique =
        |ids: Vec<u64>| ids.iter().collect::<HashSet<_>>().len() == ids.len() && !ids.contains(&0);
    assert!(unique(raw.location.iter().map(|entry| entry.id).collect()));
    assert!(unique(raw.function.iter().map(|entry| entry.id).collect()));
    assert!(unique(raw.mapping.iter().map(|entry| entry.id).collect()));
    for function in &raw.function {
        let [name, system_name] =
            [function.name, function.system_name].map(|index| decoded.string(index));
        assert_ne!(name, system_name);
    }
}

#[test]
fn mappings_tell_the_program_and_how_far_it_was_named() {
    let decoded = Decoded::of(&profile(two_sites()));
    let [mapping] = &*decoded.raw.mapping else {
        panic!("one mapping, not {:?}", decoded.raw.mapping);
    };
    let expected = program();
    assert_eq!(
        (mapping.memory_start, mapping.memory_limit),
        (expected.start, expected.limit)
    );
    assert_eq!(mapping.file_offset, expected.file_offset);
    assert_eq!(decoded.string(mapping.filename), &*expected.file);
    assert_eq!(decoded.string(mapping.build_id), "c0ffee");
    assert!(mapping.has_functions && mapping.has_filenames);
    assert!(mapping.has_line_numbers && mapping.has_inline_frames);
    assert!(
        decoded
            .raw
            .location
            .iter()
            .all(|location| location.mapping_id == mapping.id)
    );
}

#[test]
fn addresses_without_names_are_left_for_later() {
    let decoded = Decoded::of(&profile(vec![sample(
        Kind::MUTEX,
        1.0,
        1,
        &[unnamed(0x6000)],
    )]));
    let [location] = &*decoded.raw.location else {
        panic!("one location, not {:?}", decoded.raw.location);
    };
    assert_eq!((location.address, location.line.len()), (0x6000, 0));
    assert_eq!(location.mapping_id, 1);
    assert!(!decoded.raw.mapping[0].has_functions);
}

#[test]
fn code_without_names_says_why() {
    let unread = |file: &str| Unread {
        file: file.into(),
        why: "Permission denied\n(os error 13)".to_owned(),
    };
    let named = || sample(Kind::MUTEX, 1.0, 750, &[location(0x2000, &[GET])]);
    let nameless = sample(Kind::MUTEX, 1.0, 250, &[unnamed(0x6000)]);
    let both = profile(vec![named(), nameless]);
    let both = both.with_unread(vec![unread("/opt/shop/bin/shop"), unread("/opt/other.so")]);
    let why = "code of /opt/shop/bin/shop has no names, on stacks with 25.0% of the delay: its file \
               cannot be read (Permission denied\\n(os error 13)); turn profiling on while it can";
    let table = both.to_string();
    assert_eq!(table.lines().last(), Some(why), "{table}");
    assert_eq!(Decoded::of(&both).comments().last(), Some(&why));
    assert!(text_of(&both).ends_with(&format!("\n# {why}\n")));
    // Nobody hears of a file whose code is left out.
    let rest = both.focus(GET).since(&profile(vec![]));
    assert!(!rest.to_string().contains("has no names"), "{rest}");
}

#[test]
fn what_stands_for_no_code_has_no_mapping() {
    let overflow = location(0, &["contend::overflow"]);
    let decoded = Decoded::of(&profile(vec![sample(Kind::ONCE, 1.0, 1, &[overflow])]));
    assert_eq!(decoded.raw.location[0].mapping_id, 0);
    assert_eq!(
        decoded.stacks(),
        [(vec![1, 1], "once", strings(&["contend::overflow"]))]
    );
}

#[test]
fn a_delta_has_its_duration() {
    let earlier = profile(vec![]);
    let later = profile(two_sites());
    let delta = later.since(&earlier);
    let decoded = Decoded::of(&delta);
    assert_eq!(
        decoded.raw.duration_nanos as u128,
        delta.duration().unwrap().as_nanos()
    );
}

#[test]
fn numbers_too_large_for_the_format_are_cut() {
    let decoded = Decoded::of(&profile(vec![sample(
        Kind::MUTEX,
        1e300,
        u64::MAX,
        &[unnamed(0x6000)],
    )]));
    assert_eq!(decoded.raw.sample[0].value, [i64::MAX, i64::MAX]);
}

#[test]
fn an_empty_profile_says_why() {
    let on = profile(vec![]);
    let off = with_kind(profile(vec![]), ProfileKind::Mutex, 0);
    let block = with_kind(profile(vec![]), ProfileKind::Block, 0);
    let lost = Lost {
        reentrant: 3,
        ..Lost::default()
    };
    let lossy = with_lost(profile(vec![]), lost);
    let delta = profile(vec![]).since(&on);
    let table: &[(&Profile, &str)] = match cfg!(feature = "profiling") {
        true => &[
            (
                &on,
                "the mutex profile is empty: no wait has ended since it was turned on; those in progress are recorded when they end",
            ),
            (
                &off,
                "the mutex profile is empty: it is off; call contend::set_mutex_profile_fraction(100) to record",
            ),
            (
                &block,
                "the block profile is empty: it is off; call contend::set_block_profile_rate(1_000_000) to record",
            ),
            (
                &lossy,
                "the mutex profile is empty: no contention was recorded, but events were lost (reentrant 3)",
            ),
            (
                &delta,
                "the mutex profile is empty: no wait has ended in this time; those in progress are recorded when they end",
            ),
        ],
        false => &[(
            &off,
            "the mutex profile is empty: contend was built without its feature `profiling`",
        )],
    };
    for (profile, why) in table {
        assert_eq!(profile.to_string(), format!("{why}\n"));
        assert_eq!(Decoded::of(profile).comments().last(), Some(why));
        assert!(text_of(profile).ends_with(&format!("\n# {why}\n")));
    }
}

fn text_of(profile: &Profile) -> String {
    let mut bytes = Vec::new();
    profile.write_text(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn text_has_the_form_of_gos() {
    assert_eq!(
        text_of(&profile(two_sites())),
        "\
--- mutex:
cycles/second=1000000000
sampling period=1
3000000 3 @ 0x2001 0x5001
#\tkind: mutex
#\t0x2000\tcontend::sync::MutexGuard<u64>::drop\t/c/contend/src/sync/mutex.rs:90
#\t0x2000\tcore::mem::drop\t/rustc/0123/library/core/src/mem/mod.rs:960
#\t0x2000\t<shop::Cache<K> as shop::Get>::get\t/home/u/shop/src/cache.rs:12
#\t0x5000\tshop::main\t/home/u/shop/src/main.rs:7

1000000 2 @ 0x3001 0x5001
#\tkind: rwlock_write
#\t0x3000\tcontend::sync::Mutex<T>::lock\t/c/contend/src/sync/mutex.rs:40
#\t0x5000\tshop::main\t/home/u/shop/src/main.rs:7

"
    );
}

#[test]
fn text_of_the_block_profile_has_no_period_and_names_losses() {
    let lost = Lost {
        stack_table_full: 2,
        ..Lost::default()
    };
    let stack = [location(0, &["contend::overflow"])];
    let profile = profile(vec![sample(Kind::CONDVAR, 1.0, 5, &stack)]);
    assert_eq!(
        text_of(&with_lost(with_kind(profile, ProfileKind::Block, 1), lost)),
        "\
--- contention:
cycles/second=1000000000
5 1 @ 0x1
#\tkind: condvar
#\t0x0\tcontend::overflow

# lost: stack table full 2
"
    );
}

#[test]
fn names_cannot_forge_lines_of_text() {
    let stack = [location(0x2000, &["a\nb\t1 1@/x\ny.rs:1"])];
    let text = text_of(&profile(vec![sample(Kind::MUTEX, 1.0, 1, &stack)]));
    assert!(
        text.contains("\n#\t0x2000\ta\\nb\\t1 1\t/x\\ny.rs:1\n"),
        "{text}"
    );
}

#[test]
fn the_table_sums_by_call_site() {
    let mut samples = two_sites();
    // Another way to the same site: one row.
    samples.push(sample(
        Kind::MUTEX,
        1.0,
        500_000,
        &[
            location(0x2100, &[DROP, GET]),
            location(0x7000, &["shop::other@/home/u/shop/src/main.rs:9"]),
        ],
    ));
    assert_eq!(
        profile(samples).to_string(),
        "\
mutex profile: 4.50ms of delay in 6 contentions; rate: 1 in 1; lost: none
2 of 2 call sites, with 100.0% of the delay:
 delay  share  contentions   mean  kind          function                            file:line
3.50ms  77.8%            4  875µs  mutex         <shop::Cache<K> as shop::Get>::get  …/shop/src/cache.rs:12
1.00ms  22.2%            2  667µs  rwlock_write  shop::main                          …/shop/src/main.rs:7
"
    );
}

#[test]
fn the_table_shows_as_many_rows_as_asked_and_the_error_of_sampling() {
    let mut samples = two_sites();
    samples[0].variance = 1e10;
    let profile = with_kind(profile(samples), ProfileKind::Mutex, 100);
    assert_eq!(
        profile.top(1).to_string(),
        "\
mutex profile: 4.00ms of delay in 5 contentions; rate: 1 in 100; lost: none
1 of 2 call sites, with 75.0% of the delay:
 delay   error  share  contentions    mean  kind   function                            file:line
3.00ms  ±100µs  75.0%            3  1.00ms  mutex  <shop::Cache<K> as shop::Get>::get  …/shop/src/cache.rs:12
"
    );
}

#[test]
fn what_could_be_won_is_the_delay_without_wakeups() {
    let site = [location(0x2000, &[DROP, GET]), location(0x5000, &[MAIN])];
    let mut after = vec![location(0, &["contend::wakeup"])];
    after.extend(site.iter().cloned());
    let samples = || {
        vec![
            sample(Kind::MUTEX, 2.0, 3_000_000, &site),
            sample(Kind::MUTEX, 0.0, 1_000_000, &after),
        ]
    };
    let expected = "\
mutex profile: 4.00ms of delay in 2 contentions; rate: 1 in 1; lost: none
1 of 1 call sites, with 100.0% of the delay:
 delay   share  could win  contentions    mean  kind   function                            file:line
4.00ms  100.0%     3.00ms            2  2.00ms  mutex  <shop::Cache<K> as shop::Get>::get  …/shop/src/cache.rs:12
contend::wakeup has 25.0% of the delay: the lock was free: the woken thread had no processor yet; \
shorter sections do not help
";
    assert_eq!(profile(samples()).to_string(), expected);
    let mut window = profile(samples());
    window.duration = Some(std::time::Duration::from_millis(6));
    let table = window.to_string();
    assert!(table.contains("3.00ms (0.50 threads)"), "{table}");
    // In the block profile nobody holds anything.
    let block = with_kind(profile(samples()), ProfileKind::Block, 1).to_string();
    assert!(!block.contains("could win"), "{block}");
}

#[test]
fn frames_that_stand_for_no_code_are_explained_where_they_matter() {
    let stand_in = |name: &str, nanos| sample(Kind::MUTEX, 1.0, nanos, &[location(0, &[name])]);
    let shop = || sample(Kind::MUTEX, 1.0, 9_000, &[location(0x2000, &[GET])]);
    let table = profile(vec![
        shop(),
        stand_in("contend::unattributed", 950),
        stand_in("contend::no_stack", 50),
    ])
    .to_string();
    let last = table.lines().last().unwrap();
    assert_eq!(
        last,
        "contend::unattributed has 9.5% of the delay: \
         nobody was seen to end this waiting"
    );
    assert!(!table.contains("contend::no_stack has"), "{table}");
    assert!(!profile(vec![shop()]).to_string().contains(" has "));
}

#[test]
fn names_from_outside_stay_on_their_line_in_every_text() {
    let name = "f\n1 1 # 0x1\t\u{1b}[2J";
    let stack = [location(0x2000, &[DROP]), location(0x3000, &[name])];
    let profile = profile(vec![sample(Kind::MUTEX, 1.0, 7, &stack)]);
    let diff = profile.diff(&super::super::profile::tests::profile(vec![]));
    let clean = r"f\n1 1 # 0x1\t\u{1b}[2J";
    for text in [text_of(&profile), profile.to_string(), diff.to_string()] {
        assert!(text.contains(clean), "{text}");
        assert!(
            !text.contains('\u{1b}') && !text.contains("\n1 1 #"),
            "{text}"
        );
    }
}

#[cfg(feature = "profiling")]
#[test]
fn kinds_from_outside_stay_on_their_line_in_every_text() {
    let kind = Kind::named("db\n# lost: none\n1 1 @ 0x1\u{9b}");
    let stack = [location(0x2000, &[DROP]), location(0x3000, &[GET])];
    let profile = profile(vec![sample(kind, 1.0, 7, &stack)]);
    let clean = r"db\n# lost: none\n1 1 @ 0x1\u{9b}";
    for text in [text_of(&profile), profile.to_string()] {
        assert!(text.contains(clean), "{text}");
        assert!(!text.contains("\n1 1 @ 0x1\u{9b}"), "{text}");
    }
}

#[test]
fn the_caller_is_the_first_frame_of_the_users() {
    let library = "<alloc::sync::Arc<T> as core::ops::drop::Drop>::drop";
    for (frames, expected) in [
        (vec![DROP, GET, MAIN], "<shop::Cache<K> as shop::Get>::get"),
        (
            vec![DROP, MEM_DROP, library, GET],
            "<shop::Cache<K> as shop::Get>::get",
        ),
        (vec![DROP, MEM_DROP], "core::mem::drop"),
        (vec![DROP], "contend::sync::MutexGuard<u64>::drop"),
    ] {
        let mut sample = sample(Kind::MUTEX, 1.0, 1, &[location(0x2000, &frames)]);
        Arc::get_mut(&mut sample.stack).unwrap().starts_in_wrapper = true;
        let table = profile(vec![sample]).to_string();
        let row = table.lines().last().unwrap();
        assert!(row.contains(&format!("  {expected}  ")), "{table}");
    }
}

#[test]
fn a_difference_has_the_base_negative_and_marked() {
    let (base, new) = (profile(two_sites()), profile(two_sites()[..1].to_vec()));
    let mut bytes = Vec::new();
    new.diff(&base).write_pprof(&mut bytes).unwrap();
    let decoded = Decoded::from_gzip(&bytes);
    let is_base = |sample| decoded.labels(sample).contains(&("pprof::base", "true"));
    let samples = decoded.raw.sample.iter();
    let rows: Vec<_> = samples
        .map(|sample| (sample.value.clone(), is_base(sample)))
        .collect();
    let expected = [
        (vec![-3, -3_000_000], true),
        (vec![-2, -1_000_000], true),
        (vec![3, 3_000_000], false),
    ];
    assert_eq!(rows, expected);
}

#[cfg(feature = "profiling")]
#[test]
fn waits_that_block_async_workers_have_a_section() {
    use crate::profile::{Stack, ThreadRole};

    let on_worker = |kind, nanos, leaf: &str| {
        let stack = [location(0x2000, &[leaf]), location(0x3000, &[GET])];
        let addresses = [0x2001, 0x3001].into();
        Sample {
            stack: Arc::new(
                Stack::new(addresses, stack.into(), true).of_task_on(ThreadRole::AsyncWorker),
            ),
            ..sample(kind, 1.0, nanos, &[])
        }
    };
    let others = || {
        vec![
            on_worker(
                Kind::ASYNC_MUTEX,
                5_000_000,
                "contend::tokio::sync::Mutex<T>::lock",
            ),
            on_worker(
                Kind::named("query"),
                4_000_000,
                "contend::Contended<F>::poll",
            ),
            sample(
                Kind::MUTEX,
                1.0,
                3_000_000,
                &[location(0x4000, &[LOCK]), location(0x5000, &[MAIN])],
            ),
        ]
    };
    let block = |samples| with_kind(profile(samples), ProfileKind::Block, 1).to_string();
    assert!(!block(others()).contains("async workers"));
    let mut samples = others();
    samples.push(on_worker(Kind::MUTEX, 8_000_000, LOCK));
    let mutex = profile(samples.clone()).to_string();
    assert!(!mutex.contains("async workers"), "{mutex}");
    let table = block(samples);
    let (_, section) = table.split_once("\n\n").expect("a section");
    assert_eq!(
        section,
        "\
Waits that block async workers: 8.00ms of the delay, 1 of 1 call sites. All tasks of a worker stand still meanwhile:
 delay  share  contentions    mean  kind   function                            file:line
8.00ms  40.0%            1  8.00ms  mutex  <shop::Cache<K> as shop::Get>::get  …/shop/src/cache.rs:12
"
    );
}

#[test]
fn waits_for_work_are_one_line_unless_asked_for() {
    let site = |name| [location(0x2000, &[LOCK]), location(0x3000, &[name])];
    let samples = || {
        vec![
            sample(Kind::SLEEP, 2.0, 12_000_000, &site(MAIN)),
            sample(Kind::CHAN_RECV, 1.0, 3_000_000, &site(MAIN)),
            sample(Kind::CHAN_SEND, 1.0, 5_000_000, &site(GET)),
        ]
    };
    let of = |kind, samples| with_kind(profile(samples), kind, 1);
    let block = of(ProfileKind::Block, samples());
    let expected = "\
block profile: 20.0ms of delay in 4 contentions; rate: 1ns; lost: none
1 of 1 call sites, with 25.0% of the delay:
 delay  share  contentions    mean  kind       function                            file:line
5.00ms  25.0%            1  5.00ms  chan_send  <shop::Cache<K> as shop::Get>::get  …/shop/src/cache.rs:12
waiting for work is left out: 15.0ms (75.0%) in 3 contentions at 2 call sites; {:#}, or contend top \
--idle, shows it
";
    assert_eq!(block.to_string(), expected);
    let all = format!("{block:#}");
    assert!(all.contains("3 of 3 call sites"), "{all}");
    assert!(all.contains("sleep") && !all.contains("left out"), "{all}");
    let wake = of(ProfileKind::Wake, samples()).to_string();
    assert!(
        wake.contains("chan_recv"),
        "there it is who ended it: {wake}"
    );
    let mut idle = samples();
    idle.pop();
    let idle = of(ProfileKind::Block, idle).to_string();
    let lines: Vec<&str> = idle.lines().collect();
    assert_eq!(lines[1], "0 of 0 call sites, with 0.0% of the delay:");
    assert!(
        lines[2].starts_with("waiting for work is left out: 15.0ms (100.0%)"),
        "{idle}"
    );
    assert_eq!(lines.len(), 3);
}
