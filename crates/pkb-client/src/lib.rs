//! The clients of Patients Know Best, of GOV.UK Notify and of NHS Notify: the only place that speaks HTTP.
//!
//! * `client`, `settings`, `secret`, `address`, `error`: the connection to PKB, what it takes, and how a call can fail.
//! * `token`, `refresh_token`: access tokens (OAuth 2.0), fetched early and by one call for all.
//! * [`network`], `proxies`, `network_fault`: authorities, certificates and proxies, and why there can be no connection in confidence.
//! * [`tls`]: its cryptography.
//! * `transport`, `retry`, `http`: one request with its retries, rate and errors. `turns`: one call after another.
//! * [`call_watch`]: how long calls take.
//! * `response_code`: PKB's own words for what is wrong.
//! * `named_patient`, `refusal`, [`access_watch`], `clock_check`: whether an answer is about the patient who was asked for, about the token or about
//!   the client, and whether our clock is right.
//! * [`rest`]: the calls of the Mass Registration Implementation Guide.
//! * [`fhir`]: the operations about many patients at once.
//! * [`directory`], [`code_source`]: what stages ask, over either of them.
//! * [`upload`]: the patient file. [`messaging`]: one patient a message.
//! * [`whereabouts`]: whether there is anything at an address of PKB's.
//! * [`probe`]: whether a server can be reached, and what time it has.
//! * [`notify`]: text messages and letters through GOV.UK Notify. [`nhs_notify`]: messages through NHS Notify.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod access_watch;
mod address;
pub mod call_watch;
mod client;
mod clock_check;
pub mod code_source;
pub mod directory;
mod error;
pub mod fhir;
mod http;
mod json;
pub mod known_patient;
pub mod messaging;
mod named_patient;
pub mod network;
mod network_fault;
pub mod nhs_notify;
pub mod notify;
#[cfg(test)]
mod on_loopback;
pub mod probe;
pub mod proxies;
mod refresh_token;
mod refusal;
mod response_code;
pub mod rest;
mod retry;
mod secret;
mod settings;
pub mod tls;
mod token;
mod transport;
mod turns;
pub mod upload;
pub mod whereabouts;

pub use address::is_loopback;
pub use client::Client;
pub use error::CallError;
pub use response_code::ResponseCode;
pub use secret::read_secret;
pub use settings::{AuthStyle, Credentials, Settings};
