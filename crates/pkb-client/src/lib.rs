//! The clients of Patients Know Best and of GOV.UK Notify: the only place that speaks HTTP.
//!
//! * `token`, `refresh_token`: access tokens (OAuth 2.0), fetched early and by one call for all.
//! * [`network`], `proxies`, `network_fault`: authorities, certificates and proxies, and why there can be no connection in confidence.
//! * [`tls`]: its cryptography.
//! * `transport`, `retry`, `http`: one request with its retries, rate and errors.
//! * `whom`, `refusal`, [`access_watch`], `clock_check`: whether an answer is about the patient who was asked for, about the token or about
//!   the client, and whether our clock is right.
//! * [`rest`]: the calls of the Mass Registration Implementation Guide.
//! * [`fhir`]: the operations about many patients at once.
//! * [`directory`], [`code_desk`]: what stages ask, over either of them.
//! * [`upload`]: the patient file.
//! * [`probe`]: whether a server can be reached, and what time it has.
//! * [`notify`]: text messages and letters through GOV.UK Notify.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod access_watch;
mod clock_check;
pub mod code_desk;
pub mod directory;
pub mod fhir;
mod http;
pub mod network;
mod network_fault;
pub mod notify;
#[cfg(test)]
mod on_loopback;
pub mod probe;
pub mod proxies;
mod refresh_token;
mod refusal;
pub mod rest;
mod retry;
pub mod tls;
mod token;
mod transport;
pub mod upload;
mod whom;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::ValueEnum;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use fhir::{Fhir, FhirSettings};
use pkb_core::{
    Fatal,
    monitor::Monitor,
    rehearsal::{self, Evidence, Origin},
};
use pkb_files::{
    nearest::nearest_path,
    trusted_file::{self, Purpose, Unread},
};
use transport::Transport;

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
    pub network: network::Network,
    /// Longest wait for one answer, in seconds.
    pub timeout_seconds: u64,
    /// Calls in all for one request.
    pub attempts: u32,
    /// Seconds of nothing but failures after which the stage stops.
    pub give_up_seconds: u64,
    /// Requests a second; 0 for no limit.
    pub rate: u32,
    /// Where the jitter of pauses comes from.
    pub random: fastrand::Rng,
    /// Where retries and waits are noted.
    pub monitor: Arc<Monitor>,
}

/// A connection to PKB, shared by all calls of a stage.
pub struct Client {
    transport: Transport,
    base: Url,
    fhir: Option<Fhir>,
}

impl Client {
    /// Whether FHIR is set up.
    pub fn has_fhir(&self) -> bool {
        self.fhir.is_some()
    }

    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// An address is malformed, or would send secrets over plain HTTP.
    pub fn new(settings: Settings) -> Result<Self, Fatal> {
        let base = checked_url(&settings.base_url, "PKB_BASE_URL")?;
        let token_url = checked_url(&settings.token_url, "PKB_TOKEN_URL")?;
        let fhir = settings.fhir.as_ref().map(Fhir::new).transpose()?;
        let mut addresses = vec![("PKB_BASE_URL", &base), ("PKB_TOKEN_URL", &token_url)];
        addresses.extend(fhir.as_ref().map(|fhir| ("PKB_FHIR_URL", fhir.base())));
        check_addresses(&addresses, &settings)?;
        let transport = Transport::new(&settings, token_url)?;
        Ok(Self {
            transport,
            base,
            fhir,
        })
    }

    /// Fetches an access token, to see whether the credentials are good.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn sign_in(&self) -> Result<(), CallError> {
        self.transport.sign_in().await
    }

    /// The address of `path` under the base address, with its `{…}` filled in.
    fn url(&self, path: &str) -> Result<Url, CallError> {
        under(&self.base, path)
    }
}

