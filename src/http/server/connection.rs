//! One client: what it may take of time and memory.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::places::Place;
use super::stall::Stall;
use crate::http::tower::{collect, into_http};
use crate::http::{Response as Answer, Service};

/// Bytes of a request's head, which is also what is buffered. Chromium's has 1 kB; a header of
/// cookies may have 4.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;

/// Serves the client's requests, one after the other, and tells its place whose turn it is. When
/// the client goes, what it waits for is dropped, and so its window ends.
///
/// Each step has `patience`: from the connection, or the end of the last answer, to the end of the
/// next request's head; the body; and a write of an answer that the client does not read.
///
/// NOTE: a client that has sent more than it was answered is known to have gone only when the
/// answer is to be written: hyper does not read on.
pub(super) fn serve(
    stream: TcpStream,
    service: Service,
    place: Arc<Place>,
    patience: Duration,
) -> impl GracefulConnection {
    // Answers are written in one go; without it the last part may wait for an acknowledgement. An
    // error is that of a connection which has gone.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(
            TokioIo::new(Stall::new(stream, patience)),
            service_fn(move |request| answer(service.clone(), request, place.clone(), patience)),
        )
}

async fn answer(
    service: Service,
    request: Request<Incoming>,
    place: Arc<Place>,
    patience: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = timeout(patience, collect(body)).await.unwrap_or_else(|_| {
        let message = format!("the request's body took longer than {patience:?}");
        Err(Answer::error(408, &message))
    });
    place.in_work();
    let response = match body {
        Ok(body) => service.respond(parts, body).await,
        Err(response) => into_http(response),
    };
    let (parts, body) = response.into_parts();
    // It is there as a whole, so this waits for nothing and copies nothing.
    let bytes = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    };
    place.answered(bytes.len());
    let bytes = Bytes::from_owner(Unread { bytes, place });
    Ok(Response::from_parts(parts, Full::new(bytes)))
}

/// An answer on its way to the client. Hyper drops it when the system has taken the last of it.
struct Unread {
    bytes: Bytes,
    place: Arc<Place>,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.place.read(self.bytes.len());
    }
}
