//! PDS through MESH, as somebody sees it who writes request files and reads response files. It follows NHS England's "PDS MESH data
//! dictionary" and what public integrations read (dorset-ics/healthcare-data-exchange, the Person_ID Handbook). There is no mailbox:
//! a folder of requests and a folder of responses take its place.
//!
//! What the public pages leave open: the layout of the record about a file (here as in the older batch service: file reference,
//! workflow id, timestamp, number of rows; and the code), and how a failed cross-check is answered (here 98, unless family name, date
//! of birth and gender find somebody).

pub mod args;
mod faults;
mod population;
mod request;
mod response;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::civil::Date;
use pkb_synthetic::{PrivateFile, WorldError};
use serde_json::json;
use thiserror::Error;

use args::{Mesh, MeshFault};
use faults::{Tampered, Tampering};
use population::Population;

/// The workflow of the PDS MESH service.
const WORKFLOW: &str = "SPINE_PDS_MESH_V1";
const SUCCESS: &str = "00";

/// Why requests are not answered.
#[derive(Debug, Error)]
pub enum MeshError {
    /// A request, the patient file or the folder of requests could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The patient file is wrong.
    #[error(transparent)]
    Patients(WorldError),
    /// More exceptions were asked for than there are patients to choose.
    #[error(
        "cannot choose {wanted} exceptions: only {known} patients have an NHS number and a date of birth. What to do: ask for fewer \
         exceptions, or make more patients"
    )]
    TooMany {
        /// How many exceptions were asked for.
        wanted: usize,
        /// How many patients can be chosen.
        known: usize,
    },
    /// A response, the folder of responses or the file of `--truth` could not be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: anyhow::Error,
    },
}

/// How many requests were answered, and how many had a response already.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// Requests that were answered.
    pub now: usize,
    /// Requests that had a response already.
    pub before: usize,
}

/// Writes a response for each request that has none.
///
/// # Errors
/// What cannot be read or written, and more exceptions than there are patients.
pub fn answer(args: &Mesh) -> Result<Answered, MeshError> {
    let as_at = args.as_at.unwrap_or_else(|| Zoned::now().date());
    let population = Population::new(&read(&args.patients)?, args, as_at)?;
    let requests = requests(&args.requests)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.responses)
        .map_err(|error| unwritable(&args.responses, error.into()))?;
    let mut answered = Answered { now: 0, before: 0 };
    let mut tampered = BTreeMap::new();
    for (name, path) in requests {
        let response = format!("RESP_{name}");
        let response_path = args.responses.join(&response);
        if response_path.exists() {
            answered.before += 1;
            continue;
        }
        let (file, faults) = respond(&read(&path)?, &response, &population, args, as_at)
            .map_err(|error| unwritable(&response_path, error.into()))?;
        write(&response_path, &file)?;
        tampered.insert(response, faults);
        answered.now += 1;
    }
    if let Some(path) = &args.truth {
        write(path, truth(&population, &tampered).as_bytes())?;
    }
    Ok(answered)
}

/// The file that answers a request.
fn respond(
    request: &[u8],
    response: &str,
    population: &Population,
    args: &Mesh,
    as_at: Date,
) -> csv::Result<(Vec<u8>, Tampered)> {
    let questions = match request::read(request) {
        Ok(questions) => questions,
        Err(code) => {
            let record = file_record(response, as_at, 0, code);
            let line_end = if args.fault.contains(&MeshFault::Crlf) {
                "\r\n"
            } else {
                "\n"
            };
            let file = format!("{record}{line_end}").into_bytes();
            return Ok((file, Tampered::default()));
        }
    };
    let answers = questions
        .iter()
        .map(|question| response::answer(question, population, as_at));
    let tampering = Tampering {
        faults: &args.fault,
        seed: args.seed,
        file_record: file_record(response, as_at, questions.len(), SUCCESS),
    };
    tampering.file(answers.collect())
}

/// The record about a file: file reference, workflow, timestamp, number of rows, code.
fn file_record(response: &str, as_at: Date, rows: usize, code: &str) -> String {
    let reference = response.strip_suffix(".csv").unwrap_or(response);
    let day = response::digits(as_at);
    format!("{reference},{WORKFLOW},{day}000000,{rows},{code}")
}

/// The request files of a folder by name. Responses may be in the same folder.
fn requests(folder: &Path) -> Result<BTreeMap<String, PathBuf>, MeshError> {
    let unreadable = |source| MeshError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut requests = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.ends_with(".csv") && !name.starts_with("RESP_") {
            requests.insert(name, entry.path());
        }
    }
    Ok(requests)
}

/// Who was chosen for what, and which references of which response were tampered with.
fn truth(population: &Population, tampered: &BTreeMap<String, Tampered>) -> String {
    let mut truth = json!(population.truth());
    truth["superseded_by"] = json!(population.superseded_by());
    truth["responses"] = json!(tampered);
    format!("{truth:#}\n")
}

fn read(path: &Path) -> Result<Vec<u8>, MeshError> {
    fs::read(path).map_err(|source| MeshError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), MeshError> {
    let written = || -> anyhow::Result<()> {
        let mut file = PrivateFile::create(path)?;
        file.write_all(bytes)?;
        Ok(file.finish()?)
    };
    written().map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, source: anyhow::Error) -> MeshError {
    MeshError::Unwritable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
