//! Who may be invited: the rules of PKB's Mass Registration Implementation Guide, in one place.
//! All patients get a record; only these get a letter.

use jiff::civil::Date;
use pkb_client::known_patient::KnownPatient;
use pkb_core::{Reason, Record, Verdict, record::Patient};
use pkb_values::names;

use crate::exclusions::Exclusions;

/// Whom the organisation wants invited: the rules, and its own lists.
pub struct Whom {
    /// The rules.
    pub rules: Rules,
    /// The lists.
    pub exclusions: Exclusions,
}

impl Whom {
    /// What speaks against an invitation before PKB is asked.
    pub fn own_objections(&self, record: &Record, patient: &Patient) -> Vec<Verdict> {
        let emailed = record.upload.as_ref().is_some_and(|upload| upload.emailed);
        let by_email = self.rules.invited_by_email(emailed).map(Verdict::from);
        let mut objections = self.exclusions.objections(patient);
        objections.extend(by_email);
        objections
    }

    /// The same, and what our own file says, of a patient about whom PKB was asked in an earlier run.
    pub fn objections_since(&self, record: &Record, patient: &Patient) -> Option<Verdict> {
        let own = self.rules.own_objections(patient);
        let own = own.into_iter().map(Verdict::from);
        Verdict::of_all(own.chain(self.own_objections(record, patient)))
    }
}

/// The settings of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Youngest age in full years.
    pub min_age: i16,
    /// The day on which ages are counted.
    pub campaign_date: Date,
    /// Whether a patient whose last name at PKB is another one is invited all the same.
    pub allow_name_differs: bool,
    /// Whether a patient is invited to whom PKB has written an e-mail invitation itself.
    pub also_emailed: bool,
}

impl Rules {
    /// Everything that speaks against inviting a patient of whom PKB knows this, the gravest first.
    ///
    /// The most harmful mistake comes first: a letter to the family of somebody who has died, then
    /// one that gives a stranger access, then one that cannot work, then one that is not needed.
    pub fn objections(&self, patient: &Patient, known: &KnownPatient) -> Vec<Reason> {
        let ours = patient.date_of_birth;
        let is_younger =
            |born: pkb_values::DateOfBirth| born.age_on(self.campaign_date) < self.min_age;
        let rules = [
            (Reason::Deceased, known.deceased || patient.deceased),
            (
                Reason::IdentityMismatch,
                known.date_of_birth.is_some_and(|theirs| theirs != ours),
            ),
            (
                Reason::NameDiffers,
                !self.allow_name_differs && name_differs(patient, known),
            ),
            // The join page compares the date that the patient types in with PKB's.
            (Reason::NoDateOfBirth, known.date_of_birth.is_none()),
            // Where the two dates differ, either may be the true one.
            (
                Reason::UnderAge,
                is_younger(ours) || known.date_of_birth.is_some_and(is_younger),
            ),
            (Reason::Registered, known.registered == Some(true)),
        ];
        rules
            .into_iter()
            .filter_map(|(reason, applies)| applies.then_some(reason))
            .collect()
    }

    /// What our own file alone says against inviting a patient, before PKB is asked.
    pub fn invited_by_email(&self, emailed: bool) -> Option<Reason> {
        (emailed && !self.also_emailed).then_some(Reason::InvitedByEmail)
    }

    /// What our own file says against inviting a patient about whom PKB was asked in an earlier run.
    pub fn own_objections(&self, patient: &Patient) -> Vec<Reason> {
        let young = patient.date_of_birth.age_on(self.campaign_date) < self.min_age;
        [
            (Reason::Deceased, patient.deceased),
            (Reason::UnderAge, young),
        ]
        .into_iter()
        .filter_map(|(reason, applies)| applies.then_some(reason))
        .collect()
    }

    /// The rules and their settings, one a line, for people.
    pub fn explain(&self) -> String {
        let name_differs = if self.allow_name_differs {
            "may be different at PKB (--allow-name-differs)"
        } else {
            "is the same at PKB, except for case, accents, hyphens and spaces. Otherwise: name_differs"
        };
        let emailed = if self.also_emailed {
            "may also have an email invitation from PKB (--also-emailed)"
        } else {
            "has no email invitation from PKB. Otherwise: invited_by_email"
        };
        format!(
            "A patient is invited on {date} who\n\
             \x20 - has a record at PKB that this client may see. Otherwise: not_found, no_access\n\
             \x20 - is alive in PKB's record and in the patient file. Otherwise: deceased\n\
             \x20 - has a date of birth at PKB. Otherwise: no_date_of_birth\n\
             \x20 - has the same date of birth at PKB as in the patient file. Otherwise: identity_mismatch\n\
             \x20 - has a last name that {name_differs}\n\
             \x20 - is {age} or older on that day, by both dates of birth. Otherwise: under_age\n\
             \x20 - has not registered. Otherwise: registered\n\
             \x20 - {emailed}\n",
            date = self.campaign_date,
            age = self.min_age,
        )
    }
}

