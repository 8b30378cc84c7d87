//! Answers, with the headers that every one of them carries.
#![forbid(unsafe_code)]

/// The answer to a [`Request`](super::Request), to be sent as it is.
///
/// # Examples
///
/// ```
/// use contend::http::{Handler, Request};
///
/// let response = Handler::new().handle(&Request::new("GET", "/mutex"));
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.header("content-type"), Some("application/octet-stream"));
/// assert!(response.headers().any(|(name, _)| name == "Content-Type"));
/// assert!(!response.body().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A file, usually compressed.
pub(super) const BYTES: &str = "application/octet-stream";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";

impl Response {
    pub(super) fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![
            ("Content-Type", content_type.to_owned()),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
            (
                "Content-Security-Policy",
                CONTENT_SECURITY_POLICY.to_owned(),
            ),
            ("Referrer-Policy", "no-referrer".to_owned()),
        ];
        Self {
            status: 200,
            headers,
            body: body.into(),
        }
    }

    /// A file to keep, under this name.
    pub(super) fn attachment(content_type: &str, name: &str, body: Vec<u8>) -> Self {
        let disposition = format!("attachment; filename=\"{name}\"");
        Self::new(content_type, body).with_header("Content-Disposition", disposition)
    }

    /// An error in the form that `go tool pprof` shows to its user: it looks for this header.
    pub(super) fn error(status: u16, message: &str) -> Self {
        let response = Self::new(TEXT, format!("{message}\n"));
        response.with_status(status).with_header("X-Go-Pprof", "1")
    }

    /// Sends a client that asked right, by any method, to another address.
    pub(super) fn redirect(location: impl Into<String>) -> Self {
        let response = Self::new(TEXT, "Temporary Redirect\n").with_status(307);
        response.with_header("Location", location)
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As a HEAD request wants it: the length is told, the body is not sent.
    pub(super) fn without_body(self) -> Self {
        let length = self.body.len().to_string();
        let mut response = self.with_header("Content-Length", length);
        response.body = Vec::new();
        response
    }

    /// The status code, such as 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Names and values. No name occurs twice.
    ///
    /// `Content-Length` is among them only where the body is left out, in the answer to a HEAD
    /// request; else it is that of [`body`](Self::body), and for the server to add.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, &**value))
    }

    /// The value of a header, by any spelling of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, to hand on.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// Scripts, styles and pictures come from files of our own; nothing else is loaded or run, no
/// page frames ours, no form leads away.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
