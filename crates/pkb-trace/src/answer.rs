//! What the register says in one row.

use pkb_values::NhsNumber;

use crate::profile::{Field, Meaning, Profile};

/// An answer about one patient. It has no `Debug`: it holds a patient's details.
pub struct Answer {
    /// What its code means.
    pub meaning: Meaning,
    /// The code, for people.
    pub code: String,
    /// The number that was asked about, if the row has it.
    pub asked: Option<String>,
    /// The number that was found, as it stands there.
    pub matched: String,
    /// As it stands there: YYYYMMDD, or less, or more.
    pub date_of_birth: String,
    /// Whether there is a date of death.
    pub is_dead: bool,
    /// Whether the record is marked as sensitive.
    pub is_sensitive: bool,
    /// Address lines that are not empty.
    pub address: Vec<String>,
    /// Postcode.
    pub postcode: String,
    /// By which way the patient was found: 1 by number and date of birth.
    pub algorithm: String,
    /// How surely, up to 100.
    pub confidence: String,
}

/// Found nobody, and several.
const NOBODY: &str = "0000000000";
const SEVERAL: &str = "9999999999";

impl Answer {
    /// The answer in these cells.
    ///
    /// # Errors
    /// The code, if nobody knows what it means.
    pub fn of<'a>(
        cells: impl Iterator<Item = (Field, &'a [u8])>,
        profile: &Profile,
    ) -> Result<Self, String> {
        let mut answer = Self {
            meaning: Meaning::Success,
            code: String::new(),
            asked: None,
            matched: String::new(),
            date_of_birth: String::new(),
            is_dead: false,
            is_sensitive: false,
            address: Vec::new(),
            postcode: String::new(),
            algorithm: String::new(),
            confidence: String::new(),
        };
        for (field, cell) in cells {
            let text = || String::from_utf8_lossy(cell).into_owned();
            match field {
                Field::Reference => {}
                Field::NhsNumber if cell.is_empty() => {}
                Field::NhsNumber => answer.asked = Some(text()),
                Field::DateOfBirth => answer.date_of_birth = text(),
                Field::DateOfDeath => answer.is_dead = !cell.is_empty(),
                Field::Address1
                | Field::Address2
                | Field::Address3
                | Field::Address4
                | Field::Address5 => {
                    if !cell.is_empty() {
                        answer.address.push(text());
                    }
                }
                Field::Postcode => answer.postcode = text(),
                // The values are not published: all but none means that it is.
                Field::Sensitivity => {
                    answer.is_sensitive = !matches!(cell, b"" | b"U" | b"u");
                }
                Field::Code => answer.code = text(),
                Field::MatchedNumber => answer.matched = text(),
                Field::Algorithm => answer.algorithm = text(),
                Field::Confidence => answer.confidence = text(),
            }
        }
        if profile.is_list {
            // Who is in the list has died, whether it says when or not.
            answer.is_dead = true;
            return Ok(answer);
        }
        answer.meaning = profile
            .meaning(&answer.code)
            .ok_or_else(|| answer.code.clone())?
            .clone();
        Ok(answer)
    }

    /// Whether nobody was found.
    #[must_use]
    pub fn found_nobody(&self) -> bool {
        self.matched == NOBODY
    }

    /// Whether several people were found.
    #[must_use]
    pub fn found_several(&self) -> bool {
        self.matched == SEVERAL
    }

    /// The number that was found; `None` if it is none.
    #[must_use]
    pub fn matched_number(&self) -> Option<NhsNumber> {
        NhsNumber::parse(&self.matched).ok()
    }

    /// Whether number and date of birth were compared with each other, and both are right.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        let confidence = self.confidence.trim_end_matches('%').parse::<f64>();
        match self.meaning {
            Meaning::CrossChecked => true,
            _ => {
                self.algorithm == "1"
                    && confidence.is_ok_and(|percent| (100.0..=100.0).contains(&percent))
            }
        }
    }
}
