//! One answer more than was asked for.

use axum::body::to_bytes;
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;

use crate::connection::{Cutter, Surplus};
use crate::reply::BODY_LIMIT_BYTES;

/// Longer would outlive every test.
const LATEST_MS: u64 = 60_000;

/// The answer stands on the connection a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ExtraFields")]
pub(crate) struct ExtraFault {
    /// How long after the first.
    pub(crate) after: Duration,
    /// Only the first half of it.
    pub(crate) half: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExtraFields {
    after_ms: u64,
    half: bool,
}

impl TryFrom<ExtraFields> for ExtraFault {
    type Error = &'static str;

    fn try_from(fields: ExtraFields) -> Result<Self, Self::Error> {
        if fields.after_ms > LATEST_MS {
            return Err("after_ms must not be more than 60000");
        }
        Ok(Self {
            after: Duration::from_millis(fields.after_ms),
            half: fields.half,
        })
    }
}

impl ExtraFault {
    /// Has the connection send the answer again when it has been sent.
    pub(super) async fn arm(self, cutter: &Cutter, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, BODY_LIMIT_BYTES).await.unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
        for (name, value) in &parts.headers {
            if name != axum::http::header::CONTENT_LENGTH {
                bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
            }
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
        bytes.extend_from_slice(&body);
        if self.half {
            bytes.truncate(bytes.len() / 2);
        }
        cutter.add_surplus(Surplus {
            bytes,
            after: self.after,
        });
        Response::from_parts(parts, body.into())
    }
}
