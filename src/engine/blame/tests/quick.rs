//! Rounds with made-up times, next to what a stopwatch that is always read would show.

use super::super::flag::Flag;
use super::super::quick::{ReleasePlace, Rounds};

const START: u64 = 10_000;
/// As long as a stretch may be at most: see the module.
const STRETCH: u64 = 1_000;

/// A lock that somebody waits for, and how long it was free in truth.
struct Scene {
    flag: Flag,
    now: u64,
    free: u64,
    seed: u64,
}

impl Scene {
    fn new() -> Self {
        let flag = Flag::new();
        flag.make_busy(START);
        // The release before the story.
        flag.released_at(START);
        flag.close_gate(START);
        Self {
            flag,
            now: START,
            free: 0,
            seed: 1,
        }
    }

    /// xorshift64 (Marsaglia, 2003).
    fn draw(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed >> 11
    }

    fn pass_free(&mut self, nanos: u64) {
        self.now += nanos;
        self.free += nanos;
    }

    fn acquire(&self, rounds: &Rounds) {
        match self.flag.is_free() {
            true => rounds.acquired(&self.flag, || self.now),
            false if rounds.is_own(self.flag.stopwatch()) => {}
            false => self.flag.acquired_at(|| self.now),
        }
    }

    /// Whether it is timed.
    fn release(&mut self, rounds: &Rounds, place: u64) -> bool {
        let place = ReleasePlace::numbered(place);
        let is_timed = !rounds.is_untimed(&self.flag, place.unwrap());
        if is_timed {
            let random = self.draw();
            self.flag.begin_timed();
            rounds.released(&self.flag, place, self.now, false, || random);
        }
        is_timed
    }

    /// A round whose release is captured, which takes `free` until the next acquisition.
    fn captured_round(&mut self, rounds: &Rounds, held: u64, free: u64) {
        self.acquire(rounds);
        self.now += held;
        let place = ReleasePlace::numbered(1);
        self.flag.begin_timed();
        rounds.released(&self.flag, place, self.now, true, || unreachable!());
        self.flag.close_gate(self.now);
        self.pass_free(free);
    }

    fn release_that_wakes(&self, rounds: &Rounds) {
        rounds.released(&self.flag, None, self.now, false, || unreachable!());
    }

    /// Whether the release was timed.
    fn round(&mut self, rounds: &Rounds, held: u64, free: u64) -> bool {
        self.acquire(rounds);
        self.now += held;
        let is_timed = self.release(rounds, 1);
        self.pass_free(free);
        is_timed
    }

    /// Until a stretch has begun, and so many releases of it were not timed.
    fn untimed_rounds(&mut self, rounds: &Rounds, count: u32) {
        let mut in_succession = 0;
        while in_succession < count {
            let is_timed = self.round(rounds, 20, 10);
            in_succession = if is_timed { 0 } else { in_succession + 1 };
        }
    }

    /// The stopwatch's reading once it is known, at a release from elsewhere.
    fn reading(&mut self, rounds: &Rounds) -> u64 {
        self.acquire(rounds);
        self.now += 20;
        self.release_that_wakes(rounds);
        self.flag.free_nanos(self.now).unwrap()
    }
}

#[test]
fn few_rounds_are_timed_and_the_others_count_as_those() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    let timed = (0..10_000).filter(|_| scene.round(&rounds, 20, 10)).count();
    assert!(timed < 2_000, "{timed}");
    let (reading, free) = (scene.reading(&rounds), scene.free);
    assert!(reading.abs_diff(free) <= STRETCH, "{reading} of {free}");
}

#[test]
fn two_rounds_are_timed_after_a_capture() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    for _ in 0..1_000 {
        scene.captured_round(&rounds, 20, 300);
        assert!(scene.round(&rounds, 20, 10));
        assert!(scene.round(&rounds, 20, 10));
        for _ in 0..10 {
            assert!(!scene.round(&rounds, 20, 10));
        }
    }
    let (reading, free) = (scene.reading(&rounds), scene.free);
    assert!(reading.abs_diff(free) <= STRETCH, "{reading} of {free}");
}

#[test]
fn slow_rounds_are_all_timed() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    for _ in 0..1_000 {
        assert!(scene.round(&rounds, 600, 10));
    }
    assert_eq!(scene.reading(&rounds), scene.free);
}

#[test]
fn a_hold_in_which_others_fall_asleep_is_held() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 3);
    scene.acquire(&rounds);
    scene.now += 1_000_000;
    scene.release_that_wakes(&rounds);
    let reading = scene.flag.free_nanos(scene.now).unwrap();
    assert!(reading.abs_diff(scene.free) <= STRETCH, "{reading}");
    // And the time until the woken one has it is nobody's.
    scene.pass_free(50_000);
    scene.acquire(&Rounds::new());
    let reading = scene.flag.free_nanos(scene.now).unwrap();
    assert!(reading.abs_diff(scene.free) <= STRETCH, "{reading}");
}

#[test]
fn the_time_of_an_event_during_a_stretch_is_not_known() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    assert_eq!(scene.flag.free_nanos(scene.now), None);
}

