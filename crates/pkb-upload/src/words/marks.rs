//! Words that say something about the patient or the record, in names and addresses.
//!
//! Each cell is gone through once: its words are hashed, and a table of bits tells whether a hash is that of the first
//! word of any mark. Nearly no cell is looked at any closer.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::first_words::{FirstWords, hash};

/// What a mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Meaning {
    /// The patient has died.
    Deceased,
    /// Another record is the patient's.
    DoNotUse,
    /// The patient is not to be written to.
    DoNotContact,
    /// Nobody can be reached at the address.
    NoAbode,
    /// The address is a prison, or the patient is in one.
    Prison,
    /// A newborn child without a name yet.
    Newborn,
    /// A test patient, perhaps.
    Test,
    /// A word that is no part of a name.
    NotOfAName,
    /// A title beside a name.
    TitleInName,
    /// A title, and no name.
    TitleForName,
}

impl Meaning {
    /// All of them, the gravest first.
    pub const ALL: [Self; 10] = [
        Self::Deceased,
        Self::DoNotUse,
        Self::DoNotContact,
        Self::NoAbode,
        Self::Prison,
        Self::Newborn,
        Self::Test,
        Self::NotOfAName,
        Self::TitleInName,
        Self::TitleForName,
    ];
}

/// What the words of a cell say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meanings(u16);

impl Meanings {
    fn add(&mut self, meaning: Meaning) {
        self.0 |= 1 << meaning as u8;
    }

    /// Whether they say nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether they say this.
    pub fn has(self, meaning: Meaning) -> bool {
        self.0 & (1 << meaning as u8) != 0
    }

    /// All that they say, the gravest first.
    pub fn each(self) -> impl Iterator<Item = Meaning> {
        Meaning::ALL.into_iter().filter(move |it| self.has(*it))
    }
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A first or last name.
    Name,
    /// A title.
    Title,
    /// A line of an address, or anything else.
    Address,
    /// Text of any kind: notes, alerts, a status.
    Note,
}

impl Scope {
    fn is_of_a_name(self) -> bool {
        matches!(self, Self::Name | Self::Title)
    }
}

/// `means` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Means {
    Deceased,
    DoNotUse,
    DoNotContact,
    NoAbode,
    Prison,
    Newborn,
    Test,
    NotOfAName,
    Nothing,
}

impl Means {
    fn meaning(self) -> Option<Meaning> {
        Some(match self {
            Self::Deceased => Meaning::Deceased,
            Self::DoNotUse => Meaning::DoNotUse,
            Self::DoNotContact => Meaning::DoNotContact,
            Self::NoAbode => Meaning::NoAbode,
            Self::Prison => Meaning::Prison,
            Self::Newborn => Meaning::Newborn,
            Self::Test => Meaning::Test,
            Self::NotOfAName => Meaning::NotOfAName,
            Self::Nothing => return None,
        })
    }
}

/// `in` in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Places {
    #[default]
    Both,
    Names,
    Addresses,
    Notes,
}

impl Places {
    fn has(self, scope: Scope, how: How) -> bool {
        match (self, scope) {
            // In a note, brackets and dashes mark nothing.
            (Self::Both, Scope::Note) => matches!(how, How::Anywhere | How::Alone),
            (Self::Both, _) => true,
            (Self::Names, _) => matches!(scope, Scope::Name | Scope::Title),
            (Self::Addresses, _) => scope == Scope::Address,
            (Self::Notes, _) => scope == Scope::Note,
        }
    }
}

/// `how` in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    #[default]
    Anywhere,
    Beside,
    Capitals,
    Marked,
    Alone,
    Last,
    Glued,
}

#[derive(Debug)]
pub(super) struct Mark {
    pub(super) words: Vec<String>,
    pub(super) meaning: Meaning,
    places: Places,
    how: How,
}

/// All marks, by their first words.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    titles: HashSet<String>,
    real_names: HashSet<String>,
    by_first_word: HashMap<String, Vec<usize>>,
    glued: Vec<(Vec<u8>, Meaning)>,
    /// Bits of the hashes of first words, and of titles.
    first_words: FirstWords,
    titles_too: FirstWords,
}

impl Marks {
    pub(super) fn add(&mut self, means: Means, places: Places, how: How, words: &[String]) {
        for text in words {
            let words: Vec<String> = parts(text).into_iter().map(|part| part.word).collect();
            match means.meaning() {
                // Later files have the last word.
                _ if words.is_empty() => {}
                None => self.marks.retain(|mark| mark.words != words),
                Some(meaning) => self.marks.push(Mark {
                    words,
                    meaning,
                    places,
                    how,
                }),
            }
        }
    }

    pub(super) fn add_titles(&mut self, titles: &[String]) {
        self.titles
            .extend(titles.iter().map(|title| folded_word(title)));
    }

    pub(super) fn real_names(&mut self, names: &[String]) {
        self.real_names
            .extend(names.iter().map(|name| name.trim().to_lowercase()));
    }

    /// To be called when all marks are there.
    pub(super) fn settle(&mut self) {
        for (at, mark) in self.marks.iter().enumerate() {
            let Some(first) = mark.words.first() else {
                continue;
            };
            if mark.how == How::Glued {
                self.glued.push((first.clone().into_bytes(), mark.meaning));
                continue;
            }
            self.first_words.set(hash(first));
            self.titles_too.set(hash(first));
            self.by_first_word
                .entry(first.clone())
                .or_default()
                .push(at);
        }
        for title in &self.titles {
            self.titles_too.set(hash(title));
        }
    }

