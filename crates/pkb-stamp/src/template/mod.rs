//! A template page: what all letters share, where the values of one go, and which values can go there.
//!
//! A template is read from several PDFs ("probes") of the same page with different placeholder values. What is the same
//! in all of them is shared. What differs must be a slot: words that the placeholder is part of, or a picture. From the
//! probes is learned what cannot be seen in one PDF: where a line is held (at its start, middle or end), which features
//! its font has on, which words stand behind a value and move with it, how wide a value may be without anything else
//! moving, and which characters a value may have. Each line of each probe is set again by the stamp's own shaper and must
//! come out the same, glyph by glyph. Where anything is not understood, the page cannot be stamped, and the reason says why.
//!
//! A PDF that was read with no slots at all can be stamped, too: as it is. So a letter of the typesetter's can stand among
//! stamped ones.
//!
//! * `probe`: a PDF with placeholder values, taken apart; `dictionary`: dictionaries as they are written.
//! * `page`, `parts`: what pages, tags and bookmarks of all probes share.
//! * `trial`: whether Arabic values come out as they should.
//! * `content`: a page's content as marked-content sequences.
//! * `font_reader`, `page_resources`, `objects`: what the names in it stand for.
//! * `structure`: tags and bookmark.
//! * `field`: the places of values; `anchor`: where they are held; `words`: lines cut at their values; `alphabet`: which characters values may have.

mod alphabet;
pub(crate) mod anchor;
mod content;
mod dictionary;
pub(crate) mod field;
mod font_reader;
pub(crate) mod objects;
mod page;
mod page_resources;
mod parts;
mod probe;
mod shared;
mod structure;
mod trial;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use crate::fonts::Fonts;
use crate::fonts::common::CommonParts;
use crate::glyphs::Glyphs;
use crate::shaper::Shaper;
use alphabet::Alphabet;
use field::{Field, TextField};
use page::{Shared, page};
use parts::{bookmark, parts};
use probe::ParsedPage;
pub use probe::{Probe, ReadProbe};
use shared::first_line;
use structure::RawPart;
use words::{Word, Words};

/// Why a page cannot be stamped, in words that follow "because".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unstampable(String);

impl Unstampable {
    /// A reason, in words that follow "because".
    #[must_use]
    pub fn because(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// A part of an object that each letter has of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    Element(u32),
    Page(u32),
    Parent,
    Words(Words),
}

/// A part of an object that all letters share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SharedPart {
    Bytes(Vec<u8>),
    /// One of the template's shared objects.
    Object(u32),
    /// A font in which values are set.
    Font(usize),
}

/// A page of the template.
#[derive(Debug)]
pub(crate) struct PageTemplate {
    /// `/MediaBox[…]` and its like.
    pub boxes: Vec<u8>,
    pub resources: Vec<SharedPart>,
    /// What all letters have on it, deflated.
    pub content: Vec<u8>,
    /// What that is set in.
    pub glyphs: Glyphs,
    /// For each marked-content sequence its element.
    pub parents: Option<Vec<Option<u32>>>,
    pub fields: Vec<Field>,
    /// Places of the sequences that are fields.
    taken: BTreeSet<usize>,
}

impl PageTemplate {
    /// The line that the letter's own content begins with: what it is set with is set by the shared content.
    pub(crate) fn first_line(&self) -> Option<&TextField> {
        first_line(&self.fields)
    }
}

/// What is said of the document as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DocumentParts {
    /// The document information dictionary.
    pub info: Vec<u8>,
    /// The XMP packet.
    pub metadata: Vec<u8>,
    /// `/MarkInfo` and `/ViewerPreferences` of the catalog.
    pub catalog: Vec<u8>,
    /// Language tag.
    pub language: String,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A template that can be stamped. It is made once and used by all threads.
#[derive(Debug)]
pub struct Template {
    /// No other template of this process has it.
    pub(crate) id: u64,
    pub(crate) pages: Vec<PageTemplate>,
    pub(crate) elements: Vec<Vec<Part>>,
    pub(crate) roots: Vec<u32>,
    pub(crate) bookmark: Option<(Words, Vec<Part>)>,
    pub(crate) roles: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) objects: Vec<(Vec<SharedPart>, Option<Vec<u8>>)>,
    pub(crate) document: DocumentParts,
    /// Parts of its fonts that most letters can do with.
    pub(crate) parts: CommonParts,
    alphabets: BTreeMap<String, Alphabet>,
}

