//! The handler as a tower service, for whatever server speaks HTTP's own types.
#![forbid(unsafe_code)]

mod threads;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::request::Parts;
use ::http::{HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use self::threads::Threads;
use super::{Cancel, Handler, Request, Response};

/// Bytes that are read of a request's body: enough for thousands of addresses to `symbol`.
const MAX_BODY: usize = 1 << 20;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A [`Handler`] as a [`tower_service::Service`]: for axum 0.8, hyper 1, tonic, and what else
/// takes one.
///
/// Clones share the handler and its limits. It needs no runtime: each request is handled on a
/// thread that does nothing else meanwhile, `contend-http`, so that neither a look-up of symbols
/// nor a window of half a minute holds up the executor's. There are 64 of them at the most, which
/// end two seconds after their last request; what comes beyond is answered with 503, as is a
/// request for which the system has no thread. Dropping the response's future cancels the window:
/// its thread is told, and sets the rates back a moment later.
///
/// Bodies over 1 MiB are answered with 413. How long a client may take to send one is up to the
/// server that reads it; so are connections and headers.
///
/// # Examples
///
/// In axum; the links of the pages are relative. A nested service is not told whether the path came
/// with the slash at its end, which these links need: so the first route leads those who forget it
/// there.
///
// `tests/tower` tests it: there axum is at hand.
#[cfg_attr(not(doctest), doc = include_str!("axum_router.md"))]
///
/// At another path the first route has to be a redirect of the router's own, as
/// `axum::response::Redirect::permanent("/internal/profiles/")`: the service knows no such path and
/// answers with 404. Where the server listens on loopback only, have the handler check the host:
/// [`Handler::loopback_hosts_only`].
///
/// With hyper alone, `hyper_util::service::TowerToHyperService::new(profiles)` is what
/// `serve_connection` takes.
#[derive(Clone, Debug)]
pub struct Service {
    handler: Handler,
    threads: Threads,
}

impl Service {
    /// A service that answers with this handler.
    pub fn new(handler: Handler) -> Self {
        Self {
            handler,
            threads: Threads::default(),
        }
    }

    /// The answer to a request whose body has arrived. Dropping the future cancels it.
    pub(super) async fn respond(self, parts: Parts, body: Bytes) -> ::http::Response<Full<Bytes>> {
        let cancel = Cancel::new();
        let _at_the_end = CancelOnDrop(cancel.clone());
        let handler = self.handler;
        let answer = self
            .threads
            .run(move || handler.handle_until(&request(&parts, &body), &cancel));
        let response = match answer {
            Ok(answer) => answer
                .await
                // The thread has dropped its end without an answer.
                .unwrap_or_else(|_| Response::error(500, "the handler panicked: see stderr")),
            Err(busy) => busy,
        };
        into_http(response)
    }
}

impl<B> tower_service::Service<::http::Request<B>> for Service
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = ::http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Always ready: what is too much is answered with 503.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ::http::Request<B>) -> ResponseFuture {
        let service = self.clone();
        ResponseFuture(Box::pin(async move {
            let (parts, body) = request.into_parts();
            match collect(body).await {
                Ok(body) => service.respond(parts, body).await,
                Err(response) => into_http(response),
            }
        }))
    }
}

/// The answer of a [`Service`], on its way. Dropping it ends a window that it waits for.
#[must_use = "futures do nothing unless they are polled"]
pub struct ResponseFuture(Pin<Box<dyn Future<Output = ::http::Response<Full<Bytes>>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<::http::Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Whoever waits for the answer has gone, or has it.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The body, or the answer to one that is too long or breaks off.
pub(super) async fn collect<B>(body: B) -> Result<Bytes, Response>
where
    B: http_body::Body<Error: Into<BoxError>>,
{
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the request's body is longer than {MAX_BODY} bytes");
            Err(Response::error(413, &message))
        }
        Err(error) => {
            let message = format!("the request's body cannot be read: {error}");
            Err(Response::error(400, &message))
        }
    }
}

fn request<'a>(parts: &'a Parts, body: &'a [u8]) -> Request<'a> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let mut request = Request::new(parts.method.as_str(), target).body(body);
    // The first host counts. Where the target names one, as in HTTP/2, that is it, whatever the
    // header says: RFC 9112, 3.2.2.
    if let Some(authority) = parts.uri.authority() {
        request = request.header("host", authority.as_str());
    }
    for (name, value) in &parts.headers {
        // A value that is not text is no host, no token and no browser that we know.
        request = request.header(name.as_str(), value.to_str().unwrap_or(""));
    }
    request
}

pub(super) fn into_http(response: Response) -> ::http::Response<Full<Bytes>> {
    let status = StatusCode::from_u16(response.status());
    let headers = response.headers().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    // They are ours, and valid; if one were not, the answer would come without it.
    let headers = headers.flatten().collect();
    let mut answer = ::http::Response::new(Full::from(response.into_body()));
    *answer.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    answer
}
