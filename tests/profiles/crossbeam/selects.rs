//! `Select`, `select!` and `select_biased!`.

use std::time::Instant;

use contend::crossbeam_channel::{
    Receiver, Select, Sender, bounded, never, select, select_biased, unbounded,
};

use super::{assert_nothing_recorded, assert_only_wait, samples_at};
use crate::ground_truth::*;

const SELECT: &str = "contend::crossbeam_channel::Select::select";
const ONE: &str = "contend::crossbeam_channel::select";

/// The line of the wait's caller.
fn line_at(leaf: &str, site: &str) -> Option<u32> {
    let profile = contend::block_profile();
    samples_at(&profile, leaf, site)[0].frames()[1].line()
}

#[test]
fn over_two_channels() {
    #[inline(never)]
    fn select_site(a: &Receiver<u32>, b: &Receiver<u32>) -> (Between, u32) {
        let watch = Watch::start();
        let line = line!() + 1;
        select! {
            recv(a) -> _ => panic!("nobody sends here"),
            recv(b) -> msg => assert_eq!(msg, Ok(1)),
        }
        (watch.took(), line)
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = unbounded();
    let end = || sender.send(1).unwrap();
    let (truth, line) = while_asleep(|| select_site(&never(), &receiver), end);
    assert_only_wait("select", SELECT, "select_site", truth);
    assert_eq!(line_at(SELECT, "select_site"), Some(line));
}

#[test]
fn a_send_among_them() {
    #[inline(never)]
    fn biased_site(a: &Receiver<u32>, b: &Sender<u32>) -> Between {
        let watch = Watch::start();
        select_biased! {
            recv(a) -> _ => panic!("nobody sends here"),
            send(b, 2) -> res => assert_eq!(res, Ok(())),
        }
        watch.took()
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    sender.send(1).unwrap();
    let truth = while_asleep(
        || biased_site(&never(), &sender),
        || assert!(receiver.recv().is_ok()),
    );
    assert_only_wait("select", SELECT, "biased_site", truth);
}

#[test]
fn over_one_channel() {
    #[inline(never)]
    fn one_site(receiver: &Receiver<u32>) -> (Between, u32) {
        let watch = Watch::start();
        let line = line!() + 1;
        select! {
            recv(receiver) -> msg => assert_eq!(msg, Ok(1)),
        }
        (watch.took(), line)
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(0);
    let end = || sender.send(1).unwrap();
    let (truth, line) = while_asleep(|| one_site(&receiver), end);
    assert_only_wait("select", ONE, "one_site", truth);
    assert_eq!(line_at(ONE, "one_site"), Some(line));
}

#[test]
fn default_after_a_timeout() {
    #[inline(never)]
    fn two_site(a: &Receiver<u32>, b: &Receiver<u32>) -> Between {
        let watch = Watch::start();
        select! {
            recv(a) -> _ => unreachable!(),
            recv(b) -> _ => unreachable!(),
            default(HELD) => watch.took(),
        }
    }
    #[inline(never)]
    fn one_site(receiver: &Receiver<u32>) -> Between {
        let watch = Watch::start();
        select! { recv(receiver) -> _ => unreachable!(), default(HELD) => watch.took() }
    }
    #[inline(never)]
    fn none_site() -> Between {
        let watch = Watch::start();
        select! { default(HELD) => watch.took() }
    }
    let (_sender, receiver) = bounded(1);
    let timed_select = &format!("{SELECT}_timeout");
    {
        let _recording = recording(1, 1);
        let truth = two_site(&receiver, &never());
        assert_only_wait("select", timed_select, "two_site", truth);
    }
    {
        let _recording = recording(1, 1);
        let truth = one_site(&receiver);
        assert_only_wait("select", &format!("{ONE}_timeout"), "one_site", truth);
    }
    let _recording = recording(1, 1);
    let truth = none_site();
    assert_only_wait("select", timed_select, "none_site", truth);
}

#[test]
fn by_hand() {
    #[inline(never)]
    fn select_site(set: &mut Select<'_>, receiver: &Receiver<u32>) -> Between {
        let (time, operation) = timed!(set.select());
        assert_eq!(operation.recv(receiver), Ok(1));
        time
    }
    #[inline(never)]
    fn ready_site(set: &mut Select<'_>) -> Between {
        timed!(set.ready()).0
    }
    #[inline(never)]
    fn ready_timeout_site(set: &mut Select<'_>) -> Between {
        timed!(set.ready_timeout(HELD).unwrap_err()).0
    }
    #[inline(never)]
    fn deadline_site(set: &mut Select<'_>) -> Between {
        timed!(set.select_deadline(Instant::now() + HELD).unwrap_err()).0
    }
    let (sender, receiver) = bounded(1);
    let nobody = never::<u32>();
    let mut set = Select::new();
    set.recv(&nobody);
    set.recv(&receiver);
    {
        let _recording = recording(1, 1);
        let end = || sender.send(1).unwrap();
        let truth = while_asleep(|| select_site(&mut set, &receiver), end);
        assert_only_wait("select", SELECT, "select_site", truth);
    }
    {
        let _recording = recording(1, 1);
        let truth = deadline_site(&mut set);
        assert_only_wait(
            "select",
            &format!("{SELECT}_deadline"),
            "deadline_site",
            truth,
        );
    }
    {
        let _recording = recording(1, 1);
        let truth = ready_timeout_site(&mut set);
        let leaf = "contend::crossbeam_channel::Select::ready_timeout";
        assert_only_wait("select", leaf, "ready_timeout_site", truth);
    }
    let _recording = recording(1, 1);
    let truth = while_asleep(|| ready_site(&mut set), || sender.send(1).unwrap());
    let leaf = "contend::crossbeam_channel::Select::ready";
    assert_only_wait("select", leaf, "ready_site", truth);
}

#[test]
fn the_handlers_time_is_its_own() {
    #[inline(never)]
    fn select_site(a: &Receiver<u32>, b: &Receiver<u32>) -> Between {
        let watch = Watch::start();
        select! {
            recv(a) -> _ => unreachable!(),
            recv(b) -> _ => {
                let waited = watch.took();
                nap(HELD * 2);
                waited
            }
        }
    }
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    let end = || sender.send(1).unwrap();
    let truth = while_asleep(|| select_site(&never(), &receiver), end);
    assert_only_wait("select", SELECT, "select_site", truth);
}

#[test]
fn what_does_not_wait_is_not_recorded() {
    let _recording = recording(1, 1);
    let (sender, receiver) = bounded(1);
    for _ in 0..100 {
        select! { recv(receiver) -> _ => unreachable!(), default => {} }
        select! { recv(receiver) -> _ => unreachable!(), recv(never::<()>()) -> _ => unreachable!(), default => {} }
        select! { send(sender, 1) -> _ => {}, default(HELD) => unreachable!() }
        select! { send(sender, 1) -> _ => unreachable!(), recv(receiver) -> _ => {} }
        sender.send(1).unwrap();
        select! { recv(receiver) -> _ => {} }
        sender.send(1).unwrap();
        let mut set = Select::new();
        set.recv(&receiver);
        assert_eq!(set.ready(), 0);
        assert_eq!(set.ready_timeout(HELD), Ok(0));
        let operation = set.select_timeout(HELD).unwrap();
        assert_eq!(operation.recv(&receiver), Ok(1));
        assert!(set.try_select().is_err() && set.try_ready().is_err());
    }
    assert_nothing_recorded();
}
