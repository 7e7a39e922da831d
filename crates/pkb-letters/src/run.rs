//! From arguments to work.

use std::{io::IsTerminal as _, path::Path, sync::Mutex};

use pkb_cli::app;
use pkb_core::{ExitCode, Fatal, StageName, pipeline::Source, rehearsal::Origin};
use pkb_files::atomic_file::{self, InUse};

use crate::{
    again::Again,
    args::{Args, Command, LettersArgs, TemplateCommand},
    invitee::Rules,
    join_url,
    manifest::OfAll,
    notify,
    press::{Form, Press},
    proof,
    sms::{SheetNumbers, TextMessages},
    sorting::{self, Order},
    stage::{Letters, Papers, Seen},
    template_check,
    turns::Turns,
    within_limits,
};
use pkb_core::print_files::{
    editions::{edition_of, plain_name},
    series::Series,
};
use pkb_typeset::{
    template::{SETTINGS_FILE, Template, marks::NumberMark},
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
        Some(Command::Sms(command)) => notify::sms(command).await,
        Some(Command::Post(args)) => notify::post(*args).await,
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
    let out = args
        .out
        .clone()
        .ok_or_else(|| Fatal::Usage("--out is missing".into()))?;
    let is_chosen = args.stream.journal.is_some();
    args.stream = args.stream.with_usual_journal(Some(&out));
    let journal_is_new = match &args.stream.journal {
        None => true,
        Some(journal) => !is_chosen && !journal.exists(),
    };
    if journal_is_new && !(args.reprint.is_empty() && args.reissue.is_empty()) {
        return Err(Fatal::Usage(format!(
            "--reprint and --reissue need the journal of the run that made the letters, and {} has none: give that run's \
             --journal FILE",
            out.display()
        )));
    }
    let template = match &args.template {
        Some(folder) => Template::open(folder),
        None => Template::built_in(),
    };
    let template = template.map_err(|error| Fatal::Usage(error.to_string()))?;
    let rules = rules(&args, &template)?;
    if args.letters_per_file > MAX_LETTERS_OF_TYPST && args.engine != Engine::Stamp {
        return Err(Fatal::Usage(format!(
            "--letters-per-file {} needs --engine stamp: letters that Typst lays out take too much memory for more than \
             {MAX_LETTERS_OF_TYPST} in a file",
            args.letters_per_file
        )));
    }
    if let Some(folder) = &args.template {
        within_limits::try_template(folder, args.design, args.trial.trial_time)?;
    }
    let typesetter = Typesetter::new(&template, args.design)?;
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
    if let Some(letters) = args.proof {
        return proof::write(&out, input, letters, &rules, &template, typesetter);
    }
    if origins.known() == Some(Origin::Real) {
        refuse_example(&template, args.template.as_deref())?;
    }
    if journal_is_new {
        refuse_used_folder(&out)?;
    }
    let on_terminal = args.stream.output.is_none() && std::io::stdout().is_terminal();
    if on_terminal && !args.stream.show_records {
        args.stream.output = Some(out.join("delivered.ndjson"));
    }
    let target = args.stream.target()?;
    let again = Again::new(
        args.reprint,
        args.reissue,
        (!args.again_today).then(|| args.stream.clock().today()),
    );
    let sms = TextMessages::new(
        &out,
        &args.sms_texts,
        &template.settings().organisation.name,
        is_rehearsal,
    )?;
    let form = Form {
        separate: args.separate,
        zip: args.zip,
        verify: !args.no_verify,
        is_numbered: template.settings().marks.number != NumberMark::None,
        series: Series::new(args.series).in_rehearsal(is_rehearsal),
        engine: args.engine,
    };
    let stage = Letters {
        folder: out.clone(),
        oldest_answer: args.stream.clock().ago(args.max_age_of_answer),
        letters_per_file: args.letters_per_file as usize,
        sms_fold: args.sms_texts.sms_fold,
        press: Mutex::new(Press::new(out.clone(), again.edition(), form)),
        typesetter,
        numbering: Turns::default(),
        naming: Turns::default(),
        again,
        papers: Mutex::new(Some(Papers::create(
            out.clone(),
            OfAll {
                design: rules.design,
                is_numbered: form.is_numbered,
                is_rehearsal,
            },
            sms,
        )?)),
        sheets: Mutex::new(SheetNumbers::new(&out, form.series)?),
        seen: Mutex::new(Seen::default()),
        rules,
        template,
    };
    let source = match args.sort {
        Order::Input => Source::Ndjson(input),
        Order::Postcode => Source::Ndjson(Box::new(sorting::by_post_code(input)?)),
    };
    // Batches are printed side by side: more of small ones, which have less to do in parallel.
    let in_flight = match args.letters_per_file {
        0..=100 => 3,
        _ => 2,
    };
    app::run_stage(stage, source, target, in_flight, &args.stream).await
}

fn rules(args: &LettersArgs, template: &Template) -> Result<Rules, Fatal> {
    let letters = &template.settings().letters;
    let rules = Rules {
        letter_date: args.stream.clock().today(),
        min_days_left: args.min_days_left,
        join_url: args.join_url.clone(),
        ways: args.channel,
        design: args.design,
        international: args.international,
        languages: args.language.unwrap_or(letters.languages),
        format: args.format.unwrap_or(letters.format),
    };
    if !template.has(rules.design, rules.languages) {
        return Err(Fatal::Usage(format!(
            "the template has no {} in all languages of {}",
            rules.design.as_str(),
            rules.languages.as_str()
        )));
    }
    Ok(rules)
}

/// The example organisation of the built-in template does not exist: no patient may be told to ring it.
///
/// # Errors
/// [`Fatal::Usage`], which says what is still the example's, and where.
pub(crate) fn refuse_example(template: &Template, folder: Option<&Path>) -> Result<(), Fatal> {
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
             do: correct them in {}",
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
        name == "manifest.csv" || name.starts_with("sms-") || edition_of(name).is_some()
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
