//! From the arguments to the work.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;
use pkb_cli::progress::tell;
use pkb_core::{
    ExitCode, Fatal, Reason, Record, StageName, Verdict,
    clock::{start_of_day, uk_date},
    figures::grouped,
    record::{Delivery, GoesTo, PrintStatus, ReturnReason},
    rows::{FirstFew, counted},
    transform::{Seen, transform},
};
use pkb_print_files::manifest::ManifestJson;

use crate::{
    args::ReturnsArgs,
    findings,
    follow::follow,
    profile::Profile,
    reports::{Bare, Reports},
};

/// Reads the reports into the records.
///
/// # Errors
/// What stopped it.
pub fn run(args: &ReturnsArgs) -> Result<ExitCode, Fatal> {
    let clock = args.clock.clock();
    let day = args.bare_day.unwrap_or_else(|| clock.today());
    let bare = Bare {
        status: args.bare_status,
        at: start_of_day(day),
    };
    let reports = Reports::read(&args.reports, &Profile::find(&args.profile)?, bare)?;
    let in_manifest = args.manifest.as_deref().map(letters_of).transpose()?;
    let stream = args.through.stream()?;
    let mut table = args.findings.as_deref().map(findings::file).transpose()?;
    let (mut counts, mut odd) = (Counts::default(), FirstFew::default());
    let change = |record: &mut Record| {
        let note = apply(record, &reports);
        Ok(Seen {
            is_changed: note.is_changed,
            note,
        })
    };
    let (_, origins) = transform(stream, change, |row, note| {
        counts.add(&note);
        for words in note.odd {
            odd.add(format!(
                "{words} (row {} of {})",
                row.number,
                pkb_files::shown::in_line(&row.file)
            ));
        }
        let table = &mut table;
        note.findings.iter().try_for_each(|cells| match table {
            Some(table) => table.add(cells),
            None => Ok(()),
        })
    })?;
    let lines = reports.len();
    let unknown = reports.faults()?;
    if let Some(table) = table {
        table.finish()?;
    }
    let differs = in_manifest.filter(|letters| *letters != counts.accounted());
    if let Some(letters) = differs {
        tell(format!(
            "pkb returns: the manifest has {}, and the reports account for {}",
            counted(letters, "letter", "letters"),
            grouped(counts.accounted())
        ));
    }
    counts.tell(lines as u64);
    tell_faults("lines that cannot be used", &unknown);
    tell_faults("letters that somebody has to ask the company about", &odd);
    if let Some(words) = origins.words() {
        tell(format!("pkb returns: {words}"));
    }
    Ok(
        match unknown.count() > 0 || odd.count() > 0 || differs.is_some() {
            true => ExitCode::SomeRowsRejected,
            false => ExitCode::Done,
        },
    )
}

/// How many letters a manifest has.
fn letters_of(path: &Path) -> Result<u64, Fatal> {
    let text = std::fs::read(path).map_err(|source| Fatal::cannot_read(path, source))?;
    let manifest: ManifestJson = serde_json::from_slice(&text).map_err(|_| {
        Fatal::Input(format!(
            "{} is not a manifest.json of pkb-letters",
            path.display()
        ))
    })?;
    Ok(manifest.counts.letters)
}

fn tell_faults(what: &str, faults: &FirstFew) {
    if faults.count() > 0 {
        tell(format!("pkb returns: {what}: {}", grouped(faults.count())));
        faults.lines().for_each(|line| tell(format!("  {line}")));
    }
}

/// What the reports did to a record.
#[derive(Default)]
struct Note {
    is_changed: bool,
    /// The letters of the present invitation: their status, and why they came back.
    letters: Vec<(Option<PrintStatus>, Option<ReturnReason>)>,
    odd: Vec<String>,
    findings: Vec<[String; 8]>,
    /// When the codes in a letter that came back expire.
    codes_expire: Option<Timestamp>,
}

