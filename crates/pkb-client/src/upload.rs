//! The upload of a patient file. PKB publishes the web form and no address for machines, so the
//! path is a setting and its default ours, and so is how a program learns that PKB, which works
//! through a file for a while, is done: an upload is answered with its report, or with an id whose
//! status can be asked for below the same path.

mod report;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Method, header, multipart};
use serde::Deserialize;

use crate::{client::Client, error::CallError, http::Longest, json::parse_json, transport::Repeat};
use pkb_core::{Fatal, monitor::Why};
pub use report::{FailedRow, UploadReport};

/// Where batches are sent unless a setting says otherwise. Not published by PKB.
pub const UPLOAD_PATH: &str = "/upload/patients";

/// First pause before PKB is asked whether it is done; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// PKB's name for an upload that it works on: one segment of a path, whatever the server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId(String);

impl UploadId {
    /// Longest id.
    const MAX_BYTES: usize = 128;

    /// An id of letters, digits, `-` and `_`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_id = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id as PKB writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What PKB answers to an upload.
#[derive(Debug)]
pub enum Uploaded {
    /// It is done.
    Processed(UploadReport),
    /// It has the file, and will work on it.
    Accepted(UploadId),
}

/// Where an upload stands that PKB has accepted.
#[derive(Debug)]
pub enum UploadStatus {
    /// PKB is not done.
    Processing,
    /// PKB is done.
    Processed(UploadReport),
}

/// Both answers as they are written. Which one it is must be unmistakable, so the fields are looked
/// at one by one.
#[derive(Deserialize)]
struct Answer {
    upload: Option<String>,
    state: Option<State>,
    created: Option<u64>,
    updated: Option<u64>,
    failed: Option<Vec<FailedRow>>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum State {
    Processing,
    Processed,
}

impl Answer {
    fn into_report(self) -> Result<UploadReport, CallError> {
        match (self.created, self.updated, self.failed) {
            (Some(created), Some(updated), Some(failed)) => Ok(UploadReport {
                created,
                updated,
                failed,
            }),
            _ => Err(CallError::NotUnderstood(
                "PKB's answer to the upload is not a report",
            )),
        }
    }

    fn into_uploaded(self) -> Result<Uploaded, CallError> {
        if self.state != Some(State::Processing) {
            return self.into_report().map(Uploaded::Processed);
        }
        let id = self.upload.as_deref().and_then(UploadId::parse);
        id.map(Uploaded::Accepted).ok_or(CallError::NotUnderstood(
            "PKB accepted the upload and gave no usable id for it",
        ))
    }

