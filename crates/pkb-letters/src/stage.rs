//! The stage: which records get a letter or a text message, and what is written about each.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use pkb_core::{
    Admission, Batch, Fatal, Outcome, Reason, Record, Stage, StageName, Verdict,
    owners::Kinds,
    pipeline::Records,
    record::{Channel, Delivery, Design, Edition, Invitation, Patient, PkbAnswer, Unknown},
    stage::{BatchResult, IntentLog, NextStep, Recalled, Replay, Written, quoted},
};
use pkb_files::journal::Key;
use pkb_values::{LetterFormat, LetterLanguages, NationalId, Postcode};

use pkb_languages::LetterLanguage;
use tokio::task::block_in_place;

use crate::{
    again::Again,
    bound::PrintedLetter,
    corrected::{Corrected, PrintedValues},
    invitee::Rules,
    manifest::{Manifest, OfAll},
    press::{Galley, Order, Orders, Press},
    sms::{SheetNumbers, SmsRow, TextMessages},
    turns::Turns,
};
use pkb_core::print_files::{
    editions::{edition_of, manifest_prefix},
    made_for::{MadeFor, Place},
    manifest::ManifestRow,
    sheet_of,
};
use pkb_typeset::{
    template::{Template, translation_file},
    typesetter::Typesetter,
};
use pkb_verify::expected::{Expected, ShortText};

/// The stage.
pub struct Letters {
    /// Who gets what.
    pub rules: Rules,
    /// Where the letters go.
    pub folder: PathBuf,
    /// PKB's answers are too old if they are older.
    pub oldest_answer: Timestamp,
    /// The template.
    pub template: Template,
    /// Letters of one batch at most.
    pub letters_per_file: usize,
    /// Whether text messages are written without accents that make them dearer.
    pub sms_fold: bool,
    /// Letters that are to be made again, and nothing else.
    pub(crate) again: Again,
    /// What lays out letters.
    pub typesetter: Typesetter,
    /// What makes the files.
    pub press: Mutex<Press>,
    /// Which batch is numbered next.
    pub numbering: Turns,
    /// Which batch is named next.
    pub naming: Turns,
    /// What accompanies them.
    pub papers: Mutex<Option<Papers>>,
    /// Which row of the text messages goes into which sheet.
    pub sheets: Mutex<SheetNumbers>,
    /// What earlier runs and this one have done.
    pub seen: Mutex<Seen>,
}

/// What earlier runs and this one have done.
#[derive(Default)]
pub struct Seen {
    /// Where the letters and texts are, of earlier runs and of this one.
    made: MadeFor,
    /// What is on those of earlier runs.
    earlier: HashMap<NationalId, PrintedValues>,
    /// Rows that have been corrected since.
    corrected: Corrected,
    /// Everybody who has been admitted in this run.
    invited: HashSet<NationalId>,
    /// Whose letters have to be made again, because the journal has a part of their file only.
    unfinished: Option<HashSet<NationalId>>,
    /// Letters with words in each language.
    in_language: BTreeMap<&'static LetterLanguage, u64>,
}

/// The files that accompany the letters.
pub struct Papers {
    folder: PathBuf,
    of_all: OfAll,
    manifests: BTreeMap<Edition, Manifest>,
    sms: TextMessages,
}

impl Papers {
    /// Papers in a folder.
    ///
    /// # Errors
    /// They cannot be written there.
    pub fn create(folder: PathBuf, of_all: OfAll, sms: TextMessages) -> Result<Self, Fatal> {
        let mut papers = Self {
            folder,
            of_all,
            manifests: BTreeMap::new(),
            sms,
        };
        papers.manifest(Edition::First)?;
        Ok(papers)
    }

    /// The manifest of an edition.
    fn manifest(&mut self, edition: Edition) -> Result<&mut Manifest, Fatal> {
        use std::collections::btree_map::Entry;
        Ok(match self.manifests.entry(edition) {
            Entry::Occupied(manifest) => manifest.into_mut(),
            Entry::Vacant(place) => place.insert(Manifest::create(
                &self.folder,
                &manifest_prefix(edition, self.of_all.is_rehearsal),
                self.of_all,
            )?),
        })
    }

