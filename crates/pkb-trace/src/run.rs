//! From the arguments to the work.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use pkb_cli::{args::InputArgs, progress::tell};
use pkb_core::{
    ExitCode, Fatal, Record,
    rows::counted,
    transform::{Seen, Stream, transform},
};
use pkb_patients::PatientFile;

use crate::{
    args::{ApplyArgs, RequestArgs, TraceCommand},
    counts::TraceCounts,
    findings::Finding,
    key::Key,
    profile::Profile,
    request::RequestFiles,
    traced::Traced,
};

/// Does what `pkb trace` was asked for.
///
/// # Errors
/// What stopped it.
pub fn run(command: &TraceCommand) -> Result<ExitCode, Fatal> {
    match command {
        TraceCommand::Request(args) => request(args),
        TraceCommand::Apply(args) => apply(args),
    }
}

fn request(args: &RequestArgs) -> Result<ExitCode, Fatal> {
    let options = args.file.options()?;
    let profile = Profile::find(&args.profile)?;
    if profile.is_list {
        return Err(Fatal::Usage(format!(
            "--profile {} is for a list, which needs no request. What to do: give the list to pkb trace apply",
            args.profile
        )));
    }
    let key_file = Key::beside(&args.out);
    // The same key for the same request: earlier answers stay good.
    let key = match key_file.exists() {
        true => Key::read(&key_file)?,
        false => {
            let key = Key::random()?;
            key.write(&key_file)?;
            key
        }
    };
    let files = RequestFiles::new(&args.out, &profile, &key, args.rows);
    let asked = match is_stream(&options.file)? {
        true => {
            let input = InputArgs {
                input: Some(options.file.clone()),
            };
            files.ask_about_stream(Stream {
                input: input.reader()?,
                output: None,
                is_partial: args.partial,
            })?
        }
        false => files.ask_about_file(Arc::new(PatientFile::open(
            &options,
            args.clock.clock().today(),
        )?))?,
    };
    let names: Vec<String> = asked
        .files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    tell(format!(
        "pkb trace request: {} in {}",
        counted(asked.patients, "patient", "patients"),
        names.join(", ")
    ));
    if asked.left_out > 0 {
        tell(format!(
            "  {} left out, because no patient could be read, or the NHS number is missing",
            counted(asked.left_out, "row was", "rows were")
        ));
    }
    if asked.repeated > 0 {
        tell(format!(
            "  {} of a patient who is in the request already",
            counted(asked.repeated, "row is", "rows are")
        ));
    }
    tell(format!(
        "next: send the request, and keep {}. Then run: pkb trace apply RESPONSE --key {0} --in STREAM --output traced.ndjson",
        pkb_core::stage::quoted(&key_file)
    ));
    Ok(ExitCode::Done)
}

/// Whether a file is a record stream, and not a table.
fn is_stream(path: &Path) -> Result<bool, Fatal> {
    if path.as_os_str() == "-" {
        return Ok(false);
    }
    let mut file = File::open(path).map_err(|source| Fatal::cannot_read(path, source))?;
    let mut first = [0; 1];
    let read = file
        .read(&mut first)
        .map_err(|source| Fatal::cannot_read(path, source))?;
    Ok(read == 1 && first == *b"{")
}

fn apply(args: &ApplyArgs) -> Result<ExitCode, Fatal> {
    let traced = Traced::read(&args.answers.files(&args.responses), &args.clock.clock())?;
    let stream = args.through.stream()?;
    let mut findings = args.findings.as_deref().map(Finding::file).transpose()?;
    let mut counts = TraceCounts::default();
    let change = |record: &mut Record| {
        let applied = traced.apply(record)?;
        Ok(Seen {
            is_changed: applied.is_changed,
            note: applied,
        })
    };
    let (_, origins) = transform(stream, change, |row, applied| {
        counts.add(row, &applied);
        match (&mut findings, applied.finding) {
            (Some(file), Some(finding)) => file.add(finding.cells()),
            _ => Ok(()),
        }
    })?;
    counts.end(&traced, args.through.partial)?;
    if let Some(findings) = findings {
        findings.finish()?;
    }
    tell(format!(
        "pkb trace apply: {}",
        counts.lines(&traced).join("\n")
    ));
    if let Some(words) = origins.words() {
        tell(format!("pkb trace apply: {words}"));
    }
    Ok(counts.code())
}
