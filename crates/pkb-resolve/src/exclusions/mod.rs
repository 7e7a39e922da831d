//! Whom the organisation itself does not want invited: opt-outs, safeguarding, deaths since the
//! export; addresses such as prisons; people who had an invitation a short time ago.
//!
//! All lists are read whole and checked before anything is asked of PKB: a list that is half
//! understood would let a letter through.

mod addresses;
mod invited_before;
mod list;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use pkb_core::{
    Fatal, Reason, Verdict,
    record::{NoLetter, Patient},
    rehearsal::Origins,
    rows::counted,
};
use pkb_values::NhsNumber;

use self::{addresses::Addresses, invited_before::InvitedBefore, list::ExclusionList};

/// All exclusions of a run.
#[derive(Default)]
pub struct Exclusions {
    lists: Vec<ExclusionList>,
    addresses: Vec<Addresses>,
    invited_before: Vec<InvitedBefore>,
    registered: Vec<ExclusionList>,
}

/// Where the exclusions stand.
pub struct Files<'a> {
    /// Lists of national numbers.
    pub lists: &'a [PathBuf],
    /// Lists of words in addresses.
    pub addresses: &'a [PathBuf],
    /// Journals of pkb-letters of earlier campaigns.
    pub ledgers: &'a [PathBuf],
    /// Lists of patients who have registered.
    pub registered: &'a [PathBuf],
    /// For how long an invitation keeps a patient from the next one.
    pub not_again_within: u16,
}

impl Exclusions {
    /// Reads all lists, as they apply on `today`.
    ///
    /// # Errors
    /// What is wrong with any of them: all problems of the first list that has some.
    pub fn read(files: &Files<'_>, today: Date) -> Result<Self, Fatal> {
        let lists = files.lists.iter();
        let addresses = files.addresses.iter();
        let ledgers = files.ledgers.iter();
        let registered = files.registered.iter();
        Ok(Self {
            registered: registered
                .map(|path| ExclusionList::read(path, today))
                .collect::<Result<_, _>>()?,
            lists: lists
                .map(|path| ExclusionList::read(path, today))
                .collect::<Result<_, _>>()?,
            addresses: addresses
                .map(|path| Addresses::read(path))
                .collect::<Result<_, _>>()?,
            invited_before: ledgers
                .map(|path| InvitedBefore::read(path, files.not_again_within, today))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Lets `origins` hear whether earlier campaigns were rehearsals.
    ///
    /// # Errors
    /// This is a real campaign, and one of them was a rehearsal.
    pub fn tell_origins(&self, origins: &Origins) -> Result<(), Fatal> {
        let mut ledgers = self.invited_before.iter();
        ledgers.try_for_each(|ledger| ledger.tell_origin(origins))
    }

    /// Why the organisation does not want the patient invited; nothing if it does.
    pub fn objections(&self, patient: &Patient) -> Vec<Verdict> {
        let number = patient.national_id.value;
        let listed = self.lists.iter().filter_map(|list| {
            let row = list.row_of(&number)?;
            Some((
                Reason::ExcludedByList,
                format!("{}, row {row}", list.name()),
            ))
        });
        let addresses = self.addresses.iter().filter_map(|addresses| {
            let name = addresses.name();
            let detail = match addresses.matching(patient) {
                Some(line) => format!("{name}, line {line}"),
                // It may be on the list: a text message must not go there either.
                None if is_incomplete(patient) => format!(
                    "{name}: a part of the address was left out, so the address cannot be compared. Correct the address in the patient file"
                ),
                None => return None,
            };
            Some((Reason::ExcludedAddress, detail))
        });
        let invited = self.invited_before.iter().filter_map(|ledger| {
            let day = ledger.day_of(&number)?;
            Some((
                Reason::InvitedRecently,
                format!("on {day}, by {}", ledger.name()),
            ))
        });
        let registered = self.registered_row(&number);
        let registered = registered.map(|detail| (Reason::Registered, detail));
        listed
            .chain(registered)
            .chain(addresses)
            .chain(invited)
            .map(|(reason, detail)| Verdict::with_detail(reason, detail))
            .collect()
    }

    /// Whether there is a list of who has registered.
    pub fn tell_registered(&self) -> bool {
        !self.registered.is_empty()
    }

    /// Where a list says that a patient has registered.
    pub fn registered_row(&self, number: &NhsNumber) -> Option<String> {
        let mut lists = self.registered.iter();
        lists.find_map(|list| Some(format!("{}, row {}", list.name(), list.row_of(number)?)))
    }

    /// One line about each list, for people.
    pub fn describe(&self) -> Vec<String> {
        let lists = self.lists.iter().map(|list| {
            format!(
                "{}: {}",
                list.name(),
                counted(list.len() as u64, "patient", "patients")
            )
        });
        let addresses = self
            .addresses
            .iter()
            .map(|list| format!("{}: {} patterns of addresses", list.name(), list.len()));
        let ledgers = self.invited_before.iter().map(|ledger| {
            format!(
                "{}: {} invited",
                ledger.name(),
                counted(ledger.len() as u64, "patient", "patients")
            )
        });
        let registered = self.registered.iter().map(|list| {
            format!(
                "{}: {} registered",
                list.name(),
                counted(list.len() as u64, "patient has", "patients have")
            )
        });
        lists
            .chain(addresses)
            .chain(ledgers)
            .chain(registered)
            .collect()
    }
}

/// Whether pkb-upload left out a part of the patient's address.
fn is_incomplete(patient: &Patient) -> bool {
    matches!(
        patient.no_letter,
        Some(NoLetter::Address | NoLetter::Postcode)
    )
}

/// The name of a file without its folder, for outcomes.
fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// So many problems of a list are named.
const NAMED: usize = 10;

/// All problems of a list as one error.
/// What is wrong with a list that is not UTF-8.
const NOT_UTF_8: &str = "the file is not UTF-8. Save it as UTF-8 (in Excel: CSV UTF-8)";

fn malformed(path: &Path, problems: &[String]) -> Fatal {
    let mut words = problems
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n  ");
    if problems.len() > NAMED {
        words.push_str(&format!("\n  and {} more", problems.len() - NAMED));
    }
    Fatal::Input(format!(
        "{}: {words}\nPKB was not asked about anybody. What to do: correct the list, and run the same command again",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_part_left_out_is_not_taken_for_one_that_is_not_listed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "HMP Durham\n").unwrap();
        let exclusions = Exclusions {
            addresses: vec![Addresses::read(file.path()).unwrap()],
            ..Exclusions::default()
        };
        for (no_letter, is_excluded) in [
            ("", false),
            (r#","no_letter":"abode""#, false),
            (r#","no_letter":"address""#, true),
            (r#","no_letter":"postcode""#, true),
        ] {
            let json = format!(
                r#"{{"national_id":{{"type":"NHS_NUMBER","value":"9990000018"}},"first_name":"Ann","last_name":"Example","date_of_birth":"2000-09-15","address":["1 Mill Lane"]{no_letter}}}"#
            );
            let objections = exclusions.objections(&serde_json::from_str(&json).unwrap());
            assert_eq!(!objections.is_empty(), is_excluded, "{no_letter}");
        }
    }
}
