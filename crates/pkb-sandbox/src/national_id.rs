//! Which national scheme a number belongs to, and how each interface of PKB spells that. NHS, CHI and Health and Care numbers are all ten
//! digits of one form, so the number alone does not tell.

use serde::{Deserialize, Serialize};

/// A national scheme. In JSON it has the name of the REST path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scheme {
    /// NHS number: England and Wales.
    NhsNumber,
    /// CHI number: Scotland.
    ChiNumber,
    /// Health and Care number: Northern Ireland.
    HcNumber,
}

/// A number and the scheme that it is meant in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NationalId {
    pub(crate) scheme: Scheme,
    pub(crate) number: String,
}

impl Scheme {
    const ALL: [Self; 3] = [Self::NhsNumber, Self::ChiNumber, Self::HcNumber];

    /// The last part of the path of `byNationalId`. PKB's guide shows the first of them.
    pub(crate) fn rest_name(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS_NUMBER",
            Self::ChiNumber => "CHI_NUMBER",
            Self::HcNumber => "HC_NUMBER",
        }
    }

    pub(crate) fn from_rest_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.rest_name() == name)
    }

    /// The `system` of a FHIR identifier.
    pub(crate) fn fhir_system(self) -> &'static str {
        match self {
            Self::NhsNumber => "https://fhir.nhs.uk/Id/nhs-number",
            Self::ChiNumber => "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53",
            Self::HcNumber => "urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158",
        }
    }

    pub(crate) fn from_fhir_system(system: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.fhir_system() == system)
    }

    /// Name and countries in a user object. PKB's examples show those of NHS numbers only.
    pub(crate) fn user_object_name(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::NhsNumber => ("NHS number", &["GB-ENG", "GB-WLS"]),
            Self::ChiNumber => ("CHI number", &["GB-SCT"]),
            Self::HcNumber => ("H&C number", &["GB-NIR"]),
        }
    }
}
