//! `contend ci`: two profiles compared for a build, in Markdown, and what makes it fail.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::args::Ci;
use super::diff::load_both;
use super::error::{Error, Result};
use super::output::{Output, printable};
use super::report::warnings;
use super::scale::Unit;
use super::source::Loaded;
use super::spots::spot;
use crate::pprof::decoded::DecodedProfile;
use crate::text::units::human;

mod condition;

pub(super) use condition::Condition;
use condition::Limit;

/// The exit code where a condition is met.
const FAILED: u8 = 3;

pub(super) fn run(arguments: &Ci, output: &mut Output) -> Result<ExitCode> {
    let sides = load_both([&arguments.base, &arguments.new], &arguments.access, None)?;
    let sides = Sides {
        seconds: seconds(&sides, arguments.per_second)?,
        sides,
    };
    let checked = arguments.fail_if.iter();
    let checked = checked.map(|condition| sides.check(condition));
    let checked = checked.collect::<Result<Vec<_>>>()?;
    sides.write_verdicts(&checked, output)?;
    sides.write_totals(output)?;
    sides.write_call_sites(arguments.n, output)?;
    sides.write_notes(arguments.per_second, output)?;
    let mut code = ExitCode::SUCCESS;
    for checked in checked.iter().filter(|checked| checked.is_met) {
        code = ExitCode::from(FAILED);
        // The summary may go to a file.
        let line = format!("contend: {}: {}", checked.condition, checked.why);
        let _ = writeln!(io::stderr(), "{}", printable(&line));
    }
    Ok(code)
}

/// The divisors of the values of each side.
fn seconds(sides: &[Loaded; 2], per_second: bool) -> Result<[f64; 2]> {
    let mut seconds = [1.0; 2];
    if per_second {
        for (side, seconds) in sides.iter().zip(&mut seconds) {
            let nanos = side.profile.tables.duration_nanos;
            if nanos <= 0 {
                let what = "it does not say how long it lasted, so there is nothing per second";
                return Err(Error::about(&side.name, what));
            }
            *seconds = nanos as f64 / 1e9;
        }
    }
    Ok(seconds)
}

/// The base and the new one, which have the same values in the same units.
struct Sides {
    sides: [Loaded; 2],
    seconds: [f64; 2],
}

struct Checked<'c> {
    condition: &'c Condition,
    /// Those of the base and of the new one.
    amounts: [f64; 2],
    unit: String,
    is_met: bool,
    why: String,
}

impl Sides {
    fn new_side(&self) -> &Loaded {
        &self.sides[1]
    }

