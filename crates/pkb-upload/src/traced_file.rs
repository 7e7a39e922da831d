//! What a trace says of the patients of a file, before anything is sent.

use pkb_cli::progress::tell;
use pkb_core::{Fatal, StageName};
use pkb_patients::PatientFile;
use pkb_trace::{TraceCounts, Traced};

use crate::args::UploadArgs;

/// Reads the responses, applies them to all rows once, so that a wrong response is found before anything is sent, and gives the file
/// its records with them.
///
/// # Errors
/// A response cannot be read, is too old, or is one of a different request.
pub fn traced(file: PatientFile, args: &UploadArgs) -> Result<PatientFile, Fatal> {
    let Some(files) = args.trace.files() else {
        return Ok(file);
    };
    let traced = Traced::read(&files, &args.stream.clock())?;
    let mut counts = TraceCounts::default();
    let mut reading = file.second_reading()?;
    while let Some(mut record) = file.next_record(&mut reading)? {
        let applied = traced.apply(&mut record)?;
        counts.add(&record.row, &applied);
    }
    counts.end(&traced, false)?;
    let program = StageName::Upload.program();
    tell(format!("{program}: {}", counts.lines(&traced).join("\n")));
    Ok(file.amended(traced))
}
