//! The search for one patient ("Patient search", p.3364028514), for the name: the operations about many do not tell it.

use reqwest::{Method, Url, header};
use serde_json::Value;

use super::endpoint::{MEDIA_TYPE, ORG_HEADER};
use crate::{
    address::under, client::Client, error::CallError, http::Longest, json::parse_json,
    transport::Repeat,
};
use pkb_core::Fatal;
use pkb_values::{NationalId, NationalIdType, NhsNumber};

/// What a search tells of a patient, as far as it is needed.
#[derive(PartialEq, Eq)]
pub struct NameAtPkb {
    /// The last name, if PKB has one.
    pub last_name: Option<Box<str>>,
    /// Whether PKB knows of a death.
    pub deceased: bool,
}

impl Client {
    /// `GET Patient?identifier=…`. `None` if PKB finds nobody.
    ///
    /// # Errors
    /// See [`CallError`]; [`Fatal::AboutSomebodyElse`] if the answer names somebody else.
    pub async fn search_name(&self, id: &NationalId) -> Result<Option<NameAtPkb>, CallError> {
        let Some(fhir) = &self.fhir else {
            let bug = "a search without the address of the FHIR interface".into();
            return Err(CallError::Fatal(Fatal::Bug(bug)));
        };
        let url = address(fhir.base(), id)?;
        let org_id = fhir.org_id();
        let answer = self
            .transport
            .call(Method::GET, url, Repeat::Safe, Longest::One, |call| {
                call.header(header::ACCEPT, MEDIA_TYPE)
                    .header(ORG_HEADER, org_id.clone())
            })
            .await;
        let body = answer.map_err(|error| match error {
            CallError::NotFound => CallError::Fatal(Fatal::NotUnderstood(
                "PKB has nothing at the address of the FHIR search. What to do: check PKB_FHIR_URL, or leave out --check-names"
                    .into(),
            )),
            error => error,
        })?;
        let (found, is_named) = read(&body, id)?;
        if !is_named {
            self.transport.monitor().unnamed_answer();
        }
        Ok(found)
    }
}

/// With the bar between system and number percent-encoded.
fn address(base: &Url, id: &NationalId) -> Result<Url, CallError> {
    let mut url = under(base, "Patient")?;
    let wanted = format!("{}|{}", id.scheme.fhir_system(), id.value.expose_digits());
    url.query_pairs_mut().append_pair("identifier", &wanted);
    Ok(url)
}

/// The one patient of a searchset, and whether the answer named the patient who was asked for.
fn read(body: &[u8], asked: &NationalId) -> Result<(Option<NameAtPkb>, bool), CallError> {
    let bundle: Value = parse_json(body)?;
    if bundle["resourceType"] != "Bundle" {
        return Err(CallError::NotUnderstood(
            "PKB's answer to the search is not a Bundle",
        ));
    }
    let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
    let resources = entries.iter().map(|entry| &entry["resource"]);
    let mut patients = resources.filter(|resource| resource["resourceType"] == "Patient");
    let Some(patient) = patients.next() else {
        return Ok((None, true));
    };
    if patients.next().is_some() {
        return Err(CallError::NotUnderstood(
            "PKB's search found several patients for one number",
        ));
    }
    let named = national_ids(patient);
    if !named.is_empty() && !named.contains(&Some(*asked)) {
        return Err(CallError::Fatal(Fatal::AboutSomebodyElse {
            place: Some(0),
            row: None,
        }));
    }
    Ok((Some(name(patient)), !named.is_empty()))
}

/// The numbers of the three national schemes; `None` for one that cannot be read.
fn national_ids(patient: &Value) -> Vec<Option<NationalId>> {
    let identifiers = patient["identifier"].as_array();
    let national = |identifier: &Value| {
        let system = identifier["system"].as_str()?;
        let system = system.strip_suffix('/').unwrap_or(system);
        let scheme = NationalIdType::from_fhir_system(system)?;
        let value = identifier["value"].as_str().map(NhsNumber::parse);
        let value = value.and_then(Result::ok);
        Some(value.map(|value| NationalId { scheme, value }))
    };
    let identifiers = identifiers.into_iter().flatten();
    identifiers.filter_map(national).collect()
}

