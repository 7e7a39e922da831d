//! Bodies of answers as JSON.

use serde::Deserialize;

use crate::error::CallError;

/// A body as JSON. The parser's own message would repeat values.
pub(crate) fn parse_json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|error| {
        let is_page = body.trim_ascii_start().first() == Some(&b'<');
        CallError::NotUnderstood(match error.classify() {
            serde_json::error::Category::Data => {
                "PKB's answer has no such field, or the field has a wrong type"
            }
            _ if is_page => "PKB's answer is a web page, perhaps that of a proxy or a login",
            _ => "PKB's answer is not JSON",
        })
    })
}
