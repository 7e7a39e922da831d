//! How GOV.UK Notify is reached.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;

use super::{
    headings::NOTIFY,
    time::{seconds, timeout},
};
use pkb_client::{
    network::Network,
    notify::{ApiKey, BASE_URL, Notify, NotifySettings, read_api_key},
    proxies::Proxies,
};
use pkb_core::{Fatal, monitor::Monitor};

/// How GOV.UK Notify is reached. The key comes from the environment or a file, never from the command line, which
/// every user of the machine can read.
#[derive(Debug, Clone, Args)]
pub struct NotifyArgs {
    /// Address and key.
    #[command(flatten)]
    key: NotifyKeyArgs,

    /// File with certificates (PEM) to trust, such as your network's own
    ///
    /// They are trusted besides those of this machine. Get them from your network team, never from the connection.
    #[arg(
        long,
        env = "PKB_CA_FILE",
        value_name = "FILE",
        help_heading = NOTIFY
    )]
    ca_file: Option<PathBuf>,

    /// How long to wait for one answer
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = timeout, help_heading = NOTIFY)]
    timeout: Duration,

    /// Calls for one request during an outage or a rate limit, up to N
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = NOTIFY)]
    attempts: u32,

    /// How long to retry if Notify is down, before stopping with exit code 75
    #[arg(
        long,
        default_value = "300s",
        value_name = "TIME",
        value_parser = seconds,
        help_heading = NOTIFY
    )]
    give_up_after: Duration,

    /// Requests a second, up to N, with retries (0 for no limit)
    ///
    /// Notify accepts 50 from all who use keys of the service.
    #[arg(
        long,
        default_value_t = 25,
        value_name = "N",
        help_heading = NOTIFY
    )]
    rate: u32,

    /// How long to send nothing after Notify has said that calls came too fast
    #[arg(long, value_parser = seconds, default_value = "30s", value_name = "TIME", help_heading = NOTIFY)]
    pause_when_too_fast: Duration,

    /// Calls to Notify at the same time
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = NOTIFY)]
    pub concurrency: u16,
}

/// Where GOV.UK Notify is, and the key.
#[derive(Debug, Clone, Args)]
pub struct NotifyKeyArgs {
    /// Address of GOV.UK Notify: https, or this machine
    #[arg(
        long,
        env = "NOTIFY_BASE_URL",
        default_value = BASE_URL,
        value_name = "URL",
        help_heading = NOTIFY
    )]
    notify_url: String,

    /// File with the API key (mode 0600)
    ///
    /// Without this option the key is read from NOTIFY_API_KEY.
    #[arg(
        long,
        env = "NOTIFY_API_KEY_FILE",
        value_name = "FILE",
        help_heading = NOTIFY
    )]
    api_key_file: Option<PathBuf>,
}

impl NotifyKeyArgs {
    /// A client for a look: one try.
    ///
    /// # Errors
    /// The key is missing or is none, or the address is wrong.
    pub(crate) fn client(&self, network: Network) -> Result<Notify, Fatal> {
        Notify::new(NotifySettings {
            base_url: self.notify_url.clone(),
            api_key: self.key()?,
            // PKB's certificate for us is not for Notify.
            network: Network {
                client_cert: None,
                ..network
            },
            timeout: Duration::from_secs(20),
            attempts: 1,
            give_up_after: Duration::from_secs(20),
            rate: 0,
            pause_when_too_fast: Duration::ZERO,
            monitor: Arc::default(),
        })
    }

    /// The key.
    ///
    /// # Errors
    /// It is missing or is none.
    pub(crate) fn key(&self) -> Result<ApiKey, Fatal> {
        read_api_key(self.api_key_file.as_deref())
    }

    /// The file of the key, if it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.api_key_file.as_deref()
    }
}

impl NotifyArgs {
    /// The client that these settings describe; what it waits for is noted in `monitor`. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is missing or wrong; the message names it.
    pub fn client(&self, monitor: &Arc<Monitor>) -> Result<Notify, Fatal> {
        Notify::new(NotifySettings {
            base_url: self.key.notify_url.clone(),
            api_key: self.key.key()?,
            network: Network {
                ca_file: self.ca_file.clone(),
                client_cert: None,
                proxies: Proxies::from_environment()?,
            },
            timeout: self.timeout,
            attempts: self.attempts,
            give_up_after: self.give_up_after,
            rate: self.rate,
            pause_when_too_fast: self.pause_when_too_fast,
            monitor: Arc::clone(monitor),
        })
    }
}
