//! A program that is named by its address or by its number.
#![forbid(unsafe_code)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::error::{Error, Result};
use super::fetch::{Client, Url};

/// The folder in which a program serves its profiles: of an address, or of the number of a process
/// on this machine, whose listening ports are asked.
pub(super) fn base_of(argument: &str, client: &Client) -> Result<Url> {
    match argument.parse::<u32>() {
        Ok(pid) => of_process(pid, client),
        Err(_) => Ok(Url::required(argument)?.split().0),
    }
}

/// The advice for a process that does not serve its profiles.
const NEEDED: &str = "a program tells of its threads over HTTP: let it call \
    contend::http::serve(\"127.0.0.1:6060\"), or start it with CONTEND_HTTP=127.0.0.1:6060 (features \
    `server`, and `auto-init` or a call of contend::init)";

fn of_process(pid: u32, client: &Client) -> Result<Url> {
    let about = |what: String| Error::about(format!("process {pid}"), what);
    let folder = Path::new("/proc").join(pid.to_string());
    if !folder.exists() {
        return Err(about(match Path::new("/proc/self").exists() {
            true => "there is none".to_owned(),
            false => format!("this system has no /proc; name an address. {NEEDED}"),
        }));
    }
    let ports = ports(&folder).map_err(|error| {
        about(format!(
            "its sockets cannot be seen ({error}); name its address instead"
        ))
    })?;
    let command_line = fs::read(folder.join("cmdline")).unwrap_or_default();
    let mut locked = None;
    for (is_certain, base) in answers(&ports, client, command_line) {
        if is_certain {
            return Ok(base);
        }
        locked.get_or_insert(base);
    }
    locked.ok_or_else(|| {
        about(match ports.len() {
            0 => format!("it listens at no port. {NEEDED}"),
            _ => format!("no profiles at port {}. {NEEDED}", listed(&ports)),
        })
    })
}

/// Where the process serves its profiles, as far as the answers tell: certainly, or a token is
/// asked for. They come as the ports answer: what listens at another one may never do.
fn answers(
    ports: &[u16],
    client: &Client,
    command_line: Vec<u8>,
) -> impl Iterator<Item = (bool, Url)> {
    let (sender, receiver) = mpsc::channel();
    let (next, command_line) = (Arc::new(AtomicUsize::new(0)), Arc::new(command_line));
    let ports: Arc<[u16]> = ports.into();
    for _ in 0..ports.len().min(MAX_ASKED_AT_ONCE) {
        let (sender, client) = (sender.clone(), client.clone());
        let (ports, next, command_line) = (ports.clone(), next.clone(), command_line.clone());
        // Not waited for: the program ends when it has what it needs.
        thread::spawn(move || {
            while let Some(port) = ports.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = answer(*port, &client, &command_line);
                if answer.is_some_and(|answer| sender.send(answer).is_err()) {
                    return;
                }
            }
        });
    }
    receiver.into_iter()
}

/// `None`: this port is not the one.
fn answer(port: u16, client: &Client, command_line: &[u8]) -> Option<(bool, Url)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let base = Url::required(&address.to_string()).ok()?.split().0;
    let answer = client.ask(&base.join("cmdline")).ok()?;
    // A token may be asked for: then the next request says so. The port may lead elsewhere, as
    // that of another container.
    let is_certain = answer.status != 401;
    let is_it = !is_certain || is_same(&answer.bytes(MAX_COMMAND_LINE).ok()?, command_line);
    is_it.then_some((is_certain, base))
}

/// A process may listen at thousands of ports.
const MAX_ASKED_AT_ONCE: usize = 16;

/// Longer ones are no command lines.
const MAX_COMMAND_LINE: u64 = 4 << 20;

/// As a program tells its command line, and as the kernel does: with a NUL at the end, too.
fn is_same(told: &[u8], command_line: &[u8]) -> bool {
    let text = |bytes| {
        String::from_utf8_lossy(bytes)
            .trim_end_matches('\0')
            .to_owned()
    };
    text(told) == text(command_line)
}

fn listed(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}

/// The ports at which the process of this folder listens, on any address.
fn ports(process: &Path) -> std::io::Result<Vec<u16>> {
    let sockets = fs::read_dir(process.join("fd"))?
        .flatten()
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            inode.strip_suffix(']')?.parse::<u64>().ok()
        });
    let sockets: Vec<u64> = sockets.collect();
    let tables = ["net/tcp", "net/tcp6"].map(|table| fs::read_to_string(process.join(table)));
    let lines = tables.iter().flatten().flat_map(|table| table.lines());
    let listening = lines.filter_map(listening);
    let mut ports: Vec<u16> = listening
        .filter(|(inode, _)| sockets.contains(inode))
        .map(|(_, port)| port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    Ok(ports)
}

/// The socket and the port of a line of `/proc/net/tcp`, if it listens (state 0A, proc(5)).
fn listening(line: &str) -> Option<(u64, u16)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (_, port) = local.rsplit_once(':')?;
    (*state == "0A").then_some(())?;
    Some((inode.parse().ok()?, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_listen_are_found_in_the_kernels_table() {
        let line = "   0: 0100007F:17AC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1";
        assert_eq!(listening(line), Some((12345, 6060)));
        assert_eq!(listening(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listening("  sl  local_address rem_address   st"), None);
    }
}
