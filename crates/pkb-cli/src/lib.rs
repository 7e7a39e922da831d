//! What every program does around its work: arguments, settings, logging, progress and manual pages.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(feature = "jemalloc")]
mod allocator;
pub mod app;
pub mod args;
pub mod doctor;
pub mod join_url;
pub mod logging;
pub mod progress;
pub mod settings;
