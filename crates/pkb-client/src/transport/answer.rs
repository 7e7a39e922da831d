//! An answer that is no success, read to its end.

use reqwest::{Response, StatusCode, Url, header::HeaderMap};

use crate::http::{Longest, read_body};

/// An answer that is no success.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Empty if it broke off.
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) async fn read(response: Response) -> Self {
        Self {
            status: response.status(),
            url: response.url().clone(),
            headers: response.headers().clone(),
            body: read_body(response, Longest::One).await.unwrap_or_default(),
        }
    }
}
