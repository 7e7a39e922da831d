//! Where the FHIR interface is.

use pkb_core::Fatal;
use pkb_values::is_uuid;
use reqwest::{Url, header::HeaderValue};

use crate::address::checked_url;

/// Where the FHIR interface is, and for which organisation it is asked.
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
    pub(super) org_id: HeaderValue,
}

impl FhirEndpoint {
    pub(crate) fn new(settings: &FhirSettings) -> Result<Self, Fatal> {
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
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }
}