impl Template {
    /// Reads a template from probes; the first is the one whose shared parts are used. `late` are the slots whose values
    /// are not known when a letter is fitted, but when it is written. `like` is a template whose values may consist of
    /// the same characters: what its probes have shown need not be shown again.
    ///
    /// # Errors
    /// Why it cannot be stamped.
    pub fn read(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        like: Option<&Self>,
    ) -> Result<Arc<Self>, Unstampable> {
        let template = Self::of(probes, late, fonts, &BTreeSet::new())?;
        Ok(Arc::new(template.with_alphabets_of(like)))
    }

    /// As [`Self::read`], and values may have Arabic words, of letters that trials have shown ([`Self::try_arabic`]).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_for_arabic(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        like: Option<&Self>,
    ) -> Result<Self, Unstampable> {
        let arabic = fonts.faces().iter().enumerate();
        let arabic = arabic.filter_map(|(at, face)| face.is_arabic.then_some(at));
        let template = Self::of(probes, late, fonts, &arabic.collect())?;
        Ok(template.with_alphabets_of(like))
    }

    /// Takes in the characters of a trial: a probe with Arabic words as values, which this template must make just as it is.
    /// `base` is the first probe that the template was read from.
    ///
    /// # Errors
    /// It comes out differently, and values may have what they could have before.
    pub fn try_arabic(
        &mut self,
        base: &ReadProbe,
        trial: &ReadProbe,
        fonts: &Fonts,
    ) -> Result<(), Unstampable> {
        let before = self.alphabets.clone();
        for (slot, alphabet) in &mut self.alphabets {
            if let Some(value) = trial.texts.get(slot) {
                alphabet.add(value);
            }
        }
        let passed = trial::passes(self, base, trial, &mut Shaper::new(fonts));
        if passed.is_err() {
            self.alphabets = before;
        }
        passed
    }

    fn with_alphabets_of(mut self, like: Option<&Self>) -> Self {
        for (slot, alphabet) in &mut self.alphabets {
            if let Some(known) = like.and_then(|like| like.alphabet_like(slot)) {
                alphabet.add_all(&known);
            }
        }
        self
    }

    /// Reads a PDF of one letter that is to be stamped as it is.
    ///
    /// # Errors
    /// It has something that is not copied, such as a link.
    pub fn fixed(pdf: Vec<u8>, fonts: &Fonts) -> Result<Arc<Self>, Unstampable> {
        let probe = ReadProbe::of(Probe {
            pdf,
            ..Probe::default()
        })?;
        Self::read(&[&probe], &[], fonts, None)
    }

    /// How many pages a letter has.
    #[must_use]
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// What the values of a slot may consist of.
    pub(crate) fn alphabet(&self, slot: &str) -> Option<&Alphabet> {
        self.alphabets.get(slot)
    }

    /// The alphabet of a slot; of one in a list that is longer here (`address.7`), what all of the list have in common.
    fn alphabet_like(&self, slot: &str) -> Option<Alphabet> {
        if let Some(own) = self.alphabets.get(slot) {
            return Some(own.clone());
        }
        let (list, _) = slot.split_once('.')?;
        let mut members = self
            .alphabets
            .iter()
            .filter(|(name, _)| name.split_once('.').is_some_and(|(own, _)| own == list));
        let (_, first) = members.next()?;
        let mut common = first.clone();
        members.for_each(|(_, other)| common.keep_only(other));
        Some(common)
    }

    /// `more` are faces that values may be set in besides those of the probes.
    fn of(
        probes: &[&ReadProbe],
        late: &[&str],
        fonts: &Fonts,
        more: &BTreeSet<usize>,
    ) -> Result<Self, Unstampable> {
        let [base, others @ ..] = probes else {
            return Err(Unstampable::because(
                "a letter with placeholder values is missing",
            ));
        };
        for other in others {
            alike(base, other)?;
        }
        let reading = Reading {
            probes,
            late,
            fonts,
        };
        let (mut shaper, mut shared) = (Shaper::new(fonts), Shared::default());
        let mut pages = Vec::new();
        for at in 0..base.pages.len() {
            let alike = probes.iter().filter_map(|probe| probe.pages.get(at));
            let alike: Vec<&ParsedPage> = alike.collect();
            pages.push(page(&reading, &alike, more, &mut shaper, &mut shared)?);
        }
        let mut alphabets = BTreeMap::new();
        for field in pages.iter().flat_map(|page| &page.fields) {
            field.restrict(&mut alphabets);
        }
        let (elements, bookmark) = (elements(base, probes)?, bookmark(probes)?);
        if has_early_values(&elements, bookmark.as_ref(), late) {
            return Err(Unstampable::because(
                "a heading has a name, a code or another detail of the patient in it",
            ));
        }
        let as_u32 = |place: usize| u32::try_from(place).unwrap_or_default();
        for (page, parents) in pages.iter_mut().zip(&base.structure.parents) {
            page.parents = parents
                .as_ref()
                .map(|list| list.iter().map(|place| place.map(as_u32)).collect());
        }
        let roots = base.structure.roots.iter();
        Ok(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            parts: CommonParts::of(pages.iter().map(|page| &page.glyphs)),
            pages,
            elements,
            roots: roots.map(|place| as_u32(*place)).collect(),
            bookmark,
            roles: base.structure.roles.clone(),
            objects: shared.into_objects(),
            document: base.document.clone(),
            alphabets,
        })
    }
}

