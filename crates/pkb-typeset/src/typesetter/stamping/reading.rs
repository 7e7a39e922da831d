//! Reads the page of a variant from PDFs with placeholder values, and tries what it can hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use pkb_stamp::{Fonts, Probe, ReadProbe, Template, Unstampable};
use typst_layout::PagedDocument;

use super::placeholders::{
    ARABIC, CHARACTERS, MONTHS_SHOWN, arabic, shortest, showing, typical, widest,
};
use super::variants::{Read, Variant};
use super::{LATE, Stamping, dates};
use crate::letter_fields::LetterFields;
use crate::template::marks::OmrLine;
use crate::typesetter::export::joined;
use crate::typesetter::layout::TypesetLetter;
use crate::typesetter::qr::QrSymbol;
use crate::typesetter::{TypesetError, Typesetter};

/// How many characters the widest probe has: as many as leave everything else where it is.
const WIDTHS: [usize; 15] = [12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 62, 70, 80];

/// Of these widths, the one that most pages have: it is tried first, with the next.
const USUAL_WIDTH: usize = 9;

/// For so many probes Typst remembers what it did not use since: they have little in common, and take as much memory as
/// letters.
const PROBES_REMEMBERED: usize = 3;

/// Numbers of the typical probe, and of those that are compared with it: of the letter, and of the last in its file.
const TYPICAL: (u64, u64) = (1_234_567_890, 9_876_543_210);
const SHORTEST: (u64, u64) = (1, 20);
const WIDEST: (u64, u64) = (8_888_888_888, 8_888_888_888);
const SHOWING: (u64, u64) = (1_000_000_007, 7_000_000_001);

/// How many Arabic letters are shown at once.
const ARABIC_AT_ONCE: usize = 3;

/// Reads a page from the probes that all others are compared with, and more.
type Reading<'a> = dyn Fn(&[&ReadProbe], Option<&Template>) -> Read + Sync + 'a;

impl Typesetter {
    /// Whether a variant can be stamped: tries values of usual length.
    pub(super) fn try_usual(
        &self,
        variant: &Variant,
        stamping: &Stamping,
    ) -> Result<(), Unstampable> {
        let [typical, shortest] = self.base(variant)?;
        let widest = self.probe(&widest(variant, WIDTHS[0]), WIDEST)?;
        let probes = [&typical, &shortest, &widest];
        Template::read(&probes, &LATE, &stamping.fonts, None).map(|_| ())
    }

    /// The probes that all others are compared with.
    fn base(&self, variant: &Variant) -> Result<[ReadProbe; 2], Unstampable> {
        let counts =
            |line: &OmrLine| matches!(line, OmrLine::Count1 | OmrLine::Count2 | OmrLine::Count4);
        if self.settings.marks.omr.iter().any(counts) {
            return Err(Unstampable::because(
                "the optical marks of its sheets count letters",
            ));
        }
        let both = [(typical(variant), TYPICAL), (shortest(variant), SHORTEST)];
        let both = self.on_workers(both, |(letter, numbers)| self.probe(&letter, numbers))?;
        let both: Vec<ReadProbe> = both.into_iter().collect::<Result<_, _>>()?;
        both.try_into()
            .map_err(|_| Unstampable::because("a letter with placeholder values is missing"))
    }

    pub(super) fn read_variant(
        &self,
        variant: &Variant,
        like: Option<&Template>,
        stamping: &Stamping,
    ) -> Read {
        let base = self.base(variant)?;
        let with = |more: &[&ReadProbe], like: Option<&Template>| {
            let all: Vec<&ReadProbe> = base.iter().chain(more.iter().copied()).collect();
            Template::read(&all, &LATE, &stamping.fonts, like)
        };
        let (width, widest) = self.widest(variant, &with)?;
        if variant.with_arabic {
            let [typical, shortest] = &base;
            let probes = [typical, shortest, &widest];
            let mut template = Template::read_for_arabic(&probes, &LATE, &stamping.fonts, like)?;
            self.try_arabic(variant, typical, &mut template, &stamping.fonts);
            return Ok(Arc::new(template));
        }
        if like.is_some() {
            return with(&[&widest], like);
        }
        let mut shown = self.shown(variant, width, &with)?;
        shown.push(widest);
        with(&shown.iter().collect::<Vec<_>>(), None)
    }

    /// A probe of the widest values that move nothing else, and how many characters they have.
    fn widest(
        &self,
        variant: &Variant,
        with: &Reading<'_>,
    ) -> Result<(usize, ReadProbe), Unstampable> {
        let try_at = |at: usize| {
            let characters = WIDTHS.get(at).copied().unwrap_or_default();
            let probe = self.probe(&widest(variant, characters), WIDEST)?;
            with(&[&probe], None).map(|_| (characters, probe))
        };
        let (mut best, mut why_not) = (None, None);
        let (mut fits, mut too_wide) = (0, WIDTHS.len());
        let mut next = vec![USUAL_WIDTH, USUAL_WIDTH + 1];
        while fits < too_wide {
            for (at, tried) in next.iter().zip(self.on_workers(next.clone(), try_at)?) {
                match tried {
                    Ok(probe) if *at >= fits => (fits, best) = (at + 1, Some(probe)),
                    Err(reason) if *at < too_wide => (too_wide, why_not) = (*at, Some(reason)),
                    Ok(_) | Err(_) => {}
                }
            }
            next = vec![fits.midpoint(too_wide)];
        }
        best.ok_or_else(|| {
            why_not.unwrap_or_else(|| {
                Unstampable::because("its layout depends on the patient's details")
            })
        })
    }

