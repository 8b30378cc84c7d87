//! Small stories with made-up times: what each event of the module's table does.

use super::super::*;
use crate::engine::sampler::BlockDraw;
use crate::engine::store::{Added, Store};
use crate::profile::kind::ProfileKind;

const MS: u64 = 1_000_000;
const START: u64 = 10_000;

/// Two stacks to charge.
fn stacks() -> [StackId; 2] {
    let store = Store::new(1, 0);
    [1, 2].map(
        |site| match store.add(0, ProfileKind::Wake, Kind::CONDVAR, &[site], Amount::ZERO) {
            Added::To(id) => id,
            other => panic!("the store has room, but {other:?}"),
        },
    )
}

struct Scene {
    table: Sleepers,
    flag: WakeFlag,
}

impl Scene {
    fn new() -> Self {
        Self {
            table: Sleepers::new(),
            flag: WakeFlag::new(),
        }
    }

    fn at(&self) -> WakeRef<'_> {
        WakeRef::beside(&self.flag)
    }

    fn arrive(&self, begin: u64) {
        assert!(self.table.arrive(self.at(), Kind::CONDVAR, begin));
    }

    fn note(&self, whom: Whom, now: u64) -> Option<Note> {
        self.table.note(self.at(), whom, now, |_| 1.0)
    }

    /// A notification whose stack is known at once.
    fn notify(&self, whom: Whom, now: u64, stack: StackId) {
        let note = self.note(whom, now).expect("somebody sleeps");
        assert_eq!(self.table.settle(&note, Some(stack)), Amount::ZERO);
    }

    fn leave(&self, begin: u64, now: u64) -> Woken {
        self.table
            .leave(self.at(), begin, Sleep::Notified(now - begin))
    }

    fn give_up(&self, begin: u64) {
        let woken = self.table.leave(self.at(), begin, Sleep::Over);
        assert_eq!(woken, Woken::Unseen);
    }

    fn assert_empty(&self) {
        let kept: usize = self.table.shards.iter().map(|s| s.lock().kept()).sum();
        assert_eq!(kept, 0);
        assert!(self.flag.is_idle());
    }
}

#[test]
fn a_sleeper_is_charged_to_the_first_that_notified_it() {
    let (scene, [first, _]) = (Scene::new(), stacks());
    scene.arrive(START);
    assert!(!scene.flag.is_idle());
    scene.notify(Whom::One, START + MS, first);
    assert!(scene.flag.is_idle(), "a second message finds nobody");
    assert!(scene.note(Whom::One, START + MS + 1).is_none());
    assert_eq!(scene.leave(START, START + 2 * MS), Woken::By(first, 1.0));
    scene.assert_empty();
}

#[test]
fn each_sleeper_has_a_notification_of_its_own() {
    let (scene, [first, second]) = (Scene::new(), stacks());
    scene.arrive(START);
    scene.arrive(START + 1);
    scene.notify(Whom::One, START + MS, first);
    assert!(!scene.flag.is_idle(), "one is left");
    scene.notify(Whom::One, START + 2 * MS, second);
    assert!(scene.flag.is_idle());
    let woken = [START, START + 1].map(|begin| scene.leave(begin, START + 3 * MS));
    assert_eq!(woken, [Woken::By(first, 1.0), Woken::By(second, 1.0)]);
    scene.assert_empty();
}

#[test]
fn a_notification_of_all_is_for_those_who_have_none() {
    let (scene, [first, all]) = (Scene::new(), stacks());
    (0..3).for_each(|_| scene.arrive(START));
    scene.notify(Whom::One, START + 1, first);
    scene.notify(Whom::All, START + 2, all);
    // It came too late.
    scene.arrive(START + 3);
    let woken = [(); 4].map(|()| scene.leave(START, START + MS));
    let by_all = Woken::By(all, 1.0);
    assert_eq!(
        woken,
        [Woken::By(first, 1.0), by_all, by_all, Woken::Unseen]
    );
}

#[test]
fn who_leaves_before_the_stack_is_known_is_charged_when_it_is() {
    let scene = Scene::new();
    scene.arrive(START);
    let note = scene.note(Whom::One, START + MS).unwrap();
    assert_eq!(scene.leave(START, START + MS), Woken::Settled);
    // Another one sleeps there meanwhile, and is no part of it.
    scene.arrive(START + MS);
    assert_eq!(scene.table.settle(&note, None), weighted(MS, 1.0));
    assert_eq!(scene.leave(START + MS, START + 2 * MS), Woken::Unseen);
    scene.assert_empty();
}

#[test]
fn who_gives_up_leaves_no_notification_behind() {
    let (scene, [first, second]) = (Scene::new(), stacks());
    scene.arrive(START);
    scene.arrive(START);
    scene.notify(Whom::One, START + 1, first);
    scene.notify(Whom::One, START + 2, second);
    scene.give_up(START);
    assert_eq!(scene.leave(START, START + 3), Woken::By(second, 1.0));
    scene.assert_empty();
}