/// The address of `path` under `base`.
fn under(base: &Url, path: &str) -> Result<Url, CallError> {
    // Host and port have been parsed already, and a plain path is quickly put behind them.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    if path.bytes().all(is_plain) && base.query().is_none() && base.fragment().is_none() {
        let mut url = base.clone();
        let folder = base.path().trim_end_matches('/');
        url.set_path(&format!("{folder}/{}", path.trim_start_matches('/')));
        return Ok(url);
    }
    parsed_under(base, path)
}

/// The same for any path.
fn parsed_under(base: &Url, path: &str) -> Result<Url, CallError> {
    let base = base.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).map_err(|_| {
        CallError::Fatal(Fatal::Usage(
            "a path of PKB's interface is malformed".into(),
        ))
    })
}

/// Why a call did not bring what it was meant to. No variant holds a URL, a body or a value.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// PKB does not know it (404).
    #[error("PKB does not know it")]
    NotFound,
    /// PKB does not let us see it (401 with a fresh token, or 403).
    #[error("PKB does not let this client see it")]
    NoAccess,
    /// PKB refused the request as malformed.
    #[error("PKB answered {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// GOV.UK Notify does not take this number or this letter; why, in our words.
    #[error("{0}")]
    RefusedByNotify(&'static str),
    /// Not reached, or busy, for as long as we tried.
    #[error("{cause} (tried {attempts} times)")]
    Unavailable {
        /// What happened at the last attempt.
        cause: String,
        /// Calls that were made.
        attempts: u32,
    },
    /// Sent, and no answer came.
    #[error("the request was sent and no answer came")]
    Unanswered,
    /// An answer that makes no sense.
    #[error("{0}")]
    NotUnderstood(&'static str),
    /// Nothing that concerns one patient: the stage has to stop.
    #[error("{0}")]
    Fatal(Fatal),
}

impl CallError {
    /// The verdict on the record that the call was about; `Err` if it is not about the record.
    ///
    /// # Errors
    /// The stage has to stop.
    pub fn into_verdict(self) -> Result<pkb_core::Verdict, Fatal> {
        use pkb_core::{Reason, Verdict};
        let reason = match &self {
            Self::NotFound => return Ok(Reason::NotFound.into()),
            Self::NoAccess => return Ok(Reason::NoAccess.into()),
            Self::Refused { .. } => Reason::RefusedByPkb,
            Self::RefusedByNotify(_) => Reason::RefusedByNotify,
            Self::Unavailable { .. } => Reason::Unavailable,
            Self::Unanswered => Reason::Unanswered,
            Self::NotUnderstood(_) => Reason::NotUnderstood,
            Self::Fatal(_) => {
                return match self {
                    Self::Fatal(fatal) => Err(fatal),
                    _ => Err(Fatal::Bug("an error changed while it was looked at".into())),
                };
            }
        };
        Ok(Verdict::with_detail(reason, self.to_string()))
    }
}

/// Reads the OAuth client's secret from `PKB_CLIENT_SECRET` or from a file.
///
/// # Errors
/// Neither is set, or the file cannot be read.
pub fn read_secret(file: Option<&Path>) -> Result<SecretString, Fatal> {
    let secret = match file {
        Some(path) => read_secret_file(path, "PKB_CLIENT_SECRET_FILE")?,
        None => std::env::var("PKB_CLIENT_SECRET").unwrap_or_default(),
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(Fatal::Usage(
            "no client secret: set PKB_CLIENT_SECRET, or PKB_CLIENT_SECRET_FILE to a file that holds it".into(),
        ));
    }
    Ok(SecretString::from(secret))
}

/// The content of the file that `setting` names. It may be the secret itself that was put there: it is shown only if there is
/// such a file.
fn read_secret_file(path: &Path, setting: &str) -> Result<String, Fatal> {
    pkb_files::exposure::warn_of_file(path);
    match trusted_file::read_to_string(path, Purpose::CREDENTIALS) {
        Err(Unread::Doubtful(fatal)) => Err(fatal),
        Ok(text) if text.trim().is_empty() => Err(Fatal::Usage(format!(
            "{}: no secret is in it ({setting})",
            path.display()
        ))),
        Ok(text) => Ok(text),
        Err(Unread::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            let near = nearest_path(path).map_or_else(String::new, |near| {
                format!("; did you mean {}?", near.display())
            });
            Err(Fatal::Usage(format!(
                "{setting} names a file that is not there: it is to be the path of a file, not the secret{near}"
            )))
        }
        Err(Unread::Io(error)) if path.exists() => Err(Fatal::cannot_read(path, error)),
        Err(Unread::Io(error)) => Err(Fatal::Usage(format!(
            "the file that {setting} names cannot be read ({}): it is to be the path of a file, not the secret",
            error.kind()
        ))),
    }
}

/// An address that secrets may be sent to: https, or this very machine.
fn checked_url(text: &str, name: &str) -> Result<Url, Fatal> {
    let url = Url::parse(text.trim()).map_err(|_| Fatal::Usage(format!("{name} is not a URL")))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(Fatal::Usage(format!(
            "{name}: plain http is for loopback addresses only; use https"
        ))),
        _ => Err(Fatal::Usage(format!("{name} is not an https address"))),
    }
}

