//! The stage.

use std::{
    collections::{HashMap, HashSet},
    io::IsTerminal as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, app, atomic_file,
    journal::Key,
    output::Target,
    record::{Channel, Delivery, PkbAnswer, Unknown},
    stage::{BatchResult, Recalled, Replay},
    value::NationalId,
};

use crate::{
    args::{Args, Command, LettersArgs, TemplateCommand},
    invitee::Rules,
    letter_fields::LetterFields,
    manifest::{self, Manifest},
    press::{self, Edition, Press, PrintedLetter},
    sms::{SheetNumbers, SmsSheets},
    template::Template,
    typesetter::{TypesetError, Typesetter},
    verify,
};

/// Does what the arguments ask.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Some(Command::Template(TemplateCommand::New { dir })) => {
            Template::write_to(&dir).map_err(|error| Fatal::Usage(error.to_string()))?;
            pkb_core::progress::tell(format!(
                "{}: edit organisation.toml and letter.typ",
                dir.display()
            ));
            Ok(ExitCode::Done)
        }
        Some(Command::Verify(args)) => verify::verify(&args),
        None => make_letters(args.letters).await,
    }
}

async fn make_letters(args: LettersArgs) -> Result<ExitCode, Fatal> {
    let out = args
        .out
        .ok_or_else(|| Fatal::Usage("--out is missing".into()))?;
    let template = match &args.template {
        Some(folder) => Template::open(folder),
        None => Template::built_in(),
    };
    let template = template.map_err(|error| Fatal::Usage(error.to_string()))?;
    let typesetter = Typesetter::new(&template).map_err(unusable_template)?;
    for warning in typesetter.warnings() {
        tracing::warn!("template: {warning}");
    }
    atomic_file::create_private_folder(&out)?;
    if args.stream.journal.is_none() {
        refuse_used_folder(&out)?;
    }
    let target = if args.stream.output.is_none() && std::io::stdout().is_terminal() {
        Target::file(&out.join("delivered.ndjson"))?
    } else {
        args.stream.target()?
    };
    let edition = if args.reprint.is_empty() {
        Edition::First
    } else {
        Edition::Reprint
    };
    let stage = Letters {
        rules: Rules {
            letter_date: args.stream.clock().today(),
            min_days_left: args.min_days_left,
            join_url: args.join_url,
            sms: args.sms,
        },
        oldest_answer: args.stream.clock().ago(args.max_age_of_answer),
        template,
        letters_per_file: args.letters_per_file as usize,
        reprint: args.reprint.into_iter().collect(),
        printed: Mutex::default(),
        invited: Mutex::default(),
        sheets: Mutex::new(SheetNumbers::new(&out)?),
        press: Mutex::new(Press::new(typesetter, out.clone(), edition)),
        papers: Mutex::new(Some(Papers {
            manifest: Manifest::create(&out)?,
            sms: SmsSheets::new(&out),
        })),
    };
    // The typesetter itself uses all processors; one file after the other keeps sequence numbers
    // without gaps.
    app::run_stage(stage, args.input.open()?, target, 1, &args.stream).await
}

/// Without a journal nobody can tell who has a letter already, so a folder that has letters in it is
/// not added to.
fn refuse_used_folder(out: &Path) -> Result<(), Fatal> {
    let entries = out
        .read_dir()
        .map_err(|source| Fatal::cannot_read(out, source))?;
    let is_ours = |name: &str| {
        name == manifest::FILE_NAME || name.starts_with(press::LETTERS) || name.starts_with("sms-")
    };
    for entry in entries {
        let entry = entry.map_err(|source| Fatal::cannot_read(out, source))?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            return Err(Fatal::Usage(format!(
                "{} has letters of another run in it: choose a new folder, or give that run's --journal",
                out.display()
            )));
        }
    }
    Ok(())
}

fn unusable_template(error: TypesetError) -> Fatal {
    Fatal::Usage(error.to_string())
}

struct Letters {
    rules: Rules,
    /// PKB's answers are too old if they are older.
    oldest_answer: Timestamp,
    template: Template,
    letters_per_file: usize,
    /// Rows that are to be printed again, and nothing else.
    reprint: HashSet<u64>,
    /// File and first page of the letters of earlier runs.
    printed: Mutex<HashMap<NationalId, (Box<str>, u64)>>,
    /// Everybody who has been admitted in this run.
    invited: Mutex<HashSet<NationalId>>,
    sheets: Mutex<SheetNumbers>,
    press: Mutex<Press>,
    papers: Mutex<Option<Papers>>,
}

/// The files that accompany the letters.
struct Papers {
    manifest: Manifest,
    sms: SmsSheets,
}

/// What one patient gets.
pub struct Invitations {
    /// `None` if a text message has to do.
    letter: Option<LetterFields>,
    /// `None` if there is no text message.
    sms_file: Option<String>,
}

impl Letters {
    fn organisation(&self) -> &str {
        &self.template.organisation().name
    }
}

/// Enters a letter into a delivery that may have a text message already.
fn enter(letter: PrintedLetter, delivery: &mut Delivery) {
    delivery.channel = if delivery.sms_file.is_some() {
        Channel::Both
    } else {
        Channel::Letter
    };
    delivery.file = letter.file;
    delivery.pages = Some(letter.pages);
    delivery.sequence = Some(letter.sequence);
}

/// What a panic left behind is as good as before: each change is made in one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sheet of a delivery, if it has a text message.
fn sheet_of(delivery: &Delivery) -> Option<&str> {
    match delivery.channel {
        Channel::Sms => Some(&delivery.file),
        Channel::Letter | Channel::Both => delivery.sms_file.as_deref(),
    }
}

