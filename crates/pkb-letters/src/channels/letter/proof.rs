//! `--proof`: a few letters of the campaign to look at before all are printed: real names and addresses, false codes, and
//! PROOF across each page.

use std::{collections::BTreeMap, io::Read, path::Path};

use pkb_cli::app;
use pkb_core::{ExitCode, Fatal, Verdict, figures::grouped, rehearsal::FILE_PREFIX, rows::counted};
use pkb_files::atomic_file::AtomicFile;

use super::rules::LetterRules;
use pkb_core::spool;
use pkb_typeset::{letter_fields::LetterFields, typesetter::Typesetter};

/// Codes that no patient has: too plain to be taken for real ones.
const FALSE_CODES: [&str; 2] = ["ProofOnly0", "NotACode01"];
/// Name of the file.
const FILE_NAME: &str = "proof.pdf";

/// A letter and why it was chosen.
struct Chosen {
    row: u64,
    why: String,
    letter: LetterFields,
}

/// What is chosen while the stream goes by.
#[derive(Default)]
struct Choice {
    first: Vec<Chosen>,
    longest_name: Option<Chosen>,
    longest_address: Option<Chosen>,
    kinds: BTreeMap<String, Chosen>,
    letters: u64,
    stopped: u64,
}

impl Choice {
    fn consider(&mut self, row: u64, letter: LetterFields, wanted: usize) {
        self.letters += 1;
        let chosen = |why: &str| Chosen {
            row,
            why: why.to_owned(),
            letter: letter.clone(),
        };
        let name_length = |letter: &LetterFields| letter.name.chars().count();
        let address_size = |letter: &LetterFields| {
            let characters: usize = letter.address.iter().map(|line| line.chars().count()).sum();
            (letter.address.len(), characters)
        };
        if self.first.len() < wanted {
            let why = if self.first.is_empty() {
                "the first"
            } else {
                "one of the first"
            };
            self.first.push(chosen(why));
        }
        let is_longest = |old: &Option<Chosen>, longer: &dyn Fn(&LetterFields) -> bool| {
            old.as_ref().is_none_or(|old| longer(&old.letter))
        };
        if is_longest(&self.longest_name, &|old| {
            name_length(&letter) > name_length(old)
        }) {
            self.longest_name = Some(chosen("the longest name"));
        }
        if is_longest(&self.longest_address, &|old| {
            address_size(&letter) > address_size(old)
        }) {
            self.longest_address = Some(chosen("the longest address"));
        }
        let kind = format!(
            "{}, {} print",
            letter.languages.as_str(),
            letter.format.as_str()
        );
        self.kinds
            .entry(kind.clone())
            .or_insert_with(|| chosen(&kind));
    }

    /// Each row once, with all that it was chosen for.
    fn list(self, wanted: usize) -> Vec<Chosen> {
        let mut first = self.first.into_iter();
        let mut list: Vec<Chosen> = first.by_ref().take(1).collect();
        let notable = self
            .longest_name
            .into_iter()
            .chain(self.longest_address)
            .chain(self.kinds.into_values());
        for chosen in notable {
            match list.iter_mut().find(|other| other.row == chosen.row) {
                Some(other) => other.why = format!("{}; {}", other.why, chosen.why),
                None => list.push(chosen),
            }
        }
        for chosen in first {
            if list.len() < wanted && list.iter().all(|other| other.row != chosen.row) {
                list.push(chosen);
            }
        }
        list
    }
}

