//! Several ways to do the same, measured in turn.

use super::spread::Spread;

/// The cost of one segment of a contestant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Nanoseconds per operation: the time that passed, divided by the operations of all
    /// threads together.
    pub(crate) nanos: f64,
    /// The same of the bystander.
    pub(crate) bystander_nanos: Option<f64>,
    pub(crate) operations: u64,
}

pub(crate) struct Contestant<'a> {
    name: &'static str,
    run_segment: Box<dyn FnMut() -> Cost + 'a>,
}

impl<'a> Contestant<'a> {
    pub(crate) fn new(name: &'static str, run_segment: impl FnMut() -> Cost + 'a) -> Self {
        Self {
            name,
            run_segment: Box::new(run_segment),
        }
    }
}

/// A contestant against the bare one.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) rounds: usize,
    /// Nanoseconds per operation.
    pub(crate) bare: Spread,
    pub(crate) ours: Spread,
    /// Time per operation as a multiple of the bare one's in the same round.
    pub(crate) ratio: Spread,
    /// The same of all rounds together. Where single rounds swing between two speeds, the median
    /// is that of one or the other by chance, and this tells more.
    pub(crate) overall_ratio: f64,
    pub(crate) bystander_ratio: Option<Spread>,
    pub(crate) bystander_overall_ratio: Option<f64>,
    /// This contestant's, in all rounds.
    pub(crate) operations: u64,
}

/// Runs one segment of everybody per round, and one round more for caches and branches to warm
/// up. Returns the outcomes of `others`, in this order.
pub(crate) fn contest(rounds: usize, bare: Contestant, others: Vec<Contestant>) -> Vec<Outcome> {
    let mut contestants = vec![bare];
    contestants.extend(others);
    let mut costs: Vec<Vec<Cost>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for index in order(round, contestants.len()) {
            let cost = (contestants[index].run_segment)();
            costs[index].push(cost);
        }
    }
    (1..contestants.len())
        .map(|index| outcome(contestants[index].name, &costs[0], &costs[index]))
        .collect()
}

/// The order in which contestants run: there and back, from another one on every second round, so
/// that each runs first, last, and after each other one equally often.
fn order(round: usize, len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).map(|place| (place + round / 2) % len).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

fn outcome(name: &'static str, bare: &[Cost], ours: &[Cost]) -> Outcome {
    let pairs: Vec<(&Cost, &Cost)> = bare.iter().zip(ours).skip(1).collect();
    let spread = |of_pair: &dyn Fn(&Cost, &Cost) -> f64| {
        Spread::of(pairs.iter().map(|(b, o)| of_pair(b, o)).collect())
    };
    let bystanders: Option<Vec<(f64, f64)>> = pairs
        .iter()
        .map(|(bare, ours)| Some((bare.bystander_nanos?, ours.bystander_nanos?)))
        .collect();
    Outcome {
        name,
        rounds: pairs.len(),
        bare: spread(&|bare, _| bare.nanos),
        ours: spread(&|_, ours| ours.nanos),
        ratio: spread(&|bare, ours| ours.nanos / bare.nanos),
        overall_ratio: overall(pairs.iter().map(|(bare, ours)| (bare.nanos, ours.nanos))),
        bystander_ratio: bystanders
            .as_ref()
            .map(|nanos| Spread::of(nanos.iter().map(|(bare, ours)| ours / bare).collect())),
        bystander_overall_ratio: bystanders.map(|nanos| overall(nanos.into_iter())),
        operations: ours.iter().map(|cost| cost.operations).sum(),
    }
}

/// The ratio of all rounds together, from the nanoseconds per operation, bare and ours, of each.
/// Segments are equally long, so speeds may be added.
fn overall(rounds: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (bare, ours) = rounds.fold((0.0, 0.0), |speeds, nanos| {
        (speeds.0 + 1.0 / nanos.0, speeds.1 + 1.0 / nanos.1)
    });
    bare / ours
}
