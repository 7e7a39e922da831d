//! The template texts of the messages, and what stands in one patient's message.
//!
//! A text is what a person pastes into a template of GOV.UK Notify; its `((placeholders))` are
//! columns of the sheet. PKB advises two texts, so that no code and no link is split between two
//! messages. The built-in texts take one fragment each with usual names (see the tests).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pkb_core::Fatal;
use pkb_core::record::Design;
use pkb_core::text_message::{Placeholder, TextValues};
use pkb_files::{
    atomic_file::AtomicFile,
    trusted_file::{self, Purpose, Unread},
};
use pkb_values::gsm::{self, Encoding, MAX_CHARACTERS};
use thiserror::Error;

use super::args::SmsTemplate;

/// The built-in texts.
struct BuiltIn {
    /// First text: who writes and why, so that the second is not taken for fraud.
    first: &'static str,
    /// Both in one.
    one: &'static str,
}

/// Second text: codes and link, nothing beside them on their lines. The names of the codes are those of PKB's page.
const SECOND: &str = "Invite code: ((invitation code))\nAccess code: ((access code))\nUse by ((expiry))\n\
Join: ((link))\n";

const INVITATION: BuiltIn = BuiltIn {
    first: "Dear ((first name)), ((organisation)) invites you to see your hospital record on \
Patients Know Best. Your codes are in the next text.\n",
    one: "Dear ((first name)), ((organisation)) invites you to see your hospital record on \
Patients Know Best.\nInvite code: ((invitation code))\nAccess code: ((access code))\nUse by ((expiry))\n\
Join: ((link))\n",
};

const REMINDER: BuiltIn = BuiltIn {
    first: "Dear ((first name)), ((organisation)) wrote to you about Patients Know Best. You can still \
join. Your new codes are in the next text.\n",
    one: "Dear ((first name)), ((organisation)) wrote to you about Patients Know Best. You can still \
join.\nNew invite code: ((invitation code))\nNew access code: ((access code))\nUse by ((expiry))\n\
Join: ((link))\n",
};

/// Names of the texts in a folder.
const FILE_NAMES: [&str; 2] = ["sms-text-1.txt", "sms-text-2.txt"];

/// Words by which a text would ask for a date of birth, or tell it. PKB's page asks; a text that does
/// looks like fraud and teaches people to answer it.
const WORDS_OF_BIRTH: [&str; 8] = [
    "birth",
    "birthday",
    "birthdate",
    "born",
    "dob",
    "geni",
    "eni",
    "ganwyd",
];

/// Why a text cannot be used. Texts are the organisation's own: their words may be named.
#[derive(Debug, Error)]
pub enum TextError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", .path.display(), .source.kind())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody else could have changed the file.
    #[error("{0}")]
    Doubtful(Fatal),
    /// There is nothing in it.
    #[error(
        "{name} is empty. What to do: write the text message into it, or use --sms-template one or two"
    )]
    Empty {
        /// Which text.
        name: &'static str,
    },
    /// A placeholder has no end.
    #[error(
        "{name} has a placeholder that does not end. Write a placeholder like this: ((first name))"
    )]
    Unclosed {
        /// Which text.
        name: &'static str,
    },
    /// A placeholder is no column of the sheet.
    #[error(
        "{name} has the placeholder (({placeholder})), for which the spreadsheet has no column. Its columns are {}",
        list_of_placeholders()
    )]
    UnknownPlaceholder {
        /// Which text.
        name: &'static str,
        /// The placeholder as it stands there.
        placeholder: String,
    },
    /// It asks for a date of birth.
    #[error(
        "{name} has the word \"{word}\". A text message must not ask for a date of birth or tell one. What to do: delete \
         the word"
    )]
    AsksForBirth {
        /// Which text.
        name: &'static str,
        /// The word.
        word: String,
    },
    /// There is no text with both codes.
    #[error(
        "no text message tells the patient the codes. What to do: put ((link)), or both ((invitation code)) and ((access code)), into one text. \
         Both codes must be in the same text"
    )]
    NoCodes,
    /// It is longer than Notify takes.
    #[error(
        "{name} has {characters} characters with an ordinary name, and Notify takes {MAX_CHARACTERS}"
    )]
    TooLong {
        /// Which text.
        name: &'static str,
        /// How long it is.
        characters: usize,
    },
}

/// All placeholders, for a message.
fn list_of_placeholders() -> String {
    Placeholder::ALL
        .map(|one| format!("(({}))", one.name()))
        .join(", ")
}

/// A template text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Value(Placeholder),
}

/// The texts that each patient gets, one or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts(Vec<Text>);

