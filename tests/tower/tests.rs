//! The tower service, inside axum on a real socket, and called by hand.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/http_client.rs"]
mod http_client;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use axum::routing::get as on_get;
use common::{profile_everything, secs};
use contend::http::{Handler, Service};
use http_client::{Client, await_that, get};
use tower_service::Service as _;

/// An axum server on a current-thread runtime, until it is dropped.
struct Axum {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Axum {
    fn start(router: Router) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (address_sender, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                address_sender.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    result = axum::serve(listener, router) => result.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address: address.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Axum {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

fn mounted(handler: Handler) -> Router {
    Router::new()
        .route("/", on_get(async || "the program's own"))
        .nest_service("/debug/pprof", Service::new(handler))
}

#[test]
fn axum_serves_it_below_a_path() {
    let server = Axum::start(mounted(Handler::new()));
    let mut client = Client::connect(server.address);
    assert_eq!(client.get("/").text(), "the program's own");
    for (target, status) in [
        ("/debug/pprof/mutex", 200),
        ("/debug/pprof/block?debug=1", 200),
        ("/debug/pprof/mutex?seconds=x", 400),
        ("/debug/pprof/nothing", 404),
    ] {
        let answer = client.get(target);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let types = client.get("/debug/pprof/mutex").pprof().sample_types();
    assert_eq!(types, ["contentions/count", "delay/nanoseconds"]);
    client.request("HEAD", "/debug/pprof/mutex?debug=1", "");
    assert_eq!(client.read_without_body().unwrap().status, 200);
    assert_eq!(client.get("/debug/pprof/rates").status, 200);
}

/// As the documentation says: with it, the path without the slash leads to the index.
#[test]
fn axum_serves_the_path_without_its_slash_by_a_route_more() {
    let profiles = Service::new(Handler::new());
    let router = Router::new()
        .route_service("/debug/pprof", profiles.clone())
        .nest_service("/debug/pprof/", profiles);
    let server = Axum::start(router);
    let answer = get(server.address, "/debug/pprof");
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some("pprof/"));
    assert_eq!(get(server.address, "/debug/pprof/mutex").status, 200);
    let at_root = get(server.address, "/debug/pprof/");
    assert_eq!(at_root.status, 200);
    assert_eq!(
        at_root.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}

/// Without a router that strips the prefix.
#[test]
fn axum_serves_it_as_the_fallback() {
    let router = Router::new().fallback_service(Service::new(Handler::new()));
    let server = Axum::start(router);
    assert_eq!(get(server.address, "/debug/pprof/mutex").status, 200);
    assert_eq!(get(server.address, "/debug/pprof").status, 307);
    assert_eq!(get(server.address, "/mutex").status, 200);
}

#[test]
fn a_window_does_not_hold_up_a_current_thread_runtime() {
    let _alone = profile_everything();
    let server = Axum::start(mounted(Handler::new()));
    let mut window = Client::connect(server.address);
    window.request("GET", "/debug/pprof/mutex?seconds=3&fraction=7", "");
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(get(server.address, "/").status, 200);
        assert_eq!(get(server.address, "/debug/pprof/rates").status, 200);
    }
    assert!(start.elapsed() < secs(2), "{:?}", start.elapsed());
    assert!(!window.has_answer(), "the window is still open");
    assert_eq!(window.read().unwrap().status, 200);
}

#[test]
fn a_client_of_axum_that_leaves_ends_its_window() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let server = Axum::start(mounted(Handler::new()));
    let mut client = Client::connect(server.address);
    client.request("GET", "/debug/pprof/mutex?seconds=200&fraction=7", "");
    await_that("the window is open", || {
        contend::mutex_profile_fraction() == 7
    });
    drop(client);
    await_that("the fraction is restored", || {
        contend::mutex_profile_fraction() == 100
    });
}

#[test]
fn bodies_are_read_and_bounded() {
    let _alone = profile_everything();
    let server = Axum::start(mounted(Handler::new()));
    let mut client = Client::connect(server.address);
    let body = r#"{"mutex_profile_fraction": 42}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    client.request("PUT", "/debug/pprof/rates", &length);
    client.send(body).unwrap();
    assert_eq!(client.read().unwrap().status, 200);
    assert_eq!(contend::mutex_profile_fraction(), 42);

    let answer = block_on(call(
        Request::put("/rates").body(vec![b' '; (1 << 20) + 1].into()),
    ));
    assert_eq!(answer.status(), 413);
}

fn call(request: Result<Request<Body>, axum::http::Error>) -> impl Future<Output = Response<Body>> {
    let future = Service::new(Handler::new()).call(request.unwrap());
    async {
        let Ok::<_, Infallible>(response) = future.await;
        response.map(Body::new)
    }
}

#[test]
fn a_body_that_breaks_off_is_an_answer() {
    let broken = Parts([Ok("{\"mutex"), Err("the client has gone")].into());
    let answer = block_on(call(Request::put("/rates").body(Body::new(broken))));
    assert_eq!(answer.status(), 400);
    let text = block_on(axum::body::to_bytes(answer.into_body(), 1 << 10)).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("the client has gone"), "{text}");
}

/// A body of these parts.
struct Parts(VecDeque<Result<&'static str, &'static str>>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, &'static str>>> {
        let part = self.0.pop_front();
        Poll::Ready(part.map(|part| Ok(http_body::Frame::data(part?.into()))))
    }
}

#[test]
fn without_any_runtime_it_works_and_dropping_cancels() {
    let _alone = profile_everything();
    contend::set_mutex_profile_fraction(100);
    let answer = block_on(call(Request::get("/mutex?seconds=1").body(Body::empty())));
    assert_eq!(answer.status(), 200);
    {
        let target = "/mutex?seconds=200&fraction=3";
        let mut window = pin!(call(Request::get(target).body(Body::empty())));
        let mut context = Context::from_waker(Waker::noop());
        assert!(window.as_mut().poll(&mut context).is_pending());
        await_that("the window is open", || {
            contend::mutex_profile_fraction() == 3
        });
    }
    await_that("the fraction is restored", || {
        contend::mutex_profile_fraction() == 100
    });
}

#[test]
fn the_authority_of_http_2_is_the_host() {
    let handler = Handler::new().loopback_hosts_only(true);
    for (uri, status) in [
        ("http://localhost:6060/mutex", 200),
        ("http://evil.example/mutex", 403),
        ("/mutex", 403),
    ] {
        let mut service = Service::new(handler.clone());
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let Ok(answer) = block_on(service.call(request));
        assert_eq!(answer.status().as_u16(), status, "{uri}");
    }
}

#[test]
fn hyper_takes_it() {
    fn check(_: impl hyper::service::Service<hyper::Request<hyper::body::Incoming>>) {}
    let service = Service::new(Handler::new());
    check(hyper_util::service::TowerToHyperService::new(service));
}

#[test]
fn it_can_be_sent_cloned_and_shared() {
    fn check<T: Send + Sync + Clone + 'static>(_: T) {}
    fn check_future<T: Send + 'static>(_: T) {}
    let service = Service::new(Handler::new());
    check(service.clone());
    let mut service = service;
    check_future(service.call(Request::get("/").body(Body::empty()).unwrap()));
}

/// A runtime of one thread and one future.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
