//! Where the letter and the text message of each patient are, to name them if they must not go out.

use std::{collections::HashMap, fmt};

use crate::record::Delivery;
use pkb_values::NationalId;

use super::sheet_of;

/// Where a letter and a text are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// File and first page of the letter.
    pub letter: Option<(String, u64)>,
    /// The spreadsheet that has the text.
    pub texts: Option<String>,
}

impl Place {
    /// As a delivery has it.
    pub fn of(delivery: &Delivery) -> Self {
        Self {
            letter: delivery
                .pages
                .map(|(first, _)| (delivery.file.clone(), first)),
            texts: sheet_of(delivery).map(str::to_owned),
        }
    }
}

/// What to do about it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, page)) = &self.letter {
            write!(
                f,
                "its letter was printed: remove sheet {page} of {file} before the letters are posted"
            )?;
        }
        if let Some(file) = &self.texts {
            let and = if self.letter.is_some() { "; " } else { "" };
            write!(
                f,
                "{and}its text message is in {file}: delete that line before the spreadsheet is uploaded"
            )?;
        }
        Ok(())
    }
}

/// The newest letter and text of each patient, in some 30 bytes.
#[derive(Debug, Default)]
pub struct MadeFor {
    files: Vec<String>,
    places: HashMap<NationalId, Packed>,
}

/// Files by their numbers; 0 is none.
#[derive(Debug, Clone, Copy)]
struct Packed {
    letters: u32,
    page: u32,
    texts: u32,
}

impl MadeFor {
    /// A letter or text was made for a patient.
    pub fn note(&mut self, patient: NationalId, place: Place) {
        let page = place.letter.as_ref().map_or(0, |(_, page)| *page);
        let packed = Packed {
            letters: place.letter.map_or(0, |(file, _)| self.number(file)),
            page: u32::try_from(page).unwrap_or(u32::MAX),
            texts: place.texts.map_or(0, |file| self.number(file)),
        };
        self.places.insert(patient, packed);
    }

    /// Where the letter and the text of a patient are, if there are any.
    pub fn of(&self, patient: NationalId) -> Option<Place> {
        let packed = self.places.get(&patient)?;
        let file = |number: u32| self.files.get((number as usize).checked_sub(1)?).cloned();
        Some(Place {
            letter: file(packed.letters).map(|file| (file, u64::from(packed.page))),
            texts: file(packed.texts),
        })
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
    fn letters_and_texts_are_found_again_by_patient_and_the_newest_counts() {
        let patient = |number: &str| NationalId {
            scheme: pkb_values::NationalIdType::NhsNumber,
            value: pkb_values::NhsNumber::parse(number).unwrap(),
        };
        let (ann, ben) = (patient("9990000018"), patient("9990000026"));
        let letter = |file: &str, page| Some((file.to_owned(), page));
        let mut made = MadeFor::default();
        let (first, second) = (
            Place {
                letter: letter("letters-0001.pdf", 3),
                texts: Some("sms-0001.csv".into()),
            },
            Place {
                letter: None,
                texts: Some("sms-0001.csv".into()),
            },
        );
        made.note(ann, first.clone());
        made.note(ben, second.clone());
        assert_eq!(
            (made.of(ann), made.of(ben)),
            (Some(first), Some(second.clone()))
        );
        assert_eq!(made.files.len(), 2);
        made.note(ann, second.clone());
        assert_eq!(made.of(ann), Some(second));
        assert_eq!(made.of(patient("9990000034")), None);
    }
}
