//! Where what was made for each patient is, to name it if it must not go out.

use std::{collections::HashMap, fmt};

use pkb_core::record::{Channel, Delivery};
use pkb_values::NationalId;

/// Where a delivery is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// By which channel it goes.
    pub channel: Channel,
    /// Its file.
    pub file: String,
    /// Its first page there.
    pub page: Option<u64>,
}

/// Where the deliveries of a patient are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(pub Vec<Place>);

impl Places {
    /// Those of a patient's deliveries.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let places = deliveries.iter().map(|delivery| Place {
            channel: delivery.channel,
            file: delivery.file.clone(),
            page: delivery.first_page(),
        });
        Self(places.collect())
    }
}

/// What to do about them.
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.0.iter();
        let clauses = places.map(|place| place.channel.withdrawal(&place.file, place.page));
        f.write_str(&clauses.collect::<Vec<_>>().join("; "))
    }
}

/// The newest deliveries of each patient, in some 30 bytes.
#[derive(Debug, Default)]
pub struct MadeFor {
    files: Vec<String>,
    places: HashMap<NationalId, Packed>,
}

/// A file by its number, 0 for none, and a page, for each channel.
type Packed = [(u32, u32); Channel::ALL.len()];

impl MadeFor {
    /// Something was made for a patient.
    pub fn note(&mut self, patient: NationalId, places: Places) {
        let mut packed = Packed::default();
        for place in places.0 {
            let page = u32::try_from(place.page.unwrap_or_default()).unwrap_or(u32::MAX);
            packed[place.channel as usize] = (self.number(place.file), page);
        }
        self.places.insert(patient, packed);
    }

    /// Where the deliveries of a patient are, if there are any.
    pub fn of(&self, patient: NationalId) -> Option<Places> {
        let packed = self.places.get(&patient)?;
        let places = Channel::ALL.iter().zip(packed);
        let places = places.filter_map(|(channel, (file, page))| {
            Some(Place {
                channel: *channel,
                file: self.files.get((*file as usize).checked_sub(1)?)?.clone(),
                page: (*page > 0).then_some(u64::from(*page)),
            })
        });
        Some(Places(places.collect()))
    }

    /// The number of a file. Nearly always it is one of the last two; one that has two numbers does no harm.
    fn number(&mut self, file: String) -> u32 {
        let last = self.files.len().saturating_sub(LAST);
        let known = self.files.iter().skip(last).position(|it| *it == file);
        let place = known.map_or(self.files.len(), |place| last + place);
        if known.is_none() {
            self.files.push(file);
        }
        u32::try_from(place + 1).unwrap_or_default()
    }
}

/// So many files are looked at before another one is entered.
const LAST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_found_again_by_patient_and_the_newest_count() {
        let patient = |number: &str| NationalId {
            scheme: pkb_values::NationalIdType::NhsNumber,
            value: pkb_values::NhsNumber::parse(number).unwrap(),
        };
        let (ann, ben) = (patient("9990000018"), patient("9990000026"));
        let place = |channel, file: &str, page| Place {
            channel,
            file: file.to_owned(),
            page,
        };
        let text = place(Channel::Sms, "sms-0001.csv", None);
        let letter = place(Channel::Letter, "letters-0001.pdf", Some(3));
        let mut made = MadeFor::default();
        let (first, second) = (Places(vec![letter, text.clone()]), Places(vec![text]));
        made.note(ann, first.clone());
        made.note(ben, second.clone());
        assert_eq!(
            (made.of(ann), made.of(ben)),
            (Some(first.clone()), Some(second.clone()))
        );
        assert_eq!(made.files.len(), 2);
        made.note(ann, second.clone());
        assert_eq!(made.of(ann), Some(second));
        assert_eq!(made.of(patient("9990000034")), None);
        assert_eq!(
            first.to_string(),
            "its letter was printed: remove page 3 of letters-0001.pdf before the letters are posted; its text message is in \
             sms-0001.csv: delete that line before the spreadsheet is uploaded"
        );
    }
}
