//! `contend::http` from outside: its handler, its server, and what the clients that it is made for
//! ask of them.
//!
//! Rates and profiles are the process's, so tests that set or read them take turns (see
//! [`common::turn`]). The answers are read by prost, which the feature `cli` brings.

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code)] // Without the profiler there is little to read.
#[path = "../../src/export/tests/decoder.rs"]
mod decoder;
#[path = "../common/http_client.rs"]
mod http_client;
#[path = "../common/raw_profile.rs"]
mod raw_profile;

mod bundle;
mod corpus;
mod cpu;
mod deployed;
mod handler;
mod hostile;
mod process;
mod scrapers;
mod server;
