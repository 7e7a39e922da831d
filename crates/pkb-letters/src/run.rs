//! From arguments to work.

use std::{
    io::{IsTerminal as _, Read},
    path::Path,
    sync::{Arc, OnceLock},
};

use pkb_cli::{
    app::{self, StageRun},
    join_url,
};
use pkb_core::{
    ExitCode, Fatal, StageName,
    pipeline::Source,
    record::Channel,
    rehearsal::Origin,
    stage::{NextStep, quoted},
};
use pkb_files::atomic_file::{self, InUse};

use crate::{
    args::{Args, Command, LettersArgs, TemplateCommand},
    channels::{
        self,
        letter::{proof, rules::LetterRules},
        maker::Setup,
    },
    expiry::Expiry,
    made_again::MadeAgain,
    seeds,
    sorting::{self, Order},
    stage::Letters,
    template_check, within_limits,
};
use parking_lot::Mutex;
use pkb_print_files::{
    editions::{edition_of, plain_name},
    formats,
    series::Series,
};
use pkb_typeset::{
    template::{SETTINGS_FILE, Template},
    typesetter::{Engine, Typesetter},
};

/// Letters of one file at most, if Typst may have to lay out all of them.
const MAX_LETTERS_OF_TYPST: u32 = 1000;

/// Does what the arguments ask.
///
/// # Errors
/// What stopped it.
pub async fn run(args: Args) -> Result<ExitCode, Fatal> {
    match args.command {
        Some(Command::Template(TemplateCommand::New { dir })) => new_template(&dir),
        Some(Command::Template(TemplateCommand::Check {
            dir, here: true, ..
        })) => {
            within_limits::be_limited()?;
            template_check::check(&dir)
        }
        Some(Command::Template(TemplateCommand::Check { dir, limits, .. })) => {
            template_check::check_within_limits(&dir, limits.trial_time)
        }
        Some(Command::Template(TemplateCommand::Try { dir, design })) => {
            within_limits::try_here(&dir, design)
        }
        None => make_letters(args.letters).await,
    }
}

fn new_template(dir: &Path) -> Result<ExitCode, Fatal> {
    Template::write_to(dir).map_err(|error| Fatal::Usage(error.to_string()))?;
    pkb_cli::progress::tell(format!(
        "{0}: edit template.toml (who sends the letter) and the words in en/letter.typ, then: pkb-letters template check {0}",
        dir.display()
    ));
    Ok(ExitCode::Done)
}

async fn make_letters(mut args: LettersArgs) -> Result<ExitCode, Fatal> {
    let out = args.out.clone().ok_or_else(|| {
        Fatal::Usage(
            "--out is missing. What to do: name the folder for the letters, such as --out \
            print"
                .into(),
        )
    })?;
    let is_chosen = args.stream.journal.is_some();
    args.stream = args.stream.with_usual_journal(Some(&out));
    let journal_is_new = match &args.stream.journal {
        None => true,
        Some(journal) => !is_chosen && !journal.exists(),
    };
    check_options(&args, &out, journal_is_new)?;
    let template = match &args.template {
        Some(folder) => Template::open(folder),
        None => Template::built_in(),
    };
    let template = template.map_err(|error| Fatal::Usage(error.to_string()))?;
    let rules = rules(&args, template)?;
    if let Some(folder) = &args.template {
        within_limits::try_template(folder, args.design, args.trial.trial_time)?;
    }
    let typesetter = Typesetter::new(&rules.template, args.design)?;
    atomic_file::create_private_folder(&out)?;
    // Until the run has ended.
    let _in_use = InUse::folder(&out)?;
    let origins = args.stream.progress.monitor.origins();
    join_url::note_origin(&rules.join_url, origins)?;
    let input = app::look_ahead(&args.stream, StageName::Letters, args.input.reader()?).await?;
    app::say_rehearsal(StageName::Letters, &args.stream.progress);
    let is_rehearsal = origins.is_rehearsal();
    let typesetter = typesetter
        .in_rehearsal(is_rehearsal)
        .with_engine(args.engine)?;
    for warning in typesetter.warnings() {
        tracing::warn!("template: {warning}");
    }
    let input = match &args.seeds {
        Some(path) => seeds::before(input, path, &args.stream.clock(), is_rehearsal)?,
        None => input,
    };
    if let Some(letters) = args.proof {
        return proof::write(&out, input, letters, &rules, typesetter);
    }
    // The words of a mail company's letters are in its template.
    let has_words = args
        .channels()
        .iter()
        .any(|channel| *channel != Channel::Data);
    if origins.known() == Some(Origin::Real) && has_words {
        refuse_example(&rules.template, args.template.as_deref())?;
    }
    if journal_is_new {
        refuse_used_folder(&out)?;
    }
    if has_words && !rules.template.settings().letters.wording_agreed_with_pkb {
        tracing::warn!("{}", template_check::NOT_AGREED);
    }
    let on_terminal = args.stream.output.is_none() && std::io::stdout().is_terminal();
    if on_terminal && !args.stream.show_records {
        args.stream.output = Some(out.join("delivered.ndjson"));
    }
    print(args, &out, input, rules, typesetter).await
}

