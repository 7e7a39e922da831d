//! PKB's FHIR (STU3) operations about many patients at once.
//!
//! * `parameters`: FHIR's Parameters resource, and whom a part of an answer is about.
//! * [`PatientStatus`] (`status`), `codes`: what an answer says of the patients that were asked for.
//! * [`halving`]: one patient whom PKB does not take must not cost the others their answer.
//!
//! PKB leaves patients out of an answer without a word, and nothing promises an order: each answer is sorted to the patients by
//! identifier system and number, and by nothing else.

mod codes;
mod halving;
mod parameters;
mod status;
#[cfg(test)]
mod tests;

use reqwest::{
    Method, Url,
    header::{self, HeaderValue},
};

use super::{CallError, Client, checked_url, http::Longest, transport::Repeat, under};
use pkb_core::Fatal;
use pkb_values::NationalId;

pub use codes::Codes;
pub use halving::halving;
pub use status::PatientStatus;

/// The most patients of one [`Client::status_query`], by PKB's documentation.
pub const MAX_STATUS_QUERY: usize = 5_000;
/// The most patients of one [`Client::invitation_tokens`], by PKB's documentation.
pub const MAX_INVITATION_TOKENS: usize = 500;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/fhir+json");
const ORG_HEADER: &str = "X-Org-Public-Id";

/// Where the FHIR interface is, and for which organisation it is asked.
#[derive(Debug, Clone)]
pub struct FhirSettings {
    /// Address of the interface, such as `https://my.patientsknowbest.com/fhir`.
    pub base_url: String,
    /// The organisation's public id at PKB: a UUID.
    pub org_id: String,
}

/// The settings, checked.
pub(super) struct Fhir {
    base: Url,
    org_id: HeaderValue,
}

impl Fhir {
    pub(super) fn new(settings: &FhirSettings) -> Result<Self, Fatal> {
        let org_id = settings.org_id.trim();
        let org_id = HeaderValue::from_str(org_id)
            .ok()
            .filter(|_| is_uuid(org_id))
            .ok_or_else(|| {
                Fatal::Usage(
                    "PKB_ORG_ID is not a UUID: it is the organisation's public id, which PKB tells"
                        .into(),
                )
            })?;
        Ok(Self {
            base: checked_url(&settings.base_url, "PKB_FHIR_URL")?,
            org_id,
        })
    }

    /// The address.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// PKB refused a whole request (400, 413 or 422), which may be for the sake of a single patient in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("PKB answered {status}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
}

impl From<Refusal> for CallError {
    fn from(Refusal { status }: Refusal) -> Self {
        Self::Refused { status }
    }
}

/// Why a request about many patients brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Refused as a whole: asking for fewer may help, see [`halving`].
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Anything else, which concerns all patients of the request alike.
    #[error(transparent)]
    Call(#[from] CallError),
}

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
        let url = under(&fhir.base, path)?;
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
        } => return BatchError::Refused(Refusal { status }),
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
