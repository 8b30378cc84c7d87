//! The command line of the benches.

use std::path::PathBuf;
use std::process;

const USAGE: &str = "\
options:
  --filter SUBSTR        only cases whose name contains SUBSTR
  --rounds N             rounds per case, for all of them
  --json PATH            write the results there, too
  --alone                contended cases without the bystander thread
  --between NANOS        contended cases with so much work between release and next try; else 0
  --instructions         (overhead) count instructions with valgrind instead of measuring time
  --quick, --test        everything once, very short, to check results rather than time";

#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Every case once and short, as a test.
    pub(crate) quick: bool,
    pub(crate) filter: Option<String>,
    rounds: Option<usize>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) alone: bool,
    pub(crate) between_nanos: u64,
    pub(crate) instructions: bool,
    /// `--instructions` passes this to its children: the loop to run, and how often.
    pub(crate) run_loop: Option<(String, u64)>,
}

impl Options {
    /// The options of a bench. `cargo bench` passes `--bench`; without it (`cargo test --benches`,
    /// or by hand) the run is quick.
    pub(crate) fn from_args() -> Self {
        Self::parse(std::env::args().skip(1), false)
    }

    /// The options of a program that measures unless it is told to be quick.
    pub(crate) fn from_args_of_program() -> Self {
        Self::parse(std::env::args().skip(1), true)
    }

    /// Ends the process with a message if it does not understand them.
    fn parse(args: impl Iterator<Item = String>, is_bench: bool) -> Self {
        Self::try_parse(args, is_bench).unwrap_or_else(|message| {
            eprintln!("{message}\n{USAGE}");
            process::exit(2);
        })
    }

    fn try_parse(
        mut args: impl Iterator<Item = String>,
        mut is_bench: bool,
    ) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => is_bench = true,
                "--quick" | "--test" => options.quick = true,
                "--filter" => options.filter = Some(value()?),
                "--rounds" => options.rounds = Some(number(&value()?)?.max(1) as usize),
                "--json" => options.json = Some(value()?.into()),
                "--alone" => options.alone = true,
                "--between" => options.between_nanos = number(&value()?)?,
                "--instructions" => options.instructions = true,
                "--run-loop" => options.run_loop = Some((value()?, number(&value()?)?)),
                "--help" | "-h" => return Err(String::new()),
                _ => return Err(format!("unknown argument {arg}")),
            }
        }
        options.quick |= !is_bench;
        Ok(options)
    }

    /// How many rounds a case takes that needs `rounds` to tell its bar from noise.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        match self.rounds {
            Some(rounds) => rounds,
            None if self.quick => 1,
            None => rounds,
        }
    }

    /// `full`, or a small share of it in a quick run.
    pub(crate) fn scaled(&self, full: u64) -> u64 {
        if self.quick { full.div_ceil(50) } else { full }
    }

    /// Whether the case called `name` is to run.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|part| name.contains(part))
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
