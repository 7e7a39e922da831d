//! What is sent of a patient as a message (`--via messaging`).
//!
//! PKB keeps two address lines, one phone number and one e-mail address here. Lines of the street beyond the second are put on the
//! second, with commas; town and county have their own places. The phone number is the mobile, or else the one at home.

use jiff::civil::Date;
use pkb_client::messaging::{MessagePatient, Name, PatientMessage, PostalAddress};
use pkb_core::record::Patient;
use pkb_files::journal::Key;
use pkb_values::{Email, PersonName, Phone, Postcode, UkMobile};
use serde_json::{Value, json};

use crate::pkb_file::{FilledColumns, address_cells, has_own_email};

/// How messages are made.
pub struct MessageForm {
    /// How much of a patient is sent.
    pub columns: FilledColumns,
    /// Whether e-mail addresses are sent. PKB sends invitations to them.
    pub emails: bool,
    /// Teams that the patients are added to.
    pub team_aliases: Vec<String>,
    /// The day on which ages are counted.
    pub today: Date,
}

impl MessageForm {
    /// The message about a patient; `None` if PKB takes none, because the gender is missing.
    pub fn message(&self, patient: &Patient) -> Option<PatientMessage> {
        self.filled(patient, self.columns)
    }

    /// The same with nothing in it but what PKB needs: number, name, gender and date of birth.
    pub fn minimal_message(&self, patient: &Patient) -> Option<PatientMessage> {
        self.filled(patient, FilledColumns::Minimal)
    }

    /// How a row is known in the journal: the patient and all that is sent of them, so that a row that was corrected is sent again.
    pub fn key(&self, patient: &Patient) -> Key {
        let message = self.message(patient);
        let sent = message
            .as_ref()
            .map_or(&b""[..], PatientMessage::expose_body);
        Key::of(&[&patient.national_id.key_bytes(), sent])
    }

    /// Whether PKB itself invites the patient, because the message has an e-mail address in it.
    pub fn invites_by_email(&self, patient: &Patient) -> bool {
        self.emails && self.columns == FilledColumns::All && has_own_email(patient, self.today)
    }

    /// What messages depend on, besides the patients.
    pub fn settings(&self) -> Value {
        json!({
            "via": "messaging",
            "columns": format!("{:?}", self.columns).to_lowercase(),
            "keep_email": self.emails,
            "team_alias": self.team_aliases,
        })
    }

    fn filled(&self, patient: &Patient, columns: FilledColumns) -> Option<PatientMessage> {
        let gender = patient.gender?;
        let is_all = columns == FilledColumns::All;
        let cells = address_cells(patient);
        let [first_line, second_line, city, county] = cells
            .each_ref()
            .map(|cell| if_sent(is_all, Some(cell.as_ref())));
        let title = patient.title.as_ref().map(PersonName::expose_name);
        let postcode = patient.postcode.as_ref().map(Postcode::expose_postcode);
        let mobile = patient.mobile.as_ref().map(UkMobile::expose_e164);
        let home = patient.home_phone.as_ref().map(Phone::expose_e164);
        let email = patient.email.as_ref().map(Email::expose_address);
        Some(PatientMessage::new(&MessagePatient {
            national_id: patient.national_id,
            name: Name {
                title: if_sent(is_all, title),
                first: patient.first_name.expose_name(),
                last: patient.last_name.expose_name(),
            },
            gender,
            birth_date: patient.date_of_birth.expose_date(),
            deceased: patient.deceased,
            address: PostalAddress {
                lines: [first_line, second_line],
                city,
                county,
                postcode: if_sent(is_all, postcode),
            },
            phone: if_sent(is_all, mobile.or(home)),
            email: if_sent(is_all && self.invites_by_email(patient), email),
            team_aliases: &self.team_aliases,
        }))
    }
}