    /// Sums of a value over the samples for which `counts` says so.
    fn sums(&self, value: usize, counts: impl Fn(&DecodedProfile, usize) -> bool) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for ((side, seconds), sum) in self.sides.iter().zip(self.seconds).zip(&mut sums) {
            let profile = &side.profile;
            let samples = profile.tables.sample.iter().enumerate();
            let counted = samples.filter(|(at, _)| counts(profile, *at));
            let values = counted.map(|(_, sample)| sample.value[value] as f64);
            *sum = values.sum::<f64>() / seconds;
        }
        sums
    }

    fn check<'c>(&self, condition: &'c Condition) -> Result<Checked<'c>> {
        let new = self.new_side();
        let value = new.value(Some(&condition.value))?;
        let unit = new.profile.unit(value).to_owned();
        let is_time = unit == "nanoseconds";
        let amounts = self.sums(value, |profile, at| match &condition.functions {
            None => true,
            Some(functions) => {
                let ids = profile.tables.sample[at].location_id.iter();
                let mut frames = ids.flat_map(|id| profile.frames(*id));
                frames.any(|frame| functions.is_match(frame.function))
            }
        });
        let [base, now] = amounts;
        let shown = |amount: f64| Unit::of_each(&unit).print(amount.round() as i64);
        let (bound, why) = match condition.limit {
            Limit::Times(times) => {
                let why = match base {
                    0.0 => format!("{} where there was nothing", shown(now)),
                    _ => format!("{:.2}x", now / base),
                };
                (times * base, why)
            }
            Limit::Percent(percent) => {
                let [_, total] = self.sums(value, |_, _| true);
                let share = 100.0 * now / total.max(f64::MIN_POSITIVE);
                (percent / 100.0 * total, format!("{share:.1}%"))
            }
            Limit::Nanos(nanos) if is_time => (nanos, shown(now)),
            Limit::Number(number) if !is_time => (number, shown(now)),
            Limit::Nanos(_) | Limit::Number(_) => {
                let what = match is_time {
                    true => "is a time: its limit needs a unit, such as 500ms",
                    false => "is no time: its limit is a number",
                };
                return Err(Error::about(
                    condition,
                    format!("{} {what}", condition.value),
                ));
            }
        };
        Ok(Checked {
            condition,
            amounts,
            is_met: condition.is_met(now, bound),
            unit,
            why,
        })
    }

    fn write_verdicts(&self, checked: &[Checked<'_>], output: &mut Output) -> Result<()> {
        let met = checked.iter().filter(|checked| checked.is_met).count();
        match (checked.len(), met) {
            (0, _) => return Ok(()),
            (all, 0) => writeln!(output, "**contention: none of {all} conditions is met**\n")?,
            (all, met) => writeln!(output, "**contention: {met} of {all} conditions met**\n")?,
        }
        writeln!(output, "| fails if | base | new | |\n|:--|--:|--:|:--|")?;
        for checked in checked {
            let [base, new] = checked
                .amounts
                .map(|amount| Unit::of_each(&checked.unit).print(amount.round() as i64));
            let word = match checked.is_met {
                true => "**met**",
                false => "not met",
            };
            let (condition, why) = (code(checked.condition), &checked.why);
            writeln!(output, "| {condition} | {base} | {new} | {word}: {why} |")?;
        }
        Ok(writeln!(output)?)
    }

    fn write_totals(&self, output: &mut Output) -> Result<()> {
        writeln!(output, "| total | base | new | change |\n|:--|--:|--:|--:|")?;
        for (value, (name, unit)) in self.new_side().profile.sample_types().enumerate() {
            let [base, new] = self.sums(value, |_, _| true);
            let share = match base {
                0.0 => String::new(),
                _ => format!(" ({:+.1}%)", 100.0 * (new - base) / base),
            };
            let name = cell(name);
            let [before, after] = [base, new].map(|amount| print(unit, amount));
            let change = print_change(unit, new - base);
            writeln!(output, "| {name} | {before} | {after} | {change}{share} |")?;
        }
        Ok(writeln!(output)?)
    }

    /// By function, because lines move from one version to the next.
    fn write_call_sites(&self, n: usize, output: &mut Output) -> Result<()> {
        let new = self.new_side();
        let value = new.value(None)?;
        let types: Vec<_> = new.profile.sample_types().collect();
        let (name, unit) = types[value];
        let mut rows = HashMap::<(String, String), [f64; 2]>::new();
        for (number, (side, seconds)) in self.sides.iter().zip(self.seconds).enumerate() {
            for sample in &side.profile.tables.sample {
                let spot = spot(&side.profile, sample);
                let amounts = rows.entry((spot.kind, spot.function)).or_default();
                amounts[number] += sample.value[value] as f64 / seconds;
            }
        }
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|(site, [base, new])| (new - base, site, [base, new]))
            .filter(|(change, ..)| change.round() != 0.0)
            .collect();
        rows.sort_by(|a, b| {
            let larger_first = b.0.abs().total_cmp(&a.0.abs());
            larger_first.then_with(|| a.1.cmp(&b.1))
        });
        if rows.is_empty() {
            return Ok(writeln!(output, "No call site has changed.\n")?);
        }
        let (all, shown) = (rows.len(), rows.len().min(n));
        let name = cell(name);
        writeln!(
            output,
            "{shown} of {all} call sites whose {name} changed:\n"
        )?;
        writeln!(
            output,
            "| base | new | change | kind | function |\n|--:|--:|--:|:--|:--|"
        )?;
        for (change, (kind, function), amounts) in &rows[..shown] {
            let [base, new] = amounts.map(|amount| print(unit, amount));
            let (kind, function) = (cell(kind), code(function));
            let change = print_change(unit, *change);
            writeln!(
                output,
                "| {base} | {new} | {change} | {kind} | {function} |"
            )?;
        }
        Ok(writeln!(output)?)
    }

    /// Facts of the profiles that the numbers depend on.
    fn write_notes(&self, per_second: bool, output: &mut Output) -> Result<()> {
        let nanos = self.sides.each_ref().map(|side| {
            let nanos = side.profile.tables.duration_nanos;
            u64::try_from(nanos).unwrap_or(0)
        });
        let [base, new] = nanos.map(|nanos| human(Duration::from_nanos(nanos)));
        if per_second {
            writeln!(output, "Per second of profiles that last {base} and {new}.")?;
        } else if nanos[0].abs_diff(nanos[1]) > nanos[0].min(nanos[1]) / 10 && !nanos.contains(&0) {
            writeln!(
                output,
                "The profiles last {base} and {new}; `--per-second` compares what is in a second of each."
            )?;
        }
        for (side, name) in self.sides.iter().zip(["base", "new"]) {
            let is_empty = side.profile.tables.sample.is_empty();
            for warning in warnings(&side.profile, is_empty) {
                writeln!(output, "{name}: {}", cell(warning))?;
            }
        }
        Ok(())
    }
}

fn print(unit: &str, amount: f64) -> String {
    cell(Unit::of_each(unit).print(amount.round() as i64))
}

fn print_change(unit: &str, change: f64) -> String {
    let sign = if change < 0.0 { "" } else { "+" };
    format!("{sign}{}", print(unit, change))
}

/// Text in a cell of a table: what has a meaning in Markdown or HTML has none.
fn cell(text: impl Display) -> String {
    let mut cell = String::new();
    for c in printable(&text.to_string()).chars() {
        if "\\|`*_<>[]#&".contains(c) {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

/// A name in a cell of a table, as code. There a backslash before `|` is taken away by the table,
/// and a backquote would end the code.
fn code(text: impl Display) -> String {
    let text = printable(&text.to_string());
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(cell("a|b <i>*c*</i>"), "a\\|b \\<i\\>\\*c\\*\\</i\\>");
        assert_eq!(code("<A as `B`>::c|d"), "`<A as 'B'>::c\\|d`");
        assert_eq!(code("a\nb"), code(printable("a\nb")));
    }
}
