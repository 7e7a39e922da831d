//! PKB's messaging endpoint ("Messaging", p.3364028560): one operation, which creates or updates the record of one patient, and reads
//! nothing back.
//!
//! The same message twice ends in the same record, so one that was sent and not answered is sent again. What PKB answers to a
//! message is not published: see `answer`.

mod answer;
mod patient;

use pkb_core::Fatal;
use reqwest::{Method, header};

use crate::{
    address::under,
    client::Client,
    error::CallError,
    fhir::endpoint::{MEDIA_TYPE, ORG_HEADER},
    http::Longest,
    transport::Repeat,
};
pub use answer::{Elements, Processed};
pub use patient::{MessagePatient, Name, PatientMessage, PostalAddress};

/// Path of the operation below the address of the endpoint.
pub const PROCESS_MESSAGE: &str = "Patient/$process-message";

/// Most messages at the same time, where PKB has agreed to more than one ("Throughput and Threads", p.3364552801, for HL7).
pub const MOST_AT_A_TIME: u16 = 4;

impl Client {
    /// Whether the messaging endpoint is set up.
    pub fn has_messaging(&self) -> bool {
        self.messaging.is_some()
    }

    /// `POST Patient/$process-message`: creates or updates the record of one patient.
    ///
    /// # Errors
    /// [`CallError::RowRefused`] where PKB does not take this patient's message; see [`CallError`] for the others.
    pub async fn process_message(&self, message: &PatientMessage) -> Result<Processed, CallError> {
        let endpoint = self.messaging.as_ref().ok_or_else(|| {
            CallError::Fatal(Fatal::Usage(
                "--via messaging needs PKB_MESSAGING_URL and PKB_ORG_ID. What to do: set both, or use --via csv".into(),
            ))
        })?;
        let url = under(endpoint.base(), PROCESS_MESSAGE)?;
        let answered = self
            .transport
            .call_for_answer(
                Method::POST,
                url,
                Repeat::Safe,
                Longest::One,
                answer::is_whole,
                |call| {
                    call.header(header::CONTENT_TYPE, MEDIA_TYPE)
                        .header(header::ACCEPT, MEDIA_TYPE)
                        .header(ORG_HEADER, endpoint.org_id().clone())
                        .body(message.body())
                },
            )
            .await
            .map_err(about_the_row)?;
        answer::read(answered.status, &answered.body, &message.about)
    }
}

/// A refusal with 400 or 422 is about the message; that there is nothing at the address concerns all.
fn about_the_row(error: CallError) -> CallError {
    match error {
        CallError::Refused {
            status: status @ (400 | 422),
            elements,
        } => CallError::RowRefused(format!("PKB answered {status}{elements}")),
        CallError::NotFound => CallError::Fatal(Fatal::NotUnderstood(
            "PKB has nothing at the address of the messaging endpoint. What to do: check PKB_MESSAGING_URL"
                .into(),
        )),
        error => error,
    }
}

#[cfg(test)]
mod tests;
