//! Profiles over HTTP: what Go serves under `/debug/pprof/`, and pages for people.
//!
//! Tools that know Go's addresses work with these: `go tool pprof URL`, curl, Parca, Grafana Alloy.
//! People get a page that says where the program waits and whether the profiles are on, and turns
//! them on if they are not.
//!
//! # Ways to serve them
//!
//! **A server of its own**, with feature `server`: for a program that has none, and for one that is
//! stuck. It has a thread and a runtime to itself, so it answers whatever the rest of the program
//! does.
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
//! Where your server listens on loopback only, `Handler::new().loopback_hosts_only(true)`: see
//! [Security](#security).
//!
//! **A function**, with feature `http`: [`Handler::handle`] makes a [`Response`] of a [`Request`],
//! without input, output, threads, or types of other crates. It blocks for up to the length of a
//! window, so async code calls it where blocking is allowed. With actix-web 4:
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
//!         handler.handle(&headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
//!     })
//!     .await?;
//!     let status = StatusCode::from_u16(response.status()).map_err(error::ErrorInternalServerError)?;
//!     let mut answer = HttpResponse::build(status);
//!     for (name, value) in response.headers() {
//!         answer.append_header((name, value));
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
//! | path | parameters | effect | answer |
//! |---|---|---|---|
//! | *(none)* | | reads | The index: each profile with its numbers, its rate and its losses, and links to all paths. |
//! | `mutex` | | reads | Whose code made others wait, since the program started: pprof, compressed with gzip. |
//! | | `debug=1` | | As text. |
//! | | `names=0` | | Addresses, mappings and build ids alone, for who names elsewhere: no name is looked up. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | What happens in the next N seconds, 1 to 300: a delta, with its duration. |
//! | | `fraction=F` | takes time | In the window at least one contention in F is sampled for the mutex profile. |
//! | `block` | | reads | Where threads waited, since the program started, in the same form. |
//! | | `debug=1` | | As text. |
//! | | `names=0` | | Addresses, mappings and build ids alone, for who names elsewhere: no name is looked up. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | What happens in the next N seconds, 1 to 300: a delta, with its duration. |
//! | | `rate=T` | takes time | In the window at least one event per T of waiting is sampled for the block profile: nanoseconds, or `10us`, `1ms`. |
//! | `wake` | | reads | Who ended the waits that no lock made, since the program started, in the same form. |
//! | | `debug=1` | | As text. |
//! | | `names=0` | | Addresses, mappings and build ids alone, for who names elsewhere: no name is looked up. |
//! | | `seconds=N` | takes time | What happens in the next N seconds, 1 to 300: a delta, with its duration. |
//! | | `wake_rate=T` | takes time | As `rate`, for the wake profile. |
//! | `pairs` | | reads | Who blocked whom, since the program started, in the same form. |
//! | | `debug=1` | | As text. |
//! | | `names=0` | | Addresses, mappings and build ids alone, for who names elsewhere: no name is looked up. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | What happens in the next N seconds, 1 to 300: a delta, with its duration. |
//! | | `pairs_fraction=F` | takes time | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | `delta_mutex` | | changes | What the profile has gained since the same scraper asked last. |
//! | | `scraper=NAME` | | Tells a scraper from others; by default its `User-Agent` does. |
//! | | `debug=1` | | As text. |
//! | `delta_block` | | changes | What the profile has gained since the same scraper asked last. |
//! | | `scraper=NAME` | | Tells a scraper from others; by default its `User-Agent` does. |
//! | | `debug=1` | | As text. |
//! | `delta_wake` | | changes | What the profile has gained since the same scraper asked last. |
//! | | `scraper=NAME` | | Tells a scraper from others; by default its `User-Agent` does. |
//! | | `debug=1` | | As text. |
//! | `delta_pairs` | | changes | What the profile has gained since the same scraper asked last. |
//! | | `scraper=NAME` | | Tells a scraper from others; by default its `User-Agent` does. |
//! | | `debug=1` | | As text. |
//! | `goroutine` | | takes time | Every thread of the program and its stack, as Go's profile of goroutines. |
//! | | `debug=N` | | 1: groups of threads as text. 2: a block for each thread, as a Go program's panic has. |
//! | `threads` | | takes time | The same to read: threads by what they do, with what they wait for, and for how long. |
//! | | `form=NAME` | | `page` (what browsers get), `text` (what all others get) or `json`. |
//! | | `seconds=N` | | Before that, where the time of each thread goes in the next N seconds: on a processor, ready to run, in waits by kind, elsewhere. |
//! | `deadlock` | | takes time | The threads that wait for each other, with their stacks, and those that are stuck behind them. |
//! | | `form=NAME` | | `page` (what browsers get), `text` (what all others get) or `json`. |
//! | `monitor` | | reads | What the program's [`Monitor`](crate::Monitor) has seen: threads by state, their history, health. |
//! | | `form=NAME` | | `page` (what browsers get), `text` (what all others get) or `json`. |
//! | `locks` | | reads | The locks that have a name: waits, their time, quantiles, who waits now. See [`locks`](crate::locks). |
//! | | `form=NAME` | | `page` (what browsers get), `text` (what all others get) or `json`. |
//! | `metrics` | | reads | Numbers for Prometheus: waits by kind, lock and length, who waits now, losses. OpenMetrics for whoever accepts it. |
//! | `trace` | | takes time | What happens in a window of time, and when: Go's execution trace, for `go tool trace`. |
//! | | `seconds=N` | | Of the next N seconds, 1 by default; may be a fraction. |
//! | | `format=NAME` | | `go` (the default), `perfetto`, `text` to read, or `json` for the page. |
//! | `timeline` | | reads | A page: the same drawn, with who woke whom. |
//! | | `seconds=N` | takes time | Of the next N seconds. |
//! | `top` | | reads | A page: call sites as a table to sort. |
//! | | `profile=NAME` | | `mutex` (the default), `block`, `wake` or `pairs`. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | Of the next N seconds. |
//! | | `fraction=F` | takes time | In the window at least one contention in F is sampled for the mutex profile. |
//! | | `rate=T` | takes time | In the window at least one event per T of waiting is sampled for the block profile: nanoseconds, or `10us`, `1ms`. |
//! | | `wake_rate=T` | takes time | As `rate`, for the wake profile. |
//! | | `pairs_fraction=F` | takes time | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | | `value=contentions` | | By number rather than by delay. |
//! | | `idle=1` | | With a row for each call site that waits for work: sleeps, joins, empty channels. |
//! | `blockers` | | reads | A page: who blocks whom, as a matrix, and each waiter with its blockers, each blocker with its victims. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | Of the next N seconds. |
//! | | `pairs_fraction=F` | takes time | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | | `value=contentions` | | By number rather than by delay. |
//! | `function` | | reads | A page: one function with its callers and callees, its lines, and its stacks. |
//! | | `profile=NAME` | | `mutex` (the default), `block`, `wake` or `pairs`. |
//! | | `name=NAME` | | The function's whole name. |
//! | | `kind=NAME` | | Only what waited for this, such as `mutex`. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | Of the next N seconds. |
//! | | `fraction=F` | takes time | In the window at least one contention in F is sampled for the mutex profile. |
//! | | `rate=T` | takes time | In the window at least one event per T of waiting is sampled for the block profile: nanoseconds, or `10us`, `1ms`. |
//! | | `wake_rate=T` | takes time | As `rate`, for the wake profile. |
//! | | `pairs_fraction=F` | takes time | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | | `value=contentions` | | By number rather than by delay. |
//! | `flamegraph` | | reads | A page: stacks as a flame graph (feature `flamegraph`). |
//! | | `profile=NAME` | | `mutex` (the default), `block`, `wake` or `pairs`. |
//! | | `label=KEY=VALUE` | | Only what has this label, as `endpoint=/cart`. |
//! | | `seconds=N` | takes time | Of the next N seconds. |
//! | | `fraction=F` | takes time | In the window at least one contention in F is sampled for the mutex profile. |
//! | | `rate=T` | takes time | In the window at least one event per T of waiting is sampled for the block profile: nanoseconds, or `10us`, `1ms`. |
//! | | `wake_rate=T` | takes time | As `rate`, for the wake profile. |
//! | | `pairs_fraction=F` | takes time | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | | `value=contentions` | | By number rather than by delay. |
//! | | `download=1` | | The picture as a file. |
//! | `profile` | | takes time | What the processors did in a window of time: a CPU profile (feature `cpu`; without it a 501). |
//! | | `seconds=N` | | Of the next N seconds, 30 by default. |
//! | | `frequency=HZ` | | Samples per second of the CPU profile, 1 to 250; 100 by default. |
//! | `rates` | | reads | The rates, as JSON. `PUT` sets them. |
//! | `bundle` | | takes time | One zip of everything here, to attach to an incident: profiles of a window of time, text, rates, versions. |
//! | | `seconds=N` | | Of the next N seconds, 10 by default. |
//! | | `fraction=F` | | In the window at least one contention in F is sampled for the mutex profile. |
//! | | `rate=T` | | In the window at least one event per T of waiting is sampled for the block profile: nanoseconds, or `10us`, `1ms`. |
//! | | `wake_rate=T` | | As `rate`, for the wake profile. |
//! | | `pairs_fraction=F` | | As `fraction`, for the pairs profile, and with it for the mutex profile. |
//! | | `frequency=HZ` | | Samples per second of the CPU profile, 1 to 250; 100 by default. |
//! | `cmdline` | | reads | The command line that started this process, joined by NUL, as Go's. |
//! | `symbol` | | reads | Names of addresses, as Go's. |
//! | *a name* | | changes | What [`register_profile`] added under this name. |
//!
//! The effect says what a request does beside being answered. Browsers may not send requests that
//! take time or change something for a page of another site (see [Security](#security)); a method
//! other than `GET` and `HEAD` changes something.
//!
//! A window is refused at once (409) while its profile is off and no rate is given.
//!
//! Statuses, headers, names of files and messages are Go's where Go has the path. A window sets its
//! rate back when it ends, also when its client goes away; of two at once each gets at least what
//! it asked for. `heap`, `allocs` and `trace` are not there and answered with 404.
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
//! 1. Open `/debug/pprof/`. If the profiles are off, turn them on there: they cost little (see [the
//!    crate](crate#cost)).
//! 2. Look at `top?profile=block&seconds=10` while it is slow. The delay is a sum over threads: 40
//!    s in 10 s means that four threads waited all the time.
//! 3. Little delay there? The time goes where this crate does not look: disk, network, locks of
//!    dependencies. [`blocking`](crate::blocking) around a suspected call makes it count.
//! 4. Is the leaf `Condvar::wait`, `recv` or `sleep` of a thread that has nothing to do? Pass it
//!    over; look at the locks.
//! 5. Much of it at one lock: `top?profile=mutex&seconds=10` names the code that **holds** it while
//!    others wait.
//! 6. A row of `top` leads to the function: who calls it, on which lines, with which stacks. The
//!    flame graph shows all of them at once. `contend open URL` on the machine with the sources
//!    puts the numbers beside the lines.
//! 7. Long section? Move work out of it: input and output, allocation, formatting, whatever needs
//!    no lock.
//! 8. Short but frequent (many contentions, little delay each)? Split the lock, or take it once for
//!    many items.
//! 9. `send` at the top of the block profile: what receives is too slow, or the channel too short.
//!    `recv`: the sender is.
//! 10. Fetch `mutex?seconds=10` before and after the change, and compare: `contend diff
//!     before.pb.gz after.pb.gz`, or
//!     side by side `contend open before.pb.gz after.pb.gz`.
//!
//! # Nothing moves: what to do
//!
//! 1. Open the index: threads that wait for each other stand on top, in red, with a link to their
//!    stacks. Below is the longest wait, and who holds what it waits for.
//! 2. Open `threads`: a picture of who blocks whom, then threads that do the same together, with
//!    how many they are. The largest group that waits for a lock is what is stuck; a table has all
//!    threads by the time that they have waited.
//! 3. `threads?seconds=5` tells whether threads work (`on CPU`), lack a processor (`runnable`),
//!    wait for each other (`in waits`), or for something that this crate does not see
//!    (`elsewhere`).
//! 4. `goroutine?debug=2` has every stack, for tools that read Go's.
//! 5. To be told the next time, start the program with
//!    `CONTEND_MONITOR=1s,wait=5s,deadlock,file=/tmp/{pid}-{time}.txt`, and look at `monitor`.
//!
//! # Scrapers
//!
//! Parca and Alloy scrape `mutex` and `block` by default, and compute what is new between two
//! scrapes for just the types of value that these have, `contentions/count` and
//! `delay/nanoseconds`. Another profile that they scrape by default and that is not here shows as a
//! failed scrape, so switch it off.
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
//!     profile.process_cpu { enabled = false } // not with feature `cpu`: leave this line out
//!   }
//! }
//! ```
//!
//! # Security
//!
//! Profiles tell names, paths and timing of a program, and whoever may ask may also set its rates.
//! So [`serve`] binds addresses of this machine alone; others are an error until
//! [`ServerBuilder::allow_remote`] wants them. There it also checks the `Host`, which keeps out web
//! pages that make a name of theirs point here (DNS rebinding). Any user of the machine can
//! connect: where that is too many, set a token ([`Handler::token`]), as for every address that
//! others reach. It is compared in constant time. There is no encryption: put a proxy that has it
//! in front, or a tunnel. A [`Service`] in your own server is as reachable as that server: give it
//! a token, or a port of its own, and [`Handler::loopback_hosts_only`] where it listens on
//! loopback.
//!
//! No source is served: pages have names of files and numbers of lines. All text of the program is
//! escaped; pages load nothing from elsewhere, run no script but their own
//! (Content-Security-Policy), cannot be framed, and are not cached. Requests that take time or
//! change something are refused where the browser says that a page of another site made it send
//! them. It says so to https and to loopback addresses (`Sec-Fetch-Site`), and elsewhere with what
//! a script sends or a form posts (`Origin`, which has to name the `Host` that was asked). A plain
//! link or picture on another site, to an http address that is not loopback, comes without either:
//! a token keeps it out.
//!
//! # Limits
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | windows at a time | 8, [`Handler::max_windows`] | 429 |
//! | length of a window | 300 s, [`Handler::max_seconds`] | 400 |
//! | memory that requests make it keep: numbers of each scraper and of each window, 32 bytes for a stack | 64 MiB, [`Handler::max_memory`] | scrapers are forgotten, then 503 |
//! | memory that the first CPU profile makes it keep: 20 MB for samples, and what the pprof crate reads of debug information, up to three times its size | once | samples go to a temporary file |
//! | scrapers that it remembers | 16 profiles, for an hour after they asked | the one that did not ask for longest is forgotten |
//! | requests in work, of a [`Service`] | 64 | 503 |
//! | a request's body, of a [`Service`] | 1 MiB | 413 |
//! | connections of a [`Server`] | 64, [`ServerBuilder::max_connections`] | the slowest gives way, else they wait |
//! | answers of a [`Server`] that are not read yet | 64 MiB | the slowest reader loses its connection |
//! | a request's head, of a [`Server`] | 16 KiB, 64 headers | 431 |
//! | time to send it, to send its body, to go on reading; idle | 15 s, [`ServerBuilder::client_timeout`] | the connection is closed |
//!
//! Memory that is freed is not always given back: glibc keeps some of it in the arena of each
//! thread that takes profiles.
//!
//! A client that leaves ends its window. (One that has sent its next request before, as pipelining
//! does, is noticed at the end of the window.)

// Each group stands on those above it.

// A request and its answer.
mod cancel;
mod panics;
mod query;
mod request;
mod response;

// The state that requests share, and what a handler sees of one.
mod call;
mod form;
mod locks;
mod memory;
mod metrics;
mod own_rates;
#[cfg(feature = "cli")]
mod saved;
mod scrapers;
mod trace;
mod windows;

// The rules of who may ask for what.
mod access;
pub(crate) mod route;

// Everything there is to ask for.
mod bundle;
mod cpu;
mod custom;
mod goroutine;
mod pages;
mod process;
mod profiles;
mod rates;
mod threads;

// All of it in a table, and the way there.
mod handler;
mod register;
pub(crate) mod routes;

// Ways to be asked.
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "tower")]
mod tower;

pub use cancel::Cancel;
pub use handler::{Handler, handle};
pub use register::{RegisterError, register_profile};
pub use request::Request;
pub use response::Response;
#[cfg(feature = "cli")]
pub(crate) use saved::{Saved, SavedFile};
#[cfg(feature = "server")]
pub use server::{Server, ServerBuilder, serve};
#[cfg(feature = "tower")]
pub use tower::{ResponseFuture, Service};
