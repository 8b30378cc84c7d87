//! A server on a thread of its own, for programs that have none, and for those whose own is stuck.
#![forbid(unsafe_code)]

mod accept;
mod bind;
mod connection;
mod places;
mod stall;

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use self::accept::Limits;
use super::{Handler, Service};

/// Deadlines are moments of a clock, which cannot be any time away: adding to it would panic.
const MAX_PATIENCE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Serves the profiles at `address`, such as `"127.0.0.1:6060"` or `(Ipv4Addr::LOCALHOST, 6060)`,
/// on a thread of its own.
///
/// The server lives as long as the program does, whatever becomes of the handle; see
/// [`Server::stop`] and [`ServerBuilder::stop_on_drop`]. For a token, remote clients and limits see
/// [`Server::builder`].
///
/// # Errors
///
/// If the address is no address, is in use, or is reachable from other machines (that needs
/// [`ServerBuilder::allow_remote`]). The message names the address. A program that can do
/// without its profiles should log the error and go on.
///
/// # Examples
///
/// ```
/// let server = contend::http::serve("127.0.0.1:0")?; // 6060 is the usual port, 0 any free one
/// println!("profiles at http://{}/debug/pprof/", server.local_addr());
/// assert_ne!(server.local_addr().port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(address: impl ToSocketAddrs + Debug) -> io::Result<Server> {
    Server::builder().serve(address)
}

/// A running server: its address, and a way to stop it.
///
/// Dropping it leaves the server running, unless [`ServerBuilder::stop_on_drop`] says otherwise.
///
/// A forked child has the handle but no server: its thread is the parent's. Serve there again, on
/// another port, with a new [`Handler`]: a window of the parent's may hold a lock of the old one.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop_on_drop: bool,
    /// `None` once it has stopped.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    /// Where the thread is. In a forked child there is none to wait for.
    process: u32,
}

impl Server {
    /// A builder, with everything that can be chosen.
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            handler: Handler::new(),
            allow_remote: false,
            stop_on_drop: false,
            limits: Limits::default(),
        }
    }

    /// The address that it listens at. The port is the one that the system chose, if it was to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops the server: it takes no more connections and closes those that are idle; requests
    /// in progress have [`ServerBuilder::grace`] to be answered, then their windows are cancelled:
    /// their threads are told, and set the rates back a moment after this has returned.
    ///
    /// # Blocking
    ///
    /// Until the connections are closed, which takes little more than the grace at the longest.
    pub fn stop(mut self) {
        self.stop_running();
    }

    fn stop_running(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if running.process != std::process::id() {
            return;
        }
        // An error says that the thread has ended by itself; so does that of joining it.
        let _ = running.stop.send(());
        let _ = running.thread.join();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.stop_on_drop {
            self.stop_running();
        }
    }
}

/// The builder of a [`Server`]: what it answers, to whom, and within which limits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contend::http::Server;
///
/// let server = Server::builder()
///     .token("correct horse battery staple")
///     .max_connections(16)
///     .grace(Duration::from_millis(200))
///     .stop_on_drop(true)
///     .serve("127.0.0.1:0")?;
/// assert!(server.local_addr().ip().is_loopback());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `serve`"]
pub struct ServerBuilder {
    handler: Handler,
    allow_remote: bool,
    stop_on_drop: bool,
    limits: Limits,
}

impl ServerBuilder {
    /// Answers with this handler, with its token and limits. The default is a new one.
    pub fn handler(mut self, handler: Handler) -> Self {
        self.handler = handler;
        self
    }

    /// Requests need this token: see [`Handler::token`].
    pub fn token(mut self, token: &str) -> Self {
        self.handler = self.handler.token(token);
        self
    }

    /// With `true` also binds addresses that other machines reach, and answers requests for
    /// any `Host`. The default is `false`: an address must be this machine's own, and requests must
    /// name it (or `localhost`), so that no page of the web can have a browser ask here.
    ///
    /// Profiles show names and paths of the program and let a client change its rates: set a
    /// [`token`](Self::token), too. The connection is not encrypted.
    pub fn allow_remote(mut self, allow: bool) -> Self {
        self.allow_remote = allow;
        self
    }

    /// How many connections are served at a time; more wait until there is a place. The default is
    /// 64, and 0 means 1.
    ///
    /// When all places are taken and another client waits, a connection that keeps the server
    /// waiting is closed: idle, slow to send its request, or slow to read its answer, for a tenth
    /// of a second at least. It is the one that takes longest of the address that has most
    /// connections. Requests that are being answered stay.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.limits.connections = count.max(1);
        self
    }

    /// How long a client may take to send a request's head, to send its body, and to go on reading
    /// an answer; and how long a connection may lie idle. The default is 15 seconds, and more than
    /// a year means a year. A client that takes longer loses its connection.
    pub fn client_timeout(mut self, duration: Duration) -> Self {
        self.limits.patience = duration.min(MAX_PATIENCE);
        self
    }

    /// How long requests in progress may take when the server stops. The default is one second;
    /// with zero it ends them at once.
    pub fn grace(mut self, duration: Duration) -> Self {
        self.limits.grace = duration;
        self
    }

    /// With `true` the server stops when its [`Server`] is dropped, as by [`Server::stop`]. The
    /// default is `false`.
    pub fn stop_on_drop(mut self, stop: bool) -> Self {
        self.stop_on_drop = stop;
        self
    }

    /// Binds the address and starts the server. Where a name has several addresses, as `localhost`
    /// may, the first that is free is taken; whoever wants two of them starts two servers with one
    /// [`handler`](Self::handler).
    ///
    /// # Errors
    ///
    /// As for [`serve`].
    pub fn serve(self, address: impl ToSocketAddrs + Debug) -> io::Result<Server> {
        let listener = bind::bind(address, self.allow_remote)?;
        let local_addr = listener.local_addr()?;
        let handler = match self.allow_remote {
            true => self.handler,
            false => self.handler.loopback_hosts_only(true),
        };
        Ok(Server {
            local_addr,
            stop_on_drop: self.stop_on_drop,
            running: Some(start(listener, Service::new(handler), self.limits)?),
        })
    }
}

/// Longer than a thread takes to start on a busy machine.
const PATIENCE_FOR_THREAD: Duration = Duration::from_secs(2);

/// Returns when the server is ready, or could not be made.
fn start(listener: TcpListener, service: Service, limits: Limits) -> io::Result<Running> {
    let (stop, stopped) = oneshot::channel();
    let (ready, is_ready) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("contend-server".into())
        .spawn(move || {
            // Made and dropped on this thread: in an async function of the program neither is
            // allowed.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => {
                    runtime.block_on(accept::run(listener, service, limits, stopped, ready))
                }
                // Whoever waits for it is there.
                Err(error) => drop(ready.send(Err(error))),
            }
        })?;
    match is_ready.recv_timeout(PATIENCE_FOR_THREAD) {
        Ok(ready) => ready?,
        // It is on its way. In the constructor of a library that is being loaded, it can go on only
        // when the loader's lock is free, which is when this has returned.
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => {
            return Err(io::Error::other("the server's thread has ended"));
        }
    }
    Ok(Running {
        stop,
        thread,
        process: std::process::id(),
    })
}
