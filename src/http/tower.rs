//! The handler as a tower service.

/// To be written.
#[derive(Clone, Debug)]
pub struct Service;

/// To be written.
#[derive(Debug)]
pub struct ResponseFuture;
