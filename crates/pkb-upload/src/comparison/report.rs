//! What the operator is told of a comparison with PKB.

use std::fmt;

use pkb_core::rows::counted;

use super::{
    compared_rows::{ComparedRows, Known},
    figures::Figures,
    sample::Sampled,
};

/// The counts of a comparison, one a line. No values.
pub struct ComparisonReport<'a> {
    /// What was counted.
    figures: &'a Figures,
    /// What FHIR does not tell.
    sampled: &'a Sampled,
    /// What is uploaded of known patients.
    known: Known,
}

impl<'a> ComparisonReport<'a> {
    /// Of a comparison; `known` is what is uploaded of known patients.
    pub fn new(compared: &'a ComparedRows, known: Known) -> Self {
        Self {
            figures: &compared.figures,
            sampled: &compared.sampled,
            known,
        }
    }

    /// The same in a sentence, for the summary.
    pub fn in_short(&self) -> String {
        let figures = self.figures;
        let mut parts = vec![
            counted(figures.new, "new patient", "new patients"),
            counted(figures.known, "known patient", "known patients"),
        ];
        let mismatched = figures.mismatched.count();
        if mismatched > 0 {
            parts.push(format!("{mismatched} of them different and not uploaded"));
        }
        for (count, words) in [
            (figures.no_access, "not shown by PKB"),
            (figures.unclear, "not clear and not uploaded"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        let compared = format!("compared with PKB before the upload: {}", parts.join(", "));
        match self.names_and_addresses() {
            None => compared,
            Some(told) => format!("{compared}. {told}"),
        }
    }

    /// How far names and addresses were compared, where FHIR was asked.
    fn names_and_addresses(&self) -> Option<String> {
        match self.sampled {
            Sampled::NotNeeded => None,
            Sampled::Compared(figures) => Some(format!(
                "Names and addresses were compared for a sample of {}: {} a different name, {} a different address",
                counted(figures.known, "known patient", "known patients"),
                have(figures.names + figures.mismatched.count()),
                have(figures.addresses),
            )),
            Sampled::NotCompared => Some(
                "Names and addresses were not compared. FHIR does not have them, and REST showed no patient of the sample. If your client \
                 may use REST, add --api rest"
                    .to_owned(),
            ),
        }
    }

    fn changes(&self) -> Vec<(u64, String)> {
        let figures = self.figures;
        let effect = match self.known {
            Known::Full => "changes at PKB",
            // Names are among the mandatory columns.
            Known::Minimal => "differs at PKB",
            Known::Skip => "differs at PKB, and stays",
        };
        let address = match self.known {
            Known::Full => "the address changes at PKB (--known minimal leaves it as it is)",
            Known::Minimal | Known::Skip => "the address differs at PKB, and stays",
        };
        let name = match self.known {
            Known::Minimal => "the name changes at PKB".to_owned(),
            Known::Full | Known::Skip => format!("the name {effect}"),
        };
        vec![
            (figures.names, format!("  of them: {name}")),
            (figures.addresses, format!("  of them: {address}")),
            (
                figures.no_date,
                "  of them: PKB has no date of birth".to_owned(),
            ),
        ]
    }
}

fn have(count: u64) -> String {
    match count {
        0 => "none has".to_owned(),
        1 => "1 has".to_owned(),
        many => format!("{many} have"),
    }
}

impl fmt::Display for ComparisonReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures;
        let agree = figures.known - figures.mismatched.count();
        let uploaded = match self.known {
            Known::Full => "all columns are uploaded",
            Known::Minimal => "only the mandatory columns are uploaded",
            Known::Skip => "not uploaded (--known skip)",
        };
        let hidden = match self.known {
            Known::Skip => "not uploaded (--known skip)",
            Known::Full | Known::Minimal => "only the mandatory columns are uploaded",
        };
        let mut lines = vec![
            (figures.new, "new: PKB has no record of them".to_owned()),
            (
                agree,
                format!("known to PKB, with the same date of birth: {uploaded}"),
            ),
        ];
        lines.extend(self.changes());
        lines.extend([
            (
                figures.no_access,
                format!("known to PKB, which does not show them: {hidden}"),
            ),
            (
                figures.mismatched.count(),
                format!(
                    "different at PKB, so not uploaded (identity_mismatch): {}",
                    figures.mismatched
                ),
            ),
            (
                figures.unclear,
                "no clear answer from PKB, so not uploaded yet".to_owned(),
            ),
        ]);
        let width = lines
            .iter()
            .map(|(count, _)| count.to_string().len())
            .max()
            .unwrap_or(1);
        writeln!(f, "Compared with PKB, before anything is sent:")?;
        for (count, words) in lines.iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "  {count:>width$}  {words}")?;
        }
        match self.names_and_addresses() {
            Some(told) => writeln!(f, "  {told}."),
            None => Ok(()),
        }
    }
}
