//! The forms that the macros accept, and their effects. `channel` is the crate under test.

// Odd forms are forms.
#![allow(unused_braces, clippy::all)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::channel::{
    self, Receiver, RecvError, Select, SendError, Sender, after, at, bounded, never, select,
    select_biased, tick, unbounded,
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

/// A receiver with one message in it, and a sender that keeps it connected.
fn full<T>(message: T) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = bounded(1);
    sender.send(message).unwrap();
    (sender, receiver)
}

/// A receiver without messages, and a sender that keeps it connected.
fn empty<T>() -> (Sender<T>, Receiver<T>) {
    bounded(1)
}

#[test]
fn one_receiver() {
    let (s, r) = full(1);
    assert_eq!(select! { recv(r) -> msg => msg }, Ok(1));
    assert_eq!(select! { recv(r) -> msg => msg, default => Ok(2) }, Ok(2));
    assert_eq!(select! { default() => Ok(3), recv(r) -> msg => msg }, Ok(3));
    let timed_out = select! { recv(r) -> msg => msg, default(SHORT) => Ok(4) };
    assert_eq!(timed_out, Ok(4));
    s.send(5).unwrap();
    let in_time = select! { recv(r) -> msg => msg, default(LONG) => Ok(6) };
    assert_eq!(in_time, Ok(5));
    s.send(6).unwrap();
    let ready = select! { recv(r) -> msg => msg, default => Ok(7) };
    assert_eq!(ready, Ok(6));
    drop(s);
    assert_eq!(select! { recv(r) -> msg => msg }, Err(RecvError));
    assert_eq!(
        select! { recv(r) -> msg => msg, default => Ok(8) },
        Err(RecvError)
    );
    assert_eq!(
        select! { recv(r) -> msg => msg, default(SHORT) => Ok(9) },
        Err(RecvError)
    );
}

#[test]
fn one_sender() {
    let (s, r) = bounded(1);
    assert_eq!(select! { send(s, 1) -> res => res }, Ok(()));
    assert!(select! { send(s, 2) -> _ => false, default => true });
    assert!(select! { send(s, 2) -> _ => false, default(SHORT) => true });
    drop(r);
    assert_eq!(select! { send(s, 3) -> res => res }, Err(SendError(3)));
}

#[test]
fn no_operation() {
    assert_eq!(select! { default => 1 }, 1);
    assert_eq!(select! { default() => { 2 } }, 2);
    let start = Instant::now();
    assert_eq!(select! { default(SHORT) => 3, }, 3);
    assert!(start.elapsed() >= SHORT);
    assert_eq!(select_biased! { default => 4 }, 4);
}

#[test]
fn separators() {
    let (_s1, r1) = empty::<u8>();
    let (s2, r2) = bounded::<u8>(4);
    // No comma anywhere.
    select! {
        recv(r1) -> _ => { unreachable!() }
        send(s2, 1) -> _ => {}
        default => { unreachable!() }
    }
    // Everywhere, in the arguments too.
    select! {
        recv(r1,) -> _ => { unreachable!() },
        send(s2, 2,) -> _ => {},
        default(LONG,) => { unreachable!() },
    }
    // Only where it has to be.
    select! {
        recv(r1) -> _ => unreachable!(),
        send(s2, 3) -> _ => {}
        default(LONG) => unreachable!()
    }
    select!(recv(r1) -> _ => unreachable!(), send(s2, 4) -> _ => (), default => unreachable!(),);
    let sent: Vec<u8> = r2.try_iter().collect();
    assert_eq!(sent, [1, 2, 3, 4]);
}

