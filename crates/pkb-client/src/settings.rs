//! What the client of PKB needs to know.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::ValueEnum;
use pkb_core::monitor::Monitor;
use secrecy::SecretString;

use crate::{call_watch::CallWatch, fhir::endpoint::FhirSettings, network::Network};

/// How the OAuth client shows its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthStyle {
    /// HTTP Basic, as PKB's OAuth page shows, and as RFC 6749 says: name and secret are percent-encoded first
    Basic,
    /// The same without that, for servers that do not decode it (secrets with characters such as + / = are refused otherwise)
    BasicRaw,
    /// In the form, as PKB's newer identity service wants it
    Body,
}

/// How the OAuth client shows who it is.
pub enum Credentials {
    /// By its secret (client credentials).
    Secret(SecretString),
    /// By the refresh token in a file (PKB's tethered-token clients).
    RefreshToken(PathBuf),
}

/// All that the client needs to know.
pub struct Settings {
    /// Address of the REST interface.
    pub base_url: String,
    /// The FHIR interface, for stages that ask it.
    pub fhir: Option<FhirSettings>,
    /// The messaging endpoint, for uploads by message.
    pub messaging: Option<FhirSettings>,
    /// Address that gives out access tokens.
    pub token_url: String,
    /// OAuth client.
    pub client_id: String,
    /// How it shows who it is.
    pub credentials: Credentials,
    /// How to show a secret.
    pub auth_style: AuthStyle,
    /// What access tokens are asked for, where the server wants that said (OAuth's scopes, with spaces between them).
    pub scope: Option<String>,
    /// How servers are reached.
    pub network: Network,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Calls in all for one request.
    pub attempts: u32,
    /// How long every call may fail before the stage stops.
    pub give_up_after: Duration,
    /// Requests a second; 0 for no limit.
    pub rate: u32,
    /// Calls at the same time, of all programs on this machine together.
    pub at_a_time: u16,
    /// What counts the calls.
    pub calls: Arc<CallWatch>,
    /// Where the jitter of pauses comes from.
    pub random: fastrand::Rng,
    /// Where retries and waits are noted.
    pub monitor: Arc<Monitor>,
}
