//! The machine and the compiler that the numbers are from. A number without them says nothing.

use std::fs;
use std::process::Command;
use std::thread;

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) compiler: String,
    pub(crate) version: &'static str,
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let compiler = option_env!("RUSTC").unwrap_or("rustc");
        Self {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: thread::available_parallelism().map_or(1, |cores| cores.get()),
            compiler: output_of(compiler, &["--version"]),
            version: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
            commit: output_of("git", &["describe", "--always", "--dirty", "--exclude=*"]),
        }
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The output of the command, run in the package's directory; "unknown" if it cannot be run.
fn output_of(program: &str, args: &[&str]) -> String {
    Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or("unknown".to_owned(), |text| text.trim().to_owned())
}