#[test]
fn the_last_of_those_that_may_be_the_last_one_pays() {
    let (scene, [early, late]) = (Scene::new(), stacks());
    scene.arrive(START);
    scene.notify(Whom::Perhaps, START + 1, early);
    assert!(!scene.flag.is_idle(), "it may have been another one");
    scene.notify(Whom::Perhaps, START + 2, late);
    assert_eq!(scene.leave(START, START + 3), Woken::By(late, 1.0));
    scene.assert_empty();
}

#[test]
fn a_member_of_the_next_round_takes_nothing_from_this_one() {
    let (scene, [leader, next]) = (Scene::new(), stacks());
    scene.arrive(START);
    scene.notify(Whom::Perhaps, START + 1, leader);
    scene.table.confirm(scene.at());
    assert!(scene.flag.is_idle());
    // The leader waits in the next round, before this round's sleeper has run.
    scene.arrive(START + 2);
    scene.notify(Whom::Perhaps, START + 3, next);
    assert_eq!(scene.leave(START, START + 4), Woken::By(leader, 1.0));
    assert_eq!(scene.leave(START + 2, START + 5), Woken::By(next, 1.0));
    scene.assert_empty();
}

#[test]
fn a_notification_in_vain_is_passed_over() {
    let (scene, [vain, right]) = (Scene::new(), stacks());
    scene.arrive(START);
    scene.notify(Whom::One, START + 1, vain);
    scene.table.pass(scene.at());
    assert!(!scene.flag.is_idle());
    scene.notify(Whom::One, START + 2, right);
    assert_eq!(scene.leave(START, START + 3), Woken::By(right, 1.0));
    scene.assert_empty();
}

#[test]
fn without_room_waits_are_charged_to_nobody() {
    let scene = Scene::new();
    let mut begun = 0;
    // Notes that nobody takes yet, until no more fit.
    loop {
        scene.arrive(START);
        begun += 1;
        if scene.note(Whom::One, START + 1).is_none() {
            break;
        }
        assert!(begun < 1000, "the table is bounded");
    }
    let woken = (0..begun).map(|_| scene.leave(START, START + 2));
    assert_eq!(
        woken.filter(|woken| *woken == Woken::Unseen).count(),
        1,
        "the one without a note"
    );
}

/// Keys that share a flag do not switch it off for each other.
#[test]
fn keys_that_share_a_flag_are_told_apart() {
    let table = Sleepers::new();
    let one = WakeKey::of_number(7).wakes();
    let other = (8..)
        .map(|number| WakeKey::of_number(number).wakes())
        .find(|other| std::ptr::eq(other.flag, one.flag))
        .unwrap();
    assert!(table.arrive(one, Kind::PARK, START));
    assert!(table.arrive(other, Kind::PARK, START));
    assert!(table.note(one, Whom::One, START + 1, |_| 1.0).is_some());
    assert!(!other.is_idle());
    assert_eq!(table.leave(other, START, Sleep::Over), Woken::Unseen);
    assert!(one.is_idle());
    assert_eq!(table.leave(one, START, Sleep::Notified(1)), Woken::Settled);
}

/// Waits of two lengths at a place where two notifiers take turns: with a rate between the lengths,
/// the sums are those of all waits.
#[test]
fn sums_are_unbiased_at_any_rate() {
    const RATE: u64 = 1_000;
    const WAITS: u64 = 50_000;
    let (scene, sites) = (Scene::new(), stacks());
    let mut sums = [Amount::ZERO; 2];
    for wait in 0..WAITS {
        let site = (wait % 2) as usize;
        let slept = [RATE / 10, RATE * 2][site];
        // Until it runs again some time passes, of which the draw knows nothing.
        let nanos = slept + 50;
        scene.arrive(START);
        let weigh = |waited| {
            assert_eq!(waited, slept);
            let draw = BlockDraw::new(RATE).unwrap();
            match draw.is_sampled(waited) {
                true => draw.amount(waited).contentions,
                false => 0.0,
            }
        };
        let note = scene
            .table
            .note(scene.at(), Whom::One, START + slept, weigh);
        if let Some(note) = note {
            scene.table.settle(&note, Some(sites[site]));
        }
        if let Woken::By(by, weight) = scene.leave(START, START + nanos) {
            assert_eq!(by, sites[site]);
            sums[site].add(weighted(nanos, weight));
        }
    }
    // The long ones are all there. Of the short ones one in ten is drawn: a standard deviation of
    // √(25,000·0.1·0.9)·10 ≈ 474 waits, 1.9 %; the bound is 6 of them.
    let each = WAITS / 2;
    assert_eq!(sums[1].delay_nanos, each * (2 * RATE + 50));
    assert_eq!(sums[1].contentions, each as f64);
    let short = |sum: f64, truth: u64| (sum / truth as f64 - 1.0).abs() < 0.12;
    assert!(short(sums[0].contentions, each), "{sums:?}");
    assert!(
        short(sums[0].delay_nanos as f64, each * (RATE / 10 + 50)),
        "{sums:?}"
    );
    scene.assert_empty();
}
