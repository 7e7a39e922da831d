//! Letters by the stamp engine (`pkb-stamp`): Typst lays out a page once with placeholder values, and each letter is that
//! page with its own values. About twenty times quicker than laying out each letter.
//!
//! A page for each *variant*: languages, print, number of address lines, date. It is made when its first letter comes, and
//! what it can hold is tried with it (see [`pkb_stamp::template`]): the widest values that move nothing else, and all
//! characters that values may have. A letter that a variant cannot hold, for whatever reason, is laid out by Typst as it
//! always was, and stands in the same file at its place. Which letters these are depends on the template and the letter
//! only, so that the same letters are the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use clap::ValueEnum;
use jiff::civil::{Date, date};
use pkb_core::value::{LetterFormat, LetterLanguages};
use pkb_stamp::{
    Bitmap, Document, Fitted, Fonts, Letter, Probe, ReadProbe, Shaper, Template, Tools,
    Unstampable, Value,
};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};
use typst_layout::PagedDocument;

use super::desk::Stationery;
use super::overlay::barcode_of;
use super::qr::SquareCode;
use super::{Sheets, TypesetError, Typesetter, below, joined, pool, samples};
use crate::{
    letter_fields::LetterFields,
    template::{
        marks::{Barcode, OmrLine},
        words_file,
    },
};

/// What makes the letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// Stamping where the template and the letter allow it; Typst for all others, and for files of a few letters
    #[default]
    Auto,
    /// Stamping in all files; a template that cannot be stamped is an error
    Stamp,
    /// Typst lays out each letter
    Typst,
}

impl Engine {
    /// As on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Stamp => "stamp",
            Self::Typst => "typst",
        }
    }
}

/// Slots whose values are known when letters are bound.
const LATE: [&str; 3] = ["number", "last_number", "barcode"];
/// Letters of a file from which on [`Engine::Auto`] stamps: for fewer, Typst is done before a page is prepared.
const WORTH_STAMPING: usize = 20;
/// Address lines that a variant is made for at most; more go to Typst.
const MAX_LINES: usize = 8;
/// How many characters the widest probe has: as many as leave everything else where it is.
const WIDTHS: [usize; 15] = [12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 62, 70, 80];
/// Of these widths, the one that most pages have: it is tried first, with the next.
const USUAL_WIDTH: usize = 9;
/// Address lines of the variant that shows which characters come out right: as many as most letters have, and as the
/// sample that each template is tried with.
const SHOWN_LINES: usize = 4;
/// For so many probes Typst remembers what it did not use since: they have little in common, and take as much memory as
/// letters.
const PROBES_REMEMBERED: usize = 3;
/// Numbers of the typical probe, and of those that are compared with it: of the letter, and of the last in its file.
const TYPICAL: (u64, u64) = (1_234_567_890, 9_876_543_210);
/// Bytes of a file of one letter: room for most.
const A_FILE: usize = 28 << 10;
/// Months that are shown with characters that values may have; those of the first three probes are December, May and
/// September. There are as many probes of characters, or more, and so all letters of codes are shown, too.
const MONTHS_SHOWN: [i8; 9] = [10, 11, 1, 2, 3, 4, 6, 7, 8];
/// Characters that values may have, if the template's fonts have them: Latin with the accents of Europe
/// and Vietnam.
const CHARACTERS: &str = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ\
    ĀāĂăĄąĆćĈĉĊċČčĎďĐđĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĦħĨĩĪīĬĭĮįİıĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐőŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŦŧ\
    ŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚțẀẁẂẃẄẅỲỳ‘’“”–—£§°\
    ƠơƯưẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặẸẹẺẻẼẽẾếỀềỂểỄễỆệỈỉỊịỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỤụỦủỨứỪừỬửỮữỰựỲỳỴỵỶỷỸỹ";

