//! The two operations.

use pkb_core::Fatal;
use pkb_values::NationalId;
use reqwest::{Method, header};

use super::{
    codes::{self, Codes},
    definition::Operation,
    endpoint::{MEDIA_TYPE, ORG_HEADER},
    error::{BatchError, RequestRefusal},
    parameters,
    status::{self, PatientStatus},
};
use crate::{address::under, client::Client, error::CallError, http::Longest, transport::Repeat};

/// The most patients of one [`Client::status_query`], by PKB's documentation, unless PKB publishes another number
/// with the operation itself ([`super::definition`]).
pub const MAX_STATUS_QUERY: usize = 5_000;
/// The most patients of one [`Client::invitation_tokens`], by PKB's documentation, unless PKB publishes another number.
pub const MAX_INVITATION_TOKENS: usize = 500;

impl Client {
    /// `POST Patient/$status-query`: one answer for each of `ids`, in their order. The same patient twice gets the same answer
    /// twice.
    ///
    /// # Errors
    /// See [`BatchError`]. More different patients than PKB takes are a bug of the caller's.
    pub async fn status_query(&self, ids: &[NationalId]) -> Result<Vec<PatientStatus>, BatchError> {
        let body = self.operate(Operation::StatusQuery, ids).await?;
        Ok(status::read(ids, &body)?)
    }

    /// `POST Organization/$generate-invitation-tokens`: a new pair of codes for each of `ids`, in their order, unless PKB
    /// left the patient out (deceased, not found, registered, without a date of birth, under 16, no access) or what it says of
    /// the patient is not beyond doubt. Codes without an expiry are good for as long as the caller's default says.
    ///
    /// After a lost answer the request is sent again. Earlier codes stay valid until they end, so that does no harm, but leaves
    /// pairs that nobody has.
    ///
    /// # Errors
    /// See [`BatchError`]. More different patients than PKB takes are a bug of the caller's.
    pub async fn invitation_tokens(&self, ids: &[NationalId]) -> Result<Vec<Codes>, BatchError> {
        let body = self.operate(Operation::InvitationTokens, ids).await?;
        Ok(codes::read(ids, &body)?)
    }

    /// Asks `operation` about `ids`, to see whether this client may: nothing is made of the answer.
    ///
    /// # Errors
    /// See [`CallError`]. What PKB refuses is told as it comes.
    pub async fn try_operation(
        &self,
        operation: Operation,
        ids: &[NationalId],
    ) -> Result<(), CallError> {
        self.call_operation(operation, ids).await.map(drop)
    }

    async fn operate(
        &self,
        operation: Operation,
        ids: &[NationalId],
    ) -> Result<Vec<u8>, BatchError> {
        let answer = self.call_operation(operation, ids).await;
        answer.map_err(about_no_patient)
    }

    async fn call_operation(
        &self,
        operation: Operation,
        ids: &[NationalId],
    ) -> Result<Vec<u8>, CallError> {
        let fhir = self.fhir.as_ref().ok_or_else(|| {
            CallError::Fatal(Fatal::Usage(
                "PKB_FHIR_URL and PKB_ORG_ID are not set. What to do: set both, because this command asks PKB's FHIR \
                 interface"
                    .into(),
            ))
        })?;
        let asked = parameters::distinct(ids);
        let limit = self.request_limits.known(operation);
        if asked.is_empty() || asked.len() > limit {
            let bug = format!("a request for 1 to {limit} has {}", asked.len());
            return Err(CallError::Fatal(Fatal::Bug(bug)));
        }
        let url = under(fhir.base(), operation.path())?;
        let request = bytes::Bytes::from(parameters::request(&asked)?);
        self.transport
            .call_until_whole(
                Method::POST,
                url,
                Repeat::Safe,
                Longest::Many,
                parameters::is_whole,
                |call| {
                    call.header(header::CONTENT_TYPE, MEDIA_TYPE)
                        .header(header::ACCEPT, MEDIA_TYPE)
                        .header(ORG_HEADER, fhir.org_id().clone())
                        .body(request.clone())
                },
            )
            .await
    }
}

/// Only a refusal that may be for the sake of one patient is left to be halved. The others concern every request there is.
fn about_no_patient(error: CallError) -> BatchError {
    let fatal = match error {
        CallError::Refused {
            status: status @ (400 | 413 | 422),
            ..
        } => return BatchError::Refused(RequestRefusal::Status(status)),
        CallError::Withheld(code) => return BatchError::Refused(RequestRefusal::Code(code)),
        CallError::Refused { status, .. } => Fatal::NotUnderstood(format!(
            "PKB refused the request for all patients ({status}). What to do: check PKB_FHIR_URL. If it is right, \
             report this message"
        )),
        CallError::NoAccess => Fatal::Credentials(
            "PKB does not let this client ask for this organisation's patients. What to do: check PKB_ORG_ID, and ask PKB \
             to switch on its operations for \
             hybrid mail for this client (pkb doctor says which are off)"
                .into(),
        ),
        CallError::NotFound => Fatal::NotUnderstood(
            "PKB has nothing at the address of the FHIR operation. What to do: check PKB_FHIR_URL".into(),
        ),
        error => return BatchError::Call(error),
    };
    BatchError::Call(CallError::Fatal(fatal))
}