/// Whether PKB has another last name, where it tells one.
pub fn name_differs(patient: &Patient, known: &KnownPatient) -> bool {
    known
        .last_name
        .as_deref()
        .is_some_and(|theirs| !names::are_alike(theirs, patient.last_name.expose_name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use pkb_values::DateOfBirth;

    const BORN: &str = "2000-09-15";

    fn patient(born: &str) -> Patient {
        let json = serde_json::json!({
            "national_id": {"type": "NHS_NUMBER", "value": "5760678914"},
            "first_name": "Read", "last_name": "O'Brien", "date_of_birth": born,
        });
        serde_json::from_value(json).unwrap()
    }

    fn known(born: Option<&str>) -> KnownPatient {
        KnownPatient {
            id: None,
            deceased: false,
            registered: Some(false),
            date_of_birth: born.map(|born| DateOfBirth::parse(born).unwrap()),
            first_name: None,
            last_name: Some("O\u{2019}BRIEN".into()),
            address: None,
        }
    }

    fn rules() -> Rules {
        Rules {
            min_age: 16,
            campaign_date: date(2026, 11, 22),
            allow_name_differs: false,
            also_emailed: false,
        }
    }

    /// A change to what PKB knows, or to our file.
    type Change = fn(&mut Patient, &mut KnownPatient);

    #[test]
    fn each_rule_has_its_reason_and_the_most_serious_comes_first() {
        use Reason::*;
        let table: &[(&str, Change, &[Reason])] = &[
            ("nothing speaks against it", |_, _| {}, &[]),
            ("dead at PKB", |_, known| known.deceased = true, &[Deceased]),
            (
                "dead by our file",
                |patient, _| patient.deceased = true,
                &[Deceased],
            ),
            (
                "registered",
                |_, known| known.registered = Some(true),
                &[Registered],
            ),
            (
                "nobody knows of a registration",
                |_, known| known.registered = None,
                &[],
            ),
            (
                "no date of birth at PKB",
                |_, known| known.date_of_birth = None,
                &[NoDateOfBirth],
            ),
            (
                "a different date of birth at PKB",
                |_, known| known.date_of_birth = DateOfBirth::parse("2000-09-16").ok(),
                &[IdentityMismatch],
            ),
            (
                "a different last name",
                |_, known| known.last_name = Some("Brian".into()),
                &[NameDiffers],
            ),
            ("no name to compare", |_, known| known.last_name = None, &[]),
            (
                "sixteen today",
                |patient, known| set_born(patient, known, "2010-11-22"),
                &[],
            ),
            (
                "sixteen tomorrow",
                |patient, known| set_born(patient, known, "2010-11-23"),
                &[UnderAge],
            ),
            (
                "born today",
                |patient, known| set_born(patient, known, "2026-11-22"),
                &[UnderAge],
            ),
            (
                "a child by PKB's date alone",
                |_, known| known.date_of_birth = DateOfBirth::parse("2020-02-29").ok(),
                &[IdentityMismatch, UnderAge],
            ),
            (
                "a child by our date alone",
                |patient, _| patient.date_of_birth = DateOfBirth::parse("2020-02-29").unwrap(),
                &[IdentityMismatch, UnderAge],
            ),
            (
                "a child without a date at PKB",
                |patient, known| {
                    patient.date_of_birth = DateOfBirth::parse("2020-02-29").unwrap();
                    known.date_of_birth = None;
                },
                &[NoDateOfBirth, UnderAge],
            ),
            (
                "everything at once",
                |patient, known| {
                    set_born(patient, known, "2020-02-29");
                    known.deceased = true;
                    known.registered = Some(true);
                    known.last_name = Some("Brian".into());
                },
                &[Deceased, NameDiffers, UnderAge, Registered],
            ),
        ];
        for (what, change, expected) in table {
            let (mut patient, mut known) = (patient(BORN), known(Some(BORN)));
            change(&mut patient, &mut known);
            assert_eq!(rules().objections(&patient, &known), *expected, "{what}");
        }
    }

    fn set_born(patient: &mut Patient, known: &mut KnownPatient, day: &str) {
        patient.date_of_birth = DateOfBirth::parse(day).unwrap();
        known.date_of_birth = Some(patient.date_of_birth);
    }

    #[test]
    fn leap_day_children_are_sixteen_on_the_first_of_march() {
        for (day, reasons) in [
            (date(2024, 2, 28), &[Reason::UnderAge][..]),
            (date(2024, 2, 29), &[]),
            (date(2026, 2, 28), &[]),
        ] {
            let (mut patient, mut known) = (patient(BORN), known(Some(BORN)));
            set_born(&mut patient, &mut known, "2008-02-29");
            let rules = Rules {
                campaign_date: day,
                ..rules()
            };
            assert_eq!(rules.objections(&patient, &known), reasons, "{day}");
        }
        // Seventeen in a year without the day: on 1 March, not on 28 February.
        let (mut patient, mut known) = (patient(BORN), known(Some(BORN)));
        set_born(&mut patient, &mut known, "2008-02-29");
        for (day, reasons) in [
            (date(2025, 2, 28), &[Reason::UnderAge][..]),
            (date(2025, 3, 1), &[]),
        ] {
            let rules = Rules {
                min_age: 17,
                campaign_date: day,
                ..rules()
            };
            assert_eq!(rules.objections(&patient, &known), reasons, "{day}");
        }
    }

    #[test]
    fn settings_let_through_what_they_say() {
        let mut known = known(Some(BORN));
        known.last_name = Some("Brian".into());
        let rules = Rules {
            allow_name_differs: true,
            also_emailed: true,
            ..rules()
        };
        assert_eq!(rules.objections(&patient(BORN), &known), []);
        assert_eq!(rules.invited_by_email(true), None);
        assert!(rules.explain().contains("--allow-name-differs"));
    }

    #[test]
    fn the_explanation_names_every_reason() {
        let text = rules().explain();
        for reason in [
            Reason::NotFound,
            Reason::NoAccess,
            Reason::Deceased,
            Reason::NoDateOfBirth,
            Reason::IdentityMismatch,
            Reason::NameDiffers,
            Reason::UnderAge,
            Reason::Registered,
            Reason::InvitedByEmail,
        ] {
            assert!(text.contains(reason.as_str()), "{}", reason.as_str());
        }
    }
}
