//! The arguments that the command understands, in the words of its `--help`.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use regex::Regex;

use super::ci::Condition;
use super::error::Result;
use super::fetch::Client;
use super::filter::Filter;
use super::group::Grouping;
use super::imports::Imports;
use super::source::Loaded;
use super::weights::By;
use crate::text::duration::parse_nanos;

/// Read contention profiles: where threads wait, and whose code makes them wait.
///
/// Profiles are files in pprof's format, as written by `contend`, by Go programs and by others, or
/// come from a program that runs: its address, such as `127.0.0.1:6060`, stands for its mutex
/// profile. `-` is standard input.
#[derive(Debug, Parser)]
#[command(
    name = "contend",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  contend run -- ./program its arguments    where a whole program waits, nothing rebuilt
  contend top mutex.pb.gz                   who made others wait
  contend top localhost:6060/debug/pprof/block
  contend top --kind mutex --focus checkout mutex.pb.gz
  contend peek checkout mutex.pb.gz         its callers, and what it calls
  contend list slow_update mutex.pb.gz      the same beside the source lines
  contend diff before.pb.gz after.pb.gz     what became better, what worse
  contend ci base.pb.gz new.pb.gz           the same for a build, in Markdown
  contend open before.pb.gz after.pb.gz     as pages for a browser
  contend threads localhost:6060            what every thread does now
  contend deadlocks localhost:6060          the threads that wait for each other
  contend watch localhost:6060              a live table
  contend trace localhost:6060              who waits when, and who wakes whom
  contend imports --fix src                 swap the imports of a program
  contend snap localhost:6060               everything the program offers, into a folder

Exit codes: 0, 1 for an error, 2 for wrong usage, 3 where `deadlocks` finds one or `ci` a condition that is met; `run` and `record` have that of their program."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Run(Run),
    Record(Record),
    Top(Top),
    List(List),
    Peek(Peek),
    Tree(Tree),
    Diff(Diff),
    Ci(Ci),
    Flamegraph(Flamegraph),
    Imports(Imports),
    Merge(Merge),
    Open(Open),
    Snap(Snap),
    Deadlocks(Deadlocks),
    Threads(Threads),
    Trace(Trace),
    Watch(Watch),
}

/// Run any program, and show where it waits and whose code makes it wait.
///
/// Nothing is rebuilt and no privileges are needed: every wait of the whole process is seen, of
/// Rust's standard library, parking_lot, crossbeam, and of C and C++ (`pthread_…`). The tables go
/// to standard error when the program has ended, however it ended. Its output, its input, its
/// signals and its exit code are its own.
///
/// Not seen: programs that are linked statically or made for musl, Go's own locks, spinning, and
/// locks inside the C library itself. For x86-64 Linux with glibc.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend run -- ./server --port 8080
  contend run -n 5 -- cargo metadata > /dev/null
  contend run --http 127.0.0.1:6060 -- ./server     pages while it runs")]
#[cfg_attr(not(contend_whole), allow(dead_code))] // Elsewhere they are only explained.
pub(super) struct Run {
    #[command(flatten)]
    pub(super) recording: Recording,
    /// Show at most so many rows per table.
    #[arg(short, value_name = "N", default_value_t = 10)]
    pub(super) n: usize,
    /// Show also threads that wait for work: joins, sleeps, parks, empty channels, and conditions
    /// at which threads stay 100 ms or more.
    #[arg(long)]
    pub(super) idle: bool,
}

/// Run any program, and write profiles of its waiting into a folder.
///
/// Writes `mutex.pb.gz` (whose code made others wait), `block.pb.gz` (where threads waited), and a
/// table of each. They are for `contend top`, `list` and `flamegraph`, for `go tool pprof` and for
/// profile stores. What is seen and what is not says `contend help run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend record -o profiles -- ./server --port 8080
  contend record -o profiles --flamegraph -- ./batch")]
#[cfg_attr(not(contend_whole), allow(dead_code))] // Elsewhere they are only explained.
pub(super) struct Record {
    #[command(flatten)]
    pub(super) recording: Recording,
    /// The folder to write to, made if need be.
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: PathBuf,
    /// Write each profile as a flame graph, too.
    #[arg(long)]
    pub(super) flamegraph: bool,
}

