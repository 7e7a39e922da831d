//! How PKB is reached, and by which of its interfaces.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use pkb_client::{
    AuthStyle, Client, Credentials, Settings, call_watch::CallWatch, fhir::FhirSettings,
    network::Network, proxies::Proxies,
};
use pkb_core::{Fatal, monitor::Monitor};

use super::{
    headings::{PKB, PKB_CALLS},
    time::{seconds, timeout},
};

/// How PKB is reached. Secrets come from the environment or a file, never from the command line,
/// which every user of the machine can read.
#[derive(Debug, Clone, Args)]
pub struct PkbArgs {
    /// Address of PKB's REST interface: https, or this machine
    #[arg(long, env = "PKB_BASE_URL", value_name = "URL", help_heading = PKB)]
    base_url: Option<String>,

    /// Address that gives access tokens (OAuth 2.0 client credentials)
    #[arg(long, env = "PKB_TOKEN_URL", value_name = "URL", help_heading = PKB)]
    token_url: Option<String>,

    /// Name of the OAuth client
    ///
    /// Its secret is read from PKB_CLIENT_SECRET, or from the file that PKB_CLIENT_SECRET_FILE names.
    #[arg(
        long,
        env = "PKB_CLIENT_ID",
        value_name = "ID",
        help_heading = PKB,
        hide_env_values = true
    )]
    client_id: Option<String>,

    /// File with the OAuth client's secret (mode 0600)
    #[arg(
        long,
        env = "PKB_CLIENT_SECRET_FILE",
        value_name = "FILE",
        help_heading = PKB
    )]
    client_secret_file: Option<PathBuf>,

    /// File with the refresh token of a tethered-token client
    ///
    /// It is used instead of a secret. The file is rewritten when PKB sends a new token.
    #[arg(
        long,
        env = "PKB_REFRESH_TOKEN_FILE",
        value_name = "FILE",
        help_heading = PKB
    )]
    refresh_token_file: Option<PathBuf>,

    /// How the client shows its secret to the token address
    #[arg(
        long,
        env = "PKB_AUTH_STYLE",
        value_enum,
        default_value = "basic",
        value_name = "STYLE",
        help_heading = PKB
    )]
    auth_style: AuthStyle,

    /// What to ask access tokens for, if the server requires it
    ///
    /// OAuth scopes, with spaces between them.
    #[arg(long, env = "PKB_SCOPE", value_name = "SCOPES", help_heading = PKB)]
    scope: Option<String>,

    /// File with certificates (PEM) to trust, such as your network's own
    ///
    /// They are trusted besides those of this machine. Get them from your network team, never from the connection.
    #[arg(long, env = "PKB_CA_FILE", value_name = "FILE", help_heading = PKB)]
    ca_file: Option<PathBuf>,

    /// File with your certificate and its key (PEM, mode 0600)
    ///
    /// For servers that require one (mutual TLS).
    #[arg(
        long,
        env = "PKB_CLIENT_CERT",
        value_name = "FILE",
        help_heading = PKB
    )]
    client_cert: Option<PathBuf>,

    /// Address of PKB's FHIR interface, for many patients at once
    ///
    /// https, or this machine.
    #[arg(long, env = "PKB_FHIR_URL", value_name = "URL", help_heading = PKB)]
    fhir_url: Option<String>,

    /// Address of PKB's messaging endpoint, for pkb-upload --via messaging
    ///
    /// https, or this machine.
    #[arg(
        long,
        env = "PKB_MESSAGING_URL",
        value_name = "URL",
        help_heading = PKB
    )]
    messaging_url: Option<String>,

    /// Your organisation's public id at PKB: a UUID
    ///
    /// The FHIR interface and the messaging endpoint need it.
    #[arg(long, env = "PKB_ORG_ID", value_name = "UUID", help_heading = PKB)]
    org_id: Option<String>,

    /// How long to wait for one answer
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = timeout, help_heading = PKB_CALLS)]
    timeout: Duration,

    /// Calls for one request during an outage or a rate limit, up to N
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = PKB_CALLS)]
    attempts: u32,

    /// How long to retry if PKB is down, before stopping with exit code 75
    #[arg(
        long,
        default_value = "120s",
        value_name = "TIME",
        value_parser = seconds,
        help_heading = PKB_CALLS
    )]
    give_up_after: Duration,

    /// Requests a second, up to N, with retries (0 for no limit)
    #[arg(long, default_value_t = 50, value_name = "N", help_heading = PKB_CALLS)]
    rate: u32,

    /// Calls to PKB at the same time, as agreed with PKB
    ///
    /// PKB asks for one call after another. Programs on this machine that call the same server share this number,
    /// in all campaigns. More is not faster and may lose requests, unless PKB has agreed to it.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = PKB_CALLS)]
    concurrency: u16,

    /// What counts the calls of all that work with these arguments.
    #[arg(skip)]
    calls: Arc<CallWatch>,
}

impl PkbArgs {
    /// The client of PKB that these settings describe; what it waits for is noted in `monitor`. Nothing is
    /// sent yet.
    ///
    /// # Errors
    /// A setting is missing or wrong; the message names it.
    pub fn client(&self, monitor: &Arc<Monitor>) -> Result<Client, Fatal> {
        Client::new(Settings {
            base_url: required(self.base_url.as_deref(), "PKB_BASE_URL")?,
            fhir: self.fhir()?,
            messaging: self.messaging(),
            token_url: required(self.token_url.as_deref(), "PKB_TOKEN_URL")?,
            client_id: required(self.client_id.as_deref(), "PKB_CLIENT_ID")?,
            credentials: match &self.refresh_token_file {
                Some(path) => Credentials::RefreshToken(path.clone()),
                None => Credentials::Secret(pkb_client::read_secret(
                    self.client_secret_file.as_deref(),
                )?),
            },
            auth_style: self.auth_style,
            scope: self.scope.clone(),
            network: self.network()?,
            timeout: self.timeout,
            attempts: self.attempts,
            give_up_after: self.give_up_after,
            rate: self.rate,
            at_a_time: self.concurrency,
            calls: Arc::clone(&self.calls),
            random: fastrand::Rng::new(),
            monitor: Arc::clone(monitor),
        })
    }

