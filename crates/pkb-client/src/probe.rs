//! Whether a server can be reached, step by step, and what time it has. No secret is sent.

use std::time::{Duration, SystemTime};

use reqwest::{Method, header};
use tokio::{net, time::timeout};

use crate::{
    address::checked_url,
    http::{Http, plain_cause},
    network::Network,
};
use pkb_core::Fatal;

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

/// Why a server was not reached. The texts also say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// The setting is wrong.
    #[error("{0}")]
    Setting(Fatal),
    /// No address for the name.
    #[error(
        "the name {0} is not known (DNS). Check the address, and the name servers of this machine"
    )]
    Name(String),
    /// Nobody takes the connection.
    #[error(
        "cannot connect to {server} ({cause}). What to do: check the address, then the firewall. If your network needs a \
         proxy, set HTTPS_PROXY"
    )]
    Connection {
        /// Name and port.
        server: String,
        /// What happened.
        cause: String,
    },
    /// No connection in confidence: the certificate, the protocol, or who is asked for a password.
    #[error("{0}")]
    NotInConfidence(Fatal),
    /// Anything else.
    #[error(
        "{server} does not answer ({cause}). What to do: check the address. If your network needs a proxy, set HTTPS_PROXY"
    )]
    Answer {
        /// Name and port, and the proxy.
        server: String,
        /// What happened.
        cause: &'static str,
    },
}

/// Reaches the server of `address`, the setting `name`: its name, its port, its certificate, an answer to a question for nothing.
///
/// # Errors
/// The step at which it failed.
pub async fn reach(name: &str, address: &str, network: &Network) -> Result<Reached, Unreached> {
    let url = checked_url(address, name).map_err(Unreached::Setting)?;
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let server = format!("{host}:{port}");
    let proxy = network.proxies.of(&url).map(|proxy| proxy.variable);
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
    let http = Http::new(network, PATIENCE).map_err(Unreached::Setting)?;
    // The server's root: nothing that PKB documents, so nothing happens there.
    let mut root = url.clone();
    root.set_path("/");
    root.set_query(None);
    let sent = http.request(Method::HEAD, root).send().await;
    let response = sent.map_err(|error| match http.fault(&error) {
        Some(fault) => Unreached::NotInConfidence(fault.into_fatal()),
        None => Unreached::Answer {
            server: match proxy {
                Some(variable) => format!("{server} (through the proxy that {variable} names)"),
                None => server.clone(),
            },
            cause: plain_cause(&error),
        },
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
