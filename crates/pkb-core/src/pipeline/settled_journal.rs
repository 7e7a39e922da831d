//! The journal as the pipeline uses it: which records are in it, and how far it is on the disk.

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use memchr::memmem::Finder;
use serde::Deserialize;

use crate::{
    Fatal, Outcome, Reason, Record, Stage, StageName,
    owners::{Belongings, Known, Owners, Salt},
    record::{Delivery, Dispatch, KeyFields, Schema, Upload},
    rehearsal::{FILE_PREFIX, Origin, Origins},
    stage::{IntentLog, Recalled},
};
use pkb_files::journal::{Entry, Journal, Key, Lookup};

/// The journal of a run.
pub(super) struct SettledJournal {
    journal: Arc<Mutex<Journal>>,
    lookup: Lookup,
    /// Who has come with what in earlier runs.
    owners: Owners,
    /// Records appended in this run.
    appended: u64,
    /// Of those, the ones that are on the disk.
    synced: u64,
}

/// A line of the journal, and what its patient came with.
struct Line {
    seen: Seen,
    has: Option<Belongings>,
    /// Whether it is of a rehearsal, if it tells.
    origin: Option<Origin>,
    /// It was noted for nothing else: this stage has stopped the record, and the next run tries again.
    is_evidence: bool,
}

/// A line of the journal, as far as it was read.
enum Seen {
    /// Enough of it: whether it is this stage's own, and how it is looked up.
    Enough { own: bool, entry: Entry },
    /// All of it: it is this stage's own, and is found by this key.
    Whole(Recalled, Option<Key>),
}

impl SettledJournal {
    /// Opens the journal at `path` and lets `stage` recall what is in it.
    ///
    /// # Errors
    /// It cannot be used; or `origins` know that the run is a rehearsal and the journal is not of one, or the other way round.
    pub(super) fn open<S: Stage>(path: &Path, stage: &S, origins: &Origins) -> Result<Self, Fatal> {
        let (mut lines, mut own) = (0_u64, 0_u64);
        let mut mixed = None;
        let mut owners = Owners::default();
        let salt = owners.salt().clone();
        let read = |line: &[u8], place| read_line_for(stage, line, place, &salt);
        let journal = Journal::open(path, read, |line| {
            lines += 1;
            own += u64::from(line.is_evidence);
            // The lines that this stage did not write do not answer anything, but tell as much.
            let told = line.origin.map(|origin| origins.note_file(origin, path));
            if let Some(Err(fatal)) = told {
                mixed.get_or_insert(fatal);
            }
            if let Some(has) = line.has {
                owners.come(&has);
            }
            match line.seen {
                Seen::Enough { own: is_own, entry } => {
                    own += u64::from(is_own);
                    Ok(entry)
                }
                Seen::Whole(recalled, key) => {
                    own += 1;
                    // A journal that is not used is not understood either.
                    if mixed.is_none() {
                        stage.recall(&recalled, key)?;
                    }
                    Ok(key.into())
                }
            }
        })?;
        if let Some(fatal) = mixed {
            return Err(fatal);
        }
        if lines > 0 && own == 0 {
            return Err(Fatal::Usage(format!(
                "{}: nothing in it is of {}: is it the journal of another stage?",
                path.display(),
                S::NAME.program()
            )));
        }
        if journal.cut_bytes() > 0 {
            tracing::warn!(
                "{}: the last line was torn and has been cut off ({} bytes); its record is done again",
                path.display(),
                journal.cut_bytes()
            );
        }
        Ok(Self {
            lookup: journal.lookup(),
            owners,
            journal: Arc::new(Mutex::new(journal)),
            appended: 0,
            synced: 0,
        })
    }

    /// The lines of earlier runs, for threads that judge records.
    pub(super) fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    /// What several patients have come with in earlier runs.
    pub(super) fn known_to_be_shared(&self) -> Known {
        self.owners.known()
    }

