//! A service is redeployed under load: its binary is replaced by renaming while it serves. What it
//! is asked for then has its own names, and none of the new binary's.
#![cfg(all(feature = "server", feature = "profiling", target_os = "linux"))]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use object::{Object, ObjectSection};

use crate::common::{in_child_by, ms};
use crate::http_client::{SetOnDrop, await_that, get};
use contend::http::Server;
use contend::sync::Mutex;

const SITE: &str = "site_in_the_service";
/// As long as the other one.
const NEW_SITE: &str = "site_in_the_new_one";

static LOCK: Mutex<u64> = Mutex::new(0);

#[inline(never)]
fn site_in_the_service() {
    let mut requests = LOCK.lock().unwrap();
    *requests += 1;
    thread::sleep(ms(1));
}

/// This program under another name, which another one may take.
fn installed(program: &Path, name: &str) -> PathBuf {
    let service =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_file(&service);
    fs::hard_link(program, &service).unwrap();
    service
}

/// Renames another build over the running one: the same code at the same places under another name,
/// and another build id.
fn redeploy(service: &Path) {
    let mut bytes = fs::read(service).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let id = file.build_id().unwrap().expect("a build id").to_vec();
    let sections = file.sections().filter_map(|section| section.file_range());
    let sections: Vec<_> = sections.collect();
    let mut renamed = 0;
    for (start, len) in sections {
        let section = &mut bytes[start as usize..][..len as usize];
        renamed += replace(section, SITE.as_bytes(), NEW_SITE.as_bytes());
        let other: Vec<u8> = id.iter().map(|byte| !byte).collect();
        replace(section, &id, &other);
    }
    assert!(renamed > 1, "the symbol and its debug information");
    let new = service.with_extension("new");
    fs::write(&new, &bytes).unwrap();
    fs::rename(&new, service).unwrap();
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> usize {
    let (mut from, mut count) = (0, 0);
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == old[0]) {
        from += at;
        if bytes[from..].starts_with(old) {
            bytes[from..][..old.len()].copy_from_slice(new);
            count += 1;
        }
        from += 1;
    }
    count
}

/// Serves under load, is redeployed, and is then asked for a profile.
fn serve_and_redeploy(after_deploy: fn()) {
    let service = std::env::current_exe().unwrap();
    let builder = Server::builder().stop_on_drop(true).grace(ms(0));
    let server = builder.serve("127.0.0.1:0").unwrap();
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ends = SetOnDrop(&ends);
        for _ in 0..3 {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    site_in_the_service();
                }
            });
        }
        await_that("there is load", || *LOCK.lock().unwrap() > 9);
        redeploy(&service);
        after_deploy();
        let before = contend::mutex_profile().total_contentions();
        await_that("it goes on", || {
            contend::mutex_profile().total_contentions() > before + 9
        });
        let answer = get(server.local_addr(), "/debug/pprof/mutex");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let profile = answer.pprof();
        let stacks = profile.by_stack();
        let has = |part: &str| {
            let mut names = stacks.keys().flatten();
            names.any(|name| name.contains(part))
        };
        assert!(has(&format!("deployed::{SITE}")), "{stacks:?}");
        assert!(!has(NEW_SITE), "{stacks:?}");
        // As `0x55ab986638e7 (service-42 (deleted)+0x438e7)`.
        assert!(!has("service-"), "{stacks:?}");
    });
    fs::remove_file(service).unwrap();
}

#[test]
fn a_service_that_profiles_from_its_start() {
    let start = |program: PathBuf| Command::new(installed(&program, "service"));
    in_child_by(
        "deployed::a_service_that_profiles_from_its_start",
        start,
        || {
            contend::set_mutex_profile_fraction(1);
            serve_and_redeploy(|| {});
        },
    );
}

/// Its files are not open when another one takes its name.
#[test]
fn a_service_that_is_first_profiled_after_the_deploy() {
    let start = |program: PathBuf| Command::new(installed(&program, "late-service"));
    in_child_by(
        "deployed::a_service_that_is_first_profiled_after_the_deploy",
        start,
        || {
            serve_and_redeploy(|| {
                contend::set_mutex_profile_fraction(1);
            });
        },
    );
}