/// Refuses options that do not go together.
fn check_options(args: &LettersArgs, out: &Path, journal_is_new: bool) -> Result<(), Fatal> {
    let makes_again = [
        args.reprint.len(),
        args.reissue.len(),
        args.reprint_letter.len(),
    ];
    if journal_is_new && makes_again != [0; 3] {
        return Err(Fatal::Usage(format!(
            "--reprint and --reissue need the journal of the run that made the letters, and {} has none. Give the journal of \
             that run: --journal FILE",
            out.display()
        )));
    }
    check_data(args)?;
    if args.letters_per_file > MAX_LETTERS_OF_TYPST && args.engine != Engine::Stamp {
        return Err(Fatal::Usage(format!(
            "--letters-per-file {} needs --engine stamp: letters that Typst lays out take too much memory for more than \
             {MAX_LETTERS_OF_TYPST} in a file",
            args.letters_per_file
        )));
    }
    Ok(())
}

/// Refuses what would send a patient two letters, or a mail company rows that no letter can be made of.
fn check_data(args: &LettersArgs) -> Result<(), Fatal> {
    let channels = args.channels();
    let has = |channel| channels.contains(&channel);
    if !args.design.has_codes() && channels != [Channel::Letter] {
        return Err(Fatal::Usage(
            "--design nhs-login has no codes, so it is for --channel letter only. What to do: delete --channel".to_owned(),
        ));
    }
    let refused = |words: &str| Err(Fatal::Usage(words.to_owned()));
    if !has(Channel::Data) {
        return match args.data.encrypt_to {
            Some(_) => refused(
                "--encrypt-to is for --channel data. What to do: add --channel data, or encrypt finished letters with pkb package --encrypt-to",
            ),
            None => Ok(()),
        };
    }
    if has(Channel::Letter) {
        return refused(
            "--channel letter,data would send each patient two letters. What to do: choose one of them",
        );
    }
    if args.no_verify && args.data.encrypt_to.is_some() {
        return refused(
            "--no-verify cannot be used with --encrypt-to, because nobody can check the rows after they are encrypted. What to do: leave out --no-verify",
        );
    }
    if !args.design.has_address() {
        return refused(
            "--design insert has no address, and a mail company cannot tell whose envelope a row goes into. What to do: use --channel \
             letter, or another design",
        );
    }
    Ok(())
}