    /// Who has come with what in earlier runs.
    pub(super) fn take_owners(&mut self) -> Owners {
        std::mem::take(&mut self.owners)
    }

    /// Where a stage notes what it is about to do.
    pub(super) fn intents(&self, stage: StageName) -> IntentLog {
        IntentLog::new(stage, Arc::clone(&self.journal))
    }

    /// Appends a settled record. Returns its number: it may be written to the output when
    /// [`Self::synced`] has reached that. Only the next run looks it up: whether a patient who comes
    /// twice is answered from the journal must not depend on how fast the first answer was.
    pub(super) fn append(&mut self, line: &[u8]) -> Result<u64, Fatal> {
        lock(&self.journal).append(None, line, Instant::now())?;
        self.appended += 1;
        Ok(self.appended)
    }

    /// Number of the last record that is on the disk.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// When the next sync is due.
    pub(super) fn sync_due(&self) -> Option<Instant> {
        lock(&self.journal).sync_due()
    }

    /// Syncs if that is due. A stage that notes an intent syncs the journal, too: whatever brought
    /// them there, once nothing is left to sync all records are on the disk.
    pub(super) fn sync_if_due(&mut self) -> Result<(), Fatal> {
        match self.sync_due() {
            None => {
                self.synced = self.appended;
                Ok(())
            }
            Some(due) if due <= Instant::now() => self.sync(),
            Some(_) => Ok(()),
        }
    }

    /// Brings all that was appended to the disk.
    pub(super) fn sync(&mut self) -> Result<(), Fatal> {
        // The disk may take its time; the runtime is told so.
        tokio::task::block_in_place(|| lock(&self.journal).sync())?;
        self.synced = self.appended;
        Ok(())
    }
}

/// Names of sections as they stand in a line.
static INVITATION: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"invitation\":"));
static DELIVERY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"delivery\":"));
pub(super) static OUTCOME: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"outcome\":"));

/// What a stage has added to a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Its section.
    Work,
    /// Why the record goes no further.
    Outcome(Outcome),
}