    /// Calls at the same time, and so batches that are worked on at the same time: more would only wait.
    pub fn at_a_time(&self) -> usize {
        self.concurrency.into()
    }

    /// What counts the calls.
    pub fn calls(&self) -> &Arc<CallWatch> {
        &self.calls
    }

    /// How servers are reached.
    ///
    /// # Errors
    /// The environment names a proxy that cannot be used.
    pub(crate) fn network(&self) -> Result<Network, Fatal> {
        Ok(Network {
            ca_file: self.ca_file.clone(),
            client_cert: self.client_cert.clone(),
            proxies: Proxies::from_environment()?,
        })
    }

    /// A client for a look: one try, and not for long.
    ///
    /// # Errors
    /// As [`PkbArgs::client`].
    pub(crate) fn client_for_a_look(&self) -> Result<Client, Fatal> {
        let quick = Self {
            attempts: 1,
            timeout: self.timeout.min(Duration::from_secs(20)),
            ..self.clone()
        };
        quick.client(&Arc::default())
    }

    /// The settings without which PKB cannot be reached, and which are not set.
    pub fn missing(&self) -> Vec<&'static str> {
        [
            (&self.base_url, "PKB_BASE_URL"),
            (&self.token_url, "PKB_TOKEN_URL"),
            (&self.client_id, "PKB_CLIENT_ID"),
        ]
        .into_iter()
        .filter(|(value, _)| is_blank(value))
        .map(|(_, name)| name)
        .collect()
    }

    /// The file of the secret or of the refresh token, if it is in one.
    pub(crate) fn secret_file(&self) -> Option<&Path> {
        let file = self.refresh_token_file.as_deref();
        file.or(self.client_secret_file.as_deref())
    }

    /// The address of the FHIR interface, if it is set.
    pub(crate) fn fhir_url(&self) -> Option<&str> {
        let url = self.fhir_url.as_deref().map(str::trim);
        url.filter(|url| !url.is_empty())
    }

    /// The addresses that are called, with their names.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, &str)> {
        [
            ("PKB_BASE_URL", &self.base_url),
            ("PKB_TOKEN_URL", &self.token_url),
            ("PKB_FHIR_URL", &self.fhir_url),
            ("PKB_MESSAGING_URL", &self.messaging_url),
        ]
        .into_iter()
        .filter_map(|(name, address)| Some((name, address.as_deref()?.trim())))
        .filter(|(_, address)| !address.is_empty())
        .collect()
    }

    /// Both settings of the FHIR interface or neither: one alone is a mistake that would show only hours later. The
    /// organisation may also be there for the messaging endpoint.
    fn fhir(&self) -> Result<Option<FhirSettings>, Fatal> {
        let needs_none = is_blank(&self.org_id) || !is_blank(&self.messaging_url);
        if is_blank(&self.fhir_url) && needs_none {
            return Ok(None);
        }
        Ok(Some(FhirSettings {
            base_url: required(self.fhir_url.as_deref(), "PKB_FHIR_URL")?,
            org_id: required(self.org_id.as_deref(), "PKB_ORG_ID")?,
        }))
    }

    /// The messaging endpoint, if its settings are there. Who needs it says what is missing.
    fn messaging(&self) -> Option<FhirSettings> {
        let is_set = !is_blank(&self.messaging_url) && !is_blank(&self.org_id);
        let settings = self.messaging_url.clone().zip(self.org_id.clone());
        settings
            .filter(|_| is_set)
            .map(|(base_url, org_id)| FhirSettings { base_url, org_id })
    }
}

fn is_blank(value: &Option<String>) -> bool {
    value.as_deref().is_none_or(|value| value.trim().is_empty())
}

/// Which of PKB's interfaces is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Api {
    /// One patient a call
    Rest,
    /// Thousands of patients a call. Needs PKB_FHIR_URL and PKB_ORG_ID
    Fhir,
}

/// Which of PKB's interfaces is asked, and how batches are made for it.
#[derive(Debug, Clone, Args)]
pub struct ApiArgs {
    /// Interface of PKB
    #[arg(
        long,
        env = "PKB_API",
        value_enum,
        default_value = "rest",
        value_name = "API",
        help_heading = PKB
    )]
    pub api: Api,

    /// Patients in one request, up to N [default: PKB's own limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = PKB_CALLS)]
    batch_rows: Option<u16>,

    /// How long to wait for a batch to fill before it is sent
    #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "500ms", help_heading = PKB_CALLS)]
    pub linger: Duration,
}

impl ApiArgs {
    /// Patients in a request, of `most` that PKB takes.
    pub fn batch_rows(&self, most: usize) -> usize {
        self.batch_rows.map_or(most, |rows| most.min(rows.into()))
    }
}

fn required(value: Option<&str>, name: &str) -> Result<String, Fatal> {
    value
        .filter(|value| !value.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Fatal::Usage(format!(
                "{name} is not set. What to do: export it, or write {} below [pkb] in pkb.toml. To print such a file: pkb \
                 config --toml. For a rehearsal: eval \"$(pkb-sandbox env)\"",
                name.trim_start_matches("PKB_").to_lowercase()
            ))
        })
}
