//! What can be asked of `pkb-sandbox mesh`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

/// Requests, the patients whom PDS knows, and what is out of the ordinary.
#[derive(Debug, Args)]
pub struct Mesh {
    /// Folder with request files; every *.csv without a response is answered
    #[arg(long, value_name = "DIR")]
    pub requests: PathBuf,

    /// Folder for the responses, named RESP_ and the name of the request
    #[arg(long, value_name = "DIR")]
    pub responses: PathBuf,

    /// Everybody whom PDS knows: a patient file with the columns that `patients` writes
    #[arg(long, value_name = "FILE")]
    pub patients: PathBuf,

    /// The same seed and patients give the same exceptions
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How many patients are out of the ordinary
    #[command(flatten)]
    pub exceptions: Exceptions,

    /// The day of the trace: nobody dies after it [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_at: Option<Date>,

    /// Write who was chosen for what to this file (JSON)
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,

    /// Something that goes wrong in every response; may be given several times
    #[arg(long, value_name = "NAME", value_enum)]
    pub fault: Vec<MeshFault>,
}

/// How many patients are out of the ordinary. Nobody is chosen twice.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Exceptions {
    /// Patients with a date of death
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub deaths: usize,

    /// Patients whose record is sensitive (code 92)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sensitive: usize,

    /// Patients who have another NHS number now (code 90)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub superseded: usize,

    /// Patients with another address
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub moved: usize,

    /// Patients whose NHS number was withdrawn (code 91)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub invalid: usize,

    /// Patients of the file whom PDS does not find (code 98)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub not_found: usize,

    /// Patients for whom PDS finds several people (code 97)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub several: usize,

    /// Patients found by name: half with algorithm 3 at 100, half with algorithm 4 at 87.50
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub by_name: usize,
}

/// What goes wrong with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MeshFault {
    /// Three rows are missing
    Lose,
    /// Two rows come twice
    Double,
    /// One further row has a reference that nobody asked about
    Foreign,
    /// The rows are in another order
    Reorder,
    /// References are in lower case
    Lowercase,
    /// Lines end as on Windows
    Crlf,
    /// The file ends in the middle of its last row
    Cut,
    /// One row has a code that does not exist
    #[value(name = "code-77")]
    Code77,
    /// A record about the file comes before the column names
    FileRecord,
    /// There is no row of column names
    NoHeader,
}