/// What `stage` has added, if `settled` is `input` with that behind it and nothing else. Records are
/// written with their sections in order, so this is how nearly all lines are; comparing bytes is
/// much quicker than reading and writing the record.
pub(super) fn added_by(stage: StageName, input: &[u8], settled: &[u8]) -> Option<Added> {
    let added = behind(input, settled)?;
    let (own, later): (&[u8], &[&Finder<'_>]) = match stage {
        StageName::Resolve => (b",\"pkb\":{", &[&INVITATION, &DELIVERY, &OUTCOME]),
        StageName::Tokens => (b",\"invitation\":{", &[&DELIVERY, &OUTCOME]),
        // pkb-upload has no input line, and the others look at their records.
        StageName::Upload
        | StageName::Letters
        | StageName::Sms
        | StageName::Post
        | StageName::Recheck => return None,
    };
    if let Some(outcome) = added.strip_prefix(b",\"outcome\":") {
        // Nothing but an outcome can stand before the last brace and be read as one.
        let outcome = serde_json::from_slice::<Outcome>(outcome.strip_suffix(b"}")?).ok()?;
        let is_own = outcome.stage == stage && outcome.is_for_good();
        return is_own.then_some(Added::Outcome(outcome));
    }
    // In a text such a name would have its quotes escaped.
    let is_own = added.starts_with(own) && !later.iter().any(|name| name.find(added).is_some());
    is_own.then_some(Added::Work)
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a record was stopped by this stage since another patient has the same.
fn is_evidence<S: Stage>(outcome: Option<&Outcome>) -> bool {
    outcome.is_some_and(|outcome| {
        outcome.stage == S::NAME
            && matches!(outcome.reason, Reason::SharedRecord | Reason::SharedCodes)
    })
}

/// As much of a line of the journal as `stage` needs; `place` is where it stands.
fn read_line_for<S: Stage>(stage: &S, line: &[u8], place: u64, salt: &Salt) -> Result<Line, Fatal> {
    let kinds = S::NEEDS_OWN.and(S::BRINGS_OWN);
    let text = std::str::from_utf8(line).map_err(|_| Fatal::Input("not UTF-8".into()))?;
    if S::QUICK_REPLAY
        && let Ok(fields) = serde_json::from_str::<KeyFields<'_>>(text)
    {
        let own = fields.is_settled_by(S::NAME);
        let entry = match stage.quick_key(&fields).filter(|_| own) {
            None => Entry::Other,
            // The newest line of a key decides; one that is no longer good hides those before it.
            Some(key) if fields.outcome.as_ref().is_some_and(Outcome::is_erased) => {
                Entry::Found(key)
            }
            Some(key) if !stage.still_good(&fields, place) => Entry::Hides(key),
            Some(key)
                if S::JUDGES_ALONE && stage.quick_answers(&fields, fields.outcome.as_ref()) =>
            {
                Entry::Ready(key)
            }
            Some(key) => Entry::Found(key),
        };
        let has = Belongings::of_fields(&fields, salt);
        return Ok(Line {
            seen: Seen::Enough { own, entry },
            has: has.and_then(|has| has.only(kinds)),
            origin: Origin::of_fields(&fields),
            is_evidence: is_evidence::<S>(fields.outcome.as_ref()),
        });
    }
    let recalled = read_line(line)?;
    let origin = match &recalled {
        Recalled::Record(record) => Origin::of(record),
        // A file of a rehearsal that was about to be written.
        Recalled::Intent(intent) => (intent["file"].as_str())
            .filter(|file| file.starts_with(FILE_PREFIX))
            .map(|_| Origin::Rehearsal),
    };
    let (has, is_evidence) = match &recalled {
        Recalled::Record(record) => (
            Belongings::of(record, salt).and_then(|has| has.only(kinds)),
            is_evidence::<S>(record.outcome.as_ref()),
        ),
        Recalled::Intent(_) => (None, false),
    };
    let key = match &recalled {
        Recalled::Record(record) if record.is_settled_by(S::NAME) => stage.key(record),
        Recalled::Intent(intent) if intent["stage"] == S::NAME.as_str() => None,
        Recalled::Record(_) | Recalled::Intent(_) => {
            let seen = Seen::Enough {
                own: false,
                entry: Entry::Other,
            };
            return Ok(Line {
                seen,
                has,
                origin,
                is_evidence,
            });
        }
    };
    Ok(Line {
        seen: Seen::Whole(recalled, key),
        has,
        origin,
        is_evidence,
    })
}

/// A record that a stage settled, from its line.
///
/// # Errors
/// The journal was changed by somebody else.
pub(super) fn settled_record(line: &[u8]) -> Result<Box<Record>, Fatal> {
    match read_line(line)? {
        Recalled::Record(record) => Ok(record),
        Recalled::Intent(_) => Err(Fatal::Bug("an intent was looked up".into())),
    }
}

/// What `stage` has added to a record without an outcome, if `settled` is the record's line `input` with that behind it
/// and nothing else: then `settled` is what the record is written as once it has [`Addition::enter`]ed.
pub(super) fn addition(stage: StageName, input: &[u8], settled: &[u8]) -> Option<Addition> {
    let added = behind(input, settled)?.strip_prefix(b",")?;
    let addition: Addition = serde_json::from_slice(&[b"{", added].concat()).ok()?;
    addition.is_of(stage).then_some(addition)
}

/// What stands in `settled` behind the fields of `input`, up to the end of the line.
fn behind<'a>(input: &[u8], settled: &'a [u8]) -> Option<&'a [u8]> {
    settled.strip_prefix(input.strip_suffix(b"}")?)
}

