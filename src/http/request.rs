//! What a handler needs to know of a request, in the standard library's types.
#![forbid(unsafe_code)]

/// A request, as the program's own server received it.
///
/// # Examples
///
/// ```
/// use contend::http::Request;
///
/// let request = Request::new("GET", "/debug/pprof/mutex?debug=1").header("Host", "localhost:6060");
/// ```
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) body: &'a [u8],
    pub(super) host: Option<&'a str>,
    pub(super) authorization: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) fetch_site: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without headers and body. `target` is the path and, behind a `?`, the query; the
    /// path may begin with `/debug/pprof` or right after it, as routers leave it.
    pub fn new(method: &'a str, target: &'a str) -> Self {
        Self {
            method,
            target,
            body: &[],
            host: None,
            authorization: None,
            user_agent: None,
            fetch_site: None,
        }
    }

    /// Adds a header. Those that do not matter here are passed over, so all can be given.
    #[must_use]
    pub fn header(mut self, name: &str, value: &'a str) -> Self {
        let known = [
            ("host", &mut self.host),
            ("authorization", &mut self.authorization),
            ("user-agent", &mut self.user_agent),
            ("sec-fetch-site", &mut self.fetch_site),
        ];
        let place = known
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some((_, place)) = place {
            *place = Some(value);
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }
}
