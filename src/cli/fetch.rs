//! Asks a program over HTTP, and says clearly why there is no answer.
#![forbid(unsafe_code)]

mod body;

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use ureq::http::Uri;
use ureq::{Agent, Proxy};

use super::error::{Error, Result};
use super::output::printable;
use crate::pprof::reader::MAX_BYTES;
use crate::profile::ProfileKind;

/// Where programs serve their profiles.
const PREFIX: &str = "/debug/pprof";
/// A program that is reachable answers a connection at once, however busy it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// To take a profile, beside the `seconds=` that were asked for: looking up the names of a large
/// program takes some, and it may be short of processors.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters shown of the text in which a server says what is wrong.
const SHOWN_OF_ERROR: usize = 300;
/// So much of it is read.
const READ_OF_ERROR: u64 = 64 << 10;

/// An address to ask. Displays without user and password.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Url(Uri);

impl Url {
    /// `None`: this is no URL, so it may be a file.
    pub(super) fn of(argument: &str) -> Option<Result<Self>> {
        let text = match argument.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => argument.to_owned(),
            _ if is_address(argument) => format!("http://{argument}"),
            _ => return None,
        };
        Some(Self::parsed(&text))
    }

    /// For what only a program that runs can tell.
    pub(super) fn required(argument: &str) -> Result<Self> {
        let no_url = || Err(Error::about(argument, "is no URL, such as localhost:6060"));
        Self::of(argument).unwrap_or_else(no_url)
    }

    fn parsed(text: &str) -> Result<Self> {
        // The part behind `#` is for browsers.
        let text = text.split('#').next().unwrap_or_default();
        let without_password = || match text.rsplit_once('@') {
            Some((_, rest)) => format!("http://…@{rest}"),
            None => text.to_owned(),
        };
        let uri: Uri = text
            .parse()
            .map_err(|error| Error::about(without_password(), error))?;
        let url = Self(uri);
        match url.0.scheme_str() {
            Some("http") => Ok(url),
            Some("https") => Err(Error::about(
                url,
                "https is not built in; ask through a tunnel, or fetch it with `curl URL | contend top -`",
            )),
            _ => Err(Error::about(url, "only http:// URLs can be asked")),
        }
    }

    /// Where the address alone was given, or the index, the profile `name` is meant.
    pub(super) fn or_profile(self, name: &str) -> Self {
        match self.0.path().trim_end_matches('/') {
            "" | PREFIX => self.base().join(name),
            _ => self,
        }
    }

    /// The profile `name` in this folder, if it can be one: a program may serve its profiles
    /// anywhere. `None`: the URL has a query or names a profile.
    pub(super) fn as_folder(&self, name: &str) -> Option<Self> {
        let is_folder = self.0.query().is_none() && self.split().1.is_none();
        is_folder.then(|| self.base().join(name))
    }

    /// The folder of the profiles: `http://…/debug/pprof`, or what is there instead of it when a
    /// path was given. The second is the name behind it.
    pub(super) fn split(&self) -> (Self, Option<&str>) {
        let path = self.0.path().trim_end_matches('/');
        match path.rsplit_once('/') {
            Some((_, name)) if ProfileKind::of_name(name).is_some() => (
                self.with_path(&path[..path.len() - name.len() - 1]),
                Some(name),
            ),
            _ => (self.base(), None),
        }
    }

    fn base(&self) -> Self {
        match self.0.path().trim_end_matches('/') {
            "" => self.with_path(PREFIX),
            path => self.with_path(path),
        }
    }

    /// The URL of `name`, which may have a query, in this folder.
    pub(super) fn join(&self, name: &str) -> Self {
        self.with_path(&format!("{}/{name}", self.0.path().trim_end_matches('/')))
    }

    fn with_path(&self, path: &str) -> Self {
        let mut parts = self.0.clone().into_parts();
        let path = if path.is_empty() { "/" } else { path };
        match path.parse() {
            Ok(path) => parts.path_and_query = Some(path),
            Err(_) => return self.clone(),
        }
        Uri::from_parts(parts).map_or_else(|_| self.clone(), Self)
    }

    pub(super) fn host_and_port(&self) -> &str {
        let authority = self
            .0
            .authority()
            .map_or("", |authority| authority.as_str());
        authority.rsplit('@').next().unwrap_or_default()
    }

    /// The user and the password of the URL, as their header. They go before a token, which may be
    /// of the environment.
    fn authorization(&self) -> Option<String> {
        let (user, _) = self.0.authority()?.as_str().rsplit_once('@')?;
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let mut credentials: Vec<u8> = percent_decode_str(name).collect();
        credentials.push(b':');
        credentials.extend(percent_decode_str(password));
        Some(format!("Basic {}", BASE64_STANDARD.encode(credentials)))
    }

    fn is_local(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let address: Option<std::net::IpAddr> = host.parse().ok();
        host == "localhost" || address.is_some_and(|address| address.is_loopback())
    }

    /// How long the program was told to take.
    fn seconds(&self) -> Duration {
        let query = self.0.query().unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let seconds = pairs.find(|(name, _)| *name == "seconds");
        let seconds = seconds.and_then(|(_, value)| value.parse().ok());
        Duration::from_secs(seconds.unwrap_or(0_u32).into())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host_and_port();
        let path = self.0.path_and_query().map_or("", |path| path.as_str());
        let scheme = self.0.scheme_str().unwrap_or_default();
        f.write_str(&printable(&format!("{scheme}://{host}{path}")))
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `host:port`, perhaps with a user in front and a path behind.
fn is_address(text: &str) -> bool {
    let authority = text.split('/').next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

/// The answer of a server. The body is not read yet.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: String,
    body: body::Reader,
    url: Url,
}

impl Response {
    /// The body, compressed once at most.
    ///
    /// # Errors
    ///
    /// Those of the connection, in words.
    pub(super) fn body(self) -> std::result::Result<impl Read, String> {
        let why = |error: io::Error| why(error.into(), &self.url);
        body::compressed_once(self.body).map_err(why)
    }

    /// # Errors
    ///
    /// The server's own words where the status is not 200.
    pub(super) fn success(self) -> Result<Self> {
        match self.status {
            200 => Ok(self),
            status => {
                let url = self.url.clone();
                Err(Error::about(
                    url,
                    format!("status {status}: {}", self.words()),
                ))
            }
        }
    }

    /// The whole body of a success, up to `limit` bytes.
    pub(super) fn bytes(self, limit: u64) -> Result<Vec<u8>> {
        let response = self.success()?;
        let url = response.url.clone();
        let about = |what| Error::about(&url, what);
        let mut bytes = Vec::new();
        let body = response.body().map_err(about)?;
        let read = body.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| about(why(error.into(), &url)))?;
        match bytes.len() as u64 > limit {
            true => Err(about(too_large(limit))),
            false => Ok(bytes),
        }
    }

    /// The words of the body, on one line.
    pub(super) fn words(self) -> String {
        if self.content_type.starts_with("text/html") {
            return "a web page".to_owned();
        }
        let mut bytes = Vec::new();
        // The part that has come says more than why no more did.
        let _ = self.body.take(READ_OF_ERROR).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        match printable(&words.join(" ")) {
            text if text.is_empty() => "no more is said".to_owned(),
            text => text.chars().take(SHOWN_OF_ERROR).collect(),
        }
    }
}

