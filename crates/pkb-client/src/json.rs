//! Bodies of answers as JSON.

use serde::Deserialize;

use crate::error::CallError;

/// A body as JSON. The parser's own message would repeat values.
pub(crate) fn parse_json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| {
        let is_page = body.trim_ascii_start().first() == Some(&b'<');
        CallError::NotUnderstood(match error.classify() {
            serde_json::error::Category::Data => {
                "PKB's answer lacks a field or has one of another kind"
            }
            _ if is_page => "a web page came instead of an answer: a proxy's or a login page?",
            _ => "PKB's answer is not JSON",
        })
    })
}