/// The recorded events, and the program.
#[derive(Args, Debug)]
#[cfg_attr(not(contend_whole), allow(dead_code))] // Elsewhere they are only explained.
pub(super) struct Recording {
    /// Record one contention in so many; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) fraction: u32,
    /// Record one wait per so much waiting, such as 1ms; 0 for none.
    #[arg(long, value_name = "TIME", default_value = "1ns", value_parser = rate)]
    pub(super) rate: u64,
    /// Record also waits for pipes and sockets, as the kind `io`.
    ///
    /// An event loop waits for them most of the time, and so does a server's thread for the next
    /// request.
    #[arg(long)]
    pub(super) io: bool,
    /// Record also the programs that it starts, into the same profiles. None of them may be made
    /// for musl or with a sanitizer: they would not start.
    #[arg(long)]
    pub(super) children: bool,
    /// Show or write after this time, such as 30s. The program goes on.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Show or write also whenever `contend` gets this signal.
    #[arg(long, value_name = "SIGNAL", value_parser = signal)]
    pub(super) attach_signal: Option<i32>,
    /// Serve pages at this address while the program runs, such as 127.0.0.1:6060; with port 0 at
    /// any that is free. They have the profiles so far, as pages and as `/debug/pprof/mutex`,
    /// `block` and `wake`.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) http: Option<String>,
    /// The program, and its arguments.
    #[arg(value_name = "PROGRAM", required = true, last = true)]
    pub(super) program: Vec<OsString>,
}

/// Show the functions with the largest values.
///
/// The numbers are those of `go tool pprof -top`. `flat` is what was measured in the function
/// itself; in a contention profile that is the lock's own method. `cum` counts what it calls as
/// well, so `--cum` shows your own functions first.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend top --cum mutex.pb.gz
  contend top --by line --value contentions -n 10 localhost:6060
  contend top --by label:endpoint mutex.pb.gz
  contend top --label endpoint=/cart mutex.pb.gz
  contend top --cum --kind mutex,rwlock_write --ignore '^tokio::' block.pb.gz
  contend top --blocking-async localhost:6060    what stops the workers of an async runtime
  contend top --pairs localhost:6060             who waits for whom
  curl -s localhost:6060/debug/pprof/block | contend top -")]