/// Sections that one stage has written behind all others; of stages that add no more than these. What other stages have
/// settled is answered by [`added_by`], or takes more of the record over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    upload: Option<Upload>,
    delivery: Option<Delivery>,
    texts: Option<Vec<Dispatch>>,
    posted: Option<Dispatch>,
    outcome: Option<Outcome>,
}

impl Addition {
    /// Whether these are sections of `stage` and of nobody else.
    fn is_of(&self, stage: StageName) -> bool {
        let there = (
            self.upload.is_some(),
            self.delivery.is_some(),
            self.texts.is_some(),
            self.posted.is_some(),
        );
        match stage {
            StageName::Upload => matches!(there, (_, false, false, false)),
            StageName::Letters => matches!(there, (false, _, false, false)),
            StageName::Sms => matches!(there, (false, false, _, false)),
            StageName::Post => matches!(there, (false, false, false, _)),
            StageName::Resolve | StageName::Tokens | StageName::Recheck => false,
        }
    }

    /// Why the record was stopped.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Writes the sections into the record that they stand behind.
    pub(super) fn enter(self, record: &mut Record) {
        let Self {
            upload,
            delivery,
            texts,
            posted,
            outcome,
        } = self;
        record.upload = upload.or(record.upload.take());
        record.delivery = delivery.or(record.delivery.take());
        record.texts = texts.unwrap_or(std::mem::take(&mut record.texts));
        record.posted = posted.or(record.posted.take());
        record.outcome = outcome;
    }
}

