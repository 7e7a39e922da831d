//! A mail company that is given a folder of letters and knows nothing of who made it: it checks the delivery against its manifest,
//! "posts" the letters, and sends back a status file and, as if weeks later, the letters that came back.
//!
//! There is no national standard for either file. Words and reasons are those of NHS Notify's supplier API
//! (NHSDigital/nhs-notify-supplier-api), the other vocabularies those of GOV.UK Notify.

pub mod args;
mod data_table;
mod delivery;
mod fate;
mod package;
mod reports;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use csv::{Terminator, WriterBuilder};
use jiff::Timestamp;
use pkb_synthetic::{PrivateFile, torn};
use thiserror::Error;

use args::{MailCompany, MailFault};
use fate::Fates;
use package::{Intake, Taken};
use reports::{Reports, Table};

/// Why letters are not posted.
#[derive(Debug, Error)]
pub enum MailError {
    /// A file of the delivery could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The delivery is not what its manifest or its done marker says.
    #[error("the delivery is not taken: {0}. What to do: make the folder of letters again")]
    Delivery(String),
    /// More letters were asked for than there are to choose.
    #[error(
        "cannot choose {wanted} letters: the delivery has only {letters}. What to do: ask for fewer exceptions"
    )]
    TooMany {
        /// How many letters were asked for.
        wanted: usize,
        /// How many letters can be chosen.
        letters: usize,
    },
    /// A fault of returned letters was asked for, and no letter comes back.
    #[error(
        "--fault returned-undispatched needs letters that come back. What to do: add --return 10"
    )]
    NoReturns,
    /// A report could not be written.
    #[error(transparent)]
    Unwritable(anyhow::Error),
}

/// Takes a delivery and writes what a company would send back. How many letters there were.
///
/// # Errors
/// A delivery that is not what it says, more mishaps than letters, and what cannot be read or written.
pub fn post(args: &MailCompany) -> Result<usize, MailError> {
    let intake = Intake {
        folder: &args.delivery,
        key: args.key.as_deref(),
        languages: &args.languages,
    };
    let Taken { letters, printed } = match package::marker(&args.delivery) {
        Some(marker) => intake.take(&marker)?,
        None => Taken {
            letters: delivery::read(&args.delivery)?,
            printed: None,
        },
    };
    let fates = Fates::choose(&letters, args)?;
    let reports = Reports {
        letters: &letters,
        fates: &fates,
        faults: &args.fault,
        seed: args.seed,
        at: args.at.unwrap_or_else(Timestamp::now),
    };
    write_all(args, &reports).map_err(MailError::Unwritable)?;
    if let Some(printed) = printed {
        let path = args.out.join("printed.txt");
        write(&path, printed.as_bytes()).map_err(MailError::Unwritable)?;
    }
    Ok(letters.len())
}

fn write_all(args: &MailCompany, reports: &Reports) -> anyhow::Result<()> {
    let out = &args.out;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(out)
        .with_context(|| format!("cannot make the folder {}", out.display()))?;
    let is_crlf = reports.has(MailFault::Crlf);
    let mut status = bytes(&reports.status(), is_crlf)?;
    if reports.has(MailFault::Cut) {
        torn::cut_last_line(&mut status);
    }
    write(&out.join("status.csv"), &status)?;
    if reports.has(MailFault::StatusTwice) {
        write(&out.join("status-2.csv"), &status)?;
    }
    write(
        &out.join("returns.csv"),
        &bytes(&reports.returns(), is_crlf)?,
    )?;
    let line_end = if is_crlf { "\r\n" } else { "\n" };
    let scans = reports.scans().into_iter();
    let scans: String = scans.map(|scan| scan + line_end).collect();
    write(&out.join("scans.txt"), scans.as_bytes())?;
    if let Some(path) = &args.truth {
        let mut truth = serde_json::to_string_pretty(reports.fates)?;
        truth.push('\n');
        write(path, truth.as_bytes())?;
    }
    Ok(())
}

fn bytes(table: &Table, is_crlf: bool) -> anyhow::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new()
        .terminator(if is_crlf {
            Terminator::CRLF
        } else {
            Terminator::Any(b'\n')
        })
        .from_writer(Vec::new());
    writer.write_record(table.columns)?;
    for row in &table.rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = PrivateFile::create(path)?;
    file.write_all(bytes)
        .and_then(|()| file.finish())
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod package_tests;