#[test]
fn default_in_any_place() {
    let (_s, r) = empty::<u8>();
    let (_t, q) = empty::<u8>();
    assert_eq!(
        select! { default => 1, recv(r) -> _ => 2, recv(q) -> _ => 3 },
        1
    );
    assert_eq!(
        select! { recv(r) -> _ => 2, default => { 1 } recv(q) -> _ => 3 },
        1
    );
    assert_eq!(
        select! { recv(r) -> _ => 2, recv(q) -> _ => { 3 } default() => 1 },
        1
    );
    assert_eq!(
        select! { default(SHORT) => 1, recv(r) -> _ => 2, recv(q) -> _ => 3 },
        1
    );
    let timeout = || SHORT * 2;
    assert_eq!(
        select! { recv(r) -> _ => 2, default(timeout() / 2) => 1, recv(q) -> _ => 3 },
        1
    );
}

#[test]
fn patterns() {
    let (s, r) = unbounded();
    let (_t, q) = empty::<(u8, u8)>();
    for n in 0..8 {
        s.send((n, n)).unwrap();
    }
    select! { recv(r) -> _ => {}, recv(q) -> _ => {} }
    select! { recv(r) -> _msg => {}, recv(q) -> _ => {} }
    select! {
        recv(r) -> mut msg => {
            msg = msg.map(|(a, b)| (a + 1, b));
            assert_eq!(msg, Ok((3, 2)));
        }
        recv(q) -> _ => {}
    }
    select! { recv(r) -> ref msg => assert_eq!(msg.as_ref(), Ok(&(3, 3))), recv(q) -> _ => {} }
    let either = select! {
        recv(r) -> msg @ (Ok(_) | Err(_)) => msg.unwrap().0,
        recv(q) -> (Ok(_) | Err(RecvError)) => unreachable!(),
    };
    assert_eq!(either, 4);
}

#[test]
fn channels_are_expressions() {
    struct Inbox {
        queue: Receiver<u8>,
        others: Vec<Receiver<u8>>,
        named: HashMap<&'static str, Arc<Receiver<u8>>>,
        cell: RefCell<Receiver<u8>>,
    }
    impl Inbox {
        fn queue(&self) -> &Receiver<u8> {
            &self.queue
        }
        fn a_clone(&self) -> Receiver<u8> {
            self.queue.clone()
        }
    }
    let (s, queue) = unbounded();
    let inbox = Inbox {
        others: vec![queue.clone(), never()],
        named: HashMap::from([("queue", Arc::new(queue.clone()))]),
        cell: RefCell::new(queue.clone()),
        queue,
    };
    let shared = Arc::clone(&inbox.named["queue"]);
    let maybe: Option<&Receiver<u8>> = None;
    for round in 0..12 {
        s.send(round).unwrap();
        // Alone and with others: a single receiver takes another way through the macros.
        let got = match round {
            0 => select! { recv(inbox.queue) -> msg => msg },
            1 => select! { recv(&inbox.queue) -> msg => msg, recv(never()) -> msg => msg },
            2 => {
                select! { recv(inbox.queue()) -> msg => msg, recv(maybe.unwrap_or(&never())) -> msg => msg }
            }
            3 => select! { recv(inbox.a_clone()) -> msg => msg, default(LONG) => unreachable!() },
            4 => select! { recv(&*shared) -> msg => msg, recv(inbox.others[1]) -> msg => msg },
            5 => select! { recv(shared) -> msg => msg, recv(&&inbox.others[1]) -> msg => msg },
            6 => {
                select! { recv(inbox.cell.borrow()) -> msg => msg, recv(after(LONG)) -> _ => unreachable!() }
            }
            7 => {
                select! { recv({ let r = inbox.a_clone(); r }) -> msg => msg, recv(at(Instant::now() + LONG)) -> _ => unreachable!() }
            }
            8 => {
                select! { recv(if round > 0 { &inbox.queue } else { &inbox.others[1] }) -> msg => msg, default => unreachable!() }
            }
            9 => {
                select! { recv(inbox.named["queue"]) -> msg => msg, recv(tick(LONG)) -> _ => unreachable!() }
            }
            10 => {
                select! { recv((|| &inbox.queue)()) -> msg => msg, recv(never::<u8>()) -> msg => msg }
            }
            _ => {
                select_biased! { recv(inbox.others[0]) -> msg => msg, recv(inbox.queue) -> msg => msg }
            }
        };
        assert_eq!(got, Ok(round));
    }
    let senders = [bounded(1).0, s];
    assert_eq!(
        select! { send(senders.last().unwrap(), 12) -> res => res },
        Ok(())
    );
    assert_eq!(inbox.a_clone().recv(), Ok(12));
}