    /// Enters letters.
    fn add(&mut self, letters: &[ManifestRow]) -> Result<(), Fatal> {
        for row in letters {
            if let Some(edition) = edition_of(&row.file) {
                self.manifest(edition)?.add(row)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fatal> {
        self.sms.finish()?;
        self.manifests.into_values().try_for_each(Manifest::finish)
    }
}

/// What the papers have of a record.
pub struct ForPapers {
    /// Its letters: its own, and those that it replaces.
    letters: Vec<ManifestRow>,
    languages: Option<LetterLanguages>,
    /// Its text message, with the number of its row and its sheet.
    sms: Option<Box<(u64, String, SmsRow)>>,
    /// Whose it is, and where its files say that it is.
    made_for: Option<(NationalId, Place)>,
}

/// What one patient gets.
pub struct Invitations {
    /// What the letter looks like; `None` if a text message has to do.
    letter: Option<Look>,
    /// `None` if there is no text message.
    sms_file: Option<String>,
    /// The letter that this one is printed instead of.
    replaces: Option<Box<Delivery>>,
}

impl Letters {
    fn organisation(&self) -> &str {
        &self.template.settings().organisation.name
    }

    /// The text message to a patient, as it stands in the sheet.
    fn sms(&self, patient: &Patient, codes: &Invitation) -> Option<SmsRow> {
        let row = self.rules.sms(patient, codes, self.organisation())?;
        Some(if self.sms_fold { row.folded() } else { row })
    }

    /// Where a record stands that has no codes, or whose codes have ended and are no longer kept.
    fn admit_without_codes(&self, record: &Record) -> Admission<Invitations> {
        match (record.without_codes(), &record.delivery) {
            (None, _) => Admission::NotReady,
            (Some(verdict), None) => Admission::Stop(verdict),
            (Some(verdict), Some(_)) => {
                if self.again.is_reprinted(record) {
                    tracing::warn!(
                        "row {0}: not printed again: {1}: pkb-tokens --reissue {0} fetches new ones",
                        record.row.number,
                        verdict.detail.unwrap_or_default()
                    );
                }
                Admission::AlreadyDone
            }
        }
    }

    /// Lays a batch out, numbers it, writes it, reads it again, and names it. Numbers and names are given in turns, all else
    /// is done side by side with other batches. It computes for seconds; the runtime is told so.
    async fn print(
        &self,
        batch: u64,
        letters: BatchLetters<'_>,
        intents: &IntentLog,
    ) -> Result<Vec<Result<PrintedLetter, Verdict>>, Fatal> {
        let galley = block_in_place(|| Galley::of(&self.typesetter, &letters))?;
        let number = || locked(&self.press).number(&self.typesetter, galley, &letters);
        let numbered = self.numbering.take(batch, number).await?;
        let batch_of_letters = block_in_place(|| numbered.vouched_for(&letters))?;
        self.naming
            .take(batch, || batch_of_letters.name(intents))
            .await
    }
}

/// The letters of a batch, made of its records when they are needed.
struct BatchLetters<'a> {
    stage: &'a Letters,
    records: Records,
    /// The places of those records that get a letter.
    places: Vec<usize>,
}

impl BatchLetters<'_> {
    fn record(&self, at: usize) -> Result<Cow<'_, Record>, Fatal> {
        // The records have none behind the last.
        let place = self.places.get(at).copied().unwrap_or(usize::MAX);
        self.records.get(place)
    }
}

