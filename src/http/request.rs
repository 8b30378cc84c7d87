//! A request, in the standard library's types.
#![forbid(unsafe_code)]

/// A request, as the program's own server received it.
///
/// # Examples
///
/// ```
/// use contend::http::{Handler, Request};
///
/// let request = Request::new("GET", "/debug/pprof/mutex?debug=1").header("Host", "localhost:6060");
/// let response = Handler::new().handle(&request);
/// assert_eq!(response.status(), 200);
/// ```
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) body: &'a [u8],
    pub(super) host: Option<&'a str>,
    pub(super) accept: Option<&'a str>,
    pub(super) authorization: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) fetch_site: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without headers and body. `target` is the path and, behind a `?`, the query, both
    /// as they came, percent-encoded. The path may begin with `/debug/pprof` or right after it, as
    /// routers leave it. Any text is fine: what makes no sense is answered with an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let handler = Handler::new();
    /// for target in ["/debug/pprof/mutex", "/mutex", "mutex"] {
    ///     assert_eq!(handler.handle(&Request::new("GET", target)).status(), 200);
    /// }
    /// ```
    pub fn new(method: &'a str, target: &'a str) -> Self {
        Self {
            method,
            target,
            body: &[],
            host: None,
            accept: None,
            authorization: None,
            user_agent: None,
            fetch_site: None,
            origin: None,
        }
    }

    /// Adds a header; its name may be in any case. Give all that there are: those that do not
    /// matter here are passed over, and the first of several with one name counts.
    ///
    /// These matter: `Host` (or HTTP/2's `:authority` under that name), `Accept`, `Authorization`,
    /// `User-Agent`, `Sec-Fetch-Site` and `Origin`.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let request = Request::new("GET", "/rates").header("authorization", "Bearer open sesame");
    /// assert_eq!(Handler::new().token("open sesame").handle(&request).status(), 200);
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &'a str) -> Self {
        let known = [
            ("host", &mut self.host),
            ("accept", &mut self.accept),
            ("authorization", &mut self.authorization),
            ("user-agent", &mut self.user_agent),
            ("sec-fetch-site", &mut self.fetch_site),
            ("origin", &mut self.origin),
        ];
        let place = known
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some((_, place)) = place {
            place.get_or_insert(value);
        }
        self
    }

    /// Sets the body: that of `PUT rates` and `POST symbol`.
    ///
    /// # Examples
    ///
    /// ```
    /// use contend::http::{Handler, Request};
    ///
    /// let request = Request::new("PUT", "/rates").body(b"many, please");
    /// let response = Handler::new().handle(&request);
    /// # #[cfg(feature = "profiling")]
    /// assert_eq!(response.status(), 400);
    /// ```
    #[must_use]
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// The path, and what is behind the `?`.
    pub(super) fn path_and_query(&self) -> (&'a str, &'a str) {
        self.target.split_once('?').unwrap_or((self.target, ""))
    }
}
