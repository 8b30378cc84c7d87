//! Takes connections, so many at a time, until the server stops.
#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::connection;
use super::places::Places;
use crate::http::Service;

/// Bytes of answers that clients have not read yet. A full store of the default size, with names,
/// is a profile of some 10 MB.
const MAX_UNREAD: usize = 64 << 20;

/// After an error of accepting: most say that the process has no file descriptors left, and stay
/// until somebody closes one.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    /// With a client, in each step.
    pub(super) patience: Duration,
    /// For requests in progress, when the server stops.
    pub(super) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            patience: Duration::from_secs(15),
            grace: Duration::from_secs(1),
        }
    }
}

/// Serves until `stop` is sent, and for the grace after it. Work that is not done then ends with
/// the runtime.
pub(super) async fn run(
    listener: std::net::TcpListener,
    service: Service,
    limits: Limits,
    stop: oneshot::Receiver<()>,
    ready: mpsc::Sender<io::Result<()>>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        // Whoever started the server waits for this.
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(()));
    let connections = GracefulShutdown::new();
    unless(
        stopped(stop),
        accept_all(&listener, &service, limits, &connections),
    )
    .await;
    drop(listener);
    // An error says that the time is up.
    let _ = timeout(limits.grace, connections.shutdown()).await;
}

/// Without end if nobody can stop the server any more.
async fn stopped(stop: oneshot::Receiver<()>) {
    if stop.await.is_err() {
        std::future::pending().await
    }
}

async fn accept_all(
    listener: &TcpListener,
    service: &Service,
    limits: Limits,
    connections: &GracefulShutdown,
) {
    let places = Places::new(limits.connections, MAX_UNREAD);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // This one waits with its connection open: only so is it known that somebody waits.
                // Those behind it wait in the system's queue.
                let (place, given_up) = places.take(peer.ip().to_canonical()).await;
                let place = Arc::new(place);
                let connection = connection::serve(stream, service.clone(), place, limits.patience);
                let connection = connections.watch(connection);
                // An error is the client's: it has gone, or was too slow, or spoke no HTTP.
                let connection = async { drop(connection.await) };
                tokio::spawn(unless(async { drop(given_up.await) }, connection));
            }
            // The client that was next has gone already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(PAUSE_AFTER_ERROR).await,
        }
    }
}

/// Runs `work` until it is done or `end` is.
async fn unless(end: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| {
        let end = end.as_mut().poll(context);
        if end.is_ready() {
            return end;
        }
        work.as_mut().poll(context)
    })
    .await
}
