//! The values of a letter as Typst reads them.

use pkb_languages::LetterLanguage;
use serde::Serialize;

use super::layout::Failure;
use super::qr::QrSymbol;
use super::world::LetterWorld;
use super::{LetterFault, Typesetter};
use crate::{letter_fields::LetterFields, template::words_file};

/// What `letters.typ` reads.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Data<'a> {
    points: u8,
    has_address: bool,
    qr_code_side: usize,
    fields: Fields<'a>,
    parts: Vec<Part>,
}

/// `slot("…")` of all languages.
#[derive(Serialize)]
struct Fields<'a> {
    name: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    address: &'a [String],
    invitation_code: &'a str,
    access_code: &'a str,
    join_address: &'a str,
    format: &'static str,
    on_paper: bool,
}

/// One language of a letter.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Part {
    file: String,
    language: &'static str,
    /// Typst would go by the language, and take Punjabi for that of Pakistan.
    right_to_left: bool,
    line_gap: Option<f32>,
    qr_code_alt: &'static str,
    fields: OwnFields,
}

/// `slot("…")` of one language.
#[derive(Serialize)]
struct OwnFields {
    language: &'static str,
    expires_on: String,
    letter_date: String,
}

impl Typesetter {
    /// What Typst sees while it lays out a letter.
    pub(super) fn world_of(&self, letter: &LetterFields) -> Result<LetterWorld<'_>, Failure> {
        self.world_for(letter, true)
    }

    /// What Typst sees while it lays out a letter: on paper, or as text, with a line for each paragraph.
    pub(super) fn world_for(
        &self,
        letter: &LetterFields,
        on_paper: bool,
    ) -> Result<LetterWorld<'_>, Failure> {
        let code = QrSymbol::of(&letter.join_url).map_err(|_| LetterFault::LinkTooLong)?;
        let part = |language: &&'static LetterLanguage| Part {
            file: format!("/{}", words_file(self.design, language)),
            language: language.code,
            right_to_left: language.is_right_to_left(),
            line_gap: language.line_gap(),
            qr_code_alt: &language.labels().qr_code,
            fields: OwnFields {
                language: language.code,
                expires_on: language.date(letter.last_day),
                letter_date: language.date(letter.letter_date),
            },
        };
        let data = Data {
            points: letter.format.points(),
            has_address: self.design.has_address(),
            qr_code_side: code.side(),
            fields: Fields {
                name: &letter.name,
                first_name: &letter.first_name,
                last_name: &letter.last_name,
                address: &letter.address,
                invitation_code: &letter.invitation_code,
                access_code: &letter.access_code,
                join_address: &letter.join_address,
                format: letter.format.as_str(),
                on_paper,
            },
            parts: letter.languages.languages().iter().map(part).collect(),
        };
        let data = serde_json::to_vec(&data).map_err(|_| Failure::Data)?;
        Ok(self.world.for_letter(data, code.luma()))
    }
}
