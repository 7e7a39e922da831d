//! Exit codes and outcomes.

use pkb_core::{ExitCode, Reason};

use super::{check, made, table};

#[test]
fn the_page_of_exit_codes_is_that_of_the_programs() {
    let rows = ExitCode::TABLE.iter().map(|(code, words)| {
        let name = serde_json::to_value(code).unwrap();
        [
            code.code().to_string(),
            (*words).to_owned(),
            format!("`{}`", name.as_str().unwrap()),
        ]
    });
    let rows = table(["code", "meaning", "`ended` in the summary"], rows);
    let introduction = "All programs have the same exit codes. What to do: [Start here](../trouble/start-here.md).";
    let notes = "\
A stage counts all rows of its stream, also those that an earlier stage stopped. So the last exit code of a pipeline counts for the campaign. Rows that must not be
invited (`excluded`) are done. In scripts use `set -o pipefail`.

A run that advances nobody is not a success. If every row was stopped, by this stage or an earlier one, the exit code is 65, and a line says why. A run is a success if at
least one row was advanced, was done in an earlier run, or goes a different way. For `pkb-resolve --recheck` it is enough that PKB answered about one patient, even if nobody
is due a reminder.

A signal that stops a program gives 128 and its number. A closed pipe (SIGPIPE) and a file beyond the limit (SIGXFSZ, `ulimit -f`) are exit code 74, like a full disk.";
    check(
        "reference/exit-codes.md",
        &made("Exit codes", introduction, &format!("{rows}\n{notes}")),
    );
}

#[test]
fn the_page_of_outcomes_has_every_reason_with_its_kind_and_advice() {
    let rows = Reason::ALL.iter().map(|reason| {
        let kind = reason.kind().as_str().to_owned();
        [
            format!("`{}`", reason.as_str()),
            kind,
            reason.advice().to_owned(),
        ]
    });
    let introduction = "\
A record that goes no further has an `outcome`: `rejected` (correct the patient file), `excluded` (must not be invited) or `failed` (run the stage again). The reasons, in the
order of the stages. How to find your rows: [Patients who got nothing](../trouble/outcomes.md).";
    check(
        "reference/outcomes.md",
        &made(
            "Outcomes",
            introduction,
            &table(["reason", "kind", "what to do"], rows),
        ),
    );
}