fn name(patient: &Value) -> NameAtPkb {
    let names = patient["name"].as_array().map_or(&[][..], Vec::as_slice);
    let is_former = |name: &&Value| matches!(name["use"].as_str(), Some("old" | "maiden"));
    let mut families = names
        .iter()
        .filter(|name| !is_former(name))
        .filter_map(|name| name["family"].as_str());
    let last_name = families.find(|family| !family.trim().is_empty());
    let moment = &patient["deceasedDateTime"];
    NameAtPkb {
        last_name: last_name.map(|family| family.trim().into()),
        deceased: patient["deceasedBoolean"] == true || !moment.is_null(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";

    fn asked() -> NationalId {
        NationalId {
            scheme: NationalIdType::NhsNumber,
            value: NhsNumber::parse("5760678914").unwrap(),
        }
    }

    fn patient(change: Value) -> Value {
        let mut patient = json!({
            "resourceType": "Patient",
            "identifier": [{"system": "urn:local", "value": "H1"}, {"system": SYSTEM, "value": "5760678914"}],
            "name": [{"use": "old", "family": "Former"}, {"family": " Richards ", "given": ["Read"]}],
        });
        for (key, value) in change.as_object().unwrap() {
            patient[key] = value.clone();
        }
        patient
    }

    fn found(patients: &[Value]) -> Result<(Option<NameAtPkb>, bool), CallError> {
        let entries = patients.iter().map(|patient| json!({"resource": patient}));
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "entry": Value::from_iter(entries)});
        read(bundle.to_string().as_bytes(), &asked())
    }

    fn one(change: Value) -> (NameAtPkb, bool) {
        let (found, is_named) = found(&[patient(change)]).unwrap_or_else(|error| panic!("{error}"));
        (found.unwrap(), is_named)
    }

    #[test]
    fn the_bar_of_a_search_is_percent_encoded() {
        let base = Url::parse("https://sandbox.patientsknowbest.com/fhir").unwrap();
        assert_eq!(
            address(&base, &asked()).unwrap().as_str(),
            "https://sandbox.patientsknowbest.com/fhir/Patient?identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C5760678914"
        );
    }

    #[test]
    fn the_current_last_name_and_a_death_are_read_whatever_else_is_there() {
        let (name, is_named) = one(json!({"gender": 7, "telecom": null}));
        assert_eq!(name.last_name.as_deref(), Some("Richards"));
        assert!(!name.deceased && is_named);
        assert!(one(json!({"deceasedBoolean": true})).0.deceased);
        assert!(
            one(json!({"deceasedDateTime": "2025-01-02T00:00:00Z"}))
                .0
                .deceased
        );
        for none in [
            json!(null),
            json!([]),
            json!([{"family": " "}]),
            json!([{"family": ["A"]}]),
            json!("x"),
        ] {
            assert!(one(json!({"name": none})).0.last_name.is_none());
        }
        assert!(!one(json!({"identifier": []})).1, "it names nobody");
    }

    #[test]
    fn an_answer_about_somebody_else_or_several_is_not_believed() {
        assert!(matches!(found(&[]), Ok((None, _))));
        for other in [json!("9990000018"), json!("?"), json!(null)] {
            let other = patient(json!({"identifier": [{"system": SYSTEM, "value": other}]}));
            assert!(matches!(
                found(&[other]),
                Err(CallError::Fatal(Fatal::AboutSomebodyElse { .. }))
            ));
        }
        let twice = [patient(json!({})), patient(json!({}))];
        assert!(matches!(found(&twice), Err(CallError::NotUnderstood(_))));
        let other = read(br#"{"resourceType":"Parameters"}"#, &asked());
        assert!(matches!(other, Err(CallError::NotUnderstood(_))));
    }
}