/// Addresses are all on this machine, for a rehearsal, or none; and a rehearsal shows no real secret to whoever listens there.
fn check_addresses(addresses: &[(&'static str, &Url)], settings: &Settings) -> Result<(), Fatal> {
    let here = addresses.iter().find(|(_, url)| is_loopback(url));
    let away = addresses.iter().find(|(_, url)| !is_loopback(url));
    let Some((here, _)) = here else {
        return Ok(());
    };
    if let Some((away, _)) = away {
        return Err(Fatal::Usage(format!(
            "{here} is an address on this machine, which is for rehearsals, and {away} is not. What to do: run `config` to see where \
             each is set, and set all of them for a rehearsal (eval \"$(pkb-sandbox env)\"), or none"
        )));
    }
    if let Credentials::Secret(secret) = &settings.credentials
        && let Some((name, _)) = addresses.iter().find(|(_, url)| url.scheme() == "http")
        && !rehearsal::is_sandbox_secret(secret.expose_secret())
    {
        return Err(Fatal::Usage(not_a_sandbox_secret(
            "the client secret",
            name,
        )));
    }
    let origins = settings.monitor.origins();
    origins.note(Origin::Rehearsal, || Evidence::Address(here))
}

/// Why a secret is not sent to this machine.
fn not_a_sandbox_secret(what: &str, address: &str) -> String {
    format!(
        "{what} is not a sandbox's, and {address} begins with http: it would go unencrypted to whatever listens there. What to do: for a \
         rehearsal: eval \"$(pkb-sandbox env)\"; else use an https address"
    )
}

/// Whether an address is this very machine's.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "localhost.") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            // ::ffff:127.0.0.1 is 127.0.0.1.
            .is_ok_and(|address| address.to_canonical().is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_put_together_as_a_parser_does(
            base in "https://(pkb[.]example|127[.]0[.]0[.]1:8180|\\[::1\\])(/[a-z%./]{0,8})?([?#]x)?",
            path in "[/]{0,2}[a-zA-Z0-9{}%.~:@!$&'()*+,;=/\\\\|^`\"<> ?#\u{e9}\t-]{0,16}",
        ) {
            let base = Url::parse(&base).unwrap();
            let quick = under(&base, &path).unwrap();
            prop_assert_eq!(quick, parsed_under(&base, &path).unwrap());
        }
    }

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        for good in [
            "https://pkb.example/x",
            "http://127.0.0.1:8180",
            "http://localhost:1",
            "http://[::1]:9/",
        ] {
            assert!(checked_url(good, "X").is_ok(), "{good}");
        }
        for bad in [
            "http://pkb.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "http://127.0.0.1.pkb.example",
            "x",
        ] {
            assert!(checked_url(bad, "X").is_err(), "{bad}");
        }
    }
}
