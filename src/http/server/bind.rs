//! Opens a socket that listens at what the program calls an address.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// Every error names the address, as the program wrote it: quoted, so that a text that is no
/// address stays on its line and sends nothing to a terminal.
pub(super) fn bind(
    address: impl ToSocketAddrs + Debug,
    allow_remote: bool,
) -> io::Result<TcpListener> {
    let context = |error| with_address(&address, error);
    let addresses: Vec<SocketAddr> = address.to_socket_addrs().map_err(context)?.collect();
    if !allow_remote {
        addresses
            .iter()
            .try_for_each(only_loopback)
            .map_err(context)?;
    }
    let listener = TcpListener::bind(&*addresses).map_err(context)?;
    listener.set_nonblocking(true).map_err(context)?;
    Ok(listener)
}

fn only_loopback(address: &SocketAddr) -> io::Result<()> {
    // An IPv4 address may come in IPv6's clothes: ::ffff:127.0.0.1.
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let message = format!(
        "{} can be reached from other machines; to want that, say `Server::builder().allow_remote(true)`",
        address.ip()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

fn with_address(address: &impl Debug, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot serve profiles at {address:?}: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[track_caller]
    fn error(address: &str) -> String {
        bind(address, false).expect_err(address).to_string()
    }

    #[test]
    fn loopback_has_several_spellings() {
        for address in ["127.0.0.1:0", "127.8.9.10:0", "localhost:0"] {
            bind(address, false).expect(address);
        }
        only_loopback(&"[::1]:6060".parse().unwrap()).unwrap();
        only_loopback(&"[::ffff:127.0.0.1]:6060".parse().unwrap()).unwrap();
    }

    #[test]
    fn others_need_the_switch_and_are_told_so() {
        for address in [
            "0.0.0.0:0",
            "[::]:0",
            "192.0.2.1:6060",
            "[::ffff:192.0.2.1]:0",
        ] {
            let error = error(address);
            assert!(error.contains(address), "{error}");
            assert!(error.contains("allow_remote(true)"), "{error}");
        }
        bind("0.0.0.0:0", true).unwrap();
    }

    #[test]
    fn what_is_no_address_is_named() {
        for address in [
            "",
            "6060",
            ":6060",
            "127.0.0.1",
            "127.0.0.1:65536",
            "127.0.0.1:x",
            "\u{1b}[2J\n",
        ] {
            let error = error(address);
            assert!(error.contains(&format!("at {address:?}: ")), "{error}");
        }
    }

    #[test]
    fn a_pair_is_an_address_too() {
        bind((Ipv4Addr::LOCALHOST, 0), false).unwrap();
        bind(("localhost", 0), false).unwrap();
        let error = bind((Ipv4Addr::UNSPECIFIED, 0), false).expect_err("remote");
        assert!(error.to_string().contains("(0.0.0.0, 0)"), "{error}");
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = bind("127.0.0.1:0", false).unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind(address, false).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
