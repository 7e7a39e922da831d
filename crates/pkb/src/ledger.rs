//! Who was sent what and when, from the journal of the letters.
//!
//! The journal is only read: no lock, no healing, so it can be asked while letters are being made. It
//! has every edition of a letter, and so has the answer. No name, number or code is in the answer; a
//! patient is asked for by a row of the patient file, or by a national number in a file or on standard
//! input, never in an argument, which every user of a machine can read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use pkb_cli::{app, args::ONCE, progress::tell};
use pkb_core::{
    ExitCode, Fatal, Record, StageName,
    record::{Delivery, PrintStatus, ReturnReason},
    rehearsal::{Origin, Origins},
    stage::IntentLog,
};
use pkb_core::{Reason, Verdict, clock::last_whole_day};
use pkb_files::{exposure, journal};
use pkb_print_files::manifest::reference_of;
use pkb_values::NhsNumber;
use serde::Deserialize;

/// Asking the ledger.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// Journal of the letters, or records of pkb-letters or later
    ///
    /// Records that pkb returns wrote also say what became of each letter.
    #[arg(long, value_name = "FILE")]
    pub journal: PathBuf,

    /// Rows of the patient file: 812,2040 [default: everybody]
    #[arg(long, value_name = "ROWS", value_delimiter = ',', conflicts_with = "national_ids", help_heading = ONCE)]
    pub row: Vec<u64>,

    /// File with NHS numbers, one a line ("-" is standard input)
    ///
    /// The answer has the line's number instead of the NHS number.
    #[arg(long, value_name = "FILE", help_heading = ONCE)]
    pub national_ids: Option<PathBuf>,
}

/// The columns of the answer.
const COLUMNS: [&str; 17] = [
    "question",
    "answer",
    "row",
    "patient_file",
    "channel",
    "edition",
    "file",
    "first_page",
    "last_page",
    "sequence",
    "date",
    "codes_until",
    "design",
    "reference",
    "status",
    "status_at",
    "returned_because",
];

/// Writes the answer to standard output, as CSV.
///
/// # Errors
/// The journal or the questions cannot be read, or the answer cannot be written.
pub fn answer(args: &LedgerArgs) -> Result<ExitCode, Fatal> {
    let questions = match &args.national_ids {
        Some(path) => Questions::read(path)?,
        None if args.row.is_empty() => Questions::Everybody,
        None => Questions::Rows(args.row.iter().copied().collect()),
    };
    let mut answers = Answers::new(questions, app::stdout()?.lock())?;
    let mut lines = Lines::default();
    let origins = Origins::default();
    exposure::warn_of_file(&args.journal);
    let torn = journal::read(&args.journal, |line| {
        let Some(record) = lines.count(line)? else {
            return Ok(());
        };
        if let Some(origin) = Origin::of(&record) {
            origins.note_file(origin, &args.journal)?;
        }
        answers.see(&record)
    })?;
    let path = args.journal.display();
    if lines.all > 0 && lines.own == 0 {
        return Err(Fatal::Usage(format!(
            "{path} has nothing of pkb-letters, so it may be the journal of a different stage. Give the journal of the \
             letters: --journal FILE"
        )));
    }
    if torn {
        tell(format!(
            "pkb ledger: {path}: the last line is incomplete and was left out, because a run is writing it or was killed"
        ));
    }
    let code = answers.finish()?;
    if let Some(words) = origins.words() {
        tell(format!("pkb ledger: {words}"));
    }
    Ok(code)
}

/// Tells the lines of a journal apart.
#[derive(Default)]
struct Lines {
    all: u64,
    own: u64,
}

impl Lines {
    /// The record of a line, if the patient was invited.
    fn count(&mut self, line: &[u8]) -> Result<Option<Box<Record>>, Fatal> {
        #[derive(Deserialize)]
        struct Intent {
            schema: String,
            stage: StageName,
        }
        self.all += 1;
        if let Ok(record) = serde_json::from_slice::<Box<Record>>(line) {
            let is_own = record.is_settled_by(StageName::Letters);
            self.own += u64::from(is_own);
            let was_invited = record.invitations().next().is_some();
            return Ok(was_invited.then_some(record));
        }
        match serde_json::from_slice::<Intent>(line) {
            Ok(intent) if intent.schema == IntentLog::SCHEMA => {
                self.own += u64::from(intent.stage == StageName::Letters);
                Ok(None)
            }
            _ => Err(Fatal::Input("neither a record nor an intent".into())),
        }
    }
}

