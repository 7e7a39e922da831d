//! The message of one row as it would be sent, without what it says (`--show-request ROW`).

use pkb_client::messaging::PROCESS_MESSAGE;
use pkb_core::{Fatal, rows::counted};
use pkb_patients::{PatientFile, mask};
use serde_json::Value;

use crate::message_form::MessageForm;

/// Elements whose values are not the patient's.
const SHOWN: [&str; 4] = ["resourceType", "system", "url", "valueString"];
/// Its length would give a gender away.
const GENDER: &str = "male, female, other or unknown";

/// The request of the row with this number.
///
/// # Errors
/// The file has no such row, or no message is sent for it; or the file cannot be read.
pub fn of_row(number: u64, file: &PatientFile, form: &MessageForm) -> Result<String, Fatal> {
    let mut reading = file.second_reading()?;
    while let Some(record) = file.next_record(&mut reading)? {
        if record.row.number != number {
            continue;
        }
        let sent = record.patient.as_ref().filter(|_| record.outcome.is_none());
        let patient = sent.ok_or_else(|| {
            Fatal::Refused(format!(
                "row {number} is not sent. To see why: pkb-upload check {}",
                file.table.name()
            ))
        })?;
        let message = form.message(patient).ok_or_else(|| {
            Fatal::Refused(format!(
                "row {number} has no gender, without which PKB takes no message. Fill in the gender, or upload the row with --via csv"
            ))
        })?;
        let json: Value = serde_json::from_slice(message.expose_body())
            .map_err(|_| Fatal::Bug("a message is not JSON".into()))?;
        let masked = serde_json::to_string_pretty(&masked(json, ""))
            .map_err(|_| Fatal::Bug("a message is not JSON".into()))?;
        return Ok(request(&masked, message.expose_body().len()));
    }
    Err(Fatal::Usage(format!(
        "{} has no row {number} with a patient. Rows are counted as in a spreadsheet, and the header is row 1",
        file.table.name()
    )))
}

fn request(masked: &str, bytes: usize) -> String {
    format!(
        "POST (PKB_MESSAGING_URL)/{PROCESS_MESSAGE}\n\
         Authorization: Bearer (an access token)\n\
         X-Org-Public-Id: (PKB_ORG_ID)\n\
         Content-Type: application/fhir+json\n\
         Accept: application/fhir+json\n\
         \n\
         {masked}\n\
         \n\
         Values are masked: X and x are letters, 9 is a digit. The real message has {}. Nothing was sent.\n",
        counted(bytes as u64, "byte", "bytes")
    )
}

/// The form of each value, and nothing else of it.
fn masked(json: Value, element: &str) -> Value {
    match json {
        Value::Object(fields) => {
            let masked = fields.into_iter().map(|(name, value)| {
                let value = masked(value, &name);
                (name, value)
            });
            Value::Object(masked.collect())
        }
        Value::Array(list) => list
            .into_iter()
            .map(|value| masked(value, element))
            .collect(),
        Value::String(_) if element == "gender" => GENDER.into(),
        Value::String(text) if SHOWN.contains(&element) => text.into(),
        Value::String(text) => mask(&text).into(),
        // Whether the patient has died.
        _ => "true or false".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_of_the_patient_is_masked() {
        let message = json!({
            "resourceType": "Patient",
            "extension": [{"url": "http://x.example/team-alias", "valueString": "renal-main"}],
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "5760678914"}],
            "name": [{"prefix": ["Mr"], "given": ["Read"], "family": "O'Brien"}],
            "gender": "male", "birthDate": "2000-09-15",
            "telecom": [{"system": "phone", "value": "+447700900123"}],
            "address": [{"line": ["1 Eastgate"], "postalCode": "NE1 1XC"}],
        });
        let expected = json!({
            "resourceType": "Patient",
            "extension": [{"url": "http://x.example/team-alias", "valueString": "renal-main"}],
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9999999999"}],
            "name": [{"prefix": ["Xx"], "given": ["Xxxx"], "family": "X'Xxxxx"}],
            "gender": GENDER, "birthDate": "9999-99-99",
            "telecom": [{"system": "phone", "value": "+999999999999"}],
            "address": [{"line": ["9 Xxxxxxxx"], "postalCode": "XX9 9XX"}],
        });
        assert_eq!(masked(message, ""), expected);
    }
}
