//! A pipeline with a slow stage: the block profile names the line that is kept waiting.
//!
//! ```sh
//! cargo run --release --example pipeline --features crossbeam-channel
//! ```
//!
//! Four stages (generate, square, cube, print) are connected by channels of capacity 2. `cube`
//! takes its time with each number. You should see the block profile of the run: at its top the
//! `send` of `square`, the stage before the slow one, next to as much at the `send` of `generate`,
//! which is held up behind that; then the `recv` of `print`, which is starved. `cube` itself, the
//! cause, hardly waits at all. This is how to find it: stages before the slow one wait in `send`,
//! those after it in `recv`.

use std::thread;
use std::time::Duration;

use contend::crossbeam_channel::{Receiver, Sender, bounded};

/// The slow stage takes so long for each number.
const SLOW: Duration = Duration::from_millis(5);
const NUMBERS: u64 = 60;
const CAPACITY: usize = 2;

#[inline(never)]
fn generate(numbers: Sender<u64>) {
    for number in 1..=NUMBERS {
        numbers.send(number).unwrap();
    }
}

#[inline(never)]
fn square(numbers: Receiver<u64>, squares: Sender<u64>) {
    for number in numbers {
        squares.send(number.pow(2)).unwrap();
    }
}

#[inline(never)]
fn cube(squares: Receiver<u64>, cubes: Sender<u64>) {
    for square in squares {
        thread::sleep(SLOW);
        cubes.send(square.pow(3)).unwrap();
    }
}

#[inline(never)]
fn print(cubes: Receiver<u64>) -> u64 {
    let mut last = 0;
    for cube in cubes {
        last = cube;
    }
    println!("the last of {NUMBERS} numbers: {last}\n");
    last
}

/// Runs the pipeline, and returns what comes out of it last.
pub(crate) fn run() -> u64 {
    let (to_square, numbers) = bounded(CAPACITY);
    let (to_cube, squares) = bounded(CAPACITY);
    let (to_print, cubes) = bounded(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(|| generate(to_square));
        scope.spawn(|| square(numbers, to_cube));
        scope.spawn(|| cube(squares, to_print));
        print(cubes)
    })
}

#[allow(dead_code)] // Not called by the test that includes this file.
fn main() {
    contend::set_block_profile_rate(1);
    run();
    // `{:#}` has those who wait for work as rows, too.
    print!("{:#}", contend::block_profile().top(4));
}