/// Arabic letters that values may have, if they come out right; those of Persian, Kurdish and Urdu; and letters that are
/// joined into one glyph.
const ARABIC: [&str; 55] = [
    "ا", "ب", "ت", "ث", "ج", "ح", "خ", "د", "ذ", "ر", "ز", "س", "ش", "ص", "ض", "ط", "ظ", "ع", "غ",
    "ف", "ق", "ك", "ل", "م", "ن", "ه", "و", "ي", "ء", "آ", "أ", "ؤ", "إ", "ئ", "ة", "ى", "پ", "چ",
    "ژ", "ک", "گ", "ی", "ڤ", "ۆ", "ە", "ٹ", "ڈ", "ڑ", "ں", "ہ", "ھ", "لا", "لأ", "لإ", "لآ",
];
/// Of these, how many are shown at once.
const ARABIC_AT_ONCE: usize = 3;

/// What a letter has in common with others that the same page serves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Variant {
    languages: LetterLanguages,
    format: LetterFormat,
    lines: usize,
    letter_date: Date,
    join_address: String,
    /// Whether its values may have Arabic words.
    with_arabic: bool,
}

/// The page of a variant, or why there is none.
type Read = Result<Arc<Template>, Unstampable>;
/// Reads a page from the probes that all others are compared with, and more.
type Reading<'a> = dyn Fn(&[&ReadProbe], Option<&Template>) -> Read + Sync + 'a;

/// The variants of a design, as they come.
pub(super) struct Stamping {
    pub(super) fonts: Fonts,
    variants: Mutex<HashMap<Variant, Arc<OnceLock<Read>>>>,
    /// Each makes one variant at a time, for whichever thread asks.
    makers: Vec<Mutex<rayon::ThreadPool>>,
    /// Fewer letters than these are not stamped.
    pub(super) at_least: usize,
}

impl Stamping {
    pub(super) fn new(
        stationery: &Stationery,
        engine: Engine,
        threads: usize,
    ) -> Result<Self, TypesetError> {
        let mut fonts = Fonts::new();
        for font in stationery.fonts() {
            fonts.add(font.data(), font.index());
        }
        Ok(Self {
            fonts,
            variants: Mutex::default(),
            makers: (0..threads)
                .map(|_| pool(1).map(Mutex::new))
                .collect::<Result<_, _>>()?,
            at_least: if engine == Engine::Stamp {
                0
            } else {
                WORTH_STAMPING
            },
        })
    }

    /// Those who set values.
    pub(super) fn shapers(&self) -> Shapers<'_> {
        Shapers {
            fonts: &self.fonts,
            idle: Mutex::default(),
        }
    }

    /// Where the page of a variant is, or will be.
    fn place_of(&self, variant: &Variant) -> Arc<OnceLock<Read>> {
        let variants = self.variants.lock();
        let mut variants = variants.unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = variants.get(variant) {
            return known.clone();
        }
        variants.entry(variant.clone()).or_default().clone()
    }

    /// The makers that have nothing to do.
    fn idle_makers(&self) -> impl Iterator<Item = MutexGuard<'_, rayon::ThreadPool>> {
        let makers = self.makers.iter();
        makers.filter_map(|maker| match maker.try_lock() {
            Ok(maker) => Some(maker),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// Does each of some jobs, in this thread and in those of makers that have nothing to do. The results are in the order
    /// of the jobs.
    fn side_by_side<J: Send, R: Send>(&self, jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
        let helpers: Vec<_> = self
            .idle_makers()
            .take(jobs.len().saturating_sub(1))
            .collect();
        let jobs = Mutex::new(jobs.into_iter().enumerate());
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        let run = || {
            let mut done = Vec::new();
            while let Some((at, job)) = next() {
                done.push((at, work(job)));
            }
            done
        };
        let mut results = std::thread::scope(|scope| {
            let running: Vec<_> = (helpers.iter())
                .map(|helper| scope.spawn(|| helper.install(run)))
                .collect();
            let mut results = run();
            for helper in running {
                match helper.join() {
                    Ok(more) => results.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            results
        });
        results.sort_unstable_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// A maker that has nothing to do, if there is one.
    fn maker(&self) -> Option<MutexGuard<'_, rayon::ThreadPool>> {
        self.idle_makers().next().or_else(|| {
            let first = self.makers.first()?.lock();
            Some(first.unwrap_or_else(PoisonError::into_inner))
        })
    }
}

/// What threads set values with: each has one for a while, which knows what others have set with it.
pub(super) struct Shapers<'f> {
    fonts: &'f Fonts,
    idle: Mutex<Vec<Shaper<'f>>>,
}

impl<'f> Shapers<'f> {
    fn idle(&self) -> MutexGuard<'_, Vec<Shaper<'f>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One for a thread, which is given back when it is dropped.
    pub(super) fn lend(&self) -> LentShaper<'_, 'f> {
        let shaper = self.idle().pop();
        LentShaper {
            shaper: shaper.or_else(|| Some(Shaper::new(self.fonts))),
            shapers: self,
        }
    }
}

/// A shaper that is lent to a thread.
pub(super) struct LentShaper<'s, 'f> {
    /// There until it is given back.
    shaper: Option<Shaper<'f>>,
    shapers: &'s Shapers<'f>,
}

impl<'f> LentShaper<'_, 'f> {
    pub(super) fn get(&mut self) -> Option<&mut Shaper<'f>> {
        self.shaper.as_mut()
    }
}