#[test]
fn bodies_of_every_kind() {
    let (s, r) = unbounded();
    let (_t, q) = empty::<u8>();
    let (mut a, mut b) = ([0; 2], 0);
    for n in 0..8_u8 {
        s.send(n).unwrap();
        select! {
            recv(r) -> msg => match msg {
                Ok(n) if n < 2 => a[usize::from(n)] = 1,
                Ok(2) => b += 1,
                Ok(3) => { b += 1 }
                Ok(4) => if b > 0 { b += 1 } else { b += 2 },
                _ => b = b + 1,
            },
            recv(q) -> _ => a = [2, 2],
        }
    }
    assert_eq!((a, b), ([1, 1], 6));
    // Blocks that go on, and expressions that begin like arms.
    s.send(1).unwrap();
    let text = select! { recv(r) -> msg => { msg.unwrap() }.to_string(), default => "".into() };
    assert_eq!(text, "1");
    let default = |x: u8| x + 1;
    let sum = select! { recv(q) -> _ => { 0 } + 1, default => default(1) + default(2) };
    assert_eq!(sum, 5);
    let closure = select! { recv(q) -> _ => |x: u8| -> u8 { x }, default => |x| x + 1 };
    assert_eq!(closure(1), 2);
    let block = select! { recv(q) -> _ => { 1_u8 }, default => 2 };
    assert_eq!(block, 2);
    let tuple = select! { default => (1, [2; 2]) };
    assert_eq!(tuple, (1, [2, 2]));
}

#[test]
fn control_flow_is_the_users() {
    fn relay(r: &Receiver<u8>, q: &Receiver<u8>) -> Result<u32, RecvError> {
        let mut sum = 0;
        let total = 'all: loop {
            for _ in 0..100 {
                select! {
                    recv(r) -> msg => {
                        let msg = msg?;
                        if msg == 1 {
                            continue;
                        } else if msg == 2 {
                            break;
                        } else if msg == 3 {
                            continue 'all;
                        } else if msg == 4 {
                            break 'all sum + 1;
                        }
                        sum += u32::from(msg);
                    }
                    recv(q) -> msg => return msg.map(u32::from),
                    default => break 'all sum,
                }
            }
            sum += 1000;
        };
        Ok(total)
    }
    let (_t, q) = empty();
    let (s, r) = unbounded();
    for n in [1, 10, 2, 3, 20, 4] {
        s.send(n).unwrap();
    }
    assert_eq!(relay(&r, &q), Ok(1031));
    assert_eq!(relay(&r, &q), Ok(0));
    drop(s);
    assert_eq!(relay(&r, &q), Err(RecvError));
    let (_u, full) = full(9);
    assert_eq!(relay(&never(), &full), Ok(9));

    // The same with one receiver, and with timeouts.
    let (s, r) = bounded(1);
    let sent = loop {
        select! {
            send(s, 1) -> _ => continue,
            default(SHORT) => break "timed out",
        }
    };
    assert_eq!(sent, "timed out");
    loop {
        select! { recv(r) -> _ => continue, default(SHORT) => break }
    }
}

#[test]
fn bodies_may_move_what_was_selected_from() {
    let (s, r) = full(1);
    let (t, q) = empty::<u8>();
    select! {
        recv(r) -> msg => { drop(r); drop(q); assert_eq!(msg, Ok(1)) }
        recv(q) -> _ => { drop(q); drop(r) }
        send(t, 2) -> _ => { drop(t); drop(s) }
    }
    let (_s, r) = empty::<u8>();
    let (_t, q) = empty::<u8>();
    select! { recv(r) -> _ => drop(r), recv(q) -> _ => drop(q), default => drop((r, q)) }
    let (_s, mut r) = full(1);
    select! { recv(r) -> _ => r = never(), default => {} }
    select! { recv(r) -> _ => {}, default(SHORT) => r = never() }
    let (_s, mut other) = full(2);
    select! { recv(r) -> _ => {}, recv(other) -> _ => std::mem::swap(&mut r, &mut other) }
}

