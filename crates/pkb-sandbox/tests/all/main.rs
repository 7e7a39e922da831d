//! All tests that use the crate from outside, in one program so that they link once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command_line;
mod fixtures;
mod join_page;
mod rest;
mod support;
mod token;
mod upload;