    fn into_status(self, asked: &UploadId) -> Result<UploadStatus, CallError> {
        if self.upload.as_deref() != Some(asked.as_str()) {
            return Err(CallError::NotUnderstood(
                "PKB's answer is not about the upload that was asked for",
            ));
        }
        match self.state {
            Some(State::Processing) => Ok(UploadStatus::Processing),
            Some(State::Processed) => self.into_report().map(UploadStatus::Processed),
            None => Err(CallError::NotUnderstood(
                "PKB does not say the status of the upload",
            )),
        }
    }
}

impl Client {
    /// Sends one "Add many patients" file. It is sent once: if no answer comes, it may or may not
    /// have been taken. The same holds for a server that is busy, unless it says so before it can have the whole file.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn upload(
        &self,
        path: &str,
        file_name: &str,
        csv: Vec<u8>,
    ) -> Result<Uploaded, CallError> {
        let url = self.url(path)?;
        let bytes = Bytes::from(csv);
        let is_whole = Arc::new(AtomicBool::new(false));
        let build = |request: reqwest::RequestBuilder| {
            let length = bytes.len() as u64;
            let body = body_with_mark(&bytes, &is_whole);
            let part = multipart::Part::stream_with_length(body, length)
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
            .call(
                Method::POST,
                url,
                Repeat::Incomplete(&is_whole),
                Longest::Many,
                build,
            )
            .await
            .map_err(about_no_patient)?;
        parse_json::<Answer>(&body)?.into_uploaded()
    }

    /// Asks where an upload stands that PKB has accepted. `path` is where it was sent.
    ///
    /// # Errors
    /// [`CallError::NotFound`] if PKB does not know the id; see [`CallError`] for the others.
    pub async fn upload_status(
        &self,
        path: &str,
        id: &UploadId,
    ) -> Result<UploadStatus, CallError> {
        let url = self.url(&format!("{}/{}", path.trim_end_matches('/'), id.as_str()))?;
        let body = self
            .transport
            .call(Method::GET, url, Repeat::Safe, Longest::Many, |request| {
                request.header(header::ACCEPT, "application/json")
            })
            .await
            .map_err(|error| match error {
                CallError::NotFound => error,
                error => about_no_patient(error),
            })?;
        parse_json::<Answer>(&body)?.into_status(id)
    }

    /// Asks again and again until PKB is done with the upload `name`, for `patience` at most: then it is still
    /// [`UploadStatus::Processing`].
    ///
    /// # Errors
    /// As [`Client::upload_status`].
    pub async fn wait_for_upload(
        &self,
        path: &str,
        name: &str,
        id: &UploadId,
        patience: Duration,
    ) -> Result<UploadStatus, CallError> {
        let _waiting = self
            .transport
            .monitor()
            .wait(Why::Processing(name.to_owned()), None);
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let left = patience.saturating_sub(since.elapsed());
            tokio::time::sleep(pause.min(left)).await;
            let status = self.upload_status(path, id).await?;
            if matches!(status, UploadStatus::Processed(_)) || left <= pause {
                return Ok(status);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Bytes that are handed to a connection together: few enough to see where a large file was cut off.
const CHUNK_BYTES: usize = 64 * 1024;

/// A body that sets `is_whole` when its last bytes are handed to the connection, and clears it now.
fn body_with_mark(bytes: &Bytes, is_whole: &Arc<AtomicBool>) -> Body {
    is_whole.store(bytes.is_empty(), Ordering::SeqCst);
    let (bytes, is_whole) = (bytes.clone(), Arc::clone(is_whole));
    let chunks = (0..bytes.len()).step_by(CHUNK_BYTES).map(move |start| {
        let end = bytes.len().min(start + CHUNK_BYTES);
        if end == bytes.len() {
            is_whole.store(true, Ordering::SeqCst);
        }
        Ok::<Bytes, Infallible>(bytes.slice(start..end))
    });
    Body::wrap_stream(stream::iter(chunks))
}

/// An upload is about no patient: a refusal and a wrong address concern all that would come after.
fn about_no_patient(error: CallError) -> CallError {
    CallError::Fatal(match error {
        CallError::NoAccess => Fatal::Credentials(
            "PKB does not let this client upload patient files. What to do: ask PKB for permission, or write files for \
             PKB's web page: --batches DIR"
                .into(),
        ),
        CallError::Withheld(code) => Fatal::Credentials(format!(
            "PKB does not take this upload: {code}. What to do: ask PKB whether this client may upload patient files, or \
             write files for PKB's web page: --batches DIR"
        )),
        CallError::NotFound => Fatal::NotUnderstood(
            "PKB has nothing at the address of the upload. What to do: check PKB_BASE_URL and --upload-path"
                .into(),
        ),
        error => return error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REPORT: &str = r#""created":1,"updated":2,"failed":[{"row":3,"message":"Canary"}]"#;

    fn answer(fields: &str) -> Result<Answer, CallError> {
        parse_json(format!("{{{fields}}}").as_bytes())
    }

    fn uploaded(fields: &str) -> Result<Uploaded, CallError> {
        answer(fields).and_then(Answer::into_uploaded)
    }

    fn status(fields: &str) -> Result<UploadStatus, CallError> {
        let asked = UploadId::parse("A-1").unwrap();
        answer(fields).and_then(|answer| answer.into_status(&asked))
    }

    #[test]
    fn an_upload_is_answered_with_a_report_or_with_an_id() {
        assert!(
            matches!(uploaded(REPORT), Ok(Uploaded::Processed(report)) if report.failed[0].row == 3)
        );
        assert!(matches!(
            uploaded(&format!(r#""upload":"A-1","state":"processed",{REPORT}"#)),
            Ok(Uploaded::Processed(_))
        ));
        assert!(matches!(
            uploaded(r#""upload":"A-1","state":"processing""#),
            Ok(Uploaded::Accepted(id)) if id.as_str() == "A-1"
        ));
    }

    #[test]
    fn half_a_report_is_no_report() {
        for fields in [
            "",
            r#""created":1,"updated":2"#,
            r#""created":1,"failed":[]"#,
            r#""updated":1,"failed":[]"#,
            r#""upload":"A-1""#,
            r#""upload":"A-1","state":"processed""#,
            r#""state":"processing""#,
            r#""upload":"../users","state":"processing""#,
            r#""upload":"A-1","state":"lost""#,
        ] {
            assert!(
                matches!(uploaded(fields), Err(CallError::NotUnderstood(_))),
                "{fields}"
            );
        }
    }

    #[test]
    fn a_status_is_about_the_upload_that_was_asked_for() {
        assert!(matches!(
            status(r#""upload":"A-1","state":"processing""#),
            Ok(UploadStatus::Processing)
        ));
        assert!(matches!(
            status(&format!(r#""upload":"A-1","state":"processed",{REPORT}"#)),
            Ok(UploadStatus::Processed(report)) if (report.created, report.updated) == (1, 2)
        ));
        for fields in [
            r#""upload":"A-2","state":"processing""#,
            r#""state":"processing""#,
            REPORT,
            r#""upload":"A-1""#,
            r#""upload":"A-1","state":"processed""#,
        ] {
            assert!(
                matches!(status(fields), Err(CallError::NotUnderstood(_))),
                "{fields}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_id_adds_one_segment_to_an_address_and_nothing_else(text in ".{0,140}|[-_A-Za-z0-9]{0,140}") {
            let base = reqwest::Url::parse("http://127.0.0.1/upload/patients/x").unwrap();
            match UploadId::parse(&text) {
                Some(id) => {
                    let url = base.join(id.as_str()).unwrap();
                    prop_assert_eq!(url.as_str(), format!("http://127.0.0.1/upload/patients/{text}"));
                }
                None => prop_assert!(
                    text.is_empty()
                        || text.len() > UploadId::MAX_BYTES
                        || text.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                ),
            }
        }
    }
}
