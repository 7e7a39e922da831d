//! How far an NHS number was traced, as patient administration systems keep it.

use serde::{Deserialize, Serialize};

use super::{Problem, folded_header};

/// NHS Data Dictionary: NHS NUMBER STATUS INDICATOR CODE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NhsNumberStatus {
    /// Number present and verified.
    #[serde(rename = "01")]
    Verified,
    /// Number present but not traced.
    #[serde(rename = "02")]
    NotTraced,
    /// Trace required.
    #[serde(rename = "03")]
    TraceRequired,
    /// Trace attempted, with no match or several.
    #[serde(rename = "04")]
    NoMatch,
    /// Trace needs to be resolved.
    #[serde(rename = "05")]
    ToBeResolved,
    /// Trace in progress.
    #[serde(rename = "06")]
    InProgress,
    /// Number not present, and no trace required.
    #[serde(rename = "07")]
    NotRequired,
    /// Trace postponed: a baby under six weeks old.
    #[serde(rename = "08")]
    Postponed,
}

/// Each with its code, and what systems write instead of the code (folded).
const TABLE: [(NhsNumberStatus, u8, &str); 8] = [
    (NhsNumberStatus::Verified, 1, "numberpresentandverified"),
    (NhsNumberStatus::NotTraced, 2, "numberpresentbutnottraced"),
    (NhsNumberStatus::TraceRequired, 3, "tracerequired"),
    (
        NhsNumberStatus::NoMatch,
        4,
        "traceattemptednomatchormultiplematchfound",
    ),
    (
        NhsNumberStatus::ToBeResolved,
        5,
        "traceneedstoberesolvednhsnumberorpatientdetailconflict",
    ),
    (NhsNumberStatus::InProgress, 6, "traceinprogress"),
    (
        NhsNumberStatus::NotRequired,
        7,
        "numbernotpresentandtracenotrequired",
    ),
    (
        NhsNumberStatus::Postponed,
        8,
        "tracepostponedbabyundersixweeksold",
    ),
];

impl NhsNumberStatus {
    /// Reads a code, with or without its zero, or its description.
    ///
    /// # Errors
    /// [`Problem::Empty`] or [`Problem::NotANumberStatus`].
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let folded = folded_header(text);
        if folded.is_empty() {
            return Err(Problem::Empty);
        }
        let code = folded.parse::<u8>().ok().filter(|_| folded.len() <= 2);
        TABLE
            .into_iter()
            .find(|(_, number, words)| {
                code == Some(*number) || *words == folded || (folded == "verified" && *number == 1)
            })
            .map(|(status, ..)| status)
            .ok_or(Problem::NotANumberStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_by_its_code_or_its_words() {
        for text in ["01", "1", " 01 ", "Number present and verified", "Verified"] {
            assert_eq!(NhsNumberStatus::parse(text), Ok(NhsNumberStatus::Verified));
        }
        assert_eq!(NhsNumberStatus::parse("04"), Ok(NhsNumberStatus::NoMatch));
        assert_eq!(NhsNumberStatus::parse(" "), Err(Problem::Empty));
        for text in ["9", "00", "001", "x", "\u{ff11}"] {
            assert_eq!(
                NhsNumberStatus::parse(text),
                Err(Problem::NotANumberStatus),
                "{text}"
            );
        }
        let json = serde_json::to_string(&NhsNumberStatus::NoMatch).unwrap();
        assert_eq!(json, "\"04\"");
    }
}
