//! How a run of a stage went: for people on standard error, for machines as JSON (`--summary FILE`), whose
//! form is in `schema/summary.json`.

use std::{fmt, path::Path, time::Duration};

use serde::Serialize;

use crate::{
    ExitCode, Fatal, Kind, Reason, StageName,
    figures::{grouped, in_words, rate},
    monitor::Snapshot,
    rows,
    stage::NextStep,
    tally::Tally,
};
use pkb_files::shown;

/// Rows a second are told of runs that take as long as this.
const WORTH_A_RATE: Duration = Duration::from_secs(1);

/// What `--summary FILE` holds and what stands on stderr at the end.
///
/// `rows_out` is the sum of `advanced`, `already_done`, `not_ready`, `not_concerned` and of the rows of all
/// `outcomes`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct Summary {
    /// The version of this form
    schema: Schema,
    /// The stage that ran
    stage: StageName,
    /// Names of the patient files that the rows are from
    files: Vec<String>,
    /// Rows that these files have; of a run that was stopped early, those that were seen of it
    rows_of: u64,
    /// Rows that were read
    rows_in: u64,
    /// Rows that were written
    rows_out: u64,
    /// Whether the run was a rehearsal: nothing of it may be sent to a patient
    rehearsal: bool,
    /// Rows on which the stage did its work
    advanced: u64,
    /// Rows that an earlier run of the stage had done
    already_done: u64,
    /// Rows on which an earlier stage has not done its work yet
    not_ready: u64,
    /// Rows for which the stage has nothing to do
    not_concerned: u64,
    /// Rows that were stopped, by this stage or an earlier one
    outcomes: Vec<OutcomeCount>,
    /// What else the operator should know, a sentence each
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Calls that were made again
    retries: u64,
    /// Answers of PKB about a patient that had no national id, so that they could not be compared with the question
    unnamed_answers: u64,
    /// Seconds in which something was waited for, each counted once
    waited_seconds: f64,
    /// Seconds that the run took
    seconds: f64,
    /// The exit code of the program
    exit_code: u8,
    /// The same by name
    ended: ExitCode,
    /// What stopped the run before its input was done, if anything did
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_by: Option<String>,
    #[serde(skip)]
    next: Vec<String>,
}

/// The version of the form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Schema {
    #[serde(rename = "pkb-summary/1")]
    V1,
}

/// So many rows were stopped for the same reason.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct OutcomeCount {
    /// The stage that stopped them
    stage: StageName,
    /// What that asks of the operator
    kind: Kind,
    /// Why
    reason: Reason,
    /// How many
    rows: u64,
}

/// How a run ended, for [`Summary::of`].
#[derive(Debug)]
pub struct Ended<'a> {
    /// What became of each row.
    pub tally: &'a Tally,
    /// The names of the patient files.
    pub files: Vec<String>,
    /// Rows, retries and waits at the end.
    pub snapshot: Snapshot,
    /// How long it took.
    pub elapsed: Duration,
    /// The exit code.
    pub code: ExitCode,
    /// What stopped it early.
    pub fatal: Option<&'a Fatal>,
    /// The journal, if there is one.
    pub journal: Option<&'a Path>,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// What comes after this stage.
    pub next_step: Option<NextStep>,
}

impl Summary {
    /// The summary of a run of `stage`.
    pub fn of(stage: StageName, ended: Ended<'_>) -> Self {
        let next = next_steps(stage, &ended);
        let Ended {
            tally,
            files,
            snapshot,
            elapsed,
            code,
            fatal,
            rehearsal,
            ..
        } = ended;
        let outcomes = tally
            .stopped()
            .map(|((stage, kind, reason), rows)| OutcomeCount {
                stage,
                kind,
                reason,
                rows,
            });
        Self {
            schema: Schema::V1,
            stage,
            files,
            rows_of: snapshot.total,
            rows_in: tally.rows_in,
            rows_out: tally.rows_out,
            rehearsal,
            advanced: tally.advanced,
            already_done: tally.already_done,
            not_ready: tally.not_ready,
            not_concerned: tally.not_concerned,
            outcomes: outcomes.collect(),
            notes: snapshot.notes,
            retries: snapshot.retries,
            unnamed_answers: snapshot.unnamed_answers,
            waited_seconds: snapshot.waited.as_secs_f64(),
            seconds: elapsed.as_secs_f64(),
            exit_code: code.code(),
            ended: code,
            stopped_by: fatal.map(ToString::to_string),
            next,
        }
    }

