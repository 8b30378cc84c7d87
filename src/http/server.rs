//! A server on a thread of its own.

/// To be written.
#[derive(Debug)]
pub struct Server;

/// To be written.
#[derive(Debug)]
pub struct ServerBuilder;

/// To be written.
pub fn serve(_address: &str) -> std::io::Result<Server> {
    Ok(Server)
}