impl Orders for BatchLetters<'_> {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn order(&self, at: usize) -> Result<Order, Fatal> {
        let record = self.record(at)?;
        let was_admitted = || Fatal::Bug("a letter that was admitted cannot be made".into());
        let (patient, codes) = (record.patient.as_ref())
            .zip(record.invitation.as_ref())
            .ok_or_else(was_admitted)?;
        let fields = self
            .stage
            .rules
            .letter(patient, codes, &self.stage.template);
        let post_code = patient.post_code.as_ref().map(Postcode::expose_postcode);
        Ok(Order {
            fields: fields.map_err(|_| was_admitted())?,
            codes: [codes.code.expose_code(), codes.token.expose_code()].map(ShortText::of),
            row: record.row.number,
            post_code: post_code.unwrap_or_default().to_owned(),
        })
    }

    fn expected(&self, at: usize) -> Result<Expected, Fatal> {
        let record = self.record(at)?;
        let rules = &self.stage.rules;
        let languages = (record.patient.as_ref())
            .map(|patient| rules.languages_of(patient, &self.stage.template));
        languages
            .and_then(|languages| Expected::of(&record, languages, rules.design))
            .ok_or_else(|| Fatal::Bug("a letter of a record without codes".into()))
    }
}

/// Enters a letter into a delivery that may have a text message already.
fn enter(
    letter: PrintedLetter,
    (languages, format): Look,
    design: Design,
    delivery: &mut Delivery,
) {
    delivery.channel = if delivery.sms_file.is_some() {
        Channel::Both
    } else {
        Channel::Letter
    };
    delivery.file = letter.file;
    delivery.pages = Some(letter.pages);
    delivery.sequence = Some(letter.sequence);
    delivery.languages = Some(languages);
    delivery.format = Some(format);
    delivery.design = (design != Design::default()).then_some(design);
}

/// Languages and print of a letter.
type Look = (LetterLanguages, LetterFormat);

/// What a panic left behind is as good as before: each change is made in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The letters of a record: its own, and those that it replaces.
fn letters_of(record: &Record) -> Vec<ManifestRow> {
    let letters = record.delivery.iter().flat_map(Delivery::chain);
    letters
        .filter_map(|letter| ManifestRow::of(record, letter))
        .collect()
}

impl Stage for Letters {
    type Work = Invitations;
    type Done = Delivery;
    type Gleaned = ForPapers;
    const NAME: StageName = StageName::Letters;
    const NEEDS_OWN: Kinds = Kinds::ALL;
    const SETTLES_IN_ORDER: bool = true;

    fn batch_rows(&self) -> usize {
        self.letters_per_file
    }

    /// The patient alone: the journal is the campaign's ledger, and whoever is in it has a letter,
    /// whatever has been corrected since. A reminder is another invitation, also for a ledger that has the first.
    fn key(&self, record: &Record) -> Option<Key> {
        let patient = record.patient.as_ref()?.national_id.key_bytes();
        let earlier = record.earlier.len().to_string();
        Some(match record.earlier.is_empty() {
            true => Key::of(&[&patient]),
            false => Key::of(&[&patient, earlier.as_bytes()]),
        })
    }

    fn recall(&self, line: &Recalled, _: Option<Key>) -> Result<(), Fatal> {
        locked(&self.press).recall(line)?;
        if let Recalled::Record(record) = line {
            self.again.recall(record);
        }
        if let Recalled::Record(record) = line
            && let (Some(patient), Some(delivery)) = (&record.patient, &record.delivery)
        {
            let mut seen = locked(&self.seen);
            seen.made.note(patient.national_id, Place::of(delivery));
            seen.earlier
                .insert(patient.national_id, PrintedValues::of(patient));
        }
        Ok(())
    }

    fn done_for(&self, patient: NationalId) -> Option<String> {
        let seen = locked(&self.seen);
        seen.made.of(patient).map(|place| place.to_string())
    }

    fn minds_stopped(&self) -> bool {
        !locked(&self.seen).earlier.is_empty()
    }

    /// Somebody may be put on a list, or die, after the letter was printed and before it is posted.
    fn stopped_before(&self, record: &Record) {
        let (Some(patient), Some(outcome)) = (&record.patient, &record.outcome) else {
            return;
        };
        if let Some(place) = locked(&self.seen).made.of(patient.national_id) {
            tracing::warn!(
                "row {}: {} now, and {place}",
                record.row.number,
                outcome.reason.as_str()
            );
        }
    }

