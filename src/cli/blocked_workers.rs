//! `contend top --blocking-async`: where threads waited that run tasks.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::Write;

use super::args::Top;
use super::error::{Error, Result};
use super::output::Output;
use super::report::write_header;
use super::source::Loaded;
use super::spots::{AMOUNT_TITLES, Amount, Spot, Spots, joined};
use super::top::is_block_profile;
use crate::pprof::decoded::DecodedProfile;
use crate::pprof::proto::Sample;
use crate::profile::ProfileKind;
use crate::profile::kind::is_wait_of_task;
use crate::text::columns;
use crate::text::units::shortened;

pub(super) fn run(arguments: &Top, output: &mut Output) -> Result<()> {
    let which = ProfileKind::Block.name();
    let mut loaded = arguments.profile.load_of(which, &arguments.filter)?;
    if !is_block_profile(&loaded.profile) {
        let what = "not a block profile of contend, which alone has who waited on which thread";
        return Err(Error::about(&loaded.name, what));
    }
    let value = loaded.value(arguments.rows.value.name())?;
    loaded.leave_only("--blocking-async", blocks_worker);
    write_header(output, &loaded, value)?;
    let table = Table::of(&loaded, arguments, value)?;
    if table.rows.is_empty() {
        let none = "no thread that runs tasks has waited, as far as the stacks tell";
        return Ok(writeln!(output, "{none}")?);
    }
    let (shown, all) = (table.shown(), table.rows.len());
    writeln!(
        output,
        "{shown} of {all} call sites; all tasks of a worker stood still meanwhile:"
    )?;
    let table = output.table(&table);
    Ok(output.write_all(table.as_bytes())?)
}

/// The same as [`Sample::blocks_worker`](crate::Sample::blocks_worker), of a file.
fn blocks_worker(profile: &DecodedProfile, sample: &Sample) -> bool {
    let leaf = sample.location_id.first();
    let leaf = leaf.and_then(|id| profile.frames(*id).next());
    let leaf = leaf.map_or("", |frame| frame.function);
    let mut threads = profile.labels(sample, "thread");
    threads.any(|thread| thread == "async_worker")
        && !is_wait_of_task(profile.label(sample, "kind"), leaf)
}

/// The lines of the program's own code.
struct Table {
    /// The largest first.
    rows: Vec<(Spot, Amount)>,
    /// The delay of the whole profile, which shares are of.
    total_nanos: u64,
    most: usize,
}

impl Table {
    fn of(loaded: &Loaded, arguments: &Top, value: usize) -> Result<Self> {
        let about = |what| Error::about(&loaded.name, what);
        let spots = Spots::of(&loaded.profile).map_err(about)?;
        let delay = loaded.value(Some("delay"))?;
        let sorted = spots.sorted_by(|amount| match value == delay {
            true => amount.delay_nanos,
            false => amount.contentions,
        });
        let rows = sorted.into_iter();
        Ok(Self {
            rows: rows.map(|(spot, amount)| (spot.clone(), *amount)).collect(),
            total_nanos: loaded.size(delay),
            most: arguments.rows.n.unwrap_or(usize::MAX),
        })
    }

    fn shown(&self) -> usize {
        self.rows.len().min(self.most)
    }
}

const TITLES: [&str; 3] = ["kind", "function", "file:line"];
const FIRST_LEFT_COLUMN: usize = AMOUNT_TITLES.len();

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = joined(AMOUNT_TITLES.map(str::to_owned), TITLES.map(str::to_owned));
        let shown = self.rows[..self.shown()].iter();
        let rows = shown.map(|(spot, amount)| joined(amount.cells(self.total_nanos), cells(spot)));
        let cells: Vec<[String; 7]> = std::iter::once(titles).chain(rows).collect();
        columns::write(&cells, FIRST_LEFT_COLUMN, f)
    }
}

fn cells(spot: &Spot) -> [String; 3] {
    [
        spot.kind.clone(),
        spot.function.clone(),
        match (&*spot.file, spot.line) {
            ("", _) => "-".to_owned(),
            (file, 0) => shortened(file),
            (file, line) => format!("{}:{line}", shortened(file)),
        },
    ]
}
