//! Profiles over HTTP: what Go serves under `/debug/pprof/`, and pages for people.
//!
//! Whatever knows Go's addresses works with these: `go tool pprof URL`, curl, Parca, Grafana Alloy. For people there is a
//! page that says where the program waits, whether the profiles are on, and turns them on if they are not.
//!
//! # Ways to serve them
//!
//! **A server of its own**, with feature `server`: for a program that has none, and for one that is stuck. It has a
//! thread and a runtime to itself, so that it answers whatever the rest of the program does.
//!
#![cfg_attr(feature = "server", doc = "```")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! contend::set_mutex_profile_fraction(100);
//! contend::set_block_profile_rate(1_000_000);
//! if let Err(error) = contend::http::serve("127.0.0.1:6060") {
//!     eprintln!("no profiles: {error}");
//! }
//! ```
//!
//! **A tower service**, with feature `tower`: for axum 0.8, hyper 1 and tonic.
//!
#![cfg_attr(not(doctest), doc = include_str!("http/axum_router.md"))]
//!
//! Where your server listens on loopback only, `Handler::new().loopback_hosts_only(true)`: see [Security](#security).
//!
//! **A function**, with feature `http`: [`Handler::handle`] makes a [`Response`] of a [`Request`], without input,
//! output, threads, or types of other crates. It blocks, up to the length of a window, so in async code it is
//! called where that is allowed. With actix-web 4:
//!
//! ```ignore
//! use actix_web::http::StatusCode;
//! use actix_web::{HttpRequest, HttpResponse, error, web};
//! use contend::http::{Handler, Request};
//!
//! async fn profiles(
//!     request: HttpRequest,
//!     body: web::Bytes,
//!     handler: web::Data<Handler>,
//! ) -> Result<HttpResponse, actix_web::Error> {
//!     let (method, target) = (request.method().to_string(), request.uri().to_string());
//!     let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap_or("").to_owned();
//!     let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
//!     let headers: Vec<_> = headers.collect();
//!     let response = web::block(move || {
//!         let request = Request::new(&method, &target).body(&body);
//!         handler.handle(&headers.iter().fold(request, |it, (name, value)| it.header(name, value)))
//!     })
//!     .await?;
//!     let status = StatusCode::from_u16(response.status()).map_err(error::ErrorInternalServerError)?;
//!     let mut answer = HttpResponse::build(status);
//!     for (name, value) in response.headers() {
//!         answer.append_header((*name, value.as_str()));
//!     }
//!     Ok(answer.body(response.into_body()))
//! }
//!
//! // App::new()
//! //     .app_data(web::Data::new(Handler::new()))
//! //     .route("/debug/pprof{path:.*}", web::to(profiles))
//! ```
//!
//! # What is served
//!
//! Below `/debug/pprof/`, or wherever it is mounted:
//!
//! | path | parameters | answer |
//! |---|---|---|
//! | *(none)* | | the index: each profile with its numbers, rate and losses, and links to all that follows |
//! | `mutex`, `block` | | the profile since the program started: pprof, compressed with gzip |
//! | | `debug=1` | the same as text |
//! | | `seconds=N` | what happens in the next N seconds, 1 to 300: a delta, with its duration |
//! | | `seconds=N&fraction=F` | (`mutex`) the same, and for that time at least one contention in F is sampled |
//! | | `seconds=N&rate=T` | (`block`) the same with one event per T of waiting: nanoseconds, or `10us`, `1ms` |
//! | `delta_mutex`, `delta_block` | `scraper=NAME`, `debug=1` | what is new since this scraper asked last; by default its `User-Agent` tells it from others |
//! | `top`, `flamegraph` | `profile=mutex` or `block`, `seconds=N`, `fraction=F` or `rate=T` | pages: the same as a table to sort, and as a flame graph (feature `flamegraph`) |
//! | | `value=contentions` | (`flamegraph`) by number rather than by delay |
//! | `profile` | `seconds=N`, 30 by default; `frequency=HZ` | the CPU profile (feature `cpu`); without it a 501 that says so |
//! | `rates` | | the rates as JSON; `PUT` sets them |
//! | `bundle` | `seconds=N`, 10 by default; `fraction=F`, `rate=T`, `frequency=HZ` | a zip of all of it, to attach to an incident |
//! | `cmdline`, `symbol` | | as Go's: the arguments, joined by NUL; names of addresses |
//! | *a name* | | what [`register_profile`](crate::register_profile) added under it |
//!
//! Statuses, headers, names of files and messages are Go's where Go has the path. A window sets its rate back when it
//! ends, also when its client goes away; of two at once each gets at least what it asked for. `goroutine`,
//! `heap`, `allocs` and `trace` are not there and answered with 404.
//!
//! # From the command line
//!
//! ```text
//! go tool pprof -top http://localhost:6060/debug/pprof/mutex
//! go tool pprof -http=: 'http://localhost:6060/debug/pprof/mutex?seconds=30&fraction=1'
//! go tool pprof -seconds 10 http://localhost:6060/debug/pprof/block
//! go tool pprof localhost:6060                                     # the CPU profile, for 30 seconds
//! go tool pprof -top http://any:TOKEN@localhost:6060/debug/pprof/mutex
//!
//! curl 'localhost:6060/debug/pprof/block?debug=1'                  # to read
//! curl -o mutex.pb.gz localhost:6060/debug/pprof/mutex             # to keep
//! curl -OJ 'localhost:6060/debug/pprof/bundle?seconds=10'          # to attach
//! curl localhost:6060/debug/pprof/rates
//! curl -X PUT -d '{"mutex_profile_fraction": 1}' localhost:6060/debug/pprof/rates
//! curl -H 'Authorization: Bearer TOKEN' localhost:6060/debug/pprof/rates
//! ```
//!
//! The server listens on the machine's own address only; from yours, forward the port:
//! `ssh -L 6060:localhost:6060 HOST`, or `kubectl port-forward POD 6060`.
//!
//! # Latency is high, CPU is low: what to do
//!
//! 1. Open `/debug/pprof/`. If the profiles are off, turn them on there: they cost little (see [the crate](crate#cost)).
//! 2. Look at `top?profile=block&seconds=10` while it is slow. The delay is a sum over threads: 40 s in 10 s
//!    means that four threads waited all the time.
//! 3. Little delay there? The time goes where this crate does not look: disk, network, locks of dependencies.
//!    [`blocking`](crate::blocking) around a suspected call makes it count.
//! 4. Is the leaf `Condvar::wait`, `recv` or `sleep` of a thread that has nothing to do? Pass it over; look at the locks.
//! 5. Much of it at one lock: `top?profile=mutex&seconds=10` names the code that **holds** it while others wait.
//! 6. The flame graph shows who calls that code, and its file and line in `top` where the release is.
//! 7. Long section? Move work out of it: input and output, allocation, formatting, whatever needs no lock.
//! 8. Short but frequent (many contentions, little delay each)? Split the lock, or take it once for many items.
//! 9. `send` at the top of the block profile: what receives is too slow, or the channel too short. `recv`: the sender is.
//! 10. Fetch `bundle?seconds=10` before and after the change, and compare: `go tool pprof -diff_base before.pb.gz after.pb.gz`.
//!
//! # Scrapers
//!
//! Parca and Alloy scrape `mutex` and `block` by default, and compute what is new between two scrapes for just the
//! types of value that these have, `contentions/count` and `delay/nanoseconds`. What else they scrape by default and
//! is not here shows as a failed scrape, so switch it off.
//!
//! Parca:
//!
//! ```yaml
//! scrape_configs:
//!   - job_name: my-service
//!     static_configs:
//!       - targets: ["127.0.0.1:6060"]
//!     # authorization: { credentials: TOKEN }
//!     profiling_config:
//!       pprof_config:
//!         memory: { enabled: false }
//!         goroutine: { enabled: false }
//!         process_cpu: { enabled: false } # not with feature `cpu`: leave this line out
//! ```
//!
//! Grafana Alloy:
//!
//! ```text
//! pyroscope.scrape "my_service" {
//!   targets    = [{ "__address__" = "127.0.0.1:6060", "service_name" = "my-service" }]
//!   forward_to = [pyroscope.write.default.receiver]
//!   // bearer_token = "TOKEN"
//!   profiling_config {
//!     profile.memory      { enabled = false }
//!     profile.goroutine   { enabled = false }
//!     profile.process_cpu { enabled = false } // not with feature `cpu`: leave this line out
//!   }
//! }
//! ```
//!
//! # Security
//!
//! Profiles tell names, paths and timing of a program, and whoever may ask may also set its rates. So [`serve`] binds
//! addresses of this machine alone; others are an error until [`ServerBuilder::allow_remote`] wants them. There it
//! also checks the `Host`, which keeps out web pages that make a name of theirs point here (DNS rebinding).
//! Any user of the machine can connect: where that is too many, set a token ([`Handler::token`]), as for every
//! address that others reach. It is compared in constant time. There is no encryption: put a proxy that has it in
//! front, or a tunnel. A [`Service`] in your own server is as reachable as that server: give it a token, or a
//! port of its own, and [`Handler::loopback_hosts_only`] where it listens on loopback.
//!
//! Whatever comes from the program is escaped; pages load nothing from elsewhere, run no script but their own
//! (Content-Security-Policy), cannot be framed, and are not cached. Requests that change something or open a window
//! are refused where the browser says that a page of another site made it send them. It says so (`Sec-Fetch-Site`)
//! to https and to loopback addresses only: over plain http to another address nothing but a token keeps such pages
//! out.
//!
//! # Limits
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | windows at a time | 8, [`Handler::max_windows`] | 429 |
//! | length of a window | 300 s, [`Handler::max_seconds`] | 400 |
//! | requests in work, of a [`Service`] | 64 | 503 |
//! | a request's body, of a [`Service`] | 1 MiB | 413 |
//! | connections of a [`Server`] | 64, [`ServerBuilder::max_connections`] | wait to be accepted |
//! | a request's head, of a [`Server`] | 16 KiB, 64 headers | 431 |
//! | time to send it, to send its body, to go on reading; idle | 15 s, [`ServerBuilder::client_timeout`] | the connection is closed |
//!
//! A client that leaves ends its window. (One that has sent its next request before, as pipelining does, is
//! noticed at the end of the window.)

// A request and its answer.
mod cancel;
mod query;
mod request;
mod response;

// Who may ask for what.
mod access;
mod handler;
mod panics;
mod routes;
mod scrapers;
mod windows;

// What there is to ask for.
mod bundle;
mod cpu;
pub(crate) mod custom;
mod pages;
mod process;
mod profiles;
mod rates;

// Ways to be asked.
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "tower")]
mod tower;

pub use cancel::Cancel;
pub use custom::RegisterError;
pub use handler::{Handler, handle};
pub use request::Request;
pub use response::Response;
#[cfg(feature = "server")]
pub use server::{Server, ServerBuilder, serve};
#[cfg(feature = "tower")]
pub use tower::{ResponseFuture, Service};