impl Texts {
    /// The texts that were asked for, for letters of a design.
    ///
    /// # Errors
    /// The organisation's own cannot be used.
    pub fn open(template: &SmsTemplate, design: Design) -> Result<Self, TextError> {
        let built_in = match design {
            Design::Reminder => REMINDER,
            _ => INVITATION,
        };
        match template {
            SmsTemplate::Two => Self::parse(&[built_in.first, SECOND]),
            SmsTemplate::One => Self::parse(&[built_in.one]),
            SmsTemplate::Folder(folder) => {
                let mut sources = Vec::new();
                for name in FILE_NAMES {
                    let path = folder.join(name);
                    match trusted_file::read_to_string(&path, Purpose::WORDS) {
                        Ok(text) => sources.push(text),
                        // One text is enough.
                        Err(Unread::Io(error))
                            if error.kind() == io::ErrorKind::NotFound && !sources.is_empty() => {}
                        Err(Unread::Io(source)) => return Err(TextError::Read { path, source }),
                        Err(Unread::Doubtful(fatal)) => return Err(TextError::Doubtful(fatal)),
                    }
                }
                let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
                Self::parse(&sources)
            }
        }
    }

    /// Reads one or two texts.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn parse(sources: &[&str]) -> Result<Self, TextError> {
        let texts = sources
            .iter()
            .zip(FILE_NAMES)
            .map(|(source, name)| Text::parse(source, name))
            .collect::<Result<Vec<_>, _>>()?;
        let has_codes = |text: &Text| Placeholder::tell_the_codes(&text.placeholders());
        if texts.iter().any(has_codes) {
            Ok(Self(texts))
        } else {
            Err(TextError::NoCodes)
        }
    }

    /// Without the letters that make a message UCS-2.
    #[must_use]
    pub fn folded(mut self) -> Self {
        for part in self.0.iter_mut().flat_map(|text| &mut text.parts) {
            if let Part::Words(words) = part {
                *words = gsm::folded(words);
            }
        }
        self
    }

    /// The messages to a patient as they were written, without the name of the service.
    pub fn messages(&self, values: &TextValues) -> impl Iterator<Item = String> {
        self.0.iter().map(|text| text.render(values))
    }

    /// Whether the words themselves make messages UCS-2, whatever the patient's name is.
    pub fn are_ucs2(&self) -> bool {
        let parts = self.0.iter().flat_map(|text| &text.parts);
        parts.into_iter().any(|part| match part {
            Part::Words(words) => Encoding::of(words) == Encoding::Ucs2,
            Part::Value(_) => false,
        })
    }

    /// Writes the texts into `folder`, to be pasted into Notify; a second one of an earlier run goes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Fatal> {
        for (at, name) in FILE_NAMES.into_iter().enumerate() {
            let path = folder.join(name);
            match self.0.get(at) {
                Some(text) => AtomicFile::write(&path, text.source().as_bytes())?,
                None => match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(Fatal::cannot_write(&path, error));
                    }
                    _ => {}
                },
            }
        }
        Ok(())
    }
}

impl Text {
    fn parse(source: &str, name: &'static str) -> Result<Self, TextError> {
        let source = tidy(source);
        if source.is_empty() {
            return Err(TextError::Empty { name });
        }
        let mut parts = Vec::new();
        let mut rest = source.as_str();
        while let Some((words, behind)) = rest.split_once("((") {
            let (placeholder, behind) = behind
                .split_once("))")
                .ok_or(TextError::Unclosed { name })?;
            let value =
                Placeholder::named(placeholder).ok_or_else(|| TextError::UnknownPlaceholder {
                    name,
                    placeholder: placeholder.to_owned(),
                })?;
            parts.extend([Part::Words(words.to_owned()), Part::Value(value)]);
            rest = behind;
        }
        parts.push(Part::Words(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Words(words) if words.is_empty()));
        let text = Self { parts };
        if let Some(word) = text.word_of_birth() {
            return Err(TextError::AsksForBirth { name, word });
        }
        let characters = gsm::as_sent(&text.render(&TextValues::ordinary()))
            .chars()
            .count();
        if characters > MAX_CHARACTERS {
            return Err(TextError::TooLong { name, characters });
        }
        Ok(text)
    }

    fn word_of_birth(&self) -> Option<String> {
        let words = self.parts.iter().filter_map(|part| match part {
            Part::Words(words) => Some(words.to_lowercase().replace('.', "")),
            Part::Value(_) => None,
        });
        words
            .flat_map(|words| {
                words
                    .split(|c: char| !c.is_alphanumeric())
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .find(|word| WORDS_OF_BIRTH.contains(&word.as_str()))
    }

    fn placeholders(&self) -> Vec<Placeholder> {
        let parts = self.parts.iter().filter_map(|part| match part {
            Part::Value(placeholder) => Some(*placeholder),
            Part::Words(_) => None,
        });
        parts.collect()
    }

    fn render(&self, values: &TextValues) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Words(words) => words.as_str(),
            Part::Value(placeholder) => values.expose(*placeholder),
        });
        tidy(&parts.collect::<String>())
    }

    fn source(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Words(words) => words.clone(),
            Part::Value(placeholder) => format!("(({}))", placeholder.name()),
        });
        let mut source: String = parts.collect();
        source.push('\n');
        source
    }
}

/// White space as Notify leaves it: none at the ends of lines, one space within, one empty line at most.
fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').trim().lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_second_empty = line.is_empty() && lines.last().is_some_and(String::is_empty);
        if !is_second_empty {
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