/// A limit of this command, which says nothing against what was read.
pub(super) fn too_large(limit: u64) -> String {
    format!("too large: more than {} MB", limit >> 20)
}

/// Asks, with the token if there is one. Each request has a connection of its own.
#[derive(Clone)]
pub(super) struct Client {
    /// Through the proxy of the environment, and around it for what is on this machine.
    agents: [Agent; 2],
    token: Option<String>,
}

impl Client {
    pub(super) fn new(token: Option<&str>) -> Self {
        let agent = |proxy| {
            Agent::config_builder()
                .http_status_as_error(false)
                .user_agent(concat!("contend/", env!("CARGO_PKG_VERSION")))
                .timeout_connect(Some(CONNECT_TIMEOUT))
                // A server may close a connection that idles just as the next request comes on it.
                .max_idle_connections(0)
                .proxy(proxy)
                .build()
                .new_agent()
        };
        Self {
            agents: [agent(Proxy::try_from_env()), agent(None)],
            token: token.filter(|token| !token.is_empty()).map(str::to_owned),
        }
    }

    /// The whole answer, in memory.
    pub(super) fn get(&self, url: &Url) -> Result<Vec<u8>> {
        self.ask(url)?.bytes(MAX_BYTES)
    }

    pub(super) fn ask(&self, url: &Url) -> Result<Response> {
        let about = |what| Error::about(url, what);
        let response = self.request(url).map_err(|error| about(why(error, url)))?;
        let header = |name| {
            let value = response.headers().get(name);
            let value = value.and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (content_type, encodings) = (header("Content-Type"), header("Content-Encoding"));
        let status = response.status().as_u16();
        let body = response.into_body();
        let counted = body::Counted {
            expected: body.content_length(),
            reader: body.into_reader(),
            got: 0,
        };
        Ok(Response {
            status,
            content_type,
            body: body::decoded(Box::new(counted), &encodings).map_err(about)?,
            url: url.clone(),
        })
    }

    fn request(
        &self,
        url: &Url,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let limit = ANSWER_TIMEOUT + url.seconds();
        let mut request = self.agents[usize::from(url.is_local())]
            .get(&url.0)
            // Profiles are compressed already.
            .header("Accept-Encoding", "identity")
            .config()
            .timeout_global(Some(limit))
            .build();
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        if let Some(authorization) = url.authorization().or(token) {
            request = request.header("Authorization", authorization);
        }
        request.call()
    }
}

/// The errors that people meet, in their words.
fn why(error: ureq::Error, url: &Url) -> String {
    use ureq::Error::*;
    match error {
        HostNotFound => "there is no such host".to_owned(),
        ConnectionFailed => "nobody answers there".to_owned(),
        Timeout(ureq::Timeout::Connect) => {
            format!(
                "nobody answers there within {} s",
                CONNECT_TIMEOUT.as_secs()
            )
        }
        Timeout(_) => {
            let limit = ANSWER_TIMEOUT + url.seconds();
            format!("no complete answer within {} s", limit.as_secs())
        }
        // A body's reader wraps the client's own errors.
        Io(error) => match error.downcast() {
            Ok(error) => why(error, url),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                "nobody listens there".to_owned()
            }
            Err(error) => error.to_string(),
        },
        error => error.to_string(),
    }
}
