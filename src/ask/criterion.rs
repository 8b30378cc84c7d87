//! Profiles of benchmarks: what criterion asks a profiler for.
#![forbid(unsafe_code)]

use std::path::Path;

use crate::ask::recording::Recording;
use crate::text::say::say;

/// A profiler for [criterion](https://docs.rs/criterion), of whatever version the benchmark uses:
/// an expression for `Criterion::with_profiler`.
///
/// `cargo bench -- --profile-time 5` runs each benchmark for five seconds, without measuring it,
/// and leaves in `target/criterion/<benchmark>/profile`:
///
/// | file | |
/// |---|---|
/// | `mutex.pb.gz` | whose code made others wait, for `go tool pprof` |
/// | `block.pb.gz` | where threads waited, for `go tool pprof` |
/// | `top.txt` | the costliest call sites of both |
/// | `mutex.svg`, `block.svg` | flame graphs, with the feature `flamegraph` |
///
/// Everything is recorded: every contention, every wait. The threads that the benchmark starts are
/// in the profiles, and so is waiting for them to end. Without `--profile-time` nothing is
/// recorded, so measured times are not touched.
///
/// The macro implements the `Profiler` trait of the crate that is called `criterion` where it is
/// used; this crate does not depend on it. For other harnesses, such as divan, and for a `main` of
/// one's own there is [`init`](crate::init); for a part of a program
/// [`Recording`](crate::Recording).
///
/// # Examples
///
// `benches/harnesses` compiles it: there criterion is at hand.
#[cfg_attr(not(doctest), doc = include_str!("criterion_bench.md"))]
#[macro_export]
macro_rules! criterion_profiler {
    () => {{
        #[derive(Debug, Default)]
        struct ContentionProfiler($crate::__private::BenchRecorder);

        impl ::criterion::profiler::Profiler for ContentionProfiler {
            fn start_profiling(&mut self, _: &str, _: &::std::path::Path) {
                self.0.start();
            }

            fn stop_profiling(&mut self, _: &str, folder: &::std::path::Path) {
                self.0.stop(folder);
            }
        }

        ContentionProfiler::default()
    }};
}

/// The profiler that [`criterion_profiler!`](crate::criterion_profiler) makes.
#[derive(Debug, Default)]
pub struct BenchRecorder(Option<Recording>);

impl BenchRecorder {
    /// Starts recording. A recording that was not stopped is dropped.
    pub fn start(&mut self) {
        self.0 = Some(Recording::start());
    }

    /// Writes what was recorded to `folder` and says so on the standard error, or why not.
    pub fn stop(&mut self, folder: &Path) {
        let Some(recording) = self.0.take() else {
            return;
        };
        match recording.finish().save(folder) {
            Ok(()) => say(format_args!("profiles written to {}", folder.display())),
            Err(error) => say(format_args!("{error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    #[test]
    fn each_benchmark_has_its_folder() {
        let root = env::temp_dir().join(format!("contend-bench-{}", process::id()));
        let mut recorder = BenchRecorder::default();
        for benchmark in ["queue/1", "queue/128"] {
            let folder = root.join(benchmark).join("profile");
            recorder.start();
            recorder.stop(&folder);
            for file in ["mutex.pb.gz", "block.pb.gz", "top.txt"] {
                assert!(folder.join(file).is_file(), "{file}");
            }
            assert_eq!(
                folder.join("mutex.svg").is_file(),
                cfg!(feature = "flamegraph")
            );
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_no_panic() {
        let mut recorder = BenchRecorder::default();
        recorder.stop(Path::new("never started"));
        recorder.start();
        let program = env::current_exe().unwrap();
        recorder.stop(&program.join("below-a-file"));
    }
}