    fn answers(&self, record: &Record, _: Option<&Outcome>) -> bool {
        if self.again.has_new_codes(record) {
            return false;
        }
        let mut seen = locked(&self.seen);
        // Asked for once: the journal has been seen when the first record comes.
        let unfinished = seen
            .unfinished
            .get_or_insert_with(|| locked(&self.press).unfinished());
        let patient = record.patient.as_ref();
        !patient.is_some_and(|patient| unfinished.contains(&patient.national_id))
    }

    fn replay(&self, record: &Record) -> Replay {
        if let (Some(patient), Some(delivery)) = (&record.patient, &record.delivery) {
            if !locked(&self.seen).invited.insert(patient.national_id) {
                return Replay::Stop(Reason::AlreadyInvited.into());
            }
            if let (Some(codes), Some(sheet)) = (&record.invitation, sheet_of(delivery))
                && let Some(row) = self.sms(patient, codes)
            {
                locked(&self.sheets).recount(sheet, &row);
            }
        }
        if self.again.is_reprinted(record) {
            return Replay::DoAgain;
        }
        if let Some(patient) = &record.patient {
            let seen = &mut *locked(&self.seen);
            let then = seen.earlier.get(&patient.national_id);
            if let (Some(then), Some(place)) = (then, seen.made.of(patient.national_id)) {
                seen.corrected.compare(record, *then, &place);
            }
        }
        Replay::Answer
    }

