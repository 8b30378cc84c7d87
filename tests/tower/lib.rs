//! Has nothing in it. The documentation's example that needs axum is tested here.
#![cfg_attr(doctest, doc = include_str!("../../src/http/axum_router.md"))]