impl Stage for Letters {
    type Work = Invitations;
    type Done = Delivery;
    const NAME: StageName = StageName::Letters;

    fn batch_rows(&self) -> usize {
        self.letters_per_file
    }

    /// The patient alone: the journal is the campaign's ledger, and whoever is in it has a letter,
    /// whatever has been corrected since.
    fn key(&self, record: &Record) -> Option<Key> {
        Some(Key::of(&[&record
            .patient
            .as_ref()?
            .national_id
            .key_bytes()]))
    }

    fn recall(&self, line: &Recalled) -> Result<(), Fatal> {
        locked(&self.press).recall(line);
        if let Recalled::Record(record) = line
            && let (Some(patient), Some(delivery)) = (&record.patient, &record.delivery)
            && let Some((page, _)) = delivery.pages
        {
            let place = (delivery.file.as_str().into(), page);
            locked(&self.printed).insert(patient.national_id, place);
        }
        Ok(())
    }

    /// Somebody may be put on a list, or die, after the letter was printed and before it is posted.
    fn stopped_before(&self, record: &Record) {
        let (Some(patient), Some(outcome)) = (&record.patient, &record.outcome) else {
            return;
        };
        if let Some((file, page)) = locked(&self.printed).get(&patient.national_id) {
            tracing::warn!(
                "row {}: {} now, and its letter was printed in an earlier run: take {file}, sheet {page}, out before \
                 the letters are posted",
                record.row.number,
                outcome.reason.as_str()
            );
        }
    }

    fn replay(&self, record: &Record) -> Replay {
        if let (Some(patient), Some(codes), Some(delivery)) =
            (&record.patient, &record.invitation, &record.delivery)
        {
            let mut invited = locked(&self.invited);
            if !invited.insert(patient.national_id) {
                return Replay::Stop(Reason::AlreadyInvited.into());
            }
            if let Some(sheet) = sheet_of(delivery)
                && let Some(row) = self.rules.sms(patient, codes, self.organisation())
            {
                locked(&self.sheets).recount(sheet, &row);
            }
        }
        if self.reprint.contains(&record.row.number) {
            Replay::DoAgain
        } else {
            Replay::Answer
        }
    }

    fn admit(&self, record: &Record) -> Admission<Invitations> {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return Admission::NotReady;
        };
        let reprint = self.reprint.contains(&record.row.number) && record.delivery.is_some();
        if !reprint && (record.delivery.is_some() || !self.reprint.is_empty()) {
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
        let letter = match self.rules.letter(patient, codes, self.template.fonts()) {
            Ok(letter) => letter,
            Err(verdict) => return Admission::Stop(verdict),
        };
        let mut invited = locked(&self.invited);
        if !invited.insert(patient.national_id) && !reprint {
            return Admission::Stop(Reason::AlreadyInvited.into());
        }
        let wants_sms = self.rules.sms && !reprint;
        let row = wants_sms
            .then(|| self.rules.sms(patient, codes, self.organisation()))
            .flatten();
        let mut sheets = locked(&self.sheets);
        Admission::Work(Invitations {
            letter,
            sms_file: row.map(|row| sheets.assign(&row)),
        })
    }

    async fn advance(&self, batch: Batch<Invitations>) -> BatchResult<Delivery> {
        let (mut letters, mut places) = (Vec::new(), Vec::new());
        let mut results = Vec::with_capacity(batch.work.len());
        for (place, work) in batch.work.into_iter().enumerate() {
            results.push(Ok(Delivery {
                channel: Channel::Sms,
                file: work.sms_file.clone().unwrap_or_default(),
                date: Some(self.rules.letter_date),
                pages: None,
                sequence: None,
                sms_file: work.letter.is_some().then_some(work.sms_file).flatten(),
                unknown: Unknown::new(),
            }));
            if let Some(letter) = work.letter {
                letters.push(letter);
                places.push(place);
            }
        }
        // Typesetting computes for seconds; the runtime is told so.
        let printed =
            tokio::task::block_in_place(|| locked(&self.press).print(letters, &batch.intents))?;
        for (place, letter) in places.into_iter().zip(printed) {
            match (letter, &mut results[place]) {
                (Ok(letter), Ok(delivery)) => enter(letter, delivery),
                (Err(verdict), result) => *result = Err(verdict),
                (Ok(_), Err(_)) => {
                    return Err(Fatal::Bug("a letter was printed for nobody".into()));
                }
            }
        }
        Ok(results)
    }

    fn apply(&self, record: &mut Record, delivery: Delivery) {
        record.delivery = Some(delivery);
    }

    fn collect(&self, record: &Record) -> Result<(), Fatal> {
        let mut papers = locked(&self.papers);
        let papers = papers
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a letter came after the last".into()))?;
        papers.manifest.add(record)?;
        if let (Some(patient), Some(codes), Some(delivery)) =
            (&record.patient, &record.invitation, &record.delivery)
            && let Some(sheet) = sheet_of(delivery)
            && !locked(&self.sheets).is_finished(sheet)
            && let Some(row) = self.rules.sms(patient, codes, self.organisation())
        {
            papers.sms.add(sheet, &row)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Fatal> {
        let papers = locked(&self.papers).take();
        let Some(Papers { manifest, sms }) = papers else {
            return Ok(());
        };
        sms.finish()?;
        manifest.finish()
    }
}