#[test]
fn messages_are_made_when_selected() {
    let (s, r) = bounded::<u32>(1);
    let made = Cell::new(0);
    let make = || {
        made.set(made.get() + 1);
        made.get()
    };
    let (_t, q) = empty::<u32>();
    select! { send(s, make()) -> _ => {} recv(q) -> _ => {} }
    assert_eq!(made.get(), 1);
    select! { send(s, make()) -> _ => {} default => {} }
    select! { send(s, make()) -> _ => {} default(SHORT) => {} }
    assert_eq!(made.get(), 1);
    let text = String::from("moved only if sent");
    let (texts, received) = bounded(1);
    select! { send(texts, text) -> _ => {} recv(q) -> _ => drop(text) }
    assert!(received.recv().is_ok());
    drop(r);
    let back = select! { send(s, make()) -> res => res };
    assert_eq!(back, Err(SendError(2)));
}

#[test]
fn evaluation_is_in_order() {
    let order = RefCell::new(Vec::new());
    let (s, _r) = bounded(1);
    let (_t, q) = empty::<u8>();
    fn note<'a, T>(order: &RefCell<Vec<u8>>, step: u8, value: &'a T) -> &'a T {
        order.borrow_mut().push(step);
        value
    }
    select! {
        default(*note(&order, 4, &LONG)) => {}
        recv(note(&order, 1, &q)) -> _ => {}
        send(note(&order, 2, &s), *note(&order, 5, &7)) -> _ => order.borrow_mut().push(6),
        recv(note(&order, 3, &q)) -> _ => {}
    }
    assert_eq!(order.take(), [1, 2, 3, 4, 5, 6]);
}

/// Temporaries in a channel's expression are dropped after the body.
#[test]
fn temporaries_live_through_the_body() {
    struct Lease<'a>(&'a Cell<bool>, Receiver<u8>);
    impl std::ops::Deref for Lease<'_> {
        type Target = Receiver<u8>;
        fn deref(&self) -> &Receiver<u8> {
            &self.1
        }
    }
    impl Drop for Lease<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Cell::new(false);
    let (_s, r) = full(1);
    select! {
        recv(Lease(&dropped, r.clone())) -> _ => assert!(!dropped.get()),
        recv(never::<u8>()) -> _ => {}
    }
    assert!(dropped.replace(false));
    select! { recv(Lease(&dropped, r.clone())) -> _ => {} default => assert!(!dropped.get()) }
    assert!(dropped.get());
}

#[test]
fn nested() {
    let (s, r) = unbounded();
    let (t, q) = unbounded();
    s.send(1).unwrap();
    t.send(2).unwrap();
    let sum = select! {
        recv(r) -> a => select! {
            recv(q) -> b => a.unwrap() + b.unwrap() + select_biased! { default => 0 },
            recv(r) -> _ => 100,
        },
        recv(select! { default => &q }) -> b => select! {
            recv(r) -> a => { a.unwrap() + b.unwrap() }
            default => 100,
        }
    };
    assert_eq!(sum, 3);
}

#[test]
fn biased_takes_the_first() {
    for _ in 0..50 {
        let (_s, first) = full(1);
        let (_t, second) = full(2);
        let (third, _r) = bounded(1);
        let got = select_biased! {
            recv(first) -> msg => msg.unwrap(),
            recv(second) -> msg => msg.unwrap(),
            send(third, 3) -> _ => 3,
            default => 4,
        };
        assert_eq!(got, 1);
    }
}