pub(super) struct Top {
    #[command(flatten)]
    pub(super) profile: Input,
    #[command(flatten)]
    pub(super) rows: Rows,
    /// Show the lines at which threads waited that run tasks of tokio: all tasks of such a thread
    /// stand still meanwhile.
    ///
    /// It is for block profiles; a program's address stands for its own. Waits of tasks are not in
    /// it, and neither is what runs in `spawn_blocking` or `block_in_place`.
    #[arg(long, conflicts_with_all = ["by", "cum"])]
    pub(super) blocking_async: bool,
    /// Show who waited for whom, by the functions of both.
    ///
    /// It is for pairs profiles; a program's address stands for its own. `wakeup` is the part in
    /// which the lock was free and the woken thread had no processor yet. --hide and --show have to
    /// leave the frame `contend::blocked_by`, which parts the two.
    #[arg(long, conflicts_with_all = ["by", "cum", "blocking_async", "idle"])]
    pub(super) pairs: bool,
    /// Count also waits for work in a block profile (the label `class` is `idle`): sleeps, joins,
    /// empty channels.
    ///
    /// Else they are one line. They count without it where --kind, --tagfocus or --by label:KEY
    /// say what counts.
    #[arg(long)]
    pub(super) idle: bool,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// Show the source of the functions that match, with each line's values beside it.
///
/// The numbers are those of `go tool pprof -list`. Sources are looked for in the working folder or
/// in those of `--source-path`: under the path that the profile has if that lies below one of them;
/// else each is tried with the whole path behind it, with its end, and so on. Nothing else is
/// opened, because a profile may name any file.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend list slow_update mutex.pb.gz
  contend list '^shop::.*::checkout$' mutex.pb.gz --source-path ~/src/shop")]
pub(super) struct List {
    /// A regular expression for the functions' names; part of a name is enough.
    pub(super) function: Regex,
    #[command(flatten)]
    pub(super) profile: Input,
    /// Where sources are, when they are not in the working folder. Several are separated as in
    /// PATH, or given one by one.
    #[arg(long, value_name = "DIR", value_delimiter = PATH_DELIMITER)]
    pub(super) source_path: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) value: Value,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// As Go's `-source_path` and the system's PATH have it.
const PATH_DELIMITER: char = if cfg!(windows) { ';' } else { ':' };

/// Show who calls the functions that match, and what they call.
///
/// The numbers are those of `go tool pprof -peek`. Callers stand above the function, callees below
/// it, with what they share with it and the part that this is of the function's cum.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend peek checkout mutex.pb.gz
  contend peek 'Mutex.*::lock$' --kind mutex localhost:6060/debug/pprof/block")]
pub(super) struct Peek {
    /// A regular expression for the functions' names; part of a name is enough.
    pub(super) function: Regex,
    #[command(flatten)]
    pub(super) profile: Input,
    /// Show one part for each of these. Lines are matched as `function file:line`.
    #[arg(long, value_enum, default_value_t = By::Function)]
    pub(super) by: By,
    /// Sort by cum.
    #[arg(long)]
    pub(super) cum: bool,
    #[command(flatten)]
    pub(super) value: Value,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// Show the functions with the largest values, each between its callers and what it calls.
///
/// The numbers are those of `go tool pprof -tree`. Without -n there are at most 80 functions; what
/// shares less than 0.1 % of the total with one is not shown beside it, unless `--all` asks for it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend tree mutex.pb.gz
  contend tree --cum -n 10 --focus checkout mutex.pb.gz")]
pub(super) struct Tree {
    #[command(flatten)]
    pub(super) profile: Input,
    #[command(flatten)]
    pub(super) rows: Rows,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// Compare two profiles: NEW less BASE.
///
/// The numbers are those of `go tool pprof -top -diff_base`: what became less is negative, and
/// shares are of BASE's total. A row says whether it is `better`, `worse`, `new` or `gone`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend diff before.pb.gz after.pb.gz
  contend diff --cum --by line before.pb.gz localhost:6060")]
pub(super) struct Diff {
    /// The file or URL to compare with.
    #[arg(value_name = "BASE")]
    pub(super) base: String,
    /// The file or URL to compare.
    #[arg(value_name = "NEW")]
    pub(super) new: String,
    #[command(flatten)]
    pub(super) rows: Rows,
    #[command(flatten)]
    pub(super) filter: Filter,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Compare two profiles in a build: a summary in Markdown, and conditions that fail it.
///
/// A condition is `VALUE("FUNCTIONS") > LIMIT`. VALUE is one of the profile's values, `delay` or
/// `contentions`. FUNCTIONS is a regular expression: stacks count that have such a function;
/// without it, as in `delay > 2s`, all count. LIMIT is `1.2x`, so many times what BASE has; `30%`
/// of NEW's total; a time such as `500ms`; or a number. `>=` is there as well.
///
/// Values are those of the whole profiles, which is right where both did the same work. Where they
/// ran for different times at the same load, `--per-second` divides by the time that each lasted.
///
/// The exit code is 3 if a condition is met.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend ci base.pb.gz new.pb.gz --fail-if 'delay(\"shop::\") > 1.2x'
  contend ci base.pb.gz new.pb.gz --fail-if 'contentions > 10000' >> \"$GITHUB_STEP_SUMMARY\"")]
pub(super) struct Ci {
    /// The file or URL to compare with.
    #[arg(value_name = "BASE")]
    pub(super) base: String,
    /// The file or URL to compare.
    #[arg(value_name = "NEW")]
    pub(super) new: String,
    /// Fail if this is so. May be given several times.
    #[arg(long, value_name = "CONDITION")]
    pub(super) fail_if: Vec<Condition>,
    /// Compare what is in a second of each profile.
    #[arg(long)]
    pub(super) per_second: bool,
    /// Show at most so many call sites.
    #[arg(short, value_name = "N", default_value_t = 10)]
    pub(super) n: usize,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Draw a flame graph: an SVG file for a browser, zoomable and searchable.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  contend flamegraph mutex.pb.gz -o mutex.svg")]
pub(super) struct Flamegraph {
    #[command(flatten)]
    pub(super) profile: Input,
    /// The file to write; `-` for standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) value: Value,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// Show profiles as pages for a browser, on a port of this machine.
///
/// A table of call sites and a flame graph of each, a page for each function (its callers and
/// callees, its source with the values beside the lines, its stacks), and any two side by side.
/// Prints the address, and serves until Ctrl-C. A program's address stands for its mutex profile as
/// it is now.
///
/// Sources are looked for as by `list`: in the working folder, or in those of `--source-path`.
/// Other users of this machine can read the pages, too.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend open mutex.pb.gz
  contend open --browser before.pb.gz after.pb.gz
  contend open localhost:6060 localhost:6060/debug/pprof/block --source-path ~/src/shop")]
pub(super) struct Open {
    /// Files, `-`, URLs, or addresses of programs.
    #[arg(value_name = "FILE|URL", required = true)]
    pub(super) profiles: Vec<String>,
    /// The port to serve at; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(super) port: u16,
    /// Open the pages in a browser.
    #[arg(long)]
    pub(super) browser: bool,
    /// Where sources are, when they are not in the working folder. Several are separated as in
    /// PATH, or given one by one.
    #[arg(long, value_name = "DIR", value_delimiter = PATH_DELIMITER)]
    pub(super) source_path: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) filter: Filter,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Add profiles up into one.
///
/// They have to have the same values, such as those of several machines or runs. The result is for
/// any tool that reads pprof's format.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  contend merge host-*/mutex.pb.gz -o all.pb.gz")]
pub(super) struct Merge {
    /// The files or URLs.
    #[arg(value_name = "FILE|URL", required = true)]
    pub(super) profiles: Vec<String>,
    /// The file to write; `-` for standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Fetch everything a program offers, at once, into a folder: what one attaches to an incident.
///
/// Anything a program does not offer is noted. Where something fails, the rest is kept, and the
/// exit code is 1.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend snap localhost:6060
  contend snap http://10.0.0.7:6060 --seconds 30 -o incident --token \"$TOKEN\"")]
pub(super) struct Snap {
    /// The program's address, with or without `/debug/pprof/`.
    #[arg(value_name = "URL")]
    pub(super) url: String,
    /// The folder to put the new folder into, made if need be.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(super) output: PathBuf,
    /// How long the profiles of a window take.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) seconds: u32,
    /// Keep at most so many megabytes.
    #[arg(long, value_name = "MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: u32,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Show the threads of a program that wait for each other, and those that are stuck behind them.
///
/// The exit code is 3 if there are any.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend deadlocks localhost:6060
  contend deadlocks 4711 || echo 'stuck, or not reachable'")]
pub(super) struct Deadlocks {
    /// The program's address, with or without `/debug/pprof/`; or the number of a process on this
    /// machine.
    #[arg(value_name = "URL|PID")]
    pub(super) program: String,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Show what every thread of a program does now: what it waits for, for how long, who has it, and
/// its stack.
///
/// The program is asked over HTTP. Of a process on this machine its number is enough, if it serves
/// its profiles at some port.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend threads localhost:6060
  contend threads 4711
  contend threads localhost:6060 --seconds 5    where the time of each thread goes in 5 s
  contend threads localhost:6060 --json | jq .")]
pub(super) struct Threads {
    /// The program's address, with or without `/debug/pprof/`; or the number of a process on this
    /// machine.
    #[arg(value_name = "URL|PID")]
    pub(super) program: String,
    /// Show before them where the time of each thread goes in so many seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) seconds: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Show what happened when: the longest waits with who woke whom, the busiest locks, tasks.
///
/// Reads the traces that `contend::trace` writes, that `CONTEND_TRACE` and `CONTEND_FLIGHT` ask
/// for, and that a program serves at `trace`. They are Go's execution traces: `go tool trace` opens
/// them as well.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend trace run.trace
  contend trace localhost:6060 --seconds 5
  contend trace run.trace --to perfetto -o run.perfetto    for ui.perfetto.dev")]
pub(super) struct Trace {
    /// A file, `-`, a URL, or the address of a program.
    #[arg(value_name = "FILE|URL")]
    pub(super) trace: String,
    /// How long a program is asked to record.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub(super) seconds: u32,
    /// Write the trace in another form, instead of showing it.
    #[arg(long, value_enum, requires = "output")]
    pub(super) to: Option<TraceForm>,
    /// The file to write; `-` for standard output.
    #[arg(short, long, value_name = "FILE", requires = "to")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) access: Access,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum TraceForm {
    /// For `go tool trace`.
    Go,
    /// For ui.perfetto.dev.
    Perfetto,
}

/// Watch where a program waits, live.
///
/// Shows what was added since the last look, by the line that waited or that made others wait. The
/// program keeps no window for it: successive profiles are subtracted here.
///
/// Keys: m mutex, b block, t threads; d by delay, c by contentions; s since the start of the
/// program or the last interval; i folds waits for work; space pauses; arrows, PgUp and PgDn move,
/// Enter shows the stacks of a row, / shows only rows that contain a text, Esc goes back; ? lists
/// the keys; q, Esc or Ctrl-C quits.
///
/// Where standard output is no terminal, the tables are printed one below the other.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  contend watch localhost:6060
  contend watch localhost:6060/debug/pprof/block --every 5
  contend watch localhost:6060 --count 3 | tee log")]
pub(super) struct Watch {
    /// The program's address, with or without `/debug/pprof/`, `/mutex` or `/block`.
    #[arg(value_name = "URL")]
    pub(super) url: String,
    /// Seconds from one look to the next.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(super) every: Duration,
    /// Quit after this many tables.
    #[arg(long, value_name = "N")]
    pub(super) count: Option<u64>,
    /// Show also the rows of the block profile that wait for work: sleeps, joins, empty channels.
    /// Else they are one line. The key i changes it.
    #[arg(long)]
    pub(super) idle: bool,
    #[command(flatten)]
    pub(super) access: Access,
}

#[derive(Args, Debug)]
pub(super) struct Input {
    /// A file, `-`, a URL, or the address of a program.
    #[arg(value_name = "FILE|URL")]
    pub(super) profile: String,
    #[command(flatten)]
    pub(super) access: Access,
}

#[derive(Args, Debug)]
pub(super) struct Access {
    /// For servers that ask for one. Better kept in the environment, where other users do not see
    /// it.
    #[arg(long, env = "CONTEND_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Value {
    /// Which of the profile's values, such as `delay` or `contentions`. Without it the one that the
    /// profile suggests.
    #[arg(long, value_name = "NAME")]
    pub(super) value: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Rows {
    /// Show one row for each of these: function, line, or label:KEY for the values of a label, such
    /// as label:endpoint [default: function].
    #[arg(
        long,
        value_name = "ROWS",
        default_value = "function",
        hide_default_value = true
    )]
    pub(super) by: Grouping,
    /// Sort by cum.
    #[arg(long)]
    pub(super) cum: bool,
    /// Show at most so many rows.
    #[arg(short, value_name = "N")]
    pub(super) n: Option<usize>,
    /// Show also what has less than 0.5 % of the total.
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) value: Value,
}

impl Input {
    /// The profile, with what the filter leaves of it.
    pub(super) fn load(&self, filter: &Filter) -> Result<Loaded> {
        self.load_of("mutex", filter)
    }

