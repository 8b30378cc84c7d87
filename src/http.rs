//! Profiles over HTTP: what Go serves under `/debug/pprof/`, and pages for people.

mod cancel;
mod handler;
mod query;
mod request;
mod response;

mod bundle;
mod cpu;
mod custom;
mod pages;
mod process;
mod profiles;
mod rates;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "tower")]
mod tower;

pub use cancel::Cancel;
pub use custom::{RegisterError, register_profile};
pub use handler::Handler;
pub use request::Request;
pub use response::Response;
#[cfg(feature = "server")]
pub use server::{Server, ServerBuilder, serve};
#[cfg(feature = "tower")]
pub use tower::{ResponseFuture, Service};