    pub(super) fn is_title(&self, word: &str) -> bool {
        self.titles.contains(&folded_word(word))
    }

    /// Whether any of its words may be the first of a mark.
    pub(super) fn may_have(&self, text: &str) -> bool {
        self.first_words.may_have(text)
    }

    /// The marks of which the first word is at this place.
    pub(super) fn at<'a>(
        &'a self,
        parts: &'a [Part],
        at: usize,
        scope: Scope,
    ) -> impl Iterator<Item = &'a Mark> {
        let marks = parts
            .get(at)
            .and_then(|part| self.by_first_word.get(&part.word));
        let marks = marks
            .into_iter()
            .flatten()
            .filter_map(|mark| self.marks.get(*mark));
        marks.filter(move |mark| {
            let found = parts.get(at..at + mark.words.len());
            let is_found = found.is_some_and(|found| {
                found.iter().map(|part| &part.word).eq(&mark.words)
                    && mark.how.fits(found, at, parts.len())
            });
            is_found && mark.places.has(scope, mark.how)
        })
    }

    pub(super) fn meanings(&self, text: &str, scope: Scope) -> Meanings {
        let bits = match scope {
            Scope::Name => &self.titles_too,
            _ => &self.first_words,
        };
        let may_be_glued = scope.is_of_a_name() && self.is_glued(text);
        if !may_be_glued && !bits.may_have(text) {
            return Meanings::default();
        }
        if !self.real_names.is_empty() && self.real_names.contains(&text.trim().to_lowercase()) {
            return Meanings::default();
        }
        self.look(&parts(text), scope)
    }

    fn is_glued(&self, text: &str) -> bool {
        let first = text.trim_start().as_bytes();
        self.glued.iter().any(|(letters, _)| {
            first
                .get(..letters.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(letters))
        })
    }

    fn look(&self, parts: &[Part], scope: Scope) -> Meanings {
        let mut meanings = Meanings::default();
        for (at, part) in parts.iter().enumerate() {
            for mark in self.at(parts, at, scope) {
                meanings.add(mark.meaning);
            }
            if scope == Scope::Name && self.titles.contains(&part.word) {
                meanings.add(if parts.len() == 1 {
                    Meaning::TitleForName
                } else {
                    Meaning::TitleInName
                });
            }
        }
        if let Some(first) = parts.first().filter(|_| scope.is_of_a_name()) {
            for (letters, meaning) in &self.glued {
                let word = first.word.as_bytes();
                if word.starts_with(letters) && word.len() > letters.len() {
                    meanings.add(*meaning);
                }
            }
        }
        meanings
    }
}

impl How {
    /// `found` begins at place `at` of `all` words.
    fn fits(self, found: &[Part], at: usize, all: usize) -> bool {
        let is_alone = found.len() == all;
        match self {
            Self::Anywhere => true,
            Self::Beside => !is_alone,
            Self::Capitals => {
                (!is_alone && found.iter().all(|part| part.is_capitals))
                    || found.iter().all(|part| part.is_marked)
            }
            Self::Marked => found.iter().all(|part| part.is_marked),
            Self::Alone => is_alone,
            Self::Last => !is_alone && at + found.len() == all,
            // Not by whole words.
            Self::Glued => false,
        }
    }
}

/// A word of a cell.
pub(super) struct Part {
    /// In lower case, without apostrophes and full stops.
    pub(super) word: String,
    /// The first of the text, or behind punctuation.
    pub(super) begins_clause: bool,
    is_capitals: bool,
    /// In brackets, between stars, or behind " - ".
    is_marked: bool,
}

/// Signs that are words by themselves.
pub(super) fn is_sign_of_death(c: char) -> bool {
    matches!(c, '†' | '✝' | '✞' | '☠')
}

/// What is left out of words: apostrophes, full stops, and what nobody sees.
pub(super) fn is_left_out(c: char) -> bool {
    matches!(
        c,
        '\'' | '.' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{ad}' | '\u{200b}'
            ..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut depth, mut is_starred, mut is_behind_dash) = (0_u32, false, false);
    let (mut before, mut in_word, mut begins_clause) = (' ', false, true);
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || is_sign_of_death(c);
        if is_word && (!in_word || is_sign_of_death(c)) {
            parts.push(Part {
                word: String::new(),
                begins_clause,
                is_capitals: true,
                is_marked: depth > 0 || is_starred || is_behind_dash,
            });
        }
        if is_word {
            if let Some(part) = parts.last_mut() {
                part.word.extend(c.to_lowercase());
                part.is_capitals &= !c.is_lowercase();
            }
            in_word = !is_sign_of_death(c);
            begins_clause = false;
        } else if !is_left_out(c) {
            in_word = false;
            match c {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
                '*' | '#' | '~' if c != before => is_starred = !is_starred,
                '-' | '\u{2013}' | '\u{2014}' if before == ' ' => is_behind_dash = true,
                _ => {}
            }
        }
        begins_clause |= !is_word && !c.is_whitespace() && !matches!(c, '\'' | '\u{2019}');
        before = c;
    }
    parts
}

/// A word as the words of cells are compared.
fn folded_word(text: &str) -> String {
    parts(text).into_iter().map(|part| part.word).collect()
}

/// Whether two words differ in nothing but case and full stops.
pub(super) fn same_word(one: &str, other: &str) -> bool {
    let folded = folded_word(one);
    !folded.is_empty() && folded == folded_word(other)
}