#[test]
fn unbiased_takes_any() {
    let mut taken = [0; 2];
    for _ in 0..200 {
        let (_s, first) = full(0);
        let (_t, second) = full(1);
        let got = select! { recv(first) -> msg => msg, recv(second) -> msg => msg };
        taken[got.unwrap()] += 1;
    }
    // All 200 on one side: once in 2^199 runs.
    assert!(taken[0] > 0 && taken[1] > 0, "{taken:?}");
}

#[test]
fn inside_of_macros_and_generic_code() {
    macro_rules! either {
        ($a:expr, $b:expr => $found:ident in $body:expr) => {
            select! { recv($a) -> $found => $body, recv($b) -> $found => $body }
        };
    }
    fn first<T: Clone>(a: &Receiver<T>, b: &Receiver<T>) -> Option<T> {
        either!(a, b => found in found.ok())
    }
    let (_s, r) = full(Rc::new(1));
    assert_eq!(first(&r, &never()).as_deref(), Some(&1));
    let by_path =
        channel::select! { recv(r) -> _ => 1, default => channel::select_biased! { default => 2 } };
    assert_eq!(by_path, 2);
}

/// The original takes more only with a higher `recursion_limit`, up to 32.
#[test]
fn many_arms() {
    let (_s, r) = empty::<u8>();
    let (_t, x) = full(1);
    let got = select! {
            recv(r) -> _ => 0, recv(r) -> _ => 1, recv(r) -> _ => 2, recv(r) -> _ => 3,
            recv(r) -> _ => 4, recv(r) -> _ => 5, recv(r) -> _ => 6, recv(r) -> _ => 7,
            recv(r) -> _ => 8, recv(r) -> _ => 9, recv(r) -> _ => 10, recv(r) -> _ => 11,
            recv(r) -> _ => 12, recv(r) -> _ => 13, recv(r) -> _ => 14, recv(r) -> _ => 15,
            recv(r) -> _ => 16, recv(r) -> _ => 17, recv(x) -> _ => 18, recv(r) -> _ => 19,
    recv(r) -> _ => 20, recv(r) -> _ => 21, default => 31,
        };
    assert_eq!(got, 18);
}

#[test]
fn select_by_hand() {
    let (s, r) = bounded::<u8>(1);
    let (t, q) = unbounded::<u8>();
    let mut select = Select::new();
    assert_eq!(
        (select.send(&s), select.recv(&r), select.recv(&q)),
        (0, 1, 2)
    );
    let operation = select.select();
    assert_eq!(operation.index(), 0);
    assert_eq!(operation.send(&s, 1), Ok(()));
    select.remove(0);
    let mut copy = select.clone();
    let operation = copy.try_select().unwrap();
    assert_eq!((operation.index(), operation.recv(&r)), (1, Ok(1)));
    assert!(copy.try_select().is_err() && copy.try_ready().is_err());
    assert!(copy.select_timeout(SHORT).is_err());
    assert!(copy.select_deadline(Instant::now() + SHORT).is_err());
    assert!(copy.ready_timeout(SHORT).is_err());
    assert!(copy.ready_deadline(Instant::now() + SHORT).is_err());
    t.send(2).unwrap();
    assert_eq!(copy.ready(), 2);
    assert_eq!(copy.ready_timeout(LONG), Ok(2));
    let operation = copy.select_timeout(LONG).unwrap();
    assert_eq!(operation.recv(&q), Ok(2));
    let mut biased = Select::new_biased();
    assert_eq!(biased.recv(&q), 0);
    assert_eq!(format!("{biased:?}"), "Select { .. }");
}

#[test]
#[should_panic(expected = "dropped `SelectedOperation` without completing the operation")]
fn an_operation_must_be_completed() {
    let (_s, r) = full(1);
    let mut select = Select::new();
    select.recv(&r);
    drop(select.select());
}

#[test]
#[should_panic(expected = "no operations have been added to `Select`")]
fn an_empty_select_panics() {
    let _ = Select::default().ready();
}
