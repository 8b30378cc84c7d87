//! Profiles over HTTP: what Go serves under `/debug/pprof/`, and pages for people.

// A request and its answer.
mod cancel;
mod query;
mod request;
mod response;

// Who may ask for what.
mod access;
mod handler;
mod panics;
mod routes;
mod scrapers;
mod windows;

// What there is to ask for.
mod bundle;
mod cpu;
pub(crate) mod custom;
mod pages;
mod process;
mod profiles;
mod rates;

// Ways to be asked.
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "tower")]
mod tower;

pub use cancel::Cancel;
pub use custom::RegisterError;
pub use handler::{Handler, handle};
pub use request::Request;
pub use response::Response;
#[cfg(feature = "server")]
pub use server::{Server, ServerBuilder, serve};
#[cfg(feature = "tower")]
pub use tower::{ResponseFuture, Service};
