//! Has nothing in it. The documentation's example that needs criterion is compiled here.
#![cfg_attr(doctest, doc = include_str!("../../src/ask/criterion_bench.md"))]
