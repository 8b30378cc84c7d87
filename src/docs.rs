//! Pages for those who read or change the crate's own code. There is nothing to call here.
//!
//! | page | answers |
//! |---|---|
//! | [`architecture`] | how a wait becomes a sample becomes a file, and where each decision is made |
//! | [`vocabulary`] | what the words mean that code, documentation and output use |
#![forbid(unsafe_code)]

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/vocabulary.md")]
pub mod vocabulary {}