    /// The same, where a program's address stands for this profile.
    pub(super) fn load_of(&self, which: &str, filter: &Filter) -> Result<Loaded> {
        let mut loaded = Loaded::from(&self.profile, which, &self.access.client())?;
        loaded.leave(filter);
        Ok(loaded)
    }
}

impl Access {
    pub(super) fn client(&self) -> Client {
        Client::new(self.token.as_deref())
    }
}

impl Value {
    pub(super) fn name(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match seconds {
        0.1..=3600.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("not in 0.1..=3600".to_owned()),
    }
}

fn rate(text: &str) -> std::result::Result<u64, String> {
    parse_nanos(text).ok_or_else(|| "not a time, such as 1ms".to_owned())
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let nanos = parse_nanos(text).filter(|nanos| *nanos > 0);
    nanos
        .map(Duration::from_nanos)
        .ok_or_else(|| "not a time, such as 30s".to_owned())
}

/// Those that a program leaves to its user.
#[cfg(unix)]
fn signal(text: &str) -> std::result::Result<i32, String> {
    use signal_hook::consts::{SIGUSR1, SIGUSR2};

    match text {
        "USR1" | "SIGUSR1" => Ok(SIGUSR1),
        "USR2" | "SIGUSR2" => Ok(SIGUSR2),
        _ => Err("not SIGUSR1 or SIGUSR2".to_owned()),
    }
}

#[cfg(not(unix))]
fn signal(_: &str) -> std::result::Result<i32, String> {
    Err("there are no such signals here".to_owned())
}