/// What is asked.
enum Questions {
    Everybody,
    Rows(HashSet<u64>),
    /// Lines on which a number stands, and lines on which something else does.
    Numbers(HashMap<NhsNumber, Vec<u64>>, Vec<u64>),
}

/// Numbers in a file, one a line.
pub(crate) struct Numbers {
    /// The lines of each.
    pub(crate) numbers: HashMap<NhsNumber, Vec<u64>>,
    /// Lines with something else.
    pub(crate) others: Vec<u64>,
}

/// Reads numbers from a file, or from standard input if it is "-".
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_numbers(path: &Path) -> Result<Numbers, Fatal> {
    let input: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        exposure::warn_of_file(path);
        let file = File::open(path).map_err(|source| Fatal::cannot_read(path, source))?;
        Box::new(BufReader::new(file))
    };
    let (mut numbers, mut others) = (HashMap::<NhsNumber, Vec<u64>>::new(), Vec::new());
    for (number, line) in (1..).zip(input.split(b'\n')) {
        let line = line.map_err(|source| Fatal::cannot_read(path, source))?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}').trim();
        match NhsNumber::parse(text) {
            _ if text.is_empty() => {}
            Ok(asked) => numbers.entry(asked).or_default().push(number),
            Err(_) => others.push(number),
        }
    }
    Ok(Numbers { numbers, others })
}

impl Questions {
    fn read(path: &Path) -> Result<Self, Fatal> {
        let Numbers { numbers, others } = read_numbers(path)?;
        Ok(Self::Numbers(numbers, others))
    }

    /// The questions that a record answers, by their numbers; `None` if nothing in particular was asked.
    fn about<'a>(&'a self, record: &'a Record) -> Option<&'a [u64]> {
        match self {
            Self::Everybody => None,
            Self::Rows(rows) if rows.contains(&record.row.number) => {
                Some(std::slice::from_ref(&record.row.number))
            }
            Self::Numbers(numbers, _) => Some(
                record
                    .patient
                    .as_ref()
                    .and_then(|patient| numbers.get(&patient.national_id.value))
                    .map_or(&[], Vec::as_slice),
            ),
            Self::Rows(_) => Some(&[]),
        }
    }

    /// All of them.
    fn numbers(&self) -> Vec<u64> {
        match self {
            Self::Everybody => Vec::new(),
            Self::Rows(rows) => rows.iter().copied().collect(),
            Self::Numbers(numbers, _) => numbers.values().flatten().copied().collect(),
        }
    }
}

/// The cells of an answer behind its question.
type Cells = [String; 16];

/// Answers, written at once if nothing was asked for, or else in the order of the questions.
struct Answers<W: Write> {
    questions: Questions,
    /// What was told, as hashes.
    told: HashSet<u64>,
    found: BTreeMap<u64, Vec<Cells>>,
    csv: csv::Writer<W>,
}

impl<W: Write> Answers<W> {
    fn new(questions: Questions, output: W) -> Result<Self, Fatal> {
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(output);
        csv.write_record(COLUMNS).map_err(unwritable)?;
        Ok(Self {
            questions,
            told: HashSet::new(),
            found: BTreeMap::new(),
            csv,
        })
    }

    /// Sees a record of the journal.
    fn see(&mut self, record: &Record) -> Result<(), Fatal> {
        let earlier = record.earlier.iter().flat_map(|own| &own.deliveries);
        let earlier = earlier.map(|delivery| (delivery, None));
        let codes_end = record.codes_expire_at();
        let present = record.deliveries.iter().map(|own| (own, codes_end));
        // A journal has a line for each edition; once is enough for what was sent before.
        let new = earlier
            .chain(present)
            .filter(|(delivery, _)| self.told.insert(hash_of(record, delivery)));
        let sent: Vec<Cells> = new
            .map(|(delivery, codes_end)| cells(record, delivery, codes_end))
            .collect();
        match self.questions.about(record) {
            None => sent.iter().try_for_each(|cells| self.write("", cells)),
            Some(questions) => {
                for question in questions {
                    self.found
                        .entry(*question)
                        .or_default()
                        .extend_from_slice(&sent);
                }
                Ok(())
            }
        }
    }