/// A line of a journal: a record or an intent.
fn read_line(line: &[u8]) -> Result<Recalled, Fatal> {
    let text = std::str::from_utf8(line).map_err(|_| Fatal::Input("not UTF-8".into()))?;
    if let Ok(record) = serde_json::from_str::<Record>(text) {
        return Ok(Recalled::Record(Box::new(record)));
    }
    let intent = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .filter(|value| value["schema"] == IntentLog::SCHEMA);
    intent.map(Recalled::Intent).ok_or_else(|| {
        Fatal::Input(format!(
            "neither a record of version {} nor an intent",
            Schema::NAME
        ))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INPUT: &str = r#"{"schema":"pkb-record/1","row":{"file":"p","number":2,"of":1}}"#;

    fn added(stage: StageName, work: &str) -> Option<Added> {
        let open = INPUT.strip_suffix('}').unwrap();
        added_by(
            stage,
            INPUT.as_bytes(),
            format!("{open}{work}}}").as_bytes(),
        )
    }

    #[test]
    fn a_line_is_handed_on_only_if_the_stage_and_nobody_else_added_to_it() {
        use StageName::{Resolve, Tokens};
        let work = Some(Added::Work);
        assert_eq!(added(Resolve, r#","pkb":{"id":"1"}"#), work);
        let quoted = r#","invitation":{"code":"\"delivery\":"}"#;
        assert_eq!(added(Tokens, quoted), work);
        for (stage, others) in [
            (Tokens, r#","pkb":{"id":"1"},"invitation":{}"#),
            (Resolve, r#","pkb":{"id":"1"},"invitation":{}"#),
            (Resolve, r#","pkb":{"id":"1"},"outcome":{}"#),
            (Resolve, r#","outcome":{}"#),
        ] {
            assert_eq!(added(stage, others), None, "{others}");
        }
        for (input, settled) in [
            (&b"{\"a\":1}"[..], &b"{\"a\":2,\"pkb\":{}}"[..]),
            (b"", b"{}"),
        ] {
            assert_eq!(added_by(Resolve, input, settled), None);
        }
    }

    #[test]
    fn an_outcome_is_handed_on_only_if_it_is_the_stages_own_and_for_good() {
        let added = |outcome: &str| added(StageName::Resolve, &format!(r#","outcome":{outcome}"#));
        let good = r#"{"stage":"resolve","kind":"excluded","reason":"deceased","also":["under_age"],"detail":"}"}"#;
        let outcome = serde_json::from_str(good).unwrap();
        assert_eq!(added(good), Some(Added::Outcome(outcome)));
        for other in [
            r#"{"stage":"tokens","kind":"excluded","reason":"deceased"}"#,
            r#"{"stage":"resolve","kind":"excluded","reason":"not_found"}"#,
            r#"{"stage":"resolve","kind":"failed","reason":"unavailable"}"#,
            r#"{"stage":"resolve","kind":"excluded","reason":"deceased"},"x":1"#,
            r#"{"stage":"resolve","kind":"excluded","reason":"deceased""#,
        ] {
            assert_eq!(added(other), None, "{other}");
        }
    }

    /// What may stand behind [`INPUT`], in any number and order.
    const SECTIONS: [&str; 10] = [
        r#","upload":{"batch":"a-0001.csv","state":"sent","at":"2026-11-22T09:00:00Z"}"#,
        r#","upload":{"batch":"a-0001.csv","state":"sent","at":"2026-11-22T09:00:00Z","theirs":{"n":1e3}}"#,
        r#","pkb":{"checked_at":"2026-11-22T09:00:00Z"}"#,
        r#","invitation":{"code":"NKfi0O1lIB","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"}"#,
        r#","delivery":{"channel":"letter","file":"letters-0001.pdf","pages":[1,1],"sequence":1}"#,
        r#","texts":[{"reference":"r","status":"created","at":"2026-11-22T09:00:00Z"}]"#,
        r#","posted":{"reference":"r","status":"created","at":"2026-11-22T09:00:00Z"}"#,
        r#","uptake":{"registered":true,"checked_at":"2026-11-22T09:00:00Z"}"#,
        r#","outcome":{"stage":"letters","kind":"excluded","reason":"deceased"}"#,
        r#","theirs":{"n":1}"#,
    ];

    fn sections(most: usize) -> impl Strategy<Value = String> {
        let one = proptest::sample::select(SECTIONS.as_slice());
        proptest::collection::vec(one, 0..=most).prop_map(|sections| sections.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn sections_that_are_entered_make_of_a_record_what_reading_all_of_it_does(
            before in sections(2),
            behind in sections(2),
            stage in proptest::sample::select(StageName::ALL.as_slice()),
        ) {
            let open = INPUT.strip_suffix('}').unwrap();
            let (input, settled) = (format!("{open}{before}}}"), format!("{open}{before}{behind}}}"));
            // No journal has other lines.
            let read = (serde_json::from_str::<Record>(&input), serde_json::from_str::<Record>(&settled));
            if let (Ok(input_record), Ok(settled_record)) = read
                && input_record.outcome.is_none()
                && let Some(addition) = addition(stage, input.as_bytes(), settled.as_bytes())
            {
                let mut quick = input_record.clone();
                addition.enter(&mut quick);
                prop_assert_eq!(&quick, &settled_record, "its line is what it is written as");
                let mut whole = input_record;
                whole.take_over(stage, settled_record);
                prop_assert_eq!(quick, whole);
            }
        }
    }

    #[test]
    fn what_a_stage_added_behind_all_else_needs_no_reading_of_the_rest() {
        let addition = |stage, behind: &str| {
            let settled = format!("{}{behind}}}", INPUT.strip_suffix('}').unwrap());
            addition(stage, INPUT.as_bytes(), settled.as_bytes()).is_some()
        };
        let [
            upload,
            _,
            pkb,
            _,
            delivery,
            texts,
            posted,
            _,
            outcome,
            theirs,
        ] = SECTIONS;
        for (stage, own) in [
            (StageName::Upload, upload),
            (StageName::Letters, delivery),
            (StageName::Sms, texts),
            (StageName::Post, posted),
        ] {
            assert!(addition(stage, own) && addition(stage, outcome), "{own}");
            for other in [
                theirs,
                pkb,
                "",
                &format!("{own}{theirs}"),
                &format!("{own}{pkb}"),
            ] {
                assert!(!addition(stage, other), "{stage:?} {other}");
            }
        }
    }
}
