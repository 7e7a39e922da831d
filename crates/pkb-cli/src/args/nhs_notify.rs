//! How NHS Notify is reached.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use pkb_client::{
    network::Network,
    nhs_notify::{
        BASE_URL, NhsNotify, NhsNotifySettings, TOKEN_URL, read_api_key, read_private_key,
    },
    proxies::Proxies,
};
use pkb_core::{Fatal, monitor::Monitor};

use super::{
    headings::NHS_NOTIFY,
    time::{seconds, timeout},
};

/// How NHS Notify is reached. The keys come from files, never from the command line, which every user of the machine can read.
#[derive(Debug, Clone, Args)]
pub struct NhsNotifyArgs {
    /// Address of NHS Notify: https, or this machine
    #[arg(long, env = "NHS_NOTIFY_BASE_URL", default_value = BASE_URL, value_name = "URL", help_heading = NHS_NOTIFY)]
    nhs_notify_url: String,

    /// Address that gives access tokens for NHS Notify
    #[arg(long, env = "NHS_NOTIFY_TOKEN_URL", default_value = TOKEN_URL, value_name = "URL", help_heading = NHS_NOTIFY)]
    nhs_token_url: String,

    /// File with the application's API key (mode 0600)
    ///
    /// Without this option the key is read from NHS_NOTIFY_API_KEY.
    #[arg(
        long,
        env = "NHS_NOTIFY_API_KEY_FILE",
        value_name = "FILE",
        help_heading = NHS_NOTIFY
    )]
    nhs_api_key_file: Option<PathBuf>,

    /// Id (kid) under which the application's public key is registered
    #[arg(
        long,
        env = "NHS_NOTIFY_KEY_ID",
        value_name = "ID",
        help_heading = NHS_NOTIFY
    )]
    nhs_key_id: Option<String>,

    /// File with the private key for access tokens (PEM, RSA, mode 0600)
    #[arg(
        long,
        env = "NHS_NOTIFY_PRIVATE_KEY_FILE",
        value_name = "FILE",
        help_heading = NHS_NOTIFY
    )]
    nhs_private_key_file: Option<PathBuf>,

    /// File with certificates (PEM) to trust, such as your network's own
    ///
    /// They are trusted besides those of this machine. Get them from your network team, never from the connection.
    #[arg(
        long,
        env = "PKB_CA_FILE",
        value_name = "FILE",
        help_heading = NHS_NOTIFY
    )]
    ca_file: Option<PathBuf>,

    /// How long to wait for one answer
    ///
    /// A batch of thousands takes time.
    #[arg(long, default_value = "120s", value_name = "TIME", value_parser = timeout, help_heading = NHS_NOTIFY)]
    timeout: Duration,

    /// Calls for one request during an outage or a rate limit, up to N
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = NHS_NOTIFY)]
    attempts: u32,

    /// How long to retry if NHS Notify is down, before stopping with exit code 75
    #[arg(
        long,
        default_value = "300s",
        value_name = "TIME",
        value_parser = seconds,
        help_heading = NHS_NOTIFY
    )]
    give_up_after: Duration,

    /// Requests a second, up to N, with retries (0 for no limit)
    ///
    /// NHS Notify accepts 1,200 a minute from an application.
    #[arg(
        long,
        default_value_t = 20,
        value_name = "N",
        help_heading = NHS_NOTIFY
    )]
    rate: u32,
}

impl NhsNotifyArgs {
    /// The client that these settings describe; what it waits for is noted in `monitor`. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is missing or wrong; the message names it.
    pub fn client(&self, monitor: &Arc<Monitor>) -> Result<NhsNotify, Fatal> {
        let key_id = self.nhs_key_id.as_deref().map_or("", str::trim);
        if key_id.is_empty() {
            return Err(Fatal::Usage(
                "no key id. What to do: set NHS_NOTIFY_KEY_ID to the id (kid) under which the application's public key is \
                 registered".into(),
            ));
        }
        NhsNotify::new(NhsNotifySettings {
            base_url: self.nhs_notify_url.clone(),
            token_url: self.nhs_token_url.clone(),
            api_key: read_api_key(self.nhs_api_key_file.as_deref())?,
            key_id: key_id.to_owned(),
            private_key: read_private_key(self.nhs_private_key_file.as_deref())?,
            network: Network {
                ca_file: self.ca_file.clone(),
                client_cert: None,
                proxies: Proxies::from_environment()?,
            },
            timeout: self.timeout,
            attempts: self.attempts,
            give_up_after: self.give_up_after,
            rate: self.rate,
            monitor: Arc::clone(monitor),
        })
    }

    /// Calls in all for one request.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}
