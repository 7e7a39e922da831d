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
    output::Target,
    record::{Channel, Delivery, Unknown},
    stage::BatchResult,
    value::NationalId,
};

use crate::{
    args::{Args, Command, LettersArgs, TemplateCommand},
    invitee::Rules,
    letter_fields::LetterFields,
    manifest::{self, Manifest},
    sms::SmsSheets,
    template::Template,
    typesetter::{TypesetError, Typesetter},
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
    refuse_used_folder(&out)?;
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
        invited: Mutex::default(),
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

/// A folder that has letters in it is not added to: nobody could tell which of two letters to the
/// same patient is to be posted.
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
                "{} has letters of another run in it: choose a new folder, or move them away",
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
    out: PathBuf,
    /// Everybody who has been admitted in this run.
    invited: Mutex<HashSet<NationalId>>,
    made: Mutex<Made>,
    papers: Mutex<Option<Papers>>,
}

/// How much has been made.
#[derive(Default, Clone, Copy)]
struct Made {
    letters: u64,
    files: u64,
}

/// The files that accompany the letters.
struct Papers {
    manifest: Manifest,
    sms: SmsSheets,
}

/// A letter in a finished file.
pub struct PrintedLetter {
    file: String,
    pages: (u64, u64),
    sequence: u64,
}

impl Letters {
    fn organisation(&self) -> &str {
        &self.template.organisation().name
    }

    /// Makes one file of the letters that can be printed, and says what became of each.
    fn print(
        &self,
        mut letters: Vec<(usize, LetterFields)>,
        results: &mut [Result<Option<PrintedLetter>, Verdict>],
    ) -> Result<(), Fatal> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("letters-{:04}.pdf", made.files + 1);
        let typeset = loop {
            if letters.is_empty() {
                return Ok(());
            }
            for (sequence, (_, letter)) in (made.letters + 1..).zip(&mut letters) {
                letter.sequence = sequence;
            }
            let fields: Vec<LetterFields> =
                letters.iter().map(|(_, letter)| letter.clone()).collect();
            match self.typesetter.typeset(&fields) {
                Ok(typeset) => break typeset,
                // The others are numbered again without it.
                Err(error) => {
                    let (at, verdict) = blame(error)?;
                    let (place, _) = letters.remove(at);
                    results[place] = Err(verdict);
                }
            }
        };
        if typeset.pages.len() != letters.len() {
            return Err(Fatal::Bug(
                "a file has another number of letters than patients".into(),
            ));
        }
        AtomicFile::write(&self.out.join(&name), &typeset.pdf)?;
        for ((place, letter), (first, last)) in letters.iter().zip(typeset.pages) {
            let pages = (first as u64, last as u64);
            let printed = PrintedLetter {
                file: name.clone(),
                pages,
                sequence: letter.sequence,
            };
            results[*place] = Ok(Some(printed));
        }
        made.letters += letters.len() as u64;
        made.files += 1;
        Ok(())
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

impl Stage for Letters {
    /// The letter; `None` for a patient who gets a text message alone.
    type Work = Option<LetterFields>;
    type Done = Option<PrintedLetter>;
    const NAME: StageName = StageName::Letters;

    fn batch_rows(&self) -> usize {
        self.letters_per_file
    }

    fn admit(&self, record: &Record) -> Admission<Option<LetterFields>> {
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return Admission::NotReady;
        };
        if record.delivery.is_some() {
            return Admission::AlreadyDone;
        }
        match self.rules.letter(patient, codes, self.template.fonts()) {
            Err(verdict) => Admission::Stop(verdict),
            Ok(letter) => {
                let mut invited = self.invited.lock().unwrap_or_else(PoisonError::into_inner);
                if invited.insert(patient.national_id) {
                    Admission::Work(letter)
                } else {
                    Admission::Stop(Reason::AlreadyInvited.into())
                }
            }
        }
    }

    async fn advance(
        &self,
        batch: Batch<Option<LetterFields>>,
    ) -> BatchResult<Option<PrintedLetter>> {
        let mut results: Vec<Result<Option<PrintedLetter>, Verdict>> =
            batch.work.iter().map(|_| Ok(None)).collect();
        let letters = batch
            .work
            .into_iter()
            .enumerate()
            .filter_map(|(at, letter)| Some((at, letter?)))
            .collect();
        // Typesetting computes for seconds; the runtime is told so.
        tokio::task::block_in_place(|| self.print(letters, &mut results))?;
        Ok(results)
    }

    fn apply(&self, record: &mut Record, printed: Option<PrintedLetter>) {
        record.delivery = printed.map(|letter| Delivery {
            channel: Channel::Letter,
            file: letter.file,
            pages: Some(letter.pages),
            sequence: Some(letter.sequence),
            sms_file: None,
            unknown: Unknown::new(),
        });
    }

    fn collect(&self, record: &mut Record) -> Result<(), Fatal> {
        let mut papers = self.papers.lock().unwrap_or_else(PoisonError::into_inner);
        let papers = papers
            .as_mut()
            .ok_or_else(|| Fatal::Bug("a letter came after the last".into()))?;
        papers.manifest.add(record)?;
        let (Some(patient), Some(codes)) = (&record.patient, &record.invitation) else {
            return Err(Fatal::Bug("a letter has no patient".into()));
        };
        let Some(row) = self.rules.sms(patient, codes, self.organisation()) else {
            return Ok(());
        };
        let sheet = papers.sms.add(&row)?;
        match &mut record.delivery {
            Some(letter) => {
                letter.channel = Channel::Both;
                letter.sms_file = Some(sheet);
            }
            None => {
                record.delivery = Some(Delivery {
                    channel: Channel::Sms,
                    file: sheet,
                    pages: None,
                    sequence: None,
                    sms_file: None,
                    unknown: Unknown::new(),
                });
            }
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