impl Drop for LentShaper<'_, '_> {
    fn drop(&mut self) {
        self.shapers.idle().extend(self.shaper.take());
    }
}

/// A letter that fits a variant.
pub(super) struct Stamped {
    template: Arc<Template>,
    fitted: Fitted,
}

impl Stamped {
    pub(super) fn page_count(&self) -> usize {
        self.template.page_count()
    }
}

impl Typesetter {
    /// A letter by the stamp engine; `None` if Typst must lay it out.
    pub(super) fn stamped(
        &self,
        letter: &LetterFields,
        shaper: &mut Shaper<'_>,
    ) -> Option<Stamped> {
        let template = self.variant_of(letter)?.ok()?;
        let square = SquareCode::of(&letter.join_url).ok()?.bitmap()?;
        let dates = dates(letter);
        let value = |slot: &str| -> Option<Value<'_>> {
            Some(match slot {
                "name" => Value::Text(&letter.name),
                "first_name" => Value::Text(&letter.first_name),
                "last_name" => Value::Text(&letter.last_name),
                "invitation_code" => Value::Text(&letter.invitation_code),
                "access_code" => Value::Text(&letter.access_code),
                "square_code" => Value::Picture(&square),
                other => match other.strip_prefix("address.") {
                    Some(line) => Value::Text(letter.address.get(line.parse::<usize>().ok()?)?),
                    None => Value::Text(
                        dates
                            .iter()
                            .find(|(slot, _)| slot == other)
                            .map(|(_, date)| date)?,
                    ),
                },
            })
        };
        let fitted = template.fit(shaper, &value).ok()?;
        Some(Stamped { template, fitted })
    }

    /// Whether letters like this one can be stamped: tries values of usual length.
    ///
    /// # Errors
    ///
    /// Why not, in words that follow "because".
    pub fn is_stampable(&self, letter: &LetterFields) -> Result<(), String> {
        self.in_worker(|| self.try_usual(letter))
    }

    fn try_usual(&self, letter: &LetterFields) -> Result<(), String> {
        let Some((stamping, variant)) = self.stamping.as_ref().zip(self.variant(letter)) else {
            return Err(format!("it has more than {MAX_LINES} lines of address"));
        };
        let read = || {
            let [typical, shortest] = self.base(&variant, stamping)?;
            let widest = self.probe(&widest(&variant, WIDTHS[0]), 8_888_888_888, 8_888_888_888)?;
            Template::read(
                &[&typical, &shortest, &widest],
                &LATE,
                &stamping.fonts,
                None,
            )
        };
        read()
            .map(|_| ())
            .map_err(|reason: Unstampable| reason.to_string())
    }

    /// [`Engine::Stamp`] is for those who want to know.
    pub(super) fn must_be_stampable(&self) -> Result<(), TypesetError> {
        let letters = samples(|languages| {
            let mut languages = languages.languages().iter();
            languages.all(|language| self.stationery.has_words(self.design, language))
        });
        let tried = self.in_parallel(&letters, |letter| self.try_usual(letter))?;
        for (letter, tried) in letters.iter().zip(tried) {
            tried.map_err(|reason| TypesetError::NotStampable {
                place: words_file(self.design, letter.languages.first()),
                what: format!(
                    "{}, {} print",
                    letter.languages.as_str(),
                    letter.format.as_str()
                ),
                reason,
            })?;
        }
        Ok(())
    }

    /// The page for a letter, made if it is the first of its kind.
    fn variant_of(&self, letter: &LetterFields) -> Option<Read> {
        let (stamping, variant) = (self.stamping.as_ref()?, self.variant(letter)?);
        if let Some(known) = stamping.place_of(&variant).get() {
            return Some(known.clone());
        }
        // A thread of rayon's that waits for another pool does other work meanwhile, which could ask for this very
        // variant: so a thread of no pool waits in its place.
        let made = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| self.made(&variant, stamping));
            waiting.join()
        });
        let broke_off = |_| Err(Unstampable::because("the typesetter broke off at it"));
        Some(made.unwrap_or_else(broke_off))
    }

    /// Makes a variant unless it is made; if another thread is at it, waits for that one, and keeps no maker from its
    /// work meanwhile. A variant needs another for its making, but never itself through that.
    fn made(&self, variant: &Variant, stamping: &Stamping) -> Read {
        let place = stamping.place_of(variant);
        let read = place.get_or_init(|| {
            let like = self.like(variant);
            let like = like.map(|like| self.made(&like, stamping)).transpose()?;
            let maker = stamping
                .maker()
                .ok_or_else(|| Unstampable::because("there is no thread for it"))?;
            maker.install(|| {
                let read = self.read_variant(variant, like.as_deref(), stamping);
                // What Typst remembers of its probes is of no use to letters.
                comemo::evict(0);
                read
            })
        });
        read.clone()
    }

    /// The variant that shows what this one need not show again: which characters come out right does not depend on the
    /// number of lines.
    fn like(&self, variant: &Variant) -> Option<Variant> {
        let lines = match variant.with_arabic {
            true => variant.lines,
            false if self.design.has_address() => SHOWN_LINES,
            false => 0,
        };
        let like = Variant {
            lines,
            with_arabic: false,
            ..variant.clone()
        };
        (like != *variant).then_some(like)
    }

    /// What the page of a letter is made for; `None` if no page is.
    fn variant(&self, letter: &LetterFields) -> Option<Variant> {
        let lines = if self.design.has_address() {
            letter.address.len()
        } else {
            0
        };
        (lines <= MAX_LINES).then(|| Variant {
            languages: letter.languages,
            format: letter.format,
            lines,
            letter_date: letter.letter_date,
            join_address: letter.join_address.clone(),
            with_arabic: has_arabic(letter),
        })
    }

    /// The probes that all others are compared with.
    fn base(&self, variant: &Variant, stamping: &Stamping) -> Result<[ReadProbe; 2], Unstampable> {
        let counts =
            |line: &OmrLine| matches!(line, OmrLine::Count1 | OmrLine::Count2 | OmrLine::Count4);
        if self.settings.marks.omr.iter().any(counts) {
            return Err(Unstampable::because(
                "the optical marks of its sheets count letters",
            ));
        }
        let both = [(typical(variant), TYPICAL), (shortest(variant), (1, 20))];
        let both = stamping.side_by_side(both.into(), |(letter, (number, last))| {
            self.probe(&letter, number, last)
        });
        let both: Result<Vec<ReadProbe>, _> = both.into_iter().collect();
        both?
            .try_into()
            .map_err(|_| Unstampable::because("a probe is missing"))
    }

    fn read_variant(
        &self,
        variant: &Variant,
        like: Option<&Template>,
        stamping: &Stamping,
    ) -> Read {
        let base = self.base(variant, stamping)?;
        let with = |more: &[&ReadProbe], like: Option<&Template>| {
            let all: Vec<&ReadProbe> = base.iter().chain(more.iter().copied()).collect();
            Template::read(&all, &LATE, &stamping.fonts, like)
        };
        let (width, widest) = self.widest(variant, stamping, &with)?;
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
        let mut shown = self.shown(variant, stamping, width, &with);
        shown.push(widest);
        with(&shown.iter().collect::<Vec<_>>(), None)
    }

    /// A probe of the widest values that move nothing else, and how many characters they have.
    fn widest(
        &self,
        variant: &Variant,
        stamping: &Stamping,
        with: &Reading<'_>,
    ) -> Result<(usize, ReadProbe), Unstampable> {
        let try_at = |at: usize| {
            let characters = WIDTHS.get(at).copied().unwrap_or_default();
            let probe = self.probe(&widest(variant, characters), 8_888_888_888, 8_888_888_888)?;
            with(&[&probe], None).map(|_| (characters, probe))
        };
        let (mut best, mut why_not) = (None, None);
        let (mut fits, mut too_wide) = (0, WIDTHS.len());
        let mut next = vec![USUAL_WIDTH, USUAL_WIDTH + 1];
        while fits < too_wide {
            for (at, tried) in next.iter().zip(stamping.side_by_side(next.clone(), try_at)) {
                match tried {
                    Ok(probe) if *at >= fits => (fits, best) = (at + 1, Some(probe)),
                    Err(reason) if *at < too_wide => (too_wide, why_not) = (*at, Some(reason)),
                    Ok(_) | Err(_) => {}
                }
            }
            next = vec![fits.midpoint(too_wide)];
        }
        best.ok_or_else(|| {
            why_not.unwrap_or_else(|| Unstampable::because("its layout depends on the values"))
        })
    }

    /// Probes of all characters that come out as they should, where values may have so many. What comes out differently is
    /// looked for in ever smaller groups, and left out.
    fn shown(
        &self,
        variant: &Variant,
        stamping: &Stamping,
        widest: usize,
        with: &Reading<'_>,
    ) -> Vec<ReadProbe> {
        let has_glyph = |character: &char| self.stationery.has_glyph(*character);
        let characters: Vec<char> = CHARACTERS.chars().filter(has_glyph).collect();
        // Letters with accents are wider than those that showed what is the widest.
        let at_once = (widest * 3 / 4).min(characters.len() / MONTHS_SHOWN.len());
        let at_once = at_once.max(1);
        let groups = characters.chunks(at_once).enumerate().collect();
        let shown = stamping.side_by_side(groups, |(at, group)| {
            in_groups(group, at_once, |group| {
                let probe =
                    self.probe(&showing(variant, group, at), 1_000_000_007, 7_000_000_001)?;
                with(&[&probe], None).map(|_| probe)
            })
        });
        shown.into_iter().flatten().collect()
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
            letters.all(|letter| self.stationery.has_glyph(letter))
        };
        let letters: Vec<&str> = ARABIC.into_iter().filter(has_glyphs).collect();
        in_groups(&letters, ARABIC_AT_ONCE, |group| {
            let trial = self.probe(&arabic(variant, group), TYPICAL.0, TYPICAL.1)?;
            template.try_arabic(base, &trial, fonts)
        });
    }

    /// A PDF of a letter with placeholder values, and where they are.
    fn probe(
        &self,
        letter: &LetterFields,
        number: u64,
        last_of_file: u64,
    ) -> Result<ReadProbe, Unstampable> {
        let failed = |reason: &dyn std::fmt::Display| {
            Unstampable::because(&format!("with placeholder values {reason}"))
        };
        let sheets = self
            .lay_out_one(letter)
            .map_err(|failure| failed(&failure.into_fault()))?;
        let pdf = self
            .probe_pdf(sheets, number, last_of_file)
            .map_err(|error| failed(&error))?;
        comemo::evict(PROBES_REMEMBERED);
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
        let square = SquareCode::of(&letter.join_url).map_err(|error| failed(&error))?;
        let square = square.bitmap();
        pictures.extend(square.map(|picture| ("square_code".to_owned(), picture)));
        let barcode = self.barcode(number).map_err(|error| failed(&error))?;
        pictures.extend(barcode.map(|picture| ("barcode".to_owned(), picture)));
        ReadProbe::of(Probe {
            pdf,
            texts,
            pictures,
        })
    }

    /// Without the thread pools: a variant is made by a thread that lays out letters.
    fn probe_pdf(
        &self,
        sheets: Sheets,
        number: u64,
        last_of_file: u64,
    ) -> Result<Vec<u8>, TypesetError> {
        let overlay = self.overlay(&[below((number, &sheets), last_of_file)])?;
        let overlay = overlay
            .map(|document| document.pages().to_vec())
            .unwrap_or_default();
        let pages = joined(sheets.pages, &overlay, 0, number);
        self.export(&PagedDocument::new(
            pages.into_iter().collect(),
            sheets.info,
        ))
    }

    fn barcode(&self, number: u64) -> Result<Option<Bitmap>, TypesetError> {
        let barcode = barcode_of(&self.settings.marks, number)?;
        Ok(barcode.and_then(|(size, luma)| Bitmap::from_luma(size.columns, &luma)))
    }

    pub(super) fn letter(
        &self,
        stamped: Stamped,
        number: u64,
        last_of_file: u64,
    ) -> Result<Letter, TypesetError> {
        let barcode = if self.settings.marks.barcode == Barcode::None {
            None
        } else {
            self.barcode(number)?
        };
        Ok(Letter {
            template: stamped.template,
            fitted: stamped.fitted,
            late: vec![
                ("number", format!("{number:06}")),
                ("last_number", format!("{last_of_file:06}")),
            ],
            late_pictures: barcode
                .map(|picture| ("barcode", picture))
                .into_iter()
                .collect(),
        })
    }

    /// A PDF of each of the letters that are stamped.
    pub(super) fn stamp_each(
        &self,
        numbered: Vec<(u64, Stamped)>,
        last_of_file: u64,
    ) -> Result<Vec<Vec<u8>>, TypesetError> {
        let Some(stamping) = &self.stamping else {
            return Ok(Vec::new());
        };
        self.exporter.install(|| {
            numbered
                .into_par_iter()
                .map_init(
                    || Tools::new(&stamping.fonts),
                    |tools, (number, stamped)| {
                        let letter = self.letter(stamped, number, last_of_file)?;
                        Ok(Document::of_one(Vec::with_capacity(A_FILE), tools, letter)?)
                    },
                )
                .collect()
        })
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

/// Whether a letter has values with Arabic letters.
pub(super) fn has_arabic(letter: &LetterFields) -> bool {
    let is_arabic = |text: &String| text.chars().any(|own| matches!(own, '\u{600}'..='\u{6FF}'));
    [&letter.name, &letter.first_name, &letter.last_name]
        .into_iter()
        .chain(&letter.address)
        .any(is_arabic)
}

/// The last day of the codes in each language of the letter, with its slot.
fn dates(letter: &LetterFields) -> Vec<(String, String)> {
    let languages = letter.languages.languages().iter();
    languages
        .map(|language| {
            let slot = format!("expires_on.{}", language.code);
            (slot, language.date(letter.last_day))
        })
        .collect()
}

/// A letter to nobody, with what the variant says.
fn placeholder(variant: &Variant, codes: [&str; 2], last_day: Date) -> LetterFields {
    let [invitation, access] = codes;
    LetterFields {
        name: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        address: Vec::new(),
        invitation_code: invitation.into(),
        access_code: access.into(),
        last_day,
        letter_date: variant.letter_date,
        join_url: format!(
            "https://{}/?t1={invitation}&t2={access}",
            variant.join_address
        ),
        join_address: variant.join_address.clone(),
        languages: variant.languages,
        format: variant.format,
    }
}

/// Values that are found in the lines of the page: none is part of another.
fn typical(variant: &Variant) -> LetterFields {
    LetterFields {
        name: "Mr Read Wyffleton-Vaŵ".into(),
        first_name: "Jorvik".into(),
        last_name: "Quaffly".into(),
        address: (1..=variant.lines)
            .map(|line| format!("{line}7b AVA Tyfield Walk"))
            .collect(),
        ..placeholder(variant, ["NKfi0O1lIB", "KVffPayr7T"], date(2026, 12, 22))
    }
}

fn shortest(variant: &Variant) -> LetterFields {
    LetterFields {
        name: "X Y".into(),
        first_name: "Z".into(),
        last_name: "I".into(),
        address: (1..=variant.lines).map(|line| format!("{line}l")).collect(),
        ..placeholder(variant, ["1lIiJjfft0", "abcdefghjk"], date(2027, 5, 1))
    }
}

fn widest(variant: &Variant, characters: usize) -> LetterFields {
    let wide: String = "Wilhelmina-Bartholomew "
        .chars()
        .cycle()
        .take(characters)
        .collect();
    let wide = wide.trim_end().to_owned();
    let mut letter = LetterFields {
        name: wide.clone(),
        first_name: wide.clone(),
        last_name: wide.clone(),
        address: vec![wide; variant.lines],
        ..placeholder(variant, ["WWWWWWWWWW", "MMMMMMMMMM"], date(2028, 9, 30))
    };
    // As large as a square code gets with a long link.
    letter.join_url.push_str(&"&x=0123456789".repeat(8));
    letter
}

/// A letter that shows how characters come out; those after each other show months and letters of codes.
fn showing(variant: &Variant, characters: &[char], at: usize) -> LetterFields {
    // Between letters, so that no line begins or ends with what the layout may treat in its own way.
    let shown: String = ["A", &characters.iter().collect::<String>(), " a"].concat();
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let code = |start: usize| -> String { alphabet.iter().cycle().skip(start).take(10).collect() };
    let month = MONTHS_SHOWN.iter().cycle().nth(at).copied().unwrap_or(1);
    let day = date(2029, month, i8::try_from(at % 28).unwrap_or_default() + 1);
    LetterFields {
        name: shown.clone(),
        first_name: shown.clone(),
        last_name: shown.clone(),
        address: vec![shown; variant.lines],
        ..placeholder(variant, [&code(10 * at), &code(10 * at + 31)], day)
    }
}

/// A letter in which Arabic letters stand in all places of a word, and words in all places of a line.
fn arabic(variant: &Variant, letters: &[&str]) -> LetterFields {
    let words: Vec<String> = letters
        .iter()
        .map(|own| format!("{own}{own}ب{own} {own}"))
        .collect();
    let words = words.join(" ");
    let typical = typical(variant);
    LetterFields {
        name: format!("Mr {words}"),
        first_name: words.clone(),
        last_name: format!("{words} Wye"),
        address: (1..=variant.lines)
            .map(|line| match line % 2 {
                1 => words.clone(),
                _ => format!("{line}b {words}, Tyfield"),
            })
            .collect(),
        ..typical
    }
}
