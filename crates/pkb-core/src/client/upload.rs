//! The upload of a patient file. PKB publishes the web form and no address for machines, so the
//! path is a setting and its default ours.

use reqwest::{Method, multipart};
use serde::Deserialize;

use super::{CallError, Client, rest::parse_json, transport::Repeat};
use crate::Fatal;

/// Where batches are sent unless a setting says otherwise. Not published by PKB.
pub const UPLOAD_PATH: &str = "/upload/patients";

/// What PKB reports of an upload. An answer without all three is no report: it would say of every
/// row that it was taken.
#[derive(Debug, Deserialize)]
pub struct UploadReport {
    /// Records that are new.
    pub created: u64,
    /// Records that were there and have been updated.
    pub updated: u64,
    /// Rows that were not taken.
    pub failed: Vec<FailedRow>,
}

/// A row that PKB's importer did not take. Its message may hold values, so it is not read.
#[derive(Debug, Deserialize)]
pub struct FailedRow {
    /// Line of the uploaded file, the header being 1.
    pub row: u64,
}

impl Client {
    /// Sends one "Add many patients" file. It is sent once: if no answer comes, it may or may not
    /// have been taken.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn upload(
        &self,
        path: &str,
        file_name: &str,
        csv: Vec<u8>,
    ) -> Result<UploadReport, CallError> {
        let url = self.url(path)?;
        let bytes = bytes::Bytes::from(csv);
        let build = |request: reqwest::RequestBuilder| {
            let length = bytes.len() as u64;
            let part = multipart::Part::stream_with_length(bytes.clone(), length)
                .file_name(file_name.to_owned())
                .mime_str("text/csv");
            match part {
                Ok(part) => request.multipart(multipart::Form::new().part("file", part)),
                // The type is a constant and well-formed.
                Err(_) => request,
            }
        };
        let body = self
            .transport
            .call(Method::POST, url, Repeat::Never, build)
            .await
            .map_err(about_no_patient)?;
        parse_json(&body)
    }
}

/// An upload is about no patient: a refusal and a wrong address concern all that would come after.
fn about_no_patient(error: CallError) -> CallError {
    CallError::Fatal(match error {
        CallError::NoAccess => Fatal::Credentials(
            "PKB does not let this client upload patient files: ask PKB for that, or use --batches"
                .into(),
        ),
        CallError::NotFound => Fatal::NotUnderstood(
            "PKB has nothing at the address of the upload: check PKB_BASE_URL and --upload-path"
                .into(),
        ),
        error => return error,
    })
}