    /// Probes of all characters that come out as they should, where values may have so many. What comes out differently is
    /// looked for in ever smaller groups, and left out.
    fn shown(
        &self,
        variant: &Variant,
        widest: usize,
        with: &Reading<'_>,
    ) -> Result<Vec<ReadProbe>, Unstampable> {
        let has_glyph = |character: &char| self.world.has_glyph(*character);
        let characters: Vec<char> = CHARACTERS.chars().filter(has_glyph).collect();
        // Letters with accents are wider than those that showed what is the widest.
        let at_once = (widest * 3 / 4).min(characters.len() / MONTHS_SHOWN.len());
        let at_once = at_once.max(1);
        let groups = characters.chunks(at_once).enumerate();
        let shown = self.on_workers(groups, |(at, group)| {
            in_groups(group, at_once, |group| {
                let probe = self.probe(&showing(variant, group, at), SHOWING)?;
                with(&[&probe], None).map(|_| probe)
            })
        })?;
        Ok(shown.into_iter().flatten().collect())
    }

    /// Tries all Arabic letters; the template takes in those that come out as they should. `base` is its first probe.
    fn try_arabic(
        &self,
        variant: &Variant,
        base: &ReadProbe,
        template: &mut Template,
        fonts: &Fonts,
    ) {
        let has_glyphs = |letters: &&str| {
            let mut letters = letters.chars();
            letters.all(|letter| self.world.has_glyph(letter))
        };
        let letters: Vec<&str> = ARABIC.into_iter().filter(has_glyphs).collect();
        in_groups(&letters, ARABIC_AT_ONCE, |group| {
            let trial = self.probe(&arabic(variant, group), TYPICAL)?;
            template.try_arabic(base, &trial, fonts)
        });
    }

    /// A PDF of a letter with placeholder values, and where they are.
    fn probe(
        &self,
        letter: &LetterFields,
        (number, last_of_file): (u64, u64),
    ) -> Result<ReadProbe, Unstampable> {
        let failed = |reason: &dyn std::fmt::Display| {
            Unstampable::because(&format!("with placeholder values {reason}"))
        };
        let pdf = self.workers.run(|| {
            let sheets = self.lay_out_one(letter);
            let sheets = sheets.map_err(|failure| failed(&failure.into_fault()))?;
            let pdf = self.probe_pdf(sheets, number, last_of_file);
            comemo::evict(PROBES_REMEMBERED);
            pdf.map_err(|error| failed(&error))
        })?;
        let mut texts = BTreeMap::new();
        let mut enter = |slot: &str, value: &str| texts.insert(slot.to_owned(), value.to_owned());
        enter("name", &letter.name);
        enter("first_name", &letter.first_name);
        enter("last_name", &letter.last_name);
        enter("invitation_code", &letter.invitation_code);
        enter("access_code", &letter.access_code);
        enter("number", &format!("{number:06}"));
        enter("last_number", &format!("{last_of_file:06}"));
        for (line, text) in letter.address.iter().enumerate() {
            enter(&format!("address.{line}"), text);
        }
        for (slot, text) in dates(letter) {
            enter(&slot, &text);
        }
        let mut pictures = BTreeMap::new();
        let square = QrSymbol::of(&letter.join_url).map_err(|error| failed(&error))?;
        let square = square.bitmap();
        pictures.extend(square.map(|picture| ("qr_code".to_owned(), picture)));
        let barcode = self.barcode(number).map_err(|error| failed(&error))?;
        pictures.extend(barcode.map(|picture| ("barcode".to_owned(), picture)));
        ReadProbe::of(Probe {
            pdf,
            texts,
            pictures,
        })
    }

    /// Does the same with all items, each as soon as a worker is idle. The results are in the order of the items.
    fn on_workers<I: Send, R: Send>(
        &self,
        items: impl IntoIterator<Item = I, IntoIter: Send>,
        work: impl Fn(I) -> R + Sync,
    ) -> Result<Vec<R>, Unstampable> {
        self.workers
            .map(items, work)
            .map_err(|error| Unstampable::because(&error.to_string()))
    }

    /// To be called in a worker.
    fn probe_pdf(
        &self,
        sheets: TypesetLetter,
        number: u64,
        last_of_file: u64,
    ) -> Result<Vec<u8>, TypesetError> {
        let overlay = self.overlay(&[sheets.below(number, last_of_file)])?;
        let overlay = overlay
            .map(|document| document.pages().to_vec())
            .unwrap_or_default();
        let pages = joined(sheets.pages, &overlay, 0, number);
        self.export(&PagedDocument::new(
            pages.into_iter().collect(),
            sheets.info,
        ))
    }
}

/// What `probe` makes of members in groups of `at_once`. What fails is tried again in ever smaller groups, and left out.
fn in_groups<T, R>(
    members: &[T],
    at_once: usize,
    mut probe: impl FnMut(&[T]) -> Result<R, Unstampable>,
) -> Vec<R> {
    let mut groups: Vec<&[T]> = members.chunks(at_once).rev().collect();
    let mut good = Vec::new();
    while let Some(group) = groups.pop() {
        match probe(group) {
            Ok(result) => good.push(result),
            Err(_) if group.len() > 1 => {
                let (first, second) = group.split_at(group.len() / 2);
                groups.extend([second, first]);
            }
            Err(_) => {}
        }
    }
    good
}
