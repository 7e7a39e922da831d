//! What the operator is told about a patient file.

use std::fmt;

use crate::{
    columns::{Columns, looks_like_address},
    finding::Heading,
    patient_file::PatientFile,
};

/// How a file was read, what will become of its rows, and each kind of problem with its first rows.
/// No values.
pub struct FileReport<'a>(pub &'a PatientFile);

impl fmt::Display for FileReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.0;
        let survey = &file.survey;
        writeln!(f, "{}: {}", file.table.name(), file.table.how_read())?;
        f.write_str(&unused_columns(&file.columns))?;
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
            if let Some(values) = count.values_in_words() {
                writeln!(f, "  {:width$}     found: {values}", "")?;
            }
            let advice = place.advice(count.advice, &file.columns);
            let advice = advice.replace('\n', &format!("\n  {:width$}       ", ""));
            writeln!(f, "  {:width$}    -> {advice}", "")?;
        }
        Ok(())
    }
}

/// The columns that are not used, and what to do about them; those first that may be lines of the address.
fn unused_columns(columns: &Columns) -> String {
    let labels = |wanted: &dyn Fn(usize) -> bool| {
        let labels: Vec<String> = columns
            .unused()
            .filter(|at| wanted(*at))
            .map(|at| columns.label(at))
            .collect();
        labels.join(", ")
    };
    let is_open = |at: usize| !columns.is_ignored(at);
    let may_be_address = |at: usize| is_open(at) && looks_like_address(columns.header(at));
    let mut text = String::new();
    if columns.has_no_house() {
        text.push_str(
            "there is no column for the house and street: nobody in this file can get a letter\n  -> nothing to do if \
             that is right. Otherwise \
             write a file columns.toml with the header of that column, and add --map columns.toml:\n     [columns]\n     \
             address_1 = \"…\"\n",
        );
    }
    let lines: Vec<usize> = columns.unused().filter(|at| may_be_address(*at)).collect();
    let ignored = columns.headers_as_toml(&lines);
    let as_lines = columns.as_address_lines(&lines).replace('\n', "\n     ");
    let lines_advice = match as_lines.as_str() {
        "" => format!(
            "nothing to do if that is right. Otherwise write a file columns.toml, and add --map columns.toml:\n     ignore = \
             {ignored}"
        ),
        lines => format!(
            "if the order is right, write a file columns.toml, and add --map columns.toml:\n     [columns]\n     \
             {lines}\n     To skip these columns, write only this line:\n     ignore = {ignored}"
        ),
    };
    for (words, names, advice) in [
        (
            "not used, though the header looks like a line of the address",
            labels(&may_be_address),
            lines_advice.as_str(),
        ),
        (
            "not used",
            labels(&|at| is_open(at) && !may_be_address(at)),
            "to use a column, name it in a mapping file (--map). To keep a column in the records: --keep-extra. Otherwise \
             there is nothing to do",
        ),
        (
            "skipped by your mapping",
            labels(&|at| !is_open(at)),
            "nothing to do if that is right",
        ),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("{words}: {names}\n  -> {advice}\n"));
        }
    }
    text
}
