//! Lets requests in: those with the token, to a name of this machine, and from no page of another
//! site.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::call::Call;
use super::query::shown;
use super::route::Effect;
use super::{Request, Response};

#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    pub(super) token: Option<Token>,
    pub(super) loopback_hosts_only: bool,
}

/// The secret that a request has to show. It is not printed.
#[derive(Clone)]
pub(super) struct Token(Arc<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Access {
    /// Lets a request with this effect in, or refuses it.
    pub(super) fn check(&self, call: &Call<'_>, effect: Effect) -> Result<(), Response> {
        self.check_host(call.request)?;
        self.check_token(call.request)?;
        match effect {
            Effect::Reads => Ok(()),
            Effect::TakesTime | Effect::Changes => refuse_other_sites(call.request),
        }
    }

    /// A page of `evil.example` can let that name point to 127.0.0.1 and then read the answers as
    /// its own (DNS rebinding). The name stays in the header, though.
    fn check_host(&self, request: &Request<'_>) -> Result<(), Response> {
        let host = request.host.unwrap_or("");
        if !self.loopback_hosts_only || is_loopback(host) {
            return Ok(());
        }
        let shown = shown(host);
        Err(Response::error(
            403,
            &format!("the header \"Host\" must be localhost or a loopback address, not {shown}"),
        ))
    }

    fn check_token(&self, request: &Request<'_>) -> Result<(), Response> {
        let shows_it = |token: &Token| {
            let authorization = request.authorization;
            authorization.is_some_and(|authorization| token.is_shown(authorization))
        };
        if self.token.as_ref().is_none_or(shows_it) {
            return Ok(());
        }
        let challenge = "Basic realm=\"contend\", charset=\"UTF-8\"";
        let message =
            "a token is needed: send it as \"Authorization: Bearer TOKEN\", or as the password";
        Err(Response::error(401, message).with_header("WWW-Authenticate", challenge))
    }
}

impl Token {
    /// A token that was read from a file ends with a newline.
    pub(super) fn new(token: &str) -> Self {
        Self(token.trim_ascii().into())
    }

    /// As a bearer token, or as the password of any user, which is what browsers ask for and what
    /// `go tool pprof http://any:TOKEN@host/` sends.
    fn is_shown(&self, authorization: &str) -> bool {
        let Some((scheme, credentials)) = authorization.split_once(' ') else {
            return false;
        };
        match scheme {
            _ if scheme.eq_ignore_ascii_case("bearer") => self.is(credentials.trim().as_bytes()),
            _ if scheme.eq_ignore_ascii_case("basic") => {
                password(credentials.trim()).is_some_and(|password| self.is(&password))
            }
            _ => false,
        }
    }

    /// Takes as long for a guess with a right beginning as for any other of the same length. An
    /// empty token is that of a variable which was never set: it must not open everything.
    fn is(&self, guess: &[u8]) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(guess))
    }
}

/// The second half of `user:password`, which came encoded.
fn password(credentials: &str) -> Option<Vec<u8>> {
    let mut decoded = STANDARD.decode(credentials).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded.split_off(colon + 1))
}

/// Browsers say where a request comes from. Pages of other sites cannot read the answers, but
/// without this they could set rates, use up what a scraper has not seen yet, occupy every window
/// for minutes, or run what the program has registered.
pub(super) fn refuse_other_sites(request: &Request<'_>) -> Result<(), Response> {
    match is_of_another_site(request) {
        false => Ok(()),
        true => Err(Response::error(
            403,
            "a page of another site asked for this; open it from here, or type its address",
        )),
    }
}

/// Whether the browser says so. `Sec-Fetch-Site` is its own verdict, and no page can set it, so it
/// decides where it is there; `same-site` is another port of localhost, for one. Browsers send it
/// to https and loopback addresses only, and old ones not at all. `Origin` comes with every request
/// that a script makes across sites and with every one that changes something: then the page must
/// be of the host that was asked.
fn is_of_another_site(request: &Request<'_>) -> bool {
    match request.fetch_site {
        Some("same-origin" | "none") => false,
        Some("cross-site" | "same-site") => true,
        _ => request
            .origin
            .is_some_and(|origin| !is_origin_of(origin, request.host.unwrap_or(""))),
    }
}

/// Whether pages of `origin`, such as `http://localhost:6060`, come from `host`. The origin of a
/// page that has none of its own is `null`, which is nobody's.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// With any port.
fn is_loopback(host: &str) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let v6 = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = v6 {
        return address.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback());
    }
    let is_v4 = name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback());
    is_v4 || is_localhost(name)
}

/// All names below `localhost` are the machine itself (RFC 6761).
fn is_localhost(name: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name == "localhost" || (name.ends_with(".localhost") && name.bytes().all(is_name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_hosts_are_this_machine() {
        for host in [
            "localhost",
            "localhost:6060",
            "LocalHost:1",
            "localhost.",
            "localhost.:6060",
            "app.localhost:8080",
            "127.0.0.1",
            "127.0.0.1:6060",
            "127.8.9.10",
            "[::1]",
            "[::1]:6060",
            "[0:0:0:0:0:0:0:1]:6060",
        ] {
            assert!(is_loopback(host), "{host}");
        }
    }

    #[test]
    fn these_are_not() {
        for host in [
            "",
            ":6060",
            "evil.example",
            "evil.example:6060",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "0.0.0.0:6060",
            "10.0.0.1",
            "0x7f.1",
            "2130706433",
            "[::]",
            "[::1",
            "::1",
            "[::2]:6060",
            "user@localhost:6060",
            "evil.example/.localhost",
            "localhost:port",
            "localhost localhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for (origin, host) in [
            ("http://localhost:6060", "localhost:6060"),
            ("https://Shop.example", "shop.example"),
            ("http://[::1]:6060", "[::1]:6060"),
        ] {
            assert!(is_origin_of(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "null"),
            ("null", ""),
            ("", ""),
            ("localhost:6060", "localhost:6060"),
            ("http://localhost:6061", "localhost:6060"),
            ("http://evil.example", "localhost:6060"),
            ("http://localhost:6060.evil.example", "localhost:6060"),
        ] {
            assert!(!is_origin_of(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn the_token_is_shown_in_two_ways() {
        let token = Token::new("open:sesame");
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(token.is_shown("Bearer open:sesame"));
        assert!(token.is_shown("bearer  open:sesame "));
        assert!(token.is_shown(&basic("anybody:open:sesame")));
        assert!(token.is_shown(&basic(":open:sesame")));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer open:sesam",
            "Bearer open:sesame2",
            "Beareropen:sesame",
            "open:sesame",
            "Digest open:sesame",
            "Basic open:sesame",
            "Basic !!!",
            &basic("open:sesame"),
            &basic("sesame"),
            &basic("anybody:"),
        ] {
            assert!(!token.is_shown(wrong), "{wrong}");
        }
    }

    #[test]
    fn space_around_a_token_is_no_part_of_it() {
        let token = Token::new(" open sesame\r\n");
        assert!(token.is_shown("Bearer open sesame"));
        assert!(token.is_shown(&format!("Basic {}", STANDARD.encode("anybody:open sesame"))));
        assert!(!token.is_shown("Bearer opensesame"));
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        for empty in ["", "\n", " "] {
            let token = Token::new(empty);
            assert!(!token.is_shown("Bearer "));
            assert!(!token.is_shown(&format!("Basic {}", STANDARD.encode("anybody:"))));
        }
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", Token::new("sesame")), "Token(…)");
    }
}
