//! Letters: merged PDFs or one each, in the order of their numbers, and the manifests that say which sheet belongs to which
//! row.
//!
//! * Who gets one, and its values: `rules`.
//! * A batch (`batch`) is numbered (`numbers`), written (`batch_writer`), read again and named (`written_batch`), without the
//!   letters that are doubtful (`numbered_batch`).
//! * What accompanies the files: `manifest`, `zipping`.
//! * Looking before printing: `proof`.

mod batch;
mod batch_writer;
mod manifest;
mod numbered_batch;
mod numbers;
pub(crate) mod proof;
pub mod rules;
mod written_batch;
mod zipping;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use pkb_core::{
    Fatal, Record, Verdict,
    pipeline::Records,
    record::{Channel, Delivery, Reference},
    rows::counted,
    stage::Recalled,
};
use pkb_languages::LetterLanguage;
use pkb_print_files::manifest::{ManifestRow, reference_of};
use pkb_typeset::{template::translation_file, typesetter::Typesetter};
use pkb_values::{NationalId, Postcode};
use pkb_verify::expected::{Expected, ShortText};
use tokio::task::block_in_place;

use super::{
    maker::{DeliveryBatch, DeliveryMaker, Invitee, Made, Setup},
    sequencer::Sequencer,
};
use batch::{FileForm, Layout, LetterToMake, LettersToMake};
use manifest::{Manifests, OfAll};
use numbers::LetterNumbers;
use rules::LetterRules;

/// What makes letters.
pub(crate) struct LetterMaker {
    rules: Arc<LetterRules>,
    typesetter: Arc<Typesetter>,
    numbers: Mutex<LetterNumbers>,
    numbering: Sequencer,
    naming: Sequencer,
    /// None once they are finished.
    manifests: Mutex<Option<Manifests>>,
    /// Letters with words in each language.
    in_language: Mutex<BTreeMap<&'static LetterLanguage, u64>>,
}

impl LetterMaker {
    /// No letters yet.
    ///
    /// # Errors
    /// The manifests cannot be written.
    pub(super) fn new(setup: &Setup<'_>) -> Result<Self, Fatal> {
        let args = setup.args;
        let form = FileForm {
            separate: args.separate,
            zip: args.zip,
            verify: !args.no_verify,
            is_numbered: setup.rules.is_numbered(),
            series: setup.series,
            engine: args.engine,
        };
        let of_all = OfAll {
            design: setup.rules.design,
            is_numbered: form.is_numbered,
            is_rehearsal: setup.series.is_rehearsal(),
        };
        let numbers = LetterNumbers::new(setup.folder.to_owned(), setup.edition, form);
        Ok(Self {
            rules: Arc::clone(&setup.rules),
            typesetter: Arc::clone(&setup.typesetter),
            numbers: Mutex::new(numbers),
            numbering: Sequencer::default(),
            naming: Sequencer::default(),
            manifests: Mutex::new(Some(Manifests::create(setup.folder, of_all)?)),
            in_language: Mutex::default(),
        })
    }

    /// Lays a batch out, numbers it, writes it, reads it again, and names it. Numbers and names are given in the order of the
    /// batches, all else is done side by side with other batches. It computes for seconds; the runtime is told so.
    async fn print(
        &self,
        batch: DeliveryBatch<'_>,
    ) -> Result<Vec<Result<Delivery, Verdict>>, Fatal> {
        let (places, drafts): (_, Vec<Delivery>) = batch.drafts.into_iter().unzip();
        let references = drafts.iter().map(|draft| draft.reference.clone());
        let letters = BatchLetters {
            rules: &self.rules,
            records: batch.records,
            places,
            references: references.collect(),
        };
        let layout = block_in_place(|| Layout::of(&self.typesetter, &letters))?;
        let number = || {
            self.numbers
                .lock()
                .number(&self.typesetter, layout, &letters)
        };
        let numbered = self.numbering.run(batch.number, number).await?;
        let checked = block_in_place(|| numbered.checked(&letters))?;
        let named = self
            .naming
            .run(batch.number, || checked.name(batch.intents))
            .await?;
        let made = named.into_iter().zip(drafts).map(|(letter, draft)| {
            letter.map(|letter| Delivery {
                file: letter.file,
                pages: Some((letter.first_page, letter.last_page)),
                sequence: Some(letter.sequence),
                ..draft
            })
        });
        Ok(made.collect())
    }
}

