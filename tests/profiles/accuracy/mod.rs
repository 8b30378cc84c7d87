//! Are the numbers true? Profiles against clocks that the tests keep themselves.
//!
//! Each test logs every wait and every hold of its lock with readings around the real ones, works
//! out who kept whom waiting, and compares that with the profile. The rates are the process's, so
//! the tests take turns (see [`recording`](crate::ground_truth::recording)).

mod conservation;
mod go_cases;
mod queues;
mod readers;
mod shares;
