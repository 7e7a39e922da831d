//! What notes, alerts and other free texts say of a patient, and what they say of others: "mother died 2019".

use std::collections::HashSet;

use serde::Deserialize;

use super::{
    marks::{Marks, Meaning, Scope},
    parts::{CellPart, parts},
};

/// What a note says of the patient.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoteSays {
    /// It has a word of death.
    pub death: bool,
    /// It has a "no" or "not" that belongs to no mark: "not known to have died".
    pub is_denied: bool,
    /// It says that the patient must not be written to.
    pub no_contact: bool,
}

/// `[notes]` in the file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotesPart {
    #[serde(default)]
    harmless: Vec<String>,
    #[serde(default)]
    relatives: Vec<String>,
}

/// Words that make a word of death one about somebody or something else.
#[derive(Debug, Default)]
pub(super) struct Notes {
    harmless: Vec<Vec<String>>,
    relatives: HashSet<String>,
}

/// Words between a relative and a word of death.
const BETWEEN: [&str; 9] = [
    "has", "had", "is", "was", "are", "recently", "just", "sadly", "both",
];
/// Words in front of a relative.
const WHOSE: [&str; 9] = [
    "her", "his", "their", "pts", "patients", "the", "my", "a", "late",
];

impl Notes {
    pub(super) fn add(&mut self, part: &NotesPart) {
        let words = |text: &String| parts(text).into_iter().map(|part| part.word).collect();
        self.harmless.extend(part.harmless.iter().map(words));
        let relatives = part.relatives.iter().map(|word| word.to_lowercase());
        self.relatives.extend(relatives);
    }

    /// What a note says: its marks, but for those about somebody else.
    pub(super) fn say(&self, text: &str, marks: &Marks) -> NoteSays {
        let mut says = NoteSays {
            death: begins_with_date_of_death(text),
            ..NoteSays::default()
        };
        if !marks.may_be_in_note(text) {
            return says;
        }
        let parts = parts(text);
        let mut is_marked = vec![false; parts.len()];
        for at in 0..parts.len() {
            for mark in marks.at(&parts, at, Scope::Note) {
                is_marked[at..at + mark.words.len()].fill(true);
                match mark.meaning {
                    Meaning::Deceased if self.is_of_others(&parts, at, mark.words.len()) => {}
                    Meaning::Deceased => says.death = true,
                    Meaning::DoNotContact => says.no_contact = true,
                    _ => {}
                }
            }
        }
        let is_denial = |(part, is_marked): (&CellPart, &bool)| {
            !is_marked && matches!(part.word.as_str(), "no" | "not" | "non" | "isnt" | "never")
        };
        says.is_denied = parts.iter().zip(&is_marked).any(is_denial);
        says
    }

    /// Whether `count` words at this place are about somebody or something else. In doubt they are about the patient: "wife says he
    /// died", "told by husband died 3/3".
    fn is_of_others(&self, parts: &[CellPart], at: usize, count: usize) -> bool {
        self.is_harmless(parts, at, count)
            || self.is_behind_a_relative(parts, at)
            || self.is_of_a_relative(parts, at + count)
    }

    /// "near death".
    fn is_harmless(&self, parts: &[CellPart], at: usize, count: usize) -> bool {
        self.harmless.iter().any(|phrase| {
            let earliest = (at + count).saturating_sub(phrase.len());
            (earliest..=at).any(|start| {
                let found = parts.get(start..start + phrase.len());
                found.is_some_and(|found| found.iter().map(|part| &part.word).eq(phrase))
            })
        })
    }

    /// "her mother has died", from the beginning of a clause.
    fn is_behind_a_relative(&self, parts: &[CellPart], mut at: usize) -> bool {
        while let Some(before) = at.checked_sub(1).filter(|_| !parts[at].begins_clause) {
            let part = &parts[before];
            if self.relatives.contains(&part.word) {
                return begins_clause(parts, before);
            }
            if !BETWEEN.contains(&part.word.as_str()) {
                return false;
            }
            at = before;
        }
        false
    }

    /// "death of her mother".
    fn is_of_a_relative(&self, parts: &[CellPart], behind: usize) -> bool {
        let words = parts.get(behind..).unwrap_or_default();
        let words: Vec<&str> = words.iter().map(|part| part.word.as_str()).collect();
        match words.as_slice() {
            ["of", whose, relative, ..] if WHOSE.contains(whose) => {
                self.relatives.contains(*relative)
            }
            ["of", relative, ..] => self.relatives.contains(*relative),
            _ => false,
        }
    }
}

/// Whether a clause begins with the word at this place, or with "her", "his late" and the like in front of it.
fn begins_clause(parts: &[CellPart], at: usize) -> bool {
    let mut words = parts[..=at].iter().rev();
    let is_first = |part: &CellPart| part.begins_clause;
    words.next().is_some_and(is_first)
        || words
            .take_while(|part| WHOSE.contains(&part.word.as_str()))
            .any(is_first)
}

/// "d. 12/3/2021".
fn begins_with_date_of_death(text: &str) -> bool {
    let text = text.trim_start();
    let Some(rest) = text.strip_prefix("d.").or_else(|| text.strip_prefix("D.")) else {
        return false;
    };
    let mut digits = rest.trim_start().chars();
    digits.next().is_some_and(|c| c.is_ascii_digit())
        && digits.filter(char::is_ascii_digit).count() >= 3
}
