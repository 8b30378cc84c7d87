//! Places for connections: who has one, and who gives his up when others wait.
//!
//! A bound on connections alone lets a few hundred clients that send nothing, or read nothing, keep
//! everybody out until a timeout ends them. So when all places are taken and another client waits,
//! one that keeps the server waiting loses its place: of the address that has most connections, the
//! one whose step has taken longest, however many bytes it drips meanwhile. A request in work is
//! never given up, and an address cannot push out the connections of one that has fewer than it.
//!
//! Answers that are not read yet are memory. They have a bound in bytes together, with the same
//! rule.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

/// A client that has kept the server waiting for less does not lose its place: one that has just
/// come has its request on the way. It takes a request this long to find a place while clients that
/// do nothing hold all of them; with 200 of them in front of it and 64 places, four times that.
const MIN_WAIT: Duration = Duration::from_millis(100);

/// Clones are of the same places.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: usize,
    max_unread: usize,
    taken: Mutex<Vec<Claim>>,
    /// A place has become free, or a request in work has got its answer.
    changed: Notify,
}

#[derive(Debug)]
struct Claim {
    /// Counts up, so that no two places have the same.
    number: u64,
    peer: IpAddr,
    /// When the client's turn began: to send a request, or to read the answer. `None` while its
    /// request is in work.
    waiting_since: Option<Instant>,
    /// Bytes of the answer that it may not have read.
    unread: usize,
    /// `None` once the connection has been told to end.
    close: Option<oneshot::Sender<()>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    number: u64,
}

