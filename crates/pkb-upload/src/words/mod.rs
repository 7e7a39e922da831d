//! Words in cells that are not part of a name or an address: for nothing, of death, "do not use", titles. They are data
//! (`data/words.toml`), which an organisation extends (`--words`).

mod fillers;
mod first_words;
mod how;
mod marks;
mod name_signs;
mod notes;
mod parts;
#[cfg(test)]
mod tests;

use std::path::Path;

use pkb_core::Fatal;
use pkb_files::trusted_file::{self, Purpose};
use serde::Deserialize;

use crate::toml_file;

pub use fillers::{Filler, Fillers, NameOrFiller};
pub use marks::{Meaning, Meanings, Scope};
pub use name_signs::NameSigns;
pub use notes::NoteSays;

use marks::Marks;
use notes::{Notes, NotesPart};

/// The words that come with the program.
const BUILT_IN: &str = include_str!("../../data/words.toml");

/// All words, ready to be looked for in each cell of a file.
#[derive(Debug)]
pub struct Words {
    /// Words for nothing.
    pub fillers: Fillers,
    marks: Marks,
    notes: Notes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    #[serde(default)]
    titles: Vec<String>,
    #[serde(default)]
    names: NamesPart,
    #[serde(default)]
    notes: NotesPart,
    #[serde(default)]
    fillers: FillersPart,
    #[serde(default)]
    marks: Vec<MarksPart>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamesPart {
    #[serde(default)]
    real: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FillersPart {
    #[serde(default)]
    by_programs: Vec<String>,
    #[serde(default)]
    by_people: Vec<String>,
    #[serde(default)]
    also_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarksPart {
    means: marks::Means,
    #[serde(default, rename = "in")]
    place: marks::Places,
    #[serde(default)]
    how: how::How,
    words: Vec<String>,
}

impl Words {
    /// The words that come with the program, and those of the organisation's own file.
    ///
    /// # Errors
    /// The file cannot be read, or is not understood; the message names the line.
    pub fn read(path: Option<&Path>) -> Result<Self, Fatal> {
        let built_in = toml_file::parse(BUILT_IN)
            .map_err(|words| Fatal::Bug(format!("words.toml: {words}")))?;
        let own = path.map(|path| {
            let text = trusted_file::read_to_string(path, Purpose::RULES)
                .map_err(|unread| unread.or(|source| Fatal::cannot_read(path, source)))?;
            toml_file::parse(&text)
                .map_err(|words| Fatal::Usage(format!("{}: {words}", path.display())))
        });
        Ok(Self::of([Some(built_in), own.transpose()?]))
    }

    fn of(files: [Option<WordsFile>; 2]) -> Self {
        let mut fillers = Fillers::default();
        let mut marks = Marks::default();
        let mut notes = Notes::default();
        let mut real = Vec::new();
        for file in files.into_iter().flatten() {
            let FillersPart {
                by_programs,
                by_people,
                also_names,
            } = file.fillers;
            fillers.add(&by_programs, Filler::OfPrograms);
            fillers.add(&by_people, Filler::OfPeople);
            fillers.also_names(&also_names);
            notes.add(&file.notes);
            marks.add_titles(&file.titles);
            for part in file.marks {
                marks.add(part.means, part.place, part.how, &part.words);
            }
            real.extend(file.names.real);
        }
        fillers.real_names(&real);
        marks.real_names(&real);
        marks.settle();
        Self {
            fillers,
            marks,
            notes,
        }
    }

    /// What the words of a cell say.
    pub fn meanings(&self, text: &str, scope: Scope) -> Meanings {
        self.marks.meanings(text, scope)
    }

    /// What a text of any kind says of the patient.
    pub fn of_note(&self, text: &str) -> NoteSays {
        self.notes.say(text, &self.marks)
    }

    /// A first name without a title that is also in front of it, in its own column or once more in the same cell:
    /// `Mr John` for Mr, `Mr Mr John`. `None` if nothing is twice.
    pub fn without_repeated_title<'a>(
        &self,
        first_name: &'a str,
        title: Option<&str>,
    ) -> Option<&'a str> {
        let mut rest = first_name;
        while let Some((word, behind)) = rest.split_once(' ') {
            let next = behind.split(' ').next().unwrap_or_default();
            let is_repeated = self.marks.is_title(word)
                && (title.is_some_and(|title| parts::same_word(title, word))
                    || parts::same_word(next, word));
            if !is_repeated || behind.is_empty() {
                break;
            }
            rest = behind;
        }
        (rest.len() < first_name.len()).then_some(rest)
    }
}