    /// What to do now, a line for each step.
    pub fn next(&self) -> String {
        let lines = self.next.iter().map(|step| format!("next: {step}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// How long it took, and what made it long.
    fn effort(&self) -> String {
        let elapsed = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let waited = Duration::try_from_secs_f64(self.waited_seconds).unwrap_or_default();
        if elapsed < WORTH_A_RATE {
            return format!("{:.1} s", self.seconds);
        }
        let mut parts = vec![in_words(elapsed)];
        if self.rows_out > 0 {
            parts.push(rate(self.rows_out as f64 / self.seconds));
        }
        match self.retries {
            0 => {}
            1 => parts.push("1 retry".to_owned()),
            retries => parts.push(format!("{} retries", grouped(retries))),
        }
        if waited >= WORTH_A_RATE {
            parts.push(format!("waited {}", in_words(waited)));
        }
        parts.join(", ")
    }

    /// The last line under the counts: they are all rows.
    fn total(&self) -> String {
        match self.rows_in.saturating_sub(self.rows_out) {
            0 => "rows in all".to_owned(),
            1 => "rows in all. 1 more was read and is not done".to_owned(),
            lost => format!("rows in all. {lost} more were read and are not done"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stopped a run is said with its code in a line of its own.
        let code = match (&self.stopped_by, self.ended) {
            (Some(_), _) | (None, ExitCode::Done) => String::new(),
            (None, code) => format!(" (exit code {})", code.code()),
        };
        writeln!(
            f,
            "{}: {} in, {} out, {}{code}",
            self.stage.program(),
            counted(self.rows_in),
            counted(self.rows_out),
            self.effort()
        )?;
        let mut lines = vec![
            (self.advanced, self.stage.done().to_owned()),
            (self.already_done, "done in an earlier run".to_owned()),
            (
                self.not_ready,
                "not ready: run the earlier stages on this stream first".to_owned(),
            ),
            (self.not_concerned, "not for this stage".to_owned()),
        ];
        // Only the last stage accounts for what the others stopped: in a pipeline each has said so
        // itself a moment ago.
        let is_mine =
            |count: &&OutcomeCount| count.stage == self.stage || self.stage.accounts_for_all();
        let earlier = self.outcomes.iter().filter(|count| !is_mine(count));
        let earlier = earlier.map(|count| count.rows).sum();
        lines.push((earlier, "stopped by an earlier stage".to_owned()));
        for count in self.outcomes.iter().filter(is_mine) {
            let at = if count.stage == self.stage {
                String::new()
            } else {
                format!(" by {}", count.stage.program())
            };
            let (kind, reason) = (count.kind.as_str(), count.reason.as_str());
            let advice = count.reason.advice();
            lines.push((count.rows, format!("{kind}{at}: {reason} ({advice})")));
        }
        lines.retain(|(rows, _)| *rows > 0);
        let width = self.rows_out.to_string().len();
        for (rows, what) in &lines {
            writeln!(f, "  {rows:>width$}  {what}")?;
        }
        // A sum of one is no sum, unless something is missing from it.
        if lines.len() > 1 || self.rows_in != self.rows_out {
            if !lines.is_empty() {
                writeln!(f, "  {}", "-".repeat(width))?;
            }
            writeln!(f, "  {:>width$}  {}", self.rows_out, self.total())?;
        }
        if self.unnamed_answers > 0 {
            let answers = rows::counted(self.unnamed_answers, "answer", "answers");
            writeln!(f, "  note: {answers} from PKB did not name the patient")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

/// What to do now: what comes before all else, then to get done what is not, and then what comes after this stage.
fn next_steps(stage: StageName, ended: &Ended<'_>) -> Vec<String> {
    let again = "run the same command again";
    if let Some(fatal) = ended.fatal {
        let saved = counted(ended.snapshot.saved);
        let goes_on = match ended.journal {
            Some(journal) => format!(
                "It continues from {}, where {saved} of this run {} saved",
                journal.display(),
                if ended.snapshot.saved == 1 {
                    "is"
                } else {
                    "are"
                }
            ),
            None => format!("Without a journal it {}", stage.without_journal()),
        };
        return match fatal {
            Fatal::Interrupted(_) => vec![format!("{again}. {goes_on}")],
            Fatal::Io { .. } => vec![format!("correct this, and {again}. {goes_on}")],
            // They say it themselves.
            _ => Vec::new(),
        };
    }
    let may_go_on = ended.tally.advanced + ended.tally.already_done > 0;
    let next_step = ended.next_step.as_ref().filter(|_| may_go_on);
    let mut steps = Vec::new();
    if let Some(NextStep::First(step)) = next_step {
        steps.push(step.clone());
    }
    let rows_that = |test: &dyn Fn(Reason) -> bool| -> u64 {
        let stopped = ended.tally.stopped();
        stopped
            .filter(|((_, _, reason), _)| test(*reason))
            .map(|(_, rows)| rows)
            .sum()
    };
    let rejected = rows_that(&|reason| reason.kind() == Kind::Rejected);
    let later = rows_that(&Reason::is_transient);
    let failed = rows_that(&|reason| reason.kind() == Kind::Failed && !reason.is_transient());
    if later > 0 || ended.code == ExitCode::TryLater {
        let rows = if later > 0 {
            format!(". {} may work then", counted(later))
        } else {
            String::new()
        };
        steps.push(format!("{again} later{rows}"));
    } else if failed > 0 {
        steps.push(format!(
            "{} failed: do what the brackets above say, and {again}",
            counted(failed)
        ));
    }
    if rejected > 0 {
        let file = match ended.files.as_slice() {
            [file] => shown::in_line(file),
            _ => "the patient files".into(),
        };
        let again = match stage.reads_patient_file() {
            true => again,
            false => "run all commands again, starting with pkb-upload",
        };
        steps.push(format!(
            "correct {} of {file}, and {again}",
            counted(rejected)
        ));
    }
    if ended.tally.not_ready > 0 {
        let rows = counted(ended.tally.not_ready);
        steps.push(format!("run the earlier stages on {rows} first"));
    }
    if let Some(NextStep::Then(step)) = next_step.filter(|_| later == 0) {
        steps.push(step.clone());
    }
    steps
}

fn counted(rows: u64) -> String {
    rows::counted(rows, "row", "rows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, tally::Settled};
    use pkb_files::signals::EndSignal;

    fn tally_of(advanced: u64, reasons: &[Reason]) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..advanced {
            tally.count_in();
            tally.count_out(Settled::Advanced, None);
        }
        for reason in reasons {
            let outcome = Verdict::from(*reason).at(StageName::Resolve);
            tally.count_in();
            tally.count_out(Settled::Stopped, Some(&outcome));
        }
        tally
    }

    fn ended<'a>(tally: &'a Tally, fatal: Option<&'a Fatal>) -> Ended<'a> {
        Ended {
            tally,
            files: vec!["patients.csv".into()],
            snapshot: Snapshot {
                total: 61,
                saved: 650,
                retries: 3,
                waited: Duration::from_secs(62),
                ..Snapshot::default()
            },
            elapsed: Duration::from_secs(252),
            code: fatal.map_or_else(|| tally.exit_code(StageName::Resolve), Fatal::exit_code),
            fatal,
            journal: Some(Path::new("r.journal")),
            rehearsal: false,
            next_step: Some(NextStep::Then("pkb-tokens on these records".into())),
        }
    }

    fn summary(tally: &Tally) -> Summary {
        Summary::of(StageName::Resolve, ended(tally, None))
    }

    #[test]
    fn the_summary_adds_up_visibly() {
        let mut tally = tally_of(48, &[Reason::Deceased, Reason::Deceased, Reason::NotFound]);
        for _ in 0..2 {
            tally.count_in();
        }
        assert_eq!(
            summary(&tally).to_string(),
            "pkb-resolve: 53 rows in, 51 rows out, 4 min 12 s, 12/min, 3 retries, waited 1 min 2 s\n  \
               48  found at PKB and may be invited\n   \
                1  excluded: not_found (check that the upload has been processed)\n   \
                2  excluded: deceased (bring your own records up to date)\n  \
               --\n  \
               51  rows in all. 2 more were read and are not done\n"
        );
    }

    #[test]
    fn the_next_step_gets_done_what_is_not_before_it_goes_on() {
        let go_on = "next: pkb-tokens on these records";
        for (advanced, reasons, next) in [
            (1, &[Reason::Deceased][..], go_on.to_owned()),
            (0, &[Reason::Deceased], String::new()),
            (
                1,
                &[Reason::BadName, Reason::BadName],
                format!(
                    "next: correct 2 rows of patients.csv, and run all commands again, starting with pkb-upload\n{go_on}"
                ),
            ),
            (
                1,
                &[Reason::Unavailable],
                "next: run the same command again later. 1 row may work then".to_owned(),
            ),
            (
                1,
                &[Reason::MissingGlyph],
                format!(
                    "next: 1 row failed: do what the brackets above say, and run the same command again\n{go_on}"
                ),
            ),
        ] {
            assert_eq!(
                summary(&tally_of(advanced, reasons)).next(),
                next,
                "{reasons:?}"
            );
        }
    }

    #[test]
    fn after_an_interruption_the_same_command_goes_on_and_an_error_that_says_so_itself_is_not_repeated()
     {
        let tally = tally_of(3, &[]);
        let next = |fatal: Fatal| {
            let mut ended = ended(&tally, Some(&fatal));
            ended.journal = None;
            Summary::of(StageName::Resolve, ended).next()
        };
        assert_eq!(
            next(Fatal::Interrupted(EndSignal::Interrupt)),
            "next: run the same command again. Without a journal it starts from the beginning"
        );
        let kept = Fatal::Interrupted(EndSignal::Hangup);
        assert_eq!(
            Summary::of(StageName::Resolve, ended(&tally, Some(&kept))).next(),
            "next: run the same command again. It continues from r.journal, where 650 rows of this run are saved"
        );
        assert_eq!(
            next(Fatal::TryLater("PKB is down: run it later".into())),
            ""
        );
    }

    #[test]
    fn what_comes_before_all_else_is_the_first_of_the_next_steps_and_never_cut() {
        let tally = tally_of(
            1,
            &[Reason::Unavailable, Reason::BadName, Reason::MissingGlyph],
        );
        let verify = "pkb verify print delivered.ndjson";
        let next = |reasons: &Tally| {
            let mut ended = ended(reasons, None);
            ended.next_step = Some(NextStep::First(verify.into()));
            Summary::of(StageName::Letters, ended).next()
        };
        let steps = next(&tally);
        assert!(steps.starts_with(&format!("next: {verify}\n")), "{steps}");
        assert_eq!(steps.lines().count(), 3, "{steps}");
        assert_eq!(
            next(&tally_of(0, &[Reason::Unavailable])).lines().count(),
            1
        );
    }

    #[test]
    fn the_json_says_how_it_ended_and_why() {
        let tally = tally_of(3, &[]);
        let fatal = Fatal::TryLater("PKB is down".into());
        let json =
            serde_json::to_value(Summary::of(StageName::Resolve, ended(&tally, Some(&fatal))));
        let json = json.unwrap();
        assert_eq!(json["schema"], "pkb-summary/1");
        assert_eq!(
            (&json["exit_code"], &json["ended"], &json["stopped_by"]),
            (&75.into(), &"try_later".into(), &"PKB is down".into())
        );
        assert_eq!(
            (&json["retries"], &json["waited_seconds"]),
            (&3.into(), &62.0.into())
        );
    }

    #[test]
    fn the_schema_that_is_checked_in_is_that_of_the_types() {
        let schema = schemars::schema_for!(Summary);
        let checked =
            pkb_files::schema_file::check(env!("CARGO_MANIFEST_DIR"), "summary.json", &schema);
        assert_eq!(checked, Ok(()));
    }
}