impl Places {
    pub(super) fn new(max: usize, max_unread: usize) -> Self {
        Self(Arc::new(Shared {
            max,
            max_unread,
            taken: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// Waits for a place. The receiver says when it has to be given up.
    ///
    /// Only one task may call this: others would not hear of changes.
    pub(super) async fn take(&self, peer: IpAddr) -> (Place, oneshot::Receiver<()>) {
        loop {
            let next = {
                let mut taken = self.0.taken();
                if taken.len() < self.0.max {
                    return self.0.add(&mut taken, peer);
                }
                // One that ends already makes room in a moment.
                let ends = taken.iter().any(|place| place.close.is_none());
                match slowest(&mut taken, |_| true).filter(|_| !ends) {
                    Some((place, since)) if since.elapsed() >= MIN_WAIT => {
                        place.end();
                        None
                    }
                    Some((_, since)) => Some(since + MIN_WAIT),
                    None => None,
                }
            };
            match next {
                // An error says that the time has come.
                Some(moment) => drop(timeout_at(moment, self.0.changed.notified()).await),
                None => self.0.changed.notified().await,
            }
        }
    }
}

impl Place {
    /// The client's request is there, and is answered now.
    pub(super) fn in_work(&self) {
        self.change(|place| place.waiting_since = None);
    }

    /// The client has its turn: to read so many bytes, and then to send its next request.
    pub(super) fn answered(&self, bytes: usize) {
        self.change(|place| {
            place.waiting_since = Some(Instant::now());
            place.unread += bytes;
        });
        self.shared.bound_unread();
        self.shared.changed.notify_one();
    }

    /// It has read so many bytes of what it was answered, or will not read them any more.
    pub(super) fn read(&self, bytes: usize) {
        self.change(|place| place.unread -= bytes);
    }

    fn change(&self, change: impl FnOnce(&mut Claim)) {
        let mut taken = self.shared.taken();
        if let Some(place) = taken.iter_mut().find(|place| place.number == self.number) {
            change(place);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared
            .taken()
            .retain(|place| place.number != self.number);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn add(
        self: &Arc<Self>,
        taken: &mut Vec<Claim>,
        peer: IpAddr,
    ) -> (Place, oneshot::Receiver<()>) {
        let (close, closed) = oneshot::channel();
        // The newest stands at the end.
        let number = taken.last().map_or(0, |last| last.number + 1);
        taken.push(Claim {
            number,
            peer,
            waiting_since: Some(Instant::now()),
            unread: 0,
            close: Some(close),
        });
        let shared = Arc::clone(self);
        (Place { shared, number }, closed)
    }

    /// Ends connections that do not read until the answers of the others are few enough bytes. The
    /// last one may have as many as it likes.
    fn bound_unread(&self) {
        let mut taken = self.taken();
        loop {
            let unread = taken
                .iter()
                .filter(|place| place.unread > 0 && place.close.is_some());
            let (count, sum) = unread.fold((0, 0), |(count, sum), place| {
                (count + 1, place.unread.saturating_add(sum))
            });
            if sum <= self.max_unread || count < 2 {
                return;
            }
            match slowest(&mut taken, |place| place.unread > 0) {
                Some((place, _)) => place.end(),
                None => return,
            }
        }
    }

    /// Locked for a moment at a time. Every change is one step, so it is valid after a panic.
    fn taken(&self) -> MutexGuard<'_, Vec<Claim>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    fn end(&mut self) {
        // An error says that the connection has ended by itself.
        let _ = self.close.take().map(|close| close.send(()));
    }
}

/// The slowest of those that are `meant` and keep the server waiting, and since when: the one that
/// has done so for longest, of the address with most connections.
fn slowest(taken: &mut [Claim], meant: impl Fn(&Claim) -> bool) -> Option<(&mut Claim, Instant)> {
    let waits = |place: &Claim| match &place.close {
        Some(_) if meant(place) => place.waiting_since,
        _ => None,
    };
    let connections = |peer| taken.iter().filter(|place| place.peer == peer).count();
    let slowest = taken.iter().enumerate().filter_map(|(index, place)| {
        let since = waits(place)?;
        Some((connections(place.peer), std::cmp::Reverse(since), index))
    });
    let (_, since, index) = slowest.max()?;
    Some((&mut taken[index], since.0))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// With a clock that runs when all tasks wait, and at once.
    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(test);
    }

    fn is_ended(closed: &mut oneshot::Receiver<()>) -> bool {
        closed.try_recv().is_ok()
    }

    /// Takes a place while `ending` gives its own up, as a connection's task does.
    async fn take_from(
        places: &Places,
        peer: IpAddr,
        (place, closed): (Place, oneshot::Receiver<()>),
    ) -> (Place, oneshot::Receiver<()>) {
        let ending = tokio::spawn(async move {
            closed.await.expect("it is told to end");
            drop(place);
        });
        let taken = places.take(peer).await;
        ending.await.unwrap();
        taken
    }

    #[test]
    fn who_keeps_the_server_waiting_longest_gives_way() {
        run(async {
            let places = Places::new(2, usize::MAX);
            let first = places.take(A).await;
            let (second, mut second_closed) = places.take(A).await;
            let _third = take_from(&places, A, first).await;
            assert!(!is_ended(&mut second_closed));
            drop(second);
        });
    }

    #[test]
    fn a_request_in_work_stays() {
        run(async {
            let places = Places::new(2, usize::MAX);
            let (first, mut first_closed) = places.take(A).await;
            first.in_work();
            let second = places.take(A).await;
            let _third = take_from(&places, A, second).await;
            assert!(!is_ended(&mut first_closed));
        });
    }

    #[test]
    fn an_address_with_fewer_connections_is_left_alone() {
        run(async {
            let places = Places::new(3, usize::MAX);
            let (_of_b, mut b_closed) = places.take(B).await;
            let first = places.take(A).await;
            let _second = places.take(A).await;
            let _third = take_from(&places, A, first).await;
            assert!(
                !is_ended(&mut b_closed),
                "it waits longest, but has one place"
            );
        });
    }

    #[test]
    fn answers_that_nobody_reads_are_bounded_in_bytes() {
        run(async {
            let places = Places::new(9, 100);
            let mut readers = Vec::new();
            for _ in 0..3 {
                let (place, closed) = places.take(A).await;
                place.in_work();
                place.answered(40);
                readers.push((place, closed));
            }
            let ended: Vec<bool> = readers
                .iter_mut()
                .map(|(_, closed)| is_ended(closed))
                .collect();
            assert_eq!(ended, [true, false, false]);
            // An answer that is larger than the bound is sent to whoever asks, alone.
            let (large, mut large_closed) = places.take(B).await;
            large.in_work();
            large.answered(1000);
            assert!(!is_ended(&mut large_closed));
            let ended: Vec<bool> = readers[1..]
                .iter_mut()
                .map(|(_, closed)| is_ended(closed))
                .collect();
            assert_eq!(ended, [true, true]);
        });
    }
}