    /// Writes what is left.
    fn finish(mut self) -> Result<ExitCode, Fatal> {
        for question in self.questions.numbers() {
            let found = self.found.entry(question).or_default();
            if found.is_empty() {
                found.push(only("nothing sent"));
            }
        }
        let mut code = ExitCode::Done;
        if let Questions::Numbers(_, others) = &self.questions {
            for line in others {
                code = ExitCode::SomeRowsRejected;
                self.found
                    .insert(*line, vec![only("not a national number")]);
            }
        }
        for (question, answers) in std::mem::take(&mut self.found) {
            for cells in answers {
                self.write(&question.to_string(), &cells)?;
            }
        }
        self.csv
            .flush()
            .map_err(|source| Fatal::io("cannot write to standard output", source))?;
        Ok(code)
    }

    fn write(&mut self, question: &str, cells: &Cells) -> Result<(), Fatal> {
        let cells = cells.iter().map(String::as_str);
        self.csv
            .write_record([question].into_iter().chain(cells))
            .map_err(unwritable)
    }
}

fn unwritable(error: csv::Error) -> Fatal {
    Fatal::io("cannot write to standard output", error.into())
}

/// An answer without a letter.
fn only(answer: &str) -> Cells {
    let mut cells = Cells::default();
    answer.clone_into(&mut cells[0]);
    cells
}

/// What was sent; its codes end at `codes_end`, where that is known.
fn cells(record: &Record, delivery: &Delivery, codes_end: Option<Timestamp>) -> Cells {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let codes_until = codes_end
        .map(|end| last_whole_day(end).ok_or_else(|| Verdict::from(Reason::CodesExpiring)));
    [
        "sent".to_owned(),
        record.row.number.to_string(),
        record.row.file.clone(),
        delivery.channel.as_str().to_owned(),
        delivery.edition.as_str().to_owned(),
        delivery.file.clone(),
        number(delivery.first_page()),
        number(delivery.pages.map(|(_, last)| last)),
        number(delivery.sequence),
        delivery
            .date
            .map_or_else(String::new, |date| date.to_string()),
        codes_until
            .and_then(Result::ok)
            .map_or_else(String::new, |day| day.to_string()),
        delivery
            .sequence
            .map_or("", |_| delivery.design.unwrap_or_default().as_str())
            .to_owned(),
        reference_of(delivery.reference.as_ref()),
        text(delivery.status.map(PrintStatus::as_str)),
        delivery
            .status_at
            .map_or_else(String::new, |at| at.to_string()),
        text(delivery.returned_because.map(ReturnReason::code)),
    ]
}

