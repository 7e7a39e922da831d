//! Where a FHIR interface of PKB's is, and what its requests carry.

use pkb_core::Fatal;
use pkb_values::is_uuid;
use reqwest::{Url, header::HeaderValue};

use crate::address::checked_url;

/// The type of requests and answers.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/fhir+json");
/// Names the organisation that a system client acts for.
pub(crate) const ORG_HEADER: &str = "X-Org-Public-Id";

/// Where a FHIR interface is, and for which organisation it is asked.
#[derive(Debug, Clone)]
pub struct FhirSettings {
    /// Address of the interface, such as `https://my.patientsknowbest.com/fhir`.
    pub base_url: String,
    /// The organisation's public id at PKB: a UUID.
    pub org_id: String,
}

/// The settings, checked.
pub(crate) struct FhirEndpoint {
    base: Url,
    org_id: HeaderValue,
}

impl FhirEndpoint {
    /// `name` is that of the setting with the address.
    pub(crate) fn new(settings: &FhirSettings, name: &'static str) -> Result<Self, Fatal> {
        let org_id = settings.org_id.trim();
        let org_id = HeaderValue::from_str(org_id)
            .ok()
            .filter(|_| is_uuid(org_id))
            .ok_or_else(|| {
                Fatal::Usage(
                    "PKB_ORG_ID is not a UUID. What to do: ask PKB for your organisation's public id, and set PKB_ORG_ID \
                     to that id"
                        .into(),
                )
            })?;
        Ok(Self {
            base: checked_url(&settings.base_url, name)?,
            org_id,
        })
    }

    /// The address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The organisation.
    pub(crate) fn org_id(&self) -> &HeaderValue {
        &self.org_id
    }
}
