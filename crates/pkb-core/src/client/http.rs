//! The HTTP library as this program uses it: connections, bodies, and errors without addresses.

use std::time::Duration;

use reqwest::{Response, redirect::Policy};

use crate::Fatal;

/// Longest answer that is read. A user has a few kilobytes, the report on an upload of 50,000 rows
/// a few megabytes.
const MAX_BODY_BYTES: usize = 64 << 20;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections are closed before common servers do, so that a request does not meet a
/// connection that is just being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn http_client(timeout_seconds: u64, loopback: bool) -> Result<reqwest::Client, Fatal> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("pkb/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(Duration::from_secs(timeout_seconds))
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    if loopback {
        // A machine behind a proxy cannot reach itself through it.
        builder = builder.no_proxy();
    }
    // reqwest's own text may name the certificate file, nothing secret; the cause is enough.
    builder.build().map_err(|_| {
        Fatal::Usage("cannot set up TLS: are certificates installed (ca-certificates)?".into())
    })
}

/// Why a body was not read.
pub(super) enum BodyError {
    BrokeOff,
    TooLong,
}

/// Reads a body up to [`MAX_BODY_BYTES`].
pub(super) async fn read_body(mut response: Response) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| BodyError::BrokeOff)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
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
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}