/// What tells a delivery from all others.
fn hash_of(record: &Record, delivery: &Delivery) -> u64 {
    let row = (&record.row.file, record.row.number);
    let edition = delivery.edition;
    let place = (delivery.channel, &delivery.file, delivery.sequence, edition);
    BuildHasherDefault::<DefaultHasher>::default().hash_one((row, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a, b.csv","number":ROW,"of":9},"patient":{"national_id":{"type":"NHS_NUMBER","value":"VALUE"},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-05-01"},"invitation":{"code":"NKcYiAciBU","token":"KVPnrFYPay","expires_at":"2026-12-22T09:00:00Z"},"deliveries":[DELIVERIES]}"#;
    const LETTER: &str = r#"{"channel":"letter","file":"letters-0001.pdf","date":"2026-11-22","pages":[3,3],"sequence":3},{"channel":"sms","file":"sms-0001.csv","date":"2026-11-22"}"#;
    const REPRINT: &str = r#"{"channel":"letter","file":"reprint-0001.pdf","date":"2026-11-30","pages":[1,1],"sequence":8,"edition":"reprint"},{"channel":"sms","file":"sms-0001.csv","date":"2026-11-22"}"#;
    const REISSUE: &str = r#"{"channel":"letter","file":"reissue-0001.pdf","date":"2026-12-01","pages":[1,1],"sequence":9,"edition":"reissue"}"#;
    const SMS: &str = r#"{"channel":"sms","file":"sms-0001.csv","date":"2026-11-22"}"#;

    fn ask(questions: Questions) -> (Vec<String>, ExitCode) {
        let mut output = Vec::new();
        let mut answers = Answers::new(questions, &mut output).unwrap();
        for (row, number, deliveries) in [
            ("7", "9990000018", LETTER),
            ("8", "9990000026", SMS),
            ("7", "9990000018", REPRINT),
            ("7", "9990000018", REISSUE),
        ] {
            let line = RECORD
                .replace("ROW", row)
                .replace("VALUE", number)
                .replace("DELIVERIES", deliveries);
            let record = Lines::default().count(line.as_bytes()).unwrap().unwrap();
            answers.see(&record).unwrap();
        }
        let code = answers.finish().unwrap();
        let text = String::from_utf8(output).unwrap();
        (text.lines().skip(1).map(str::to_owned).collect(), code)
    }

    const FIRST: [&str; 2] = [
        r#"sent,7,"a, b.csv",letter,first,letters-0001.pdf,3,3,3,2026-11-22,2026-12-21,letter,,,,"#,
        r#"sent,7,"a, b.csv",sms,first,sms-0001.csv,,,,2026-11-22,2026-12-21,,,,,"#,
    ];
    const TEXT: &str = r#"sent,8,"a, b.csv",sms,first,sms-0001.csv,,,,2026-11-22,2026-12-21,,,,,"#;
    const SECOND: &str = r#"sent,7,"a, b.csv",letter,reprint,reprint-0001.pdf,1,1,8,2026-11-30,2026-12-21,letter,,,,"#;
    const THIRD: &str = r#"sent,7,"a, b.csv",letter,reissue,reissue-0001.pdf,1,1,9,2026-12-01,2026-12-21,letter,,,,"#;

    /// The answers to a question, with its number before each.
    fn answered(question: &str, answers: &[&str]) -> Vec<String> {
        let answers = answers.iter();
        answers
            .map(|answer| format!("{question},{answer}"))
            .collect()
    }

    #[test]
    fn every_edition_is_answered_in_the_order_of_the_ledger() {
        let (lines, code) = ask(Questions::Everybody);
        let [letter, text] = FIRST;
        assert_eq!(lines, answered("", &[letter, text, TEXT, SECOND, THIRD]));
        assert_eq!(code, ExitCode::Done);
    }

    #[test]
    fn rows_are_answered_in_order_and_unknown_ones_with_nothing_sent() {
        let (lines, code) = ask(Questions::Rows([9, 7].into()));
        let [letter, text] = FIRST;
        let mut expected = answered("7", &[letter, text, SECOND, THIRD]);
        expected.push("9,nothing sent,,,,,,,,,,,,,,,".to_owned());
        assert_eq!(lines, expected);
        assert_eq!(code, ExitCode::Done);
    }

    #[test]
    fn numbers_are_answered_by_their_line_and_never_repeated() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "\u{feff}999 000 0034\r\n9990000026\n\nnonsense\n999-000-0018\n9990000026\n";
        std::fs::write(file.path(), text).unwrap();
        let (lines, code) = ask(Questions::read(file.path()).unwrap());
        let [letter, text] = FIRST;
        let expected = [
            answered("1", &["nothing sent,,,,,,,,,,,,,,,"]),
            answered("2", &[TEXT]),
            answered("4", &["not a national number,,,,,,,,,,,,,,,"]),
            answered("5", &[letter, text, SECOND, THIRD]),
            answered("6", &[TEXT]),
        ]
        .concat();
        assert_eq!(lines, expected);
        assert_eq!(code, ExitCode::SomeRowsRejected);
    }

    #[test]
    fn intents_are_passed_over_and_other_lines_refused() {
        let mut lines = Lines::default();
        let intent = br#"{"file":"letters-0001.pdf","schema":"pkb-intent/1","stage":"letters"}"#;
        assert!(lines.count(intent).unwrap().is_none());
        assert_eq!((lines.all, lines.own), (1, 1));
        let refusal = lines.count(br#"{"secret":"9990000018"}"#).unwrap_err();
        assert!(!refusal.to_string().contains("999"));
    }
}
