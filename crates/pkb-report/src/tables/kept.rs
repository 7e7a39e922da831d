//! Who was kept from being written to, and by which source.

use pkb_core::{Kind, Reason, StageName, clock::uk_date};

use super::{
    campaign::in_words,
    table::{Cell, Column, Reader, Section, Table},
};
use crate::{
    figures::{Figures, rows::RowSet},
    words::{counted, day, list},
};

/// Who says that somebody must not be written to.
fn source(stage: StageName, reason: Reason) -> &'static str {
    match (stage, reason) {
        (StageName::Trace, _) => "NHS register (trace)",
        (StageName::Upload, _) => "The patient file",
        (
            StageName::Resolve | StageName::Recheck,
            Reason::ExcludedByList | Reason::ExcludedAddress | Reason::InvitedRecently,
        ) => "Your lists",
        (StageName::Resolve, Reason::UnderAge | Reason::InvitedByEmail) => "The patient file",
        (StageName::Resolve, Reason::Deceased) => "PKB, or the patient file",
        (StageName::Resolve, _) => "PKB",
        (StageName::Recheck, _) => "PKB, or a newer patient file",
        (
            StageName::Nhs,
            Reason::Deceased | Reason::Removed | Reason::InvalidNumber | Reason::NotTraced,
        ) => "NHS Notify, by the NHS register",
        (StageName::Returns, _) => "The mail company",
        (
            StageName::Tokens
            | StageName::Letters
            | StageName::Sms
            | StageName::Post
            | StageName::Rows
            | StageName::Nhs,
            _,
        ) => "The campaign's own records",
    }
}

/// Reasons that say nothing against writing to the patient.
const NO_HARM: [Reason; 5] = [
    Reason::RepeatedRow,
    Reason::AlreadyInvited,
    Reason::NotDue,
    Reason::Reminded,
    Reason::NotFound,
];

/// Groups of people in the sentence for the board: one and several.
const PEOPLE: [(&[Reason], [&str; 2]); 5] = [
    (
        &[
            Reason::Deceased,
            Reason::MarkedDeceased,
            Reason::ReportedDeceased,
        ],
        ["person who has died", "people who have died"],
    ),
    (&[Reason::UnderAge], ["child", "children"]),
    (
        &[Reason::Sensitive],
        [
            "person with a sensitive record",
            "people with a sensitive record",
        ],
    ),
    (
        &[
            Reason::DoNotContact,
            Reason::MarkedDoNotContact,
            Reason::ExcludedByList,
            Reason::ExcludedAddress,
            Reason::Removed,
        ],
        [
            "person you do not want to write to",
            "people you do not want to write to",
        ],
    ),
    (
        &[
            Reason::IdentityMismatch,
            Reason::Superseded,
            Reason::InvalidNumber,
            Reason::SeveralMatches,
            Reason::NotTraced,
            Reason::NameDiffers,
        ],
        [
            "person whose identity is not certain",
            "people whose identity is not certain",
        ],
    ),
];

/// The section; `None` if nobody was kept from anything.
pub(super) fn section(figures: &Figures) -> Option<Section> {
    let tables: Vec<Table> = [by_source(figures)]
        .into_iter()
        .filter(|table| !table.rows.is_empty())
        .collect();
    if tables.is_empty() {
        return None;
    }
    Some(Section {
        reader: Reader::Board,
        id: "kept",
        title: "Who was not written to, and why",
        lead: sentence(figures).into_iter().collect(),
        tables,
    })
}

/// `7 people who have died and 86 children were not written to.`
#[must_use]
pub fn sentence(figures: &Figures) -> Option<String> {
    let mut seen = RowSet::default();
    let mut groups = Vec::new();
    let mut all = 0;
    for (reasons, [one, many]) in PEOPLE {
        let mut rows = RowSet::default();
        for (_, _, reason, found) in figures.outcomes.iter() {
            if reasons.contains(&reason) {
                rows.add_all(&found.first);
                rows.add_all(&found.also);
            }
        }
        // Each person once, and nobody for whom something was made.
        rows.remove_all(&seen);
        rows.remove_all(&figures.stopped_since);
        seen.add_all(&rows);
        let count = rows.len();
        all += count;
        if count > 0 {
            groups.push(counted(count, one, many));
        }
    }
    let was = if all == 1 { "was" } else { "were" };
    (!groups.is_empty()).then(|| format!("{} {was} not written to.", list(&groups)))
}

fn by_source(figures: &Figures) -> Table {
    let columns = [
        Column::text("source", "Source"),
        Column::text("reason", "Why"),
        Column::count("patients", "Patients"),
    ];
    let mut table = Table::new(
        "kept_by_source",
        "Not written to, by the source that says so",
        &columns,
    );
    for (stage, kind, reason, rows) in figures.outcomes.iter() {
        if kind != Kind::Excluded || NO_HARM.contains(&reason) || rows.first.is_empty() {
            continue;
        }
        let cells = vec![
            source(stage, reason).into(),
            in_words(reason).into(),
            Cell::Count(rows.first.len()),
        ];
        table.row(format!("{}_{}", stage.as_str(), reason.as_str()), cells);
    }
    table
}

pub(super) fn trace_files(figures: &Figures) -> Table {
    let columns = [
        Column::text("file", "Response"),
        Column::text("answered", "Answered"),
        Column::count("answers", "Answers"),
    ];
    let mut table = Table::new("trace_files", "Traces", &columns).narrow();
    for (name, file) in &figures.sources.0 {
        let cells = vec![
            name.as_str().into(),
            day(uk_date(file.at)).into(),
            Cell::Count(file.answers),
        ];
        table.row(name.as_str(), cells);
    }
    table
}