/// Writes the proof into `folder`.
///
/// # Errors
/// The stream cannot be read, nobody in it gets a letter, or the file cannot be written.
pub fn write(
    folder: &Path,
    input: Box<dyn Read + Send>,
    wanted: u32,
    rules: &LetterRules,
    typesetter: Typesetter,
) -> Result<ExitCode, Fatal> {
    let wanted = wanted as usize;
    let mut choice = Choice::default();
    spool::read_all(input, |record, _| {
        let (Some(patient), None) = (&record.patient, &record.outcome) else {
            return Ok(());
        };
        let codes = record.invitation.as_ref();
        if codes.is_some() != rules.design.has_codes() {
            return Ok(());
        }
        if super::super::format::is_needed_by(patient) {
            return Ok(());
        }
        match rules.letter(patient, codes) {
            Ok(letter) if codes.is_none() => {
                choice.consider(record.row.number, letter, wanted);
            }
            Ok(mut letter) => {
                let [invitation, access] = FALSE_CODES;
                letter.join_url = letter
                    .join_url
                    .replace(&letter.invitation_code, invitation)
                    .replace(&letter.access_code, access);
                letter.invitation_code = invitation.to_owned();
                letter.access_code = access.to_owned();
                choice.consider(record.row.number, letter, wanted);
            }
            Err(_) => choice.stopped += 1,
        }
        Ok(())
    })?;
    let (letters, stopped) = (choice.letters, choice.stopped);
    let list = choice.list(wanted);
    if list.is_empty() {
        return Err(Fatal::Input(
            "no record of this stream gets a letter, so there is nothing to look at".into(),
        ));
    }
    let typesetter = typesetter.for_proofs();
    let fields: Vec<LetterFields> = list.iter().map(|chosen| chosen.letter.clone()).collect();
    let laid_out = typesetter.lay_out(&fields)?;
    let mut good = Vec::new();
    let mut text = String::new();
    let mut page = 1;
    for (chosen, letter) in list.iter().zip(laid_out) {
        match letter {
            Ok(letter) => {
                text.push_str(&format!(
                    "  sheet {page}: row {} ({})\n",
                    chosen.row, chosen.why
                ));
                page += letter.page_count();
                good.push(letter);
            }
            Err(fault) => {
                let verdict = Verdict::from(fault);
                text.push_str(&format!(
                    "  row {} ({}) gets no letter: {}: {}\n",
                    chosen.row,
                    chosen.why,
                    verdict.reason.as_str(),
                    verdict.detail.unwrap_or_default()
                ));
            }
        }
    }
    let rehearsal = match typesetter.is_rehearsal() {
        true => FILE_PREFIX,
        false => "",
    };
    let path = folder.join(format!("{rehearsal}{FILE_NAME}"));
    let heading = heading(&path, good.len() as u64, letters, stopped);
    if !good.is_empty() {
        let typeset = typesetter.bind(good, 1)?;
        AtomicFile::write(&path, &typeset.pdf)?;
    }
    app::print(&format!(
        "{heading}. What each letter was chosen for:\n{text}"
    ))?;
    Ok(ExitCode::Done)
}

/// What is in the file, of how many letters, and how many patients get none.
fn heading(path: &Path, shown: u64, letters: u64, stopped: u64) -> String {
    let what = match shown {
        0 => "no letter could be laid out, so no file was written".to_owned(),
        shown => format!(
            "{}: {} to look at, with false codes, chosen from {}",
            path.display(),
            counted(shown, "letter", "letters"),
            grouped(letters)
        ),
    };
    let without = match stopped {
        0 => String::new(),
        stopped => format!(
            ". {}",
            counted(
                stopped,
                "patient gets no letter, and is not in the file",
                "patients get no letter, and are not in the file",
            )
        ),
    };
    what + &without
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkb_values::LetterFormat;

    #[test]
    fn the_first_the_longest_and_one_of_each_kind_are_chosen_once() {
        let mut choice = Choice::default();
        for row in 2..100 {
            let mut letter = LetterFields::sample();
            match row {
                40 => letter.name = "A very long name".repeat(3),
                50 => letter.address.push("x".into()),
                60 => letter.languages = "cy".parse().unwrap(),
                70 => letter.format = LetterFormat::Large,
                _ => {}
            }
            choice.consider(row, letter, 7);
        }
        let list = choice.list(7);
        let rows: Vec<u64> = list.iter().map(|chosen| chosen.row).collect();
        assert_eq!(rows, [2, 40, 50, 60, 70, 3, 4]);
        assert!(list[0].why.starts_with("the first"));
    }
}