/// Runs the stage when all has been found in order.
async fn print(
    mut args: LettersArgs,
    out: &Path,
    input: Box<dyn Read + Send>,
    rules: LetterRules,
    typesetter: Typesetter,
) -> Result<ExitCode, Fatal> {
    let target = args.stream.target()?;
    let made_again = MadeAgain::new(
        std::mem::take(&mut args.reprint),
        std::mem::take(&mut args.reprint_letter),
        std::mem::take(&mut args.reissue),
        (!args.again_today).then(|| args.stream.clock().today()),
    );
    let is_rehearsal = args.stream.progress.monitor.origins().is_rehearsal();
    let series = Series::new(args.series).in_rehearsal(is_rehearsal);
    let (expiry, has_codes) = (rules.expiry, rules.design.has_codes());
    let makers = channels::all(&Setup {
        args: &args,
        folder: out,
        series,
        edition: made_again.edition(),
        rules: Arc::new(rules),
        typesetter: Arc::new(typesetter),
    })?;
    let own_rows = makers.iter().find_map(|maker| maker.rows_per_file());
    let stage = Letters {
        makers,
        choice: args.choice(),
        has_codes,
        expiry,
        series,
        oldest_answer: args.stream.clock().ago(args.max_age_of_answer),
        oldest_trace: args.stream.clock().ago(args.max_age_of_trace),
        letters_per_file: own_rows.unwrap_or(args.letters_per_file) as usize,
        made_again,
        done: Mutex::default(),
        unfinished: OnceLock::new(),
    };
    let source = match args.sort {
        Order::Input => Source::Ndjson(input),
        Order::Postcode => Source::Ndjson(Box::new(sorting::by_postcode(input)?)),
    };
    // Batches are printed side by side: more of small ones, which have less to do in parallel.
    let in_flight = match args.letters_per_file {
        0..=100 => 3,
        _ => 2,
    };
    let records = args.stream.written();
    let verify = records.command(&format!("pkb verify {}", quoted(out)), "");
    let run = StageRun {
        stage,
        source,
        output: target,
        in_flight,
        next_step: Some(NextStep::First(format!(
            "before anything is posted: {verify}"
        ))),
    };
    app::run_stage(run, &args.stream).await
}

fn rules(args: &LettersArgs, template: Template) -> Result<LetterRules, Fatal> {
    let letters = &template.settings().letters;
    let languages = args.language.unwrap_or(letters.languages);
    if !template.has(args.design, languages) {
        return Err(Fatal::Usage(format!(
            "the template has no {} in all languages of {}",
            args.design.as_str(),
            languages.as_str()
        )));
    }
    Ok(LetterRules {
        expiry: Expiry {
            today: args.stream.clock().today(),
            min_days_left: args.min_days_left,
        },
        join_url: args.join_page.join_url.clone(),
        design: args.design,
        international: args.international,
        languages,
        format: args.print_size.unwrap_or(letters.format),
        template,
    })
}

/// The example organisation of the built-in template does not exist: no patient may be told to ring it.
///
/// # Errors
/// [`Fatal::Usage`], which says what is still the example's, and where.
fn refuse_example(template: &Template, folder: Option<&Path>) -> Result<(), Fatal> {
    let left = template
        .example_values()
        .map_err(|error| Fatal::Usage(error.to_string()))?;
    if left.is_empty() {
        return Ok(());
    }
    Err(Fatal::Usage(match folder {
        None => "these records are real, and the built-in template is an example: its organisation does not exist. What to do: \
                 pkb-letters template new our-letter, write your organisation into our-letter/template.toml, and add --template \
                 our-letter"
            .to_owned(),
        Some(folder) => format!(
            "these records are real, and the template still has values of the example, whose organisation does not exist: {}. What to \
             do: correct them in {}, or in the file beside it that is named",
            left.join(", "),
            folder.join(SETTINGS_FILE).display()
        ),
    }))
}

/// Without the journal of the letters in a folder nobody can tell who has one already, so it is not added to.
fn refuse_used_folder(out: &Path) -> Result<(), Fatal> {
    let entries = out
        .read_dir()
        .map_err(|source| Fatal::cannot_read(out, source))?;
    let is_ours = |name: &str| {
        let name = plain_name(name);
        name == "manifest.csv"
            || edition_of(name).is_some()
            || Channel::prefix_of_spreadsheet(name).is_some()
            || formats::is_ours(name)
    };
    for entry in entries {
        let entry = entry.map_err(|source| Fatal::cannot_read(out, source))?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            return Err(Fatal::Usage(format!(
                "{} has letters of an earlier run. What to do: choose a new folder. To continue that run, give its journal: \
                 --journal FILE",
                out.display()
            )));
        }
    }
    Ok(())
}
