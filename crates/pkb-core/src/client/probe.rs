//! Whether a server can be reached, step by step, and what time it has. No secret is sent.

use std::{
    error::Error as _,
    time::{Duration, SystemTime},
};

use reqwest::{Url, header};
use tokio::{net, time::timeout};

use super::{checked_url, http::http_client, is_loopback};
use crate::Fatal;

/// Longest wait for each step.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that answered.
#[derive(Debug)]
pub struct Reached {
    /// Name and port.
    pub server: String,
    /// The variable that names the proxy that was used, if one was.
    pub proxy: Option<&'static str>,
    /// How many seconds the server's clock is ahead of this machine's; negative if it is behind. `None` if it does not tell the time.
    pub clock_ahead_seconds: Option<i64>,
}

/// Why a server was not reached. The texts say what to do, too.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// The setting is wrong.
    #[error("{0}")]
    Setting(Fatal),
    /// No address for the name.
    #[error(
        "the name {0} is not known (DNS): check the address, and whether this machine asks the right name server"
    )]
    Name(String),
    /// Nobody takes the connection.
    #[error(
        "{server} takes no connection ({cause}): is the port open in the firewall, or is a proxy needed (HTTPS_PROXY)?"
    )]
    Connection {
        /// Name and port.
        server: String,
        /// What happened.
        cause: String,
    },
    /// The certificate is not trusted.
    #[error(
        "{0} shows a certificate that this machine does not trust: a proxy that looks into TLS? Its certificate belongs into the system's store (ca-certificates)"
    )]
    Certificate(String),
    /// Anything else.
    #[error("{0} does not answer: is a proxy in between?")]
    Answer(String),
}

/// Reaches the server of `address`, the setting `name`: its name, its port, its certificate, an answer to a question for nothing.
///
/// # Errors
/// The step at which it failed.
pub async fn reach(name: &str, address: &str) -> Result<Reached, Unreached> {
    let url = checked_url(address, name).map_err(Unreached::Setting)?;
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let server = format!("{host}:{port}");
    let proxy = proxy_for(&url);
    if proxy.is_none() {
        // With a proxy, these two are its business.
        let addresses: Vec<_> = net::lookup_host((host.as_str(), port))
            .await
            .map(Iterator::collect)
            .unwrap_or_default();
        if addresses.is_empty() {
            return Err(Unreached::Name(host));
        }
        let failed = |cause: String| Unreached::Connection {
            server: server.clone(),
            cause,
        };
        timeout(PATIENCE, net::TcpStream::connect(addresses.as_slice()))
            .await
            .map_err(|_| failed("no answer in time".into()))?
            .map_err(|error| failed(error.kind().to_string()))?;
    }
    let http = http_client(PATIENCE.as_secs(), is_loopback(&url)).map_err(Unreached::Setting)?;
    // The server's root: nothing that PKB documents, so nothing happens there.
    let mut root = url.clone();
    root.set_path("/");
    root.set_query(None);
    let response = http.head(root).send().await.map_err(|error| {
        if is_about_certificate(&error) {
            Unreached::Certificate(server.clone())
        } else {
            Unreached::Answer(server.clone())
        }
    })?;
    Ok(Reached {
        clock_ahead_seconds: response
            .headers()
            .get(header::DATE)
            .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
            .map(|theirs| seconds_ahead(theirs, SystemTime::now())),
        server,
        proxy,
    })
}

fn seconds_ahead(theirs: SystemTime, ours: SystemTime) -> i64 {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match theirs.duration_since(ours) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

/// The causes' words are rustls's; only whether they speak of the certificate is looked at.
fn is_about_certificate(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.to_string().to_lowercase().contains("certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The variable that sends calls of this address through a proxy. Its value may hold a password.
fn proxy_for(url: &Url) -> Option<&'static str> {
    if is_loopback(url) {
        return None;
    }
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let exempt = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find(is_set)
        .is_some_and(|name| {
            let host = url.host_str().unwrap_or_default();
            let list = std::env::var(name).unwrap_or_default();
            list.split(',').map(str::trim).any(|entry| {
                let entry = entry.trim_start_matches('.');
                entry == "*"
                    || host == entry
                    || host
                        .strip_suffix(entry)
                        .is_some_and(|rest| !entry.is_empty() && rest.ends_with('.'))
            })
        });
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    names.into_iter().find(is_set).filter(|_| !exempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind() {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(seconds_ahead(ours + Duration::from_secs(90), ours), 90);
        assert_eq!(seconds_ahead(ours - Duration::from_secs(90), ours), -90);
    }
}
