//! The stage.

use std::{
    collections::HashSet,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use pkb_core::{
    Admission, Batch, ExitCode, Fatal, Reason, Record, Stage, StageName, Verdict, app,
    atomic_file::{self, AtomicFile},
    journal::Key,
    output::Target,
    record::{Channel, Delivery, Unknown},
    stage::{BatchResult, IntentLog, Recalled, Replay},
    value::NationalId,
};

use crate::{
    args::{Args, Command, LettersArgs, TemplateCommand},
    invitee::Rules,
    letter_fields::LetterFields,
    manifest::{self, Manifest},
    sms::{SheetNumbers, SmsSheets},
    template::Template,
    typesetter::{TypesetError, Typesetter},
};

/// Beginning of the name of a file of letters.
const LETTERS: &str = "letters-";
/// Beginning of the name of a file of letters that are printed again.
const REPRINT: &str = "reprint-";

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
    let stage = Letters {
        rules: Rules {
            letter_date: args.stream.clock().today(),
            min_days_left: args.min_days_left,
            join_url: args.join_url,
            sms: args.sms,
        },
        template,
        typesetter,
        letters_per_file: args.letters_per_file as usize,
        reprint: args.reprint.into_iter().collect(),
        invited: Mutex::default(),
        sheets: Mutex::new(SheetNumbers::new(&out)?),
        made: Mutex::default(),
        papers: Mutex::new(Some(Papers {
            manifest: Manifest::create(&out)?,
            sms: SmsSheets::new(&out),
        })),
        out,
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
        name == manifest::FILE_NAME || name.starts_with("letters-") || name.starts_with("sms-")
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
    template: Template,
    typesetter: Typesetter,
    letters_per_file: usize,
    /// Rows that are to be printed again, and nothing else.
    reprint: HashSet<u64>,
    out: PathBuf,
    /// Everybody who has been admitted in this run.
    invited: Mutex<HashSet<NationalId>>,
    sheets: Mutex<SheetNumbers>,
    made: Mutex<Made>,
    papers: Mutex<Option<Papers>>,
}

/// How much has been made, in this run and those before it.
#[derive(Debug, Default)]
struct Made {
    letters: u64,
    files: u64,
    reprints: u64,
    /// Files that an earlier run began; the last of them may be unfinished, or finished and not in
    /// the journal.
    begun: HashSet<String>,
}

impl Made {
    /// Counts a letter of an earlier run.
    fn recall(&mut self, delivery: Option<&Delivery>) {
        let Some(Delivery {
            file,
            sequence: Some(sequence),
            ..
        }) = delivery
        else {
            return;
        };
        self.letters = self.letters.max(*sequence);
        let number = |prefix: &str| {
            file.strip_prefix(prefix)?
                .strip_suffix(".pdf")?
                .parse::<u64>()
                .ok()
        };
        self.files = self.files.max(number(LETTERS).unwrap_or_default());
        self.reprints = self.reprints.max(number(REPRINT).unwrap_or_default());
    }
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

/// A letter in a finished file.
struct PrintedLetter {
    file: String,
    pages: (u64, u64),
    sequence: u64,
}

impl Letters {
    fn organisation(&self) -> &str {
        &self.template.organisation().name
    }

    /// Name of the next file. A file that stands there already is made again only if an earlier run
    /// of this journal began it.
    fn next_file(&self, made: &Made) -> Result<String, Fatal> {
        let name = if self.reprint.is_empty() {
            format!("{LETTERS}{:04}.pdf", made.files + 1)
        } else {
            format!("{REPRINT}{:04}.pdf", made.reprints + 1)
        };
        if self.out.join(&name).exists() && !made.begun.contains(&name) {
            return Err(Fatal::Usage(format!(
                "{} has {name} in it, which is not in this journal: choose a new folder, or give the journal of the run that made it",
                self.out.display()
            )));
        }
        Ok(name)
    }

    /// Makes one file of the letters that can be printed, and says what became of each.
    fn print(
        &self,
        mut letters: Vec<LetterFields>,
        mut places: Vec<usize>,
        results: &mut [Result<Delivery, Verdict>],
        intents: &IntentLog,
    ) -> Result<(), Fatal> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.next_file(&made)?;
        let typeset = loop {
            if letters.is_empty() {
                return Ok(());
            }
            for (sequence, letter) in (made.letters + 1..).zip(&mut letters) {
                letter.sequence = sequence;
            }
            match self.typesetter.typeset(&letters) {
                Ok(typeset) => break typeset,
                // The others are numbered again without it.
                Err(error) => {
                    let (at, verdict) = blame(error)?;
                    letters.remove(at);
                    results[places.remove(at)] = Err(verdict);
                }
            }
        };
        if typeset.pages.len() != letters.len() {
            return Err(Fatal::Bug(
                "a file has another number of letters than patients".into(),
            ));
        }
        intents.note(serde_json::json!({ "file": name }))?;
        AtomicFile::write(&self.out.join(&name), &typeset.pdf)?;
        for ((place, letter), (first, last)) in places.iter().zip(&letters).zip(typeset.pages) {
            if let Ok(delivery) = &mut results[*place] {
                let pages = (first as u64, last as u64);
                PrintedLetter {
                    file: name.clone(),
                    pages,
                    sequence: letter.sequence,
                }
                .enter(delivery);
            }
        }
        made.letters += letters.len() as u64;
        if self.reprint.is_empty() {
            made.files += 1
        } else {
            made.reprints += 1
        }
        Ok(())
    }
}

impl PrintedLetter {
    fn enter(self, delivery: &mut Delivery) {
        delivery.channel = if delivery.sms_file.is_some() {
            Channel::Both
        } else {
            Channel::Letter
        };
        delivery.file = self.file;
        delivery.pages = Some(self.pages);
        delivery.sequence = Some(self.sequence);
    }
}

/// Which letter of a file an error is about, and what that means for the patient.
fn blame(error: TypesetError) -> Result<(usize, Verdict), Fatal> {
    let Some(at) = error.letter_index() else {
        return Err(unusable_template(error));
    };
    let reason = match error {
        TypesetError::MissingGlyph { .. } => Reason::MissingGlyph,
        _ => Reason::DoesNotFit,
    };
    Ok((at, Verdict::with_detail(reason, error.to_string())))
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
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            Recalled::Record(record) => made.recall(record.delivery.as_ref()),
            Recalled::Intent(intent) => made
                .begun
                .extend(intent["file"].as_str().map(str::to_owned)),
        }
        Ok(())
    }

    fn replay(&self, record: &Record) -> Replay {
        if let (Some(patient), Some(codes), Some(delivery)) =
            (&record.patient, &record.invitation, &record.delivery)
        {
            let mut invited = self.invited.lock().unwrap_or_else(PoisonError::into_inner);
            if !invited.insert(patient.national_id) {
                return Replay::Stop(Reason::AlreadyInvited.into());
            }
            if let Some(sheet) = sheet_of(delivery)
                && let Some(row) = self.rules.sms(patient, codes, self.organisation())
            {
                self.sheets
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .recount(sheet, &row);
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
        let letter = match self.rules.letter(patient, codes, self.template.fonts()) {
            Ok(letter) => letter,
            Err(verdict) => return Admission::Stop(verdict),
        };
        let mut invited = self.invited.lock().unwrap_or_else(PoisonError::into_inner);
        if !invited.insert(patient.national_id) && !reprint {
            return Admission::Stop(Reason::AlreadyInvited.into());
        }
        let wants_sms = self.rules.sms && !reprint;
        let row = self
            .rules
            .sms(patient, codes, self.organisation())
            .filter(|_| wants_sms);
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
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
        tokio::task::block_in_place(|| self.print(letters, places, &mut results, &batch.intents))?;
        Ok(results)
    }

    fn apply(&self, record: &mut Record, delivery: Delivery) {
        record.delivery = Some(delivery);
    }

    fn collect(&self, record: &Record) -> Result<(), Fatal> {
        let mut papers = self.papers.lock().unwrap_or_else(PoisonError::into_inner);
        let papers = papers
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a letter came after the last".into()))?;
        papers.manifest.add(record)?;
        if let (Some(patient), Some(codes), Some(delivery)) =
            (&record.patient, &record.invitation, &record.delivery)
            && let Some(sheet) = sheet_of(delivery)
            && !self
                .sheets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_finished(sheet)
            && let Some(row) = self.rules.sms(patient, codes, self.organisation())
        {
            papers.sms.add(sheet, &row)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Fatal> {
        let papers = self
            .papers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Papers { manifest, sms }) = papers else {
            return Ok(());
        };
        sms.finish()?;
        manifest.finish()
    }
}