    fn admit(&self, record: &Record) -> Admission<Invitations> {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return self.admit_without_codes(record);
        };
        let reprint = self.again.is_reprinted(record);
        let again = reprint || self.again.is_reissued(record);
        if !again && (record.delivery.is_some() || !self.again.is_empty()) {
            return if record.delivery.is_some() {
                Admission::AlreadyDone
            } else {
                Admission::NotReady
            };
        }
        let is_old = |pkb: &PkbAnswer| pkb.checked_at < self.oldest_answer;
        if !reprint && record.pkb.as_ref().is_some_and(is_old) {
            return Admission::Stop(Reason::AnswerTooOld.into());
        }
        if reprint
            && record
                .delivery
                .as_ref()
                .is_some_and(|old| old.pages.is_none())
        {
            self.again.has_no_letter(record);
            return Admission::AlreadyDone;
        }
        let invited = if reprint {
            // A letter again, whatever else there was.
            self.rules
                .letter(patient, codes, &self.template)
                .map(|letter| (Some(letter), None))
        } else {
            self.rules
                .invite(patient, codes, &self.template)
                .map(|invited| (invited.letter, invited.sms))
        };
        let (letter, sms) = match invited {
            Ok(invited) => invited,
            // The letter that there is stays as it is.
            Err(verdict) if reprint => {
                tracing::warn!(
                    "row {}: not printed again: {}",
                    record.row.number,
                    verdict.detail.as_deref().unwrap_or(verdict.reason.as_str())
                );
                if let Some(papers) = locked(&self.papers).as_mut()
                    && let Err(fatal) = papers.add(&letters_of(record))
                {
                    tracing::warn!("the manifest lacks it: {fatal}");
                }
                return Admission::AlreadyDone;
            }
            Err(verdict) => return Admission::Stop(verdict),
        };
        if !locked(&self.seen).invited.insert(patient.national_id) && !reprint {
            return Admission::Stop(Reason::AlreadyInvited.into());
        }
        let letter = letter.map(|fields| (fields.languages, fields.format));
        // A reprint leaves the text message where it is.
        let kept = record
            .delivery
            .as_ref()
            .filter(|_| reprint)
            .and_then(sheet_of);
        let assigned = sms.map(|row| {
            locked(&self.sheets).assign(&if self.sms_fold { row.folded() } else { row })
        });
        Admission::Work(Invitations {
            letter,
            sms_file: assigned.or(kept.map(str::to_owned)),
            replaces: record
                .delivery
                .clone()
                .or_else(|| self.again.replaced_by(patient))
                .map(Box::new),
        })
    }

    async fn advance(&self, batch: Batch<Invitations>) -> BatchResult<Delivery> {
        let (mut looks, mut places) = (Vec::new(), Vec::new());
        let mut results = Vec::with_capacity(batch.work.len());
        for (place, work) in batch.work.into_iter().enumerate() {
            results.push(Ok(Delivery {
                channel: Channel::Sms,
                file: work.sms_file.clone().unwrap_or_default(),
                date: Some(self.rules.letter_date),
                pages: None,
                sequence: None,
                languages: None,
                format: None,
                design: None,
                sms_file: work.letter.is_some().then_some(work.sms_file).flatten(),
                edition: self.again.edition(),
                replaces: work.replaces,
                texts: Vec::new(),
                posted: None,
                unknown: Unknown::new(),
            }));
            if let Some(look) = work.letter {
                places.push(place);
                looks.push((place, look));
            }
        }
        let letters = BatchLetters {
            stage: self,
            records: batch.records,
            places,
        };
        let printed = self.print(batch.number, letters, &batch.intents).await;
        if printed.is_err() {
            self.numbering.stop();
            self.naming.stop();
        }
        let printed = printed?;
        for ((place, look), letter) in looks.into_iter().zip(printed) {
            match (letter, &mut results[place]) {
                (Ok(letter), Ok(delivery)) => enter(letter, look, self.rules.design, delivery),
                (Err(verdict), result) => *result = Err(verdict),
                (Ok(_), Err(_)) => {
                    return Err(Fatal::Bug("a letter was printed for nobody".into()));
                }
            }
        }
        Ok(results)
    }

    fn next_step(&self, records: Written<'_>) -> Option<NextStep> {
        let verify = format!("pkb verify {}", quoted(&self.folder));
        let command = records.command(&verify, "");
        Some(NextStep::First(format!(
            "before anything is posted: {command}"
        )))
    }

    fn apply(&self, record: &mut Record, delivery: Delivery) {
        record.delivery = Some(delivery);
    }

    fn glean(&self, record: &Record) -> Option<ForPapers> {
        let delivery = record.delivery.as_ref()?;
        let sms = || {
            let (patient, codes) = record.patient.as_ref().zip(record.invitation.as_ref())?;
            let sheet = sheet_of(delivery)?.to_owned();
            let row = self.sms(patient, codes)?;
            Some(Box::new((record.row.number, sheet, row)))
        };
        Some(ForPapers {
            letters: letters_of(record),
            languages: delivery.languages,
            sms: sms(),
            made_for: (record.patient.as_ref())
                .map(|patient| (patient.national_id, Place::of(delivery))),
        })
    }

    fn collect(&self, own: ForPapers) -> Result<(), Fatal> {
        let mut papers = locked(&self.papers);
        let papers = papers
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a letter came after the last".into()))?;
        papers.add(&own.letters)?;
        {
            let mut seen = locked(&self.seen);
            for language in own.languages.iter().flat_map(|own| own.languages()) {
                *seen.in_language.entry(language).or_default() += 1;
            }
            if let Some((patient, place)) = own.made_for {
                seen.made.note(patient, place);
            }
        }
        if let Some(sms) = own.sms {
            let (number, sheet, row) = *sms;
            let is_finished = locked(&self.sheets).is_finished(&sheet);
            papers
                .sms
                .add(number, (!is_finished).then_some(&sheet), &row)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Fatal> {
        for (language, letters) in std::mem::take(&mut locked(&self.seen).in_language) {
            if self.template.is_draft_in(language) {
                tracing::warn!(
                    "{letters} letters have {} words, which are drafts: have a translator approve them before anything is \
                     posted, then set is_approved in {}",
                    language.name(),
                    translation_file(language)
                );
            }
        }
        if let Some(papers) = locked(&self.papers).take() {
            papers.finish()?;
        }
        let corrected = std::mem::take(&mut locked(&self.seen).corrected);
        if !corrected.is_empty() {
            pkb_cli::progress::tell(corrected.to_string());
        }
        self.again.finish()
    }
}
