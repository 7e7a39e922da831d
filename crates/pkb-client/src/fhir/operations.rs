//! The two operations.

use pkb_core::Fatal;
use pkb_values::NationalId;
use reqwest::{
    Method,
    header::{self, HeaderValue},
};

use super::{
    codes::{self, Codes},
    error::{BatchError, RequestRefusal},
    parameters,
    status::{self, PatientStatus},
};
use crate::{address::under, client::Client, error::CallError, http::Longest, transport::Repeat};

/// The most patients of one [`Client::status_query`], by PKB's documentation.
pub const MAX_STATUS_QUERY: usize = 5_000;
/// The most patients of one [`Client::invitation_tokens`], by PKB's documentation.
pub const MAX_INVITATION_TOKENS: usize = 500;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/fhir+json");
const ORG_HEADER: &str = "X-Org-Public-Id";

impl Client {
    /// `POST Patient/$status-query`: one answer for each of `ids`, in their order. The same patient twice gets the same answer
    /// twice.
    ///
    /// # Errors
    /// See [`BatchError`]. More than [`MAX_STATUS_QUERY`] different patients are a bug of the caller's.
    pub async fn status_query(&self, ids: &[NationalId]) -> Result<Vec<PatientStatus>, BatchError> {
        let body = self
            .operate("Patient/$status-query", ids, MAX_STATUS_QUERY)
            .await?;
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
    /// See [`BatchError`]. More than [`MAX_INVITATION_TOKENS`] different patients are a bug of the caller's.
    pub async fn invitation_tokens(&self, ids: &[NationalId]) -> Result<Vec<Codes>, BatchError> {
        let body = self
            .operate(
                "Organization/$generate-invitation-tokens",
                ids,
                MAX_INVITATION_TOKENS,
            )
            .await?;
        Ok(codes::read(ids, &body)?)
    }

    async fn operate(
        &self,
        path: &str,
        ids: &[NationalId],
        limit: usize,
    ) -> Result<Vec<u8>, BatchError> {
        let fhir = self.fhir.as_ref().ok_or_else(|| {
            CallError::Fatal(Fatal::Usage(
                "PKB_FHIR_URL and PKB_ORG_ID are not set, and this asks PKB's FHIR interface"
                    .into(),
            ))
        })?;
        let asked = parameters::distinct(ids);
        if asked.is_empty() || asked.len() > limit {
            let bug = format!("{} patients in a request for 1 to {limit}", asked.len());
            return Err(CallError::Fatal(Fatal::Bug(bug)).into());
        }
        let url = under(fhir.base(), path)?;
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
                        .header(ORG_HEADER, fhir.org_id.clone())
                        .body(request.clone())
                },
            )
            .await
            .map_err(about_no_patient)
    }
}

/// Only a refusal that may be for the sake of one patient is left to be halved. The others concern every request there is.
fn about_no_patient(error: CallError) -> BatchError {
    let fatal = match error {
        CallError::Refused {
            status: status @ (400 | 413 | 422),
        } => return BatchError::Refused(RequestRefusal { status }),
        CallError::Refused { status } => Fatal::NotUnderstood(format!(
            "PKB answered {status} to every patient alike: check PKB_FHIR_URL, and report it if that is right"
        )),
        CallError::NoAccess => Fatal::Credentials(
            "PKB does not let this client ask for this organisation's patients: check PKB_ORG_ID and what the client may do".into(),
        ),
        CallError::NotFound => Fatal::NotUnderstood(
            "PKB has nothing at the address of the FHIR operation: check PKB_FHIR_URL".into(),
        ),
        error => return BatchError::Call(error),
    };
    BatchError::Call(CallError::Fatal(fatal))
}
