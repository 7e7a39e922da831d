//! Uploads of which only a part is taken, reports that are wrong, and answers that are lost after that.

use serde::Deserialize;

/// What is wrong with an upload. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, try_from = "Fields")]
pub(crate) struct UploadFault {
    /// The share of the rows that is taken, from the first; what comes after is never looked at. All if absent.
    take: Option<f64>,
    /// How the report differs from what was done.
    pub(crate) report: Option<ReportFault>,
    /// The connection is reset in place of the answer.
    pub(super) lose: bool,
}

/// What is wrong with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportFault {
    /// It counts one row less than there were.
    Short,
    /// It counts one row more than there were.
    Long,
    /// It names a failed row behind the last, in place of one that was taken.
    UnknownRow,
    /// It names the header as a failed row, in place of one that was taken.
    HeaderRow,
    /// It names the same row as failed twice, in place of two that were taken.
    RepeatedRow,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    take: Option<f64>,
    report: Option<ReportFault>,
    lose: bool,
}

impl TryFrom<Fields> for UploadFault {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields { take, report, lose } = fields;
        if take.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("take must be between 0 and 1");
        }
        Ok(Self { take, report, lose })
    }
}

impl UploadFault {
    /// How many of `rows` are taken.
    pub(crate) fn taken(self, rows: usize) -> usize {
        // A share of at most 1 of a file's rows.
        (rows as f64 * self.take.unwrap_or(1.0)).round() as usize
    }

    /// Whether it can happen to a question about an upload: only what is told can be wrong there.
    pub(super) fn is_of_status(self) -> bool {
        self.take.is_none()
    }
}
