//! Tracing patients in the Personal Demographics Service, by files: a request is written and sent by the organisation, and the
//! response that comes back is applied to the records of a campaign. Lists of deaths are read likewise.
//!
//! Sources: "PDS MESH data dictionary" (NHS England); `PdsMeshRecordResponse.cs` of dorset-ics/healthcare-data-exchange; class
//! `SpineResponseCodes` of NHS England's data platform.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod addresses;
mod answer;
pub mod args;
mod counts;
mod decision;
mod findings;
mod key;
mod profile;
mod request;
mod response;
pub mod run;
#[cfg(test)]
mod tests;
mod traced;

pub use counts::TraceCounts;
pub use traced::{Applied, TraceFiles, Traced};