fn apply(record: &mut Record, reports: &Reports) -> Note {
    let mut note = Note::default();
    let mut is_changed = false;
    let mut see = |delivery: &mut Delivery| {
        is_changed |= follow(delivery, reports, |odd, at| {
            note.odd
                .push(format!("{}, row {}: {}", at.file, at.row, odd.words()));
        });
    };
    let earlier = record.earlier.iter_mut();
    let earlier = earlier.flat_map(|own| own.deliveries.iter_mut());
    for delivery in record.deliveries.iter_mut().chain(earlier) {
        see(delivery);
        delivery.replaces.iter_mut().for_each(&mut see);
    }
    let mut says_dead = None;
    let all = record.invitations().flatten();
    for letter in all.flat_map(Delivery::with_replaced) {
        if letter.channel.goes_to() != GoesTo::Address {
            continue;
        }
        if letter.returned_because == Some(ReturnReason::Deceased) {
            says_dead.get_or_insert(letter.sequence);
        }
        note.findings.extend(findings::cells(record, letter));
        note.letters.push((letter.status, letter.returned_because));
        if letter.status == Some(PrintStatus::Returned) {
            note.codes_expire = note.codes_expire.max(record.codes_expire_at());
        }
    }
    if let Some(sequence) = says_dead {
        is_changed |= stop(record, sequence);
    }
    note.is_changed = is_changed;
    note
}

/// Somebody wrote on the envelope of this letter that the patient has died: a hint, on which everything stops. Returns whether
/// anything had to be stopped.
fn stop(record: &mut Record, sequence: Option<u64>) -> bool {
    let outcome = record.outcome.as_ref();
    if outcome.is_some_and(|outcome| outcome.is_for_good()) {
        return false;
    }
    let words = match sequence {
        Some(sequence) => {
            format!("letter {sequence} came back marked \"addressee has died\" (R09)")
        }
        None => "a letter came back marked \"addressee has died\" (R09)".to_owned(),
    };
    let verdict = Verdict::with_detail(Reason::ReportedDeceased, words);
    record.outcome = Some(verdict.at(StageName::Returns));
    true
}

/// What became of all letters.
#[derive(Default)]
struct Counts {
    letters: u64,
    by_status: BTreeMap<PrintStatus, u64>,
    by_reason: BTreeMap<ReturnReason, u64>,
    no_word: u64,
    codes_expire: Option<Timestamp>,
}

impl Counts {
    fn add(&mut self, note: &Note) {
        for (status, reason) in &note.letters {
            self.letters += 1;
            match status {
                Some(status) => *self.by_status.entry(*status).or_default() += 1,
                None => self.no_word += 1,
            }
            if let Some(reason) = reason {
                *self.by_reason.entry(*reason).or_default() += 1;
            }
        }
        self.codes_expire = self.codes_expire.max(note.codes_expire);
    }

    /// Letters of which the company has said how they ended.
    fn accounted(&self) -> u64 {
        let is_end = |status: &PrintStatus| {
            *status >= PrintStatus::Failed || *status == PrintStatus::Rejected
        };
        self.by_status
            .iter()
            .filter(|(status, _)| is_end(status))
            .map(|(_, count)| count)
            .sum()
    }

    fn tell(&self, lines: u64) {
        tell(format!(
            "pkb returns: {} in {}",
            counted(self.letters, "letter", "letters"),
            counted(lines, "line of reports", "lines of reports")
        ));
        for (status, count) in &self.by_status {
            tell(format!("  {:>7}  {}", grouped(*count), status.as_str()));
        }
        if self.no_word > 0 {
            tell(format!(
                "  {:>7}  no word from the company yet",
                grouped(self.no_word)
            ));
        }
        for (reason, count) in &self.by_reason {
            tell(format!(
                "  returned: {} {} ({})",
                grouped(*count),
                reason.words(),
                reason.code()
            ));
        }
        if let Some(moment) = self.codes_expire {
            tell(format!(
                "  the codes in letters that came back expire by {}. Let them expire: they are never used again",
                uk_date(moment).strftime("%-d %B %Y")
            ));
        }
    }
}
