//! How PKB is reached, and by which of its interfaces.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use pkb_client::{
    AuthStyle, Client, Credentials, Settings, fhir::FhirSettings, network::Network,
    proxies::Proxies,
};
use pkb_core::{Fatal, monitor::Monitor};

use super::duration::parse_duration;

/// How PKB is reached. Secrets come from the environment or a file, never from the command line,
/// which every user of the machine can read.
#[derive(Debug, Clone, Args)]
pub struct PkbArgs {
    /// Address of PKB's REST interface; https, or a loopback address
    #[arg(long, env = "PKB_BASE_URL", value_name = "URL", help_heading = "PKB")]
    base_url: Option<String>,

    /// Address that gives out access tokens (OAuth 2.0 client credentials)
    #[arg(long, env = "PKB_TOKEN_URL", value_name = "URL", help_heading = "PKB")]
    token_url: Option<String>,

    /// Name of the OAuth client; its secret is read from PKB_CLIENT_SECRET or from the file named
    /// by PKB_CLIENT_SECRET_FILE
    #[arg(
        long,
        env = "PKB_CLIENT_ID",
        value_name = "ID",
        help_heading = "PKB",
        hide_env_values = true
    )]
    client_id: Option<String>,

    /// File with the OAuth client's secret (mode 0600)
    #[arg(
        long,
        env = "PKB_CLIENT_SECRET_FILE",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    client_secret_file: Option<PathBuf>,

    /// File with the refresh token of a tethered-token client, used instead of a secret. The file is
    /// rewritten whenever PKB sends the next token
    #[arg(
        long,
        env = "PKB_REFRESH_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    refresh_token_file: Option<PathBuf>,

    /// How the client shows its secret to the token address
    #[arg(
        long,
        env = "PKB_AUTH_STYLE",
        value_enum,
        default_value = "basic",
        value_name = "STYLE",
        help_heading = "PKB"
    )]
    auth_style: AuthStyle,

    /// What to ask access tokens for (OAuth scopes, with spaces between them), if the server wants that said
    #[arg(long, env = "PKB_SCOPE", value_name = "SCOPES", help_heading = "PKB")]
    scope: Option<String>,

    /// File with certificates (PEM) of authorities to trust besides this machine's, such as your network's own. Take
    /// them from your network team, never from the connection
    #[arg(long, env = "PKB_CA_FILE", value_name = "FILE", help_heading = "PKB")]
    ca_file: Option<PathBuf>,

    /// File with your certificate and its key (PEM, mode 0600), for servers that want to see one (mutual TLS)
    #[arg(
        long,
        env = "PKB_CLIENT_CERT",
        value_name = "FILE",
        help_heading = "PKB"
    )]
    client_cert: Option<PathBuf>,

    /// Address of PKB's FHIR interface, for what asks for many patients at once; https, or a loopback address
    #[arg(long, env = "PKB_FHIR_URL", value_name = "URL", help_heading = "PKB")]
    fhir_url: Option<String>,

    /// Your organisation's public id at PKB, which the FHIR interface wants to know: a UUID
    #[arg(long, env = "PKB_ORG_ID", value_name = "UUID", help_heading = "PKB")]
    org_id: Option<String>,

    /// Seconds to wait for one answer
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "PKB")]
    timeout: u64,

    /// Calls in all for one request that meets an outage or a rate limit
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "PKB")]
    attempts: u32,

    /// Stop with "try again later" after so many seconds of nothing but failures
    #[arg(
        long,
        default_value_t = 120,
        value_name = "SECONDS",
        help_heading = "PKB"
    )]
    give_up_after: u64,

    /// Requests a second at most, retries included; 0 for no limit
    #[arg(long, default_value_t = 50, value_name = "N", help_heading = "PKB")]
    rate: u32,
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
            timeout_seconds: self.timeout,
            attempts: self.attempts,
            give_up_seconds: self.give_up_after,
            rate: self.rate,
            random: fastrand::Rng::new(),
            monitor: Arc::clone(monitor),
        })
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
            timeout: self.timeout.min(20),
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
        .filter(|(value, _)| value.as_deref().is_none_or(|value| value.trim().is_empty()))
        .map(|(_, name)| name)
        .collect()
    }

    /// The file of the secret or of the refresh token, if it is in one.
    pub(crate) fn secret_file(&self) -> Option<&Path> {
        let file = self.refresh_token_file.as_deref();
        file.or(self.client_secret_file.as_deref())
    }

    /// The addresses that are called, with their names.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, &str)> {
        [
            ("PKB_BASE_URL", &self.base_url),
            ("PKB_TOKEN_URL", &self.token_url),
            ("PKB_FHIR_URL", &self.fhir_url),
        ]
        .into_iter()
        .filter_map(|(name, address)| Some((name, address.as_deref()?.trim())))
        .filter(|(_, address)| !address.is_empty())
        .collect()
    }

    /// Both settings of the FHIR interface or neither: one alone is a mistake that would show only hours later.
    fn fhir(&self) -> Result<Option<FhirSettings>, Fatal> {
        let is_blank =
            |value: &Option<String>| value.as_deref().is_none_or(|value| value.trim().is_empty());
        if is_blank(&self.fhir_url) && is_blank(&self.org_id) {
            return Ok(None);
        }
        Ok(Some(FhirSettings {
            base_url: required(self.fhir_url.as_deref(), "PKB_FHIR_URL")?,
            org_id: required(self.org_id.as_deref(), "PKB_ORG_ID")?,
        }))
    }
}

/// Which of PKB's interfaces is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Api {
    /// The calls of the guide, one patient at a time
    Rest,
    /// FHIR operations, thousands of patients at a time; needs PKB_FHIR_URL and PKB_ORG_ID
    Fhir,
}

impl Api {
    /// Batches over FHIR at the same time: each is thousands of patients.
    pub const FHIR_IN_FLIGHT: usize = 2;
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
        help_heading = "PKB"
    )]
    pub api: Api,

    /// Patients in a request at most, where several go together; PKB's own limit if absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "PKB")]
    batch_rows: Option<u16>,

    /// Send a batch that is not full when no more records come for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "500ms", help_heading = "PKB")]
    pub linger: Duration,
}

impl ApiArgs {
    /// Patients in a request, of `most` that PKB takes.
    pub fn batch_rows(&self, most: usize) -> usize {
        self.batch_rows.map_or(most, |rows| most.min(rows.into()))
    }
}

/// How many calls at a time.
#[derive(Debug, Clone, Args)]
pub struct ConcurrencyArgs {
    /// Calls to PKB at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "PKB")]
    pub concurrency: u16,
}

fn required(value: Option<&str>, name: &str) -> Result<String, Fatal> {
    value
        .filter(|value| !value.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| {
            Fatal::Usage(format!(
                "{name} is not set: export it, or write {} below [pkb] in pkb.toml (`config --toml` prints a file to start from; \
                 for a rehearsal: eval \"$(pkb-sandbox env)\")",
                name.trim_start_matches("PKB_").to_lowercase()
            ))
        })
}