/// What a template is read from.
struct Reading<'a> {
    probes: &'a [&'a ReadProbe],
    /// Slots whose values are known late.
    late: &'a [&'a str],
    fonts: &'a Fonts,
}

/// What is said of its tags.
const TAGS: &str = "the structure of its PDF for screen readers";

/// Whether two probes have what must not depend on values.
fn alike(base: &ReadProbe, other: &ReadProbe) -> Result<(), Unstampable> {
    let (own, others) = (&base.structure, &other.structure);
    let of_base = &base.document;
    let is_same = [
        (
            "the number of its pages",
            base.pages.len() == other.pages.len(),
        ),
        (TAGS, own.roots == others.roots),
        (TAGS, own.parents == others.parents),
        (TAGS, own.roles == others.roles),
        (
            "the title or author of its PDF",
            of_base.info == other.document.info,
        ),
        (
            "the language of its PDF",
            of_base.language == other.document.language,
        ),
    ];
    match is_same.into_iter().find(|(_, is_same)| !is_same) {
        Some((what, _)) => Err(depends(what)),
        None => Ok(()),
    }
}

/// The tags of all probes.
fn elements(base: &ReadProbe, probes: &[&ReadProbe]) -> Result<Vec<Vec<Part>>, Unstampable> {
    let of_all = |at: usize| {
        let alike = (probes.iter()).map(|probe| probe.structure.elements.get(at));
        let alike: Option<Vec<&[RawPart]>> = alike.map(|own| own.map(Vec::as_slice)).collect();
        parts(probes, &alike.ok_or_else(|| depends(TAGS))?)
    };
    (0..base.structure.elements.len()).map(of_all).collect()
}

/// Whether a tag or the bookmark has a value that is known when a letter is fitted.
fn has_early_values(
    elements: &[Vec<Part>],
    bookmark: Option<&(Words, Vec<Part>)>,
    late: &[&str],
) -> bool {
    let in_tags = elements.iter().flatten().filter_map(|part| match part {
        Part::Words(words) => Some(words),
        _ => None,
    });
    let in_bookmark = bookmark.iter().map(|(title, _)| title);
    let is_early = |word: &Word| matches!(word, Word::Slot(slot) if !late.contains(&slot.as_str()));
    in_tags.chain(in_bookmark).flatten().any(is_early)
}

fn depends(what: &str) -> Unstampable {
    Unstampable::because(&format!("{what} depends on the patient's details"))
}
