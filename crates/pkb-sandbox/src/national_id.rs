//! How each interface of PKB spells a national scheme.

use pkb_synthetic::Scheme;

/// A number and the scheme that it is meant in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NationalId {
    pub(crate) scheme: Scheme,
    pub(crate) number: String,
}

const SCHEMES: [Scheme; 3] = [Scheme::NhsNumber, Scheme::ChiNumber, Scheme::HcNumber];

/// The last part of the path of `byNationalId`. PKB's guide shows the first of them.
fn rest_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::NhsNumber => "NHS_NUMBER",
        Scheme::ChiNumber => "CHI_NUMBER",
        Scheme::HcNumber => "HC_NUMBER",
    }
}

/// The scheme with this last part of the path.
pub(crate) fn scheme_of_rest_name(name: &str) -> Option<Scheme> {
    SCHEMES
        .into_iter()
        .find(|scheme| rest_name(*scheme) == name)
}

/// The `system` of a FHIR identifier.
pub(crate) fn fhir_system(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::NhsNumber => "https://fhir.nhs.uk/Id/nhs-number",
        Scheme::ChiNumber => "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53",
        Scheme::HcNumber => "urn:uuid:1479257a-ce8f-482a-89fa-429ac066c158",
    }
}

/// The scheme with this `system`.
pub(crate) fn scheme_of_fhir_system(system: &str) -> Option<Scheme> {
    SCHEMES
        .into_iter()
        .find(|scheme| fhir_system(*scheme) == system)
}

/// Name and countries in a user object. PKB's examples show those of NHS numbers only.
pub(crate) fn user_object_name(scheme: Scheme) -> (&'static str, &'static [&'static str]) {
    match scheme {
        Scheme::NhsNumber => ("NHS number", &["GB-ENG", "GB-WLS"]),
        Scheme::ChiNumber => ("CHI number", &["GB-SCT"]),
        Scheme::HcNumber => ("H&C number", &["GB-NIR"]),
    }
}
