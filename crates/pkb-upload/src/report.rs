//! What the operator is told about a patient file.

use std::fmt;

use crate::{finding::Heading, patient_file::PatientFile};

/// How a file was read, what will become of its rows, and each kind of problem with its first rows.
/// No values.
pub struct Report<'a>(pub &'a PatientFile);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.0;
        let survey = &file.survey;
        writeln!(f, "{}: {}", file.table.name(), file.table.how_read())?;
        let unused: Vec<String> = file
            .columns
            .unused()
            .map(|at| file.columns.label(at))
            .collect();
        if !unused.is_empty() {
            writeln!(f, "not used: {}", unused.join(", "))?;
        }
        let width = survey.rows.to_string().len();
        writeln!(f)?;
        writeln!(f, "  {:>width$}  rows", survey.rows)?;
        writeln!(f, "  {:>width$}  can be uploaded", survey.good)?;
        for (rows, words) in [
            (survey.rejected, "rejected"),
            (survey.excluded, "excluded"),
            (survey.merged, "merged"),
        ] {
            if rows > 0 {
                writeln!(f, "  {rows:>width$}  {words}")?;
            }
        }
        let (households, patients) = survey.households();
        if households > 0 {
            let addresses = if households == 1 {
                "address"
            } else {
                "addresses"
            };
            writeln!(
                f,
                "  {households:>width$}  {addresses} with several patients, {patients} in all"
            )?;
        }
        let normalised = survey.counts.normalised();
        if !normalised.is_empty() {
            writeln!(f, "\nnormalised: {normalised}")?;
        }
        let mut heading: Option<Heading> = None;
        for (severity, place, count) in survey.counts.sorted() {
            if heading != Some(severity.heading()) {
                heading = Some(severity.heading());
                writeln!(f, "\n{}", severity.heading().title())?;
            }
            writeln!(
                f,
                "  {:>width$}  {} {} ({})",
                count.rows,
                place.name(&file.columns),
                count.words,
                count.rows_in_words()
            )?;
            writeln!(f, "  {:width$}    -> {}", "", count.advice)?;
        }
        Ok(())
    }
}