#[test]
fn another_place_is_timed_and_so_is_the_first_release_after_an_arrival() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    scene.acquire(&rounds);
    scene.now += 50_000;
    assert!(scene.release(&rounds, 2));
    let reading = scene.flag.free_nanos(scene.now).unwrap();
    assert!(reading.abs_diff(scene.free) <= STRETCH, "{reading}");

    scene.untimed_rounds(&rounds, 1);
    // It is not captured for that: the gate stays closed.
    scene.flag.close_gate(scene.now);
    scene.flag.time_next();
    assert!(!scene.flag.is_due(scene.now + 30));
    assert!(scene.round(&rounds, 20, 10));
    assert!(!scene.round(&rounds, 20, 10));
}

/// The arrival finds the clock read, and the stretch not begun.
#[test]
fn a_release_that_misses_an_arrival_leaves_it_to_the_next_one() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    while !scene.flag.is_quick() {
        scene.acquire(&rounds);
        scene.now += 20;
        scene.flag.begin_timed();
        scene.flag.time_next();
        let place = ReleasePlace::numbered(1);
        rounds.released(&scene.flag, place, scene.now, false, || 0);
        scene.pass_free(10);
    }
    assert!(scene.round(&rounds, 20, 10));
    assert!(!scene.round(&rounds, 20, 10));
}

#[test]
fn another_thread_takes_it_for_free_since_the_last_timed_release() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 2);
    scene.pass_free(50_000);
    scene.acquire(&Rounds::new());
    let reading = scene.flag.free_nanos(scene.now).unwrap();
    assert!(reading.abs_diff(scene.free) <= STRETCH, "{reading}");
    // The first one's stretch is over.
    scene.now += 5_000;
    scene.release_that_wakes(&Rounds::new());
    scene.pass_free(10);
    assert!(scene.round(&rounds, 20, 10));
}

/// It was interrupted in a hold or in a gap: the mean of both is right.
#[test]
fn an_interruption_is_divided_as_a_round_is() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    scene.now += 300_000;
    while !scene.round(&rounds, 20, 10) {}
    // The gap after the last release is not in it yet.
    let reading = scene.flag.free_nanos(scene.now - 10).unwrap();
    let free = scene.free - 10 + 100_000;
    assert!(reading.abs_diff(free) <= STRETCH, "{reading} of {free}");
}

#[test]
fn a_hold_in_which_another_lock_is_released_is_held() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    scene.acquire(&rounds);
    let mut inner = Scene::new();
    inner.now = scene.now;
    inner.acquire(&rounds);
    inner.now += 20;
    assert!(inner.release(&rounds, 2));
    scene.now += 1_000_000;
    scene.release_that_wakes(&rounds);
    assert_eq!(scene.flag.free_nanos(scene.now), Some(0));
    scene.pass_free(50_000);
    scene.acquire(&Rounds::new());
    assert_eq!(scene.flag.free_nanos(scene.now), Some(50_000));
}

#[test]
fn a_lock_at_the_place_of_a_freed_one_is_another() {
    let (mut scene, rounds) = (Scene::new(), Rounds::new());
    scene.untimed_rounds(&rounds, 1);
    scene.flag.make_idle();
    scene.flag.make_busy(scene.now);
    scene.flag.close_gate(scene.now);
    // Its holder, of whom nothing is known, has let it go.
    scene.now += 5_000;
    scene.release_that_wakes(&Rounds::new());
    scene.now += 30_000;
    assert!(scene.round(&rounds, 20, 10));
    assert_eq!(scene.flag.free_nanos(scene.now), Some(30_010));
}

#[test]
fn stories_of_three_threads() {
    for seed in 1..=200 {
        let (mut scene, threads) = (Scene::new(), [const { Rounds::new() }; 3]);
        scene.seed = seed * 0x9e37_79b9;
        let mut changes = 0;
        let mut own = 0;
        for _ in 0..20_000 {
            match scene.draw() % 2_000 {
                // Another one has been woken, and takes over.
                0 => {
                    let free = scene.draw() % 50_000;
                    scene.pass_free(free);
                    own = (own + 1) % threads.len();
                    changes += 1;
                }
                // A long hold, in which others fall asleep.
                1 => {
                    scene.acquire(&threads[own]);
                    scene.now += scene.draw() % 500_000;
                    scene.release_that_wakes(&threads[own]);
                    changes += 1;
                    scene.pass_free(10);
                }
                _ => {
                    let held = 10 + scene.draw() % 20;
                    let free = 5 + scene.draw() % 10;
                    if scene.flag.is_due(scene.now) {
                        scene.captured_round(&threads[own], held, free + 300);
                    } else {
                        scene.round(&threads[own], held, free);
                    }
                }
            }
        }
        let (reading, free) = (scene.reading(&threads[own]), scene.free);
        let bound = free / 20 + (changes + 1) * STRETCH;
        assert!(
            reading.abs_diff(free) <= bound,
            "{seed}: {reading} of {free}, {changes} changes"
        );
    }
}
