//! The table on stdout, row by row as results come in, and the same as JSON.

use std::fmt::Write as _;
use std::fs;

use super::contest::Outcome;
use super::machine::Machine;
use super::options::Options;
use super::spread::Spread;

/// One line: something measured, alone or against something bare.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) contestant: String,
    /// The costs of the bare one and of this one are in this unit.
    pub(crate) unit: &'static str,
    pub(crate) bare: Option<Spread>,
    pub(crate) value: Option<Spread>,
    pub(crate) ratio: Option<Spread>,
    pub(crate) overall_ratio: Option<f64>,
    pub(crate) bystander_ratio: Option<Spread>,
    pub(crate) bystander_overall_ratio: Option<f64>,
    /// How many of a thousand operations waited, by the block profile's count.
    pub(crate) waits_per_thousand: Option<f64>,
    /// The ratio is meant to stay below this, or the value where there is no ratio.
    pub(crate) bar: Option<f64>,
    pub(crate) rounds: usize,
}

impl Row {
    pub(crate) fn of_outcome(case: String, outcome: &Outcome, bar: Option<f64>) -> Self {
        Self {
            case,
            contestant: outcome.name.to_owned(),
            unit: "ns/op",
            bare: Some(outcome.bare),
            value: Some(outcome.ours),
            ratio: Some(outcome.ratio),
            overall_ratio: Some(outcome.overall_ratio),
            bystander_ratio: outcome.bystander_ratio,
            bystander_overall_ratio: outcome.bystander_overall_ratio,
            bar,
            rounds: outcome.rounds,
            ..Self::default()
        }
    }

    pub(crate) fn of_value(case: String, unit: &'static str, rounds: Vec<f64>) -> Self {
        Self {
            case,
            unit,
            rounds: rounds.len(),
            value: Some(Spread::of(rounds)),
            ..Self::default()
        }
    }

    pub(crate) fn with_bar(mut self, bar: f64) -> Self {
        self.bar = Some(bar);
        self
    }

    /// `?`: the median is not known well enough to tell. More rounds, or a quieter machine, would.
    fn verdict(&self) -> &'static str {
        let (Some(bar), Some(spread)) = (self.bar, self.ratio.or(self.value)) else {
            return "";
        };
        let is_sure = spread.median_high <= bar || spread.median_low > bar;
        match (spread.median <= bar, is_sure) {
            (true, true) => "ok",
            (true, false) => "ok?",
            (false, true) => "OVER",
            (false, false) => "OVER?",
        }
    }
}

pub(crate) struct Report {
    machine: Machine,
    quick: bool,
    rows: Vec<Row>,
}

impl Report {
    /// Prints what the numbers are going to be worth.
    pub(crate) fn begin(title: &str, options: &Options) -> Self {
        let machine = Machine::here();
        println!("{title}");
        println!(
            "{}, {} cores; {}; {}, commit {}",
            machine.processor, machine.cores, machine.compiler, machine.version, machine.commit
        );
        if options.quick {
            println!("quick: results are checked, times mean nothing");
        }
        Self {
            machine,
            quick: options.quick,
            rows: Vec::new(),
        }
    }

    pub(crate) fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// The columns of the contests that follow.
    pub(crate) fn contests(&self, title: &str) {
        self.section(title);
        println!(
            "  {:<36} {:<8} {:>8} {:>8}  {:>6} {:>13} {:>7}  {:<12} {:>6} {:>13} {:>7}",
            "",
            "",
            "bare ns",
            "ns",
            "ratio",
            "p10..p90",
            "overall",
            "bar",
            "other",
            "p10..p90",
            "waits ‰"
        );
    }

    pub(crate) fn add(&mut self, mut row: Row) {
        if self.quick {
            row.bar = None;
        }
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Writes the JSON, if asked to.
    pub(crate) fn end(self, options: &Options) {
        let Some(path) = &options.json else { return };
        if let Err(error) = fs::write(path, self.to_json()) {
            eprintln!("{}: {error}", path.display());
            std::process::exit(1);
        }
    }

    fn to_json(&self) -> String {
        let machine = &self.machine;
        let mut json = format!(
            "{{\n\"processor\": {}, \"cores\": {}, \"compiler\": {}, \"version\": {}, \"commit\": {}, \"quick\": {},\n\"rows\": [",
            quoted(&machine.processor),
            machine.cores,
            quoted(&machine.compiler),
            quoted(machine.version),
            quoted(&machine.commit),
            self.quick
        );
        for (index, row) in self.rows.iter().enumerate() {
            json.push_str(if index == 0 { "\n" } else { ",\n" });
            json.push_str(&row_json(row));
        }
        json.push_str("\n]\n}\n");
        json
    }
}

fn line(row: &Row) -> String {
    let mut line = format!("  {:<36} {:<8}", row.case, row.contestant);
    let bar = match row.bar {
        Some(bar) => format!("<={bar:.2} {}", row.verdict()),
        None => String::new(),
    };
    if let (Some(bare), Some(value), Some(ratio)) = (&row.bare, &row.value, &row.ratio) {
        let _ = write!(
            line,
            " {:>8.2} {:>8.2}  {:>6.3} {:>13} {:>7}  {bar:<12}",
            bare.median,
            value.median,
            ratio.median,
            range(ratio),
            row.overall_ratio
                .map_or(String::new(), |ratio| format!("{ratio:.3}")),
        );
    } else if let Some(value) = &row.value {
        let _ = write!(
            line,
            " {:>10.2} {:<7} {:>16}  {bar}",
            value.median,
            row.unit,
            range(value)
        );
    }
    if let (Some(other), Some(spread)) = (row.bystander_overall_ratio, &row.bystander_ratio) {
        let _ = write!(line, " {other:>6.3} {:>13}", range(spread));
    }
    if let Some(waits) = row.waits_per_thousand {
        let _ = write!(line, " {waits:>7.2}");
    }
    line.trim_end().to_owned()
}

fn range(spread: &Spread) -> String {
    format!("{:.2}..{:.2}", spread.p10, spread.p90)
}

fn row_json(row: &Row) -> String {
    let spread = |spread: &Option<Spread>| match spread {
        Some(s) => format!(
            "{{\"p10\": {}, \"median\": {}, \"p90\": {}, \"median_low\": {}, \"median_high\": {}}}",
            s.p10, s.median, s.p90, s.median_low, s.median_high
        ),
        None => "null".to_owned(),
    };
    let number = |number: Option<f64>| number.map_or("null".to_owned(), |n| n.to_string());
    format!(
        "{{\"case\": {}, \"contestant\": {}, \"unit\": {}, \"rounds\": {}, \"bare\": {}, \"value\": {}, \"ratio\": {}, \"overall_ratio\": {}, \"bystander_ratio\": {}, \"bystander_overall_ratio\": {}, \"waits_per_thousand\": {}, \"bar\": {}, \"verdict\": {}}}",
        quoted(&row.case),
        quoted(&row.contestant),
        quoted(row.unit),
        row.rounds,
        spread(&row.bare),
        spread(&row.value),
        spread(&row.ratio),
        number(row.overall_ratio),
        spread(&row.bystander_ratio),
        number(row.bystander_overall_ratio),
        number(row.waits_per_thousand),
        number(row.bar),
        quoted(row.verdict()),
    )
}

/// A JSON string. Our texts are names and version lines: what needs escapes is the quote, the
/// backslash and control characters.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
