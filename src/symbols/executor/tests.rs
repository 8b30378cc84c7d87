use super::*;

fn frame(function: &str) -> Frame {
    Frame {
        function: function.into(),
        system_name: Some("_ZN".into()),
        file: None,
        line: Some(1),
        address: 0x10,
    }
}

fn location(functions: &[&str]) -> Arc<Location> {
    Arc::new(Location {
        address: 0x10,
        mapping: None,
        frames: functions.iter().map(|function| frame(function)).collect(),
        symbolized: true,
    })
}

fn cut_of(stack: &[&[&str]]) -> Option<Cut> {
    let parts: Vec<_> = stack
        .iter()
        .map(|functions| InExecutor::of(&location(functions).frames))
        .collect();
    cut(parts.into_iter())
}

fn shown(stack: &[&[&str]]) -> Vec<String> {
    let stack: Vec<_> = stack.iter().map(|functions| location(functions)).collect();
    let shown = TaskLocations::default().of(&stack, true);
    let frames = shown.iter().flat_map(|location| &location.frames);
    frames.map(|frame| frame.function().to_owned()).collect()
}

const RUN_TASK: &str = "tokio::runtime::scheduler::multi_thread::worker::Context::run_task";
const HARNESS: &str = "tokio::runtime::task::harness::Harness<T,S>::poll";
const LOCK: &str = "contend::tokio::sync::Mutex<T>::lock";

#[test]
fn stacks_end_where_the_executor_begins() {
    let worker = cut_of(&[
        &[LOCK],
        &["shop::inner::{{closure}}", HARNESS],
        &["tokio::task::coop::budget", RUN_TASK],
    ]);
    let expected = Cut {
        location: 1,
        frame: 1,
        role: ThreadRole::AsyncWorker,
    };
    assert_eq!(worker, Some(expected));
    assert_eq!(cut_of(&[&[LOCK], &["shop::main"]]), None);
    // A stack of nothing else is shown.
    assert_eq!(cut_of(&[&[HARNESS], &[RUN_TASK]]), None);
}

#[test]
fn executors_tell_what_sort_of_thread_it_is() {
    let role = |functions: &[&str]| {
        let stack: Vec<&[&str]> = functions.iter().map(std::slice::from_ref).collect();
        cut_of(&stack).unwrap().role
    };
    let current = "tokio::runtime::scheduler::current_thread::CoreGuard::block_on";
    assert_eq!(role(&["a::b", HARNESS, current]), ThreadRole::AsyncWorker);
    let blocking =
        "<tokio::runtime::blocking::task::BlockingTask<T> as core::future::future::Future>::poll";
    assert_eq!(role(&["a::b", blocking]), ThreadRole::BlockingPool);
    // Others run the worker's tasks meanwhile.
    let aside = "tokio::runtime::scheduler::multi_thread::worker::block_in_place";
    assert_eq!(
        role(&["a::b", aside, "a::c::{{closure}}", RUN_TASK]),
        ThreadRole::Other
    );
    assert_eq!(
        role(&["a::b", "async_executor::Executor::run"]),
        ThreadRole::Other
    );
    // A task that is dropped with its runtime, or where it is aborted.
    let dropped = "core::ptr::drop_in_place<tokio::runtime::task::core::Stage<a::b::{{closure}}>>";
    assert_eq!(role(&["a::b", dropped, RUN_TASK]), ThreadRole::AsyncWorker);
}

#[test]
fn line_tables_have_files_in_place_of_paths() {
    let bare = |function: &str, file: &str| {
        let mut bare = frame(function);
        bare.file = Some(file.into());
        part(&bare)
    };
    let worker = "/registry/tokio-1.54.1/src/runtime/scheduler/multi_thread/worker.rs";
    assert_eq!(
        bare("run_task", worker),
        Part::Executor(Some(ThreadRole::AsyncWorker))
    );
    assert_eq!(bare("run_task", "/shop/src/main.rs"), Part::No);
    let coop = "/registry/tokio-1.54.1/src/task/coop/mod.rs";
    assert_eq!(bare("with_budget<(), fn()>", coop), Part::Executor(None));
    assert_eq!(bare("block_in_place", worker), Part::StepsAside);
}

#[test]
fn state_machines_are_shown_as_what_was_written() {
    let stack: &[&[&str]] = &[
        &[LOCK, "shop::inner::{{closure}}"],
        &["<core::pin::Pin<P> as core::future::future::Future>::poll"],
        &[
            "<alloc::boxed::Box<F,A> as core::future::future::Future>::poll",
            "shop::outer::{{closure}}::{{closure}}",
        ],
        &["shop::outer::{closure#0}"],
        &["<tokio::time::timeout::Timeout<T> as core::future::future::Future>::poll"],
        &["shop::main::{{closure}}"],
    ];
    assert_eq!(
        shown(stack),
        [LOCK, "shop::inner", "shop::outer", "shop::main"]
    );
}

#[test]
fn a_task_that_is_dropped_reads_like_one_that_has_ended() {
    let stack: &[&[&str]] = &[
        &[LOCK],
        &["core::ptr::drop_in_place<shop::inner::{{closure}}>"],
        &["core::ptr::drop_in_place<core::pin::Pin<alloc::boxed::Box<dyn core::future::Future>>>"],
        &["core::ptr::drop_in_place<shop::outer::{{closure}}>"],
    ];
    assert_eq!(shown(stack), [LOCK, "shop::inner", "shop::outer"]);
}

#[test]
fn locations_are_shared() {
    let (leaf, caller) = (location(&[LOCK]), location(&["shop::inner::{{closure}}"]));
    let mut made = TaskLocations::default();
    let [one, other] = [(); 2].map(|()| made.of(&[leaf.clone(), caller.clone()], true));
    assert!(Arc::ptr_eq(&one[1], &other[1]));
}