/// The text, or nothing where it is not sent.
fn if_sent(is_sent: bool, text: Option<&str>) -> &str {
    text.filter(|_| is_sent).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn patient(changes: Value) -> Patient {
        let mut json = json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "title": "Mr", "first_name": "Read", "last_name": "O'Brien", "date_of_birth": "2000-09-05",
            "gender": "other", "address": ["1 Main Street", "Newcastle"], "postcode": "NE1 1XC",
            "mobile": "+447700900123", "home_phone": "+441632960001", "email": "r@example.org",
        });
        for (name, value) in changes.as_object().unwrap() {
            json[name] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    fn form() -> MessageForm {
        MessageForm {
            columns: FilledColumns::All,
            emails: false,
            team_aliases: Vec::new(),
            today: date(2026, 11, 23),
        }
    }

    fn sent(form: &MessageForm, patient: &Patient) -> Value {
        serde_json::from_slice(form.message(patient).unwrap().expose_body()).unwrap()
    }

    #[test]
    fn an_address_has_two_lines_town_and_county() {
        for (lines, town, county, expected) in [
            (json!([]), None, None, Value::Null),
            (
                json!(["1 Main Street", "Newcastle"]),
                None,
                None,
                json!([{"line": ["1 Main Street"], "city": "Newcastle", "postalCode": "NE1 1XC"}]),
            ),
            (
                json!([
                    "Flat 2",
                    "The Mill",
                    "1 Main Street",
                    "Newcastle",
                    "Tyneside"
                ]),
                Some(3),
                Some(4),
                json!([{
                    "line": ["Flat 2", "The Mill, 1 Main Street"], "city": "Newcastle", "state": "Tyneside",
                    "postalCode": "NE1 1XC",
                }]),
            ),
        ] {
            let mut changes = json!({"address": lines, "town_line": town, "county_line": county});
            if expected.is_null() {
                changes["postcode"] = Value::Null;
            }
            let told = sent(&form(), &patient(changes));
            assert_eq!(
                told.get("address"),
                (!expected.is_null()).then_some(&expected)
            );
        }
    }

    #[test]
    fn one_phone_is_sent_and_an_email_address_only_if_that_is_wanted() {
        let phone = |number: &str| json!([{"system": "phone", "value": number}]);
        let contacts =
            |form: &MessageForm, changes| sent(form, &patient(changes))["telecom"].clone();
        assert_eq!(contacts(&form(), json!({})), phone("+447700900123"));
        let landline = json!({"mobile": null});
        assert_eq!(contacts(&form(), landline), phone("+441632960001"));
        let emails = MessageForm {
            emails: true,
            ..form()
        };
        let both = contacts(&emails, json!({}));
        assert_eq!(
            both[1],
            json!({"system": "email", "value": "r@example.org"})
        );
        // A child's address is often a parent's.
        let child = json!({"date_of_birth": "2020-01-01"});
        assert_eq!(contacts(&emails, child), phone("+447700900123"));
    }

    #[test]
    fn the_least_that_is_sent_leaves_contact_details_alone() {
        let message = form().minimal_message(&patient(json!({}))).unwrap();
        let told: Value = serde_json::from_slice(message.expose_body()).unwrap();
        let expected = json!({
            "resourceType": "Patient",
            "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "5760678914"}],
            "name": [{"given": ["Read"], "family": "O'Brien"}],
            "gender": "other",
            "birthDate": "2000-09-05",
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_row_without_gender_makes_no_message_and_one_that_was_corrected_is_new() {
        let without = patient(json!({"gender": null}));
        assert!(form().message(&without).is_none());
        let keys = [
            form().key(&without),
            form().key(&patient(json!({}))),
            form().key(&patient(json!({"mobile": "+447700900124"}))),
        ];
        assert!(keys[0] != keys[1] && keys[1] != keys[2]);
        // What is not sent makes no row new.
        let work = patient(json!({"work_phone": "+441632960002"}));
        assert!(form().key(&work) == keys[1]);
    }
}
