//! The HTTP library as this program uses it: connections, bodies, and errors without addresses.

use std::time::Duration;

use reqwest::{
    Method, Request, RequestBuilder, Response, StatusCode, Url,
    header::{HeaderMap, HeaderValue},
    redirect::Policy,
};

use crate::{
    address::is_loopback,
    network::Network,
    network_fault::{NetworkFault, is_refused_by_proxy},
    proxies::Proxies,
    tls,
};
use pkb_core::{
    Fatal,
    rehearsal::{Evidence, MARK, Origin, Origins},
};

/// The longest answer that is read. What is longer is not what was asked for, and is not kept in memory. No answer is
/// asked for in a compressed form, and none is unpacked: these are the bytes that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Longest {
    /// An access token: a kilobyte or two.
    Token,
    /// About one patient, one message, or an error: a few kilobytes.
    One,
    /// About up to 5,000 patients, or the report on an upload of 50,000 rows: a few megabytes.
    Many,
}

impl Longest {
    /// In bytes.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Token => 64 << 10,
            Self::One => 1 << 20,
            Self::Many => 32 << 20,
        }
    }

    /// What to tell of an answer of `server` that is longer.
    pub(super) fn exceeded(self, server: &str) -> Fatal {
        let limit = match self {
            Self::Token => "64 KiB, for an access token",
            Self::One => "1 MiB, for one patient or message",
            Self::Many => "32 MiB, for one batch",
        };
        Fatal::NotUnderstood(format!(
            "the answer from {server} is longer than {limit}, so its end was not read. What to do: check the address (a \
             proxy \
             or another server may answer there), then run the same command again"
        ))
    }
}

/// A connection carries one request to PKB. So bytes behind the end of an answer, and an answer that comes when none is due, can never
/// become the answer to another question, about another patient: neither answers nor codes say on their own which request they belong to. Over
/// HTTP/2 a request has a number of its own; the header is left out there, and the connection is kept.
pub(super) const ONE_REQUEST: HeaderValue = HeaderValue::from_static("close");

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections are closed before common servers do, so that a request does not meet a
/// connection that is just being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The library's client with what it was made from. Cheap to clone.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    proxies: Proxies,
}

impl Http {
    /// A client for `network` that waits for one answer at most so long.
    ///
    /// # Errors
    /// A file of certificates cannot be used, or this machine has none.
    pub(super) fn new(network: &Network, timeout: Duration) -> Result<Self, Fatal> {
        tls::use_ring();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("pkb/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT);
        let client = network.applied_to(builder)?.build();
        let client = client.map_err(|error| cannot_set_up(&error, network))?;
        let proxies = network.proxies.clone();
        Ok(Self { client, proxies })
    }

    /// A request to `url`.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request.
    pub(super) async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        self.client.execute(request).await
    }

    /// Why there can be no connection, if trying again does not help.
    pub(super) fn fault(&self, error: &reqwest::Error) -> Option<NetworkFault> {
        NetworkFault::of(error, &self.proxies)
    }

    /// What an answer of status 400 says of the connection and not of what was asked.
    pub(super) fn fault_in_answer(&self, url: &Url, body: &[u8]) -> Option<NetworkFault> {
        NetworkFault::of_bad_request(body, url, &self.proxies)
    }
}

/// Hears what an answer of `server` tells of where it is from. On this machine the address has told it already; elsewhere an
/// answer that is no success may be a gateway's, and tells nothing unless it has the mark of a sandbox.
///
/// # Errors
/// Something else has told the opposite.
pub(super) fn note_origin(
    origins: &Origins,
    server: &'static str,
    (url, status, headers): (&Url, StatusCode, &HeaderMap),
) -> Result<(), Fatal> {
    let evidence = || Evidence::Answer(server);
    if headers.contains_key(MARK) {
        origins.note(Origin::Rehearsal, evidence)
    } else if status.is_success() && !is_loopback(url) {
        origins.note(Origin::Real, evidence)
    } else {
        Ok(())
    }
}

/// The library's own text may name files, and does not say what to do.
fn cannot_set_up(error: &reqwest::Error, network: &Network) -> Fatal {
    tracing::debug!(builder = error.is_builder(), "TLS cannot be set up");
    let files = [
        ("--ca-file", &network.ca_file),
        ("--client-cert", &network.client_cert),
    ];
    let named = files
        .iter()
        .filter_map(|(name, file)| file.as_ref().map(|_| *name));
    let named: Vec<&str> = named.collect();
    Fatal::Usage(match named.is_empty() {
        true => "cannot set up TLS: this machine has no certificate authorities. What to do: install the package ca-certificates".into(),
        false => format!(
            "cannot set up TLS with the file of {}. What to do: check that certificates in it are whole, and that a key belongs to its \
             certificate",
            named.join(" or ")
        ),
    })
}

/// Why a body was not read.
pub(super) enum BodyError {
    BrokeOff,
    TooLong,
}

/// Reads a body.
pub(super) async fn read_body(
    mut response: Response,
    longest: Longest,
) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| BodyError::BrokeOff)? {
        if body.len() + chunk.len() > longest.bytes() {
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What happened, without the URL that reqwest's own texts hold.
pub(super) fn plain_cause(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if is_refused_by_proxy(error) {
        "the proxy cannot connect to it"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
