//! How far each record got, and how it ended: one matrix, of which headline and funnel are sums, so
//! that they cannot disagree.

use pkb_core::{Kind, Reason, StageName, record::UploadState};

use crate::fields::{Fields, Outcome};

/// The steps from a row to an invitation. A record that has reached one has reached those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A row of the patient file.
    Row,
    /// Sent to PKB, written for the upload by hand, or there already and left as it is.
    Uploaded,
    /// PKB has a record that we may see.
    Found,
    /// Nothing speaks against an invitation.
    MayBeInvited,
    /// Codes were fetched.
    Codes,
    /// A letter or a text was made, and nothing has stopped it since.
    Invited,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Row,
        Self::Uploaded,
        Self::Found,
        Self::MayBeInvited,
        Self::Codes,
        Self::Invited,
    ];

    /// The name in CSV and JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Row => "rows",
            Self::Uploaded => "uploaded",
            Self::Found => "found",
            Self::MayBeInvited => "may_be_invited",
            Self::Codes => "codes",
            Self::Invited => "invited",
        }
    }

    /// The step that `fields` has reached. Where a record was stopped, the stage that did it says how
    /// far it was: sections may be older than the outcome.
    fn of(fields: &Fields<'_>) -> Self {
        match &fields.outcome {
            // Whatever became of a reminder, or of the patient since.
            _ if !fields.earlier.is_empty() || fields.invitation_stands() => Self::Invited,
            Some(outcome) => Self::of_stopped(outcome, fields),
            None => Self::by_sections(fields),
        }
    }

    fn by_sections(fields: &Fields<'_>) -> Self {
        match fields.upload.as_ref().map(|upload| upload.state) {
            _ if fields.invitation.is_some() => Self::Codes,
            _ if fields.pkb.is_some() => Self::MayBeInvited,
            Some(UploadState::Checked) | None => Self::Row,
            Some(_) => Self::Uploaded,
        }
    }

    fn of_stopped(outcome: &Outcome, fields: &Fields<'_>) -> Self {
        match outcome.stage {
            // It stops a record wherever that is.
            StageName::Trace => Self::by_sections(fields),
            StageName::Upload => Self::Row,
            StageName::Resolve if was_not_asked(outcome.reason) => Self::Uploaded,
            StageName::Resolve => Self::Found,
            StageName::Tokens => Self::MayBeInvited,
            StageName::Letters | StageName::Sms | StageName::Post | StageName::Rows => Self::Codes,
            StageName::Nhs if fields.deliveries.is_empty() => Self::Codes,
            StageName::Nhs | StageName::Returns | StageName::Recheck => Self::Invited,
        }
    }
}

/// Whether pkb-resolve stopped a record because it got no answer about the patient, or because the patient's wave is on a later day.
/// Whatever else it stops for, it asks PKB first.
fn was_not_asked(reason: Reason) -> bool {
    let is_without_answer = matches!(reason, Reason::NotFound | Reason::NoAccess | Reason::NotDue);
    is_without_answer || reason.kind() == Kind::Failed
}

/// How a record ended: each in exactly one of these ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Invited.
    Invited,
    /// Must not be invited.
    Excluded,
    /// The row has to be mended.
    ToFix,
    /// May work later.
    Failed,
    /// Nothing has stopped it: a later stage has to be run.
    UnderWay,
}

impl End {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Invited,
        Self::Excluded,
        Self::ToFix,
        Self::Failed,
        Self::UnderWay,
    ];

    /// The name in CSV and JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Excluded => "excluded",
            Self::ToFix => "to_mend",
            Self::Failed => "failed",
            Self::UnderWay => "under_way",
        }
    }

    fn of(fields: &Fields<'_>) -> Self {
        match &fields.outcome {
            _ if fields.invitation_stands() => Self::Invited,
            Some(outcome) if outcome.reason == Reason::NotDue => Self::UnderWay,
            Some(outcome) => Self::from(outcome.kind),
            None => Self::UnderWay,
        }
    }
}

impl From<Kind> for End {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Rejected => Self::ToFix,
            Kind::Excluded => Self::Excluded,
            Kind::Failed => Self::Failed,
        }
    }
}

/// Records by the last step that they reached, and how they ended.
#[derive(Debug, Default)]
pub struct Funnel([[u64; End::ALL.len()]; Step::ALL.len()]);

impl Funnel {
    /// Counts a record; how it ended.
    pub fn count(&mut self, fields: &Fields<'_>) -> End {
        let end = End::of(fields);
        self.0[Step::of(fields) as usize][end as usize] += 1;
        end
    }

    /// All records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Records that reached `step`.
    #[must_use]
    pub fn reached(&self, step: Step) -> u64 {
        self.0[step as usize..].iter().flatten().sum()
    }

    /// Records that ended in this way, wherever.
    #[must_use]
    pub fn ended(&self, end: End) -> u64 {
        self.0.iter().map(|ends| ends[end as usize]).sum()
    }

    /// Records that ended in this way after `step` and before the next.
    #[must_use]
    pub fn ended_after(&self, step: Step, end: End) -> u64 {
        self.0[step as usize][end as usize]
    }
}