impl DeliveryMaker for LetterMaker {
    fn channel(&self) -> Channel {
        Channel::Letter
    }

    fn recall(&self, line: &Recalled) -> Result<(), Fatal> {
        self.numbers.lock().recall(line)
    }

    fn unfinished(&self) -> HashSet<NationalId> {
        self.numbers.lock().unfinished()
    }

    fn can_reprint(&self) -> bool {
        true
    }

    fn draft(&self, to: &Invitee<'_>) -> Result<Delivery, Verdict> {
        self.rules.draft(Channel::Letter, to)
    }

    fn make<'a>(&'a self, batch: DeliveryBatch<'a>) -> Made<'a> {
        Box::pin(self.print(batch))
    }

    fn stop(&self) {
        self.numbering.stop();
        self.naming.stop();
    }

    fn enter(&self, record: &Record) -> Result<(), Fatal> {
        let own = record.delivery(Channel::Letter);
        if let Some(languages) = own.and_then(|letter| letter.languages) {
            let mut in_language = self.in_language.lock();
            for language in languages.languages() {
                *in_language.entry(language).or_default() += 1;
            }
        }
        let mut manifests = self.manifests.lock();
        let manifests = manifests
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a letter came after the last".into()))?;
        let letters = record.all_deliveries();
        letters
            .filter_map(|letter| ManifestRow::of(record, letter))
            .try_for_each(|row| manifests.add(&row))
    }

    fn finish(&self) -> Result<(), Fatal> {
        for (language, letters) in self.in_language.lock().iter() {
            if self.rules.template.is_draft_in(language) {
                tracing::warn!(
                    "{} {} words, which are drafts. What to do: have a translator approve the words before anything is posted. \
                     Then set is_approved in {}",
                    counted(*letters, "letter has", "letters have"),
                    language.name(),
                    translation_file(language)
                );
            }
        }
        let manifests = self.manifests.lock().take();
        manifests.map_or(Ok(()), Manifests::finish)
    }
}

/// The letters of a batch, made of its records when they are needed.
struct BatchLetters<'a> {
    rules: &'a LetterRules,
    records: Records,
    /// The places of those records that get a letter.
    places: Vec<usize>,
    /// Their names, in the same order.
    references: Vec<Option<Reference>>,
}

impl BatchLetters<'_> {
    fn record(&self, at: usize) -> Result<Cow<'_, Record>, Fatal> {
        // The records have none behind the last.
        let place = self.places.get(at).copied().unwrap_or(usize::MAX);
        self.records.get(place)
    }
}

impl LettersToMake for BatchLetters<'_> {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn letter(&self, at: usize) -> Result<LetterToMake, Fatal> {
        let record = self.record(at)?;
        let was_admitted = || Fatal::Bug("a letter that was admitted cannot be made".into());
        let to = Invitee::of(&record).ok_or_else(was_admitted)?;
        let fields = self.rules.letter(to.patient, to.codes);
        let postcode = to.patient.postcode.as_ref().map(Postcode::expose_postcode);
        Ok(LetterToMake {
            fields: fields.map_err(|_| was_admitted())?,
            codes: to.codes.map(|codes| {
                [codes.code.expose_code(), codes.token.expose_code()].map(ShortText::of)
            }),
            row: record.row.number,
            reference: reference_of(self.references.get(at).and_then(Option::as_ref)),
            postcode: postcode.unwrap_or_default().to_owned(),
            seed: record.seed,
        })
    }

    fn expected(&self, at: usize) -> Result<Expected, Fatal> {
        let record = self.record(at)?;
        let patient = record.patient.as_ref();
        patient
            .map(|patient| self.rules.languages_of(patient))
            .and_then(|languages| Expected::of(&record, languages, self.rules.design))
            .ok_or_else(|| Fatal::Bug("a letter of a record without codes".into()))
    }
}
