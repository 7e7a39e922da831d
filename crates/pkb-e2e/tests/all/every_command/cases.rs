//! The commands, as they are run.

/// What a command writes to standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Nothing of a patient.
    Plain,
    /// Records: never to a terminal unasked.
    Records,
}
use Output::{Plain, Records};

/// A command, its arguments, what it writes, and how it ends.
pub type Case = (&'static str, &'static str, Output, i32);

/// In their order: each finds what those before it have made. TEMPLATES and LETTER are templates of GOV.UK Notify.
pub const CASES: &[Case] = &[
    (
        "pkb-upload",
        "patients.csv --no-compare --dry-run",
        Records,
        65,
    ),
    (
        "pkb-upload",
        "patients.csv --no-compare --batches batches",
        Records,
        65,
    ),
    (
        "pkb-upload",
        "patients.csv --no-compare --via messaging",
        Records,
        65,
    ),
    (
        "pkb-upload",
        "patients.csv --via messaging --show-request 2",
        Plain,
        0,
    ),
    (
        "pkb-upload check",
        "patients.csv --compare --problems problems.csv",
        Plain,
        65,
    ),
    (
        "pkb-upload check",
        "patients.csv --problems values.csv --show-values",
        Plain,
        65,
    ),
    ("pkb-upload columns", "patients.csv", Plain, 0),
    ("pkb-upload profile", "", Plain, 0),
    ("pkb", "", Plain, 2),
    ("pkb config", "", Plain, 0),
    ("pkb doctor", "", Plain, 0),
    ("pkb split", "t.ndjson --shards 2 --out shards", Plain, 0),
    ("pkb-upload config", "", Plain, 0),
    ("pkb-resolve", "u.ndjson", Records, 65),
    ("pkb-resolve", "--recheck l.ndjson", Records, 65),
    ("pkb-resolve", "--explain", Plain, 0),
    ("pkb-resolve config", "", Plain, 0),
    ("pkb-tokens", "r.ndjson", Records, 65),
    ("pkb-tokens config", "", Plain, 0),
    (
        "pkb-letters",
        "t.ndjson --out again --channel letter,sms --output again.ndjson",
        Plain,
        65,
    ),
    ("pkb-letters", "t.ndjson --out proof --proof 2", Plain, 0),
    ("pkb-letters template", "", Plain, 2),
    ("pkb-letters template new", "ours", Plain, 0),
    ("pkb-letters template check", "ours", Plain, 0),
    ("pkb verify", "print l.ndjson", Plain, 0),
    // The records of other names than are on the letters.
    ("pkb verify", "print wrong.ndjson", Plain, 65),
    ("pkb trace", "", Plain, 2),
    ("pkb trace request", "good.csv --out request.csv", Plain, 0),
    (
        "pkb trace apply",
        "response.csv --key response.key --in u.ndjson",
        Records,
        65,
    ),
    ("pkb package", "--example", Plain, 0),
    ("pkb returns", "scans --in l.ndjson", Records, 65),
    (
        "pkb-sandbox mesh",
        "--requests requests --responses responses --patients good.csv",
        Plain,
        0,
    ),
    (
        "pkb-sandbox mail-company",
        "--delivery print --out returns",
        Plain,
        0,
    ),
    ("pkb ledger", "--journal l.journal", Plain, 0),
    (
        "pkb ledger",
        "--journal l.journal --national-ids numbers",
        Plain,
        0,
    ),
    ("pkb-notify", "", Plain, 2),
    ("pkb-notify sms", "", Plain, 2),
    (
        "pkb-notify sms send",
        "l.ndjson --template-id TEMPLATES --journal sms.journal",
        Records,
        65,
    ),
    ("pkb-notify sms status", "texted.ndjson", Records, 65),
    ("pkb-notify post", "", Plain, 2),
    (
        "pkb-notify post send",
        "separate.ndjson --letters separate --journal post.journal",
        Records,
        65,
    ),
    ("pkb-notify post status", "posted.ndjson", Records, 65),
    ("pkb-notify rows", "", Plain, 2),
    (
        "pkb-notify rows send",
        "rows.ndjson --rows rows --letter-template-id LETTER --journal row.journal",
        Records,
        65,
    ),
    ("pkb-notify rows status", "rowed.ndjson", Records, 65),
    ("pkb-notify nhs", "", Plain, 2),
    (
        "pkb-notify nhs send",
        "t.ndjson --journal nhs.journal --resend 2,3,4,5",
        Records,
        65,
    ),
    ("pkb-notify nhs status", "nhs-sent.ndjson", Records, 65),
    (
        "pkb report",
        "--in l.ndjson --out report.html --json report.json --csv tables",
        Plain,
        0,
    ),
    (
        "pkb merge",
        "shards/01-of-02.ndjson shards/02-of-02.ndjson --output merged.ndjson",
        Plain,
        0,
    ),
    (
        "pkb merge",
        "--check shards/01-of-02.ndjson shards/02-of-02.ndjson",
        Plain,
        0,
    ),
    ("pkb-letters config", "", Plain, 0),
    ("pkb-notify config", "sms send", Plain, 0),
    ("pkb purge", "l.ndjson l.journal --dry-run", Plain, 0),
    (
        "pkb seal",
        "tables --recipients-file keys --out tables.tar.age --age ./age",
        Plain,
        0,
    ),
    (
        "pkb-sandbox serve",
        "--listen 127.0.0.1:0 --world world.json",
        Plain,
        0,
    ),
    ("pkb-sandbox env", "", Plain, 0),
    ("pkb-sandbox patients", "--count 3", Plain, 0),
    ("pkb-sandbox world", "good.csv", Records, 0),
];
