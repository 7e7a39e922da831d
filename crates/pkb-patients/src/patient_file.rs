//! The hospital's patient file, read twice: once to learn all that is wrong with it, and once to make
//! the records.

use std::sync::Arc;

use pkb_core::{
    Fatal, Reason, Record, StageName, Verdict,
    record::{Patient, Row as RowPlace},
};

use crate::{
    across_rows::AcrossRows,
    columns::{Columns, Mapping},
    counts::FindingCounts,
    date_order,
    finding::{Finding, Severity},
    header_row,
    house_numbers::HouseNumbers,
    moved_block::FilledCells,
    one_column_off::{self, DatesBeside},
    options::ReadingOptions,
    patient_row::{self, CheckedRow, RowRules},
    second_table, share_of_deaths,
    words::Words,
    workbook_check, workbook_notes,
};
use pkb_table as table;
use pkb_table::{Row, Rows, Table};
use pkb_values::NhsNumber;

/// A patient file that has been read once.
pub struct PatientFile {
    /// The file as a table.
    pub table: Table,
    /// What its columns hold.
    pub columns: Columns,
    /// What was learnt in the first reading.
    pub survey: Survey,
    rules: RowRules,
    amendment: Option<Box<dyn Amendment>>,
}

/// What is known of the patients of a file from elsewhere, such as a register.
pub trait Amendment: Send + Sync {
    /// Writes it into the record of a row, which perhaps stops it.
    ///
    /// # Errors
    /// It cannot be read.
    fn amend(&self, record: &mut Record) -> Result<(), Fatal>;
}

/// What the first reading shows.
#[derive(Default)]
pub struct Survey {
    /// Rows below the header that have anything in them.
    pub rows: u64,
    /// Rows that will be uploaded.
    pub good: u64,
    /// Rows whose words say that the patient must not be invited.
    pub excluded: u64,
    /// Rows that are rejected.
    pub rejected: u64,
    /// Rows for which an earlier one stands.
    pub merged: u64,
    /// What was found, by kind.
    pub counts: FindingCounts,
    across: AcrossRows,
    filled: FilledCells,
    dates_beside: DatesBeside,
    house_numbers: HouseNumbers,
    /// The first row that begins another table.
    second_table: Option<u64>,
}

/// A row in the second reading.
pub struct JudgedRow<'a> {
    /// The row as it stands in the file.
    pub row: &'a Row,
    /// All there is to say about it.
    pub findings: &'a [Finding],
    /// The patient, if the row is to be uploaded.
    pub patient: Option<Patient>,
    /// The national number, also of a row that is not.
    pub number: Option<NhsNumber>,
}

impl PatientFile {
    /// Reads the file for the first time. Ages are those on `today`.
    ///
    /// # Errors
    /// The file cannot be read, or its header cannot be understood; the message names all that is
    /// wrong with it.
    pub fn open(options: &ReadingOptions, today: jiff::civil::Date) -> Result<Self, Fatal> {
        let mapping = options.mapping()?;
        let table = Table::open(&options.file, &options.table_options())?;
        workbook_check::one_sheet_has_patients(&table, options.table.sheet.as_deref(), &mapping)?;
        workbook_check::hidden_rows(&table, options.hidden_rows)?;
        let mut rows = table.rows()?;
        let mut row = Row::default();
        let (number, mut header) = read_header(&table, &mut rows, &mut row)?;
        workbook_check::drop_hidden_columns(&table, &mut header, options.hidden_columns, &mapping);
        let columns = header_row::columns(&table, number, &header, &mapping)?;
        workbook_check::hidden_columns(&table, &columns, options.hidden_columns)?;
        let rules = RowRules {
            today,
            dates: options.dates.unwrap_or_default(),
            scheme: options.number_type.unwrap_or_else(|| columns.scheme()),
            keep_extra: options.keep_extra,
            verified_only: options.verified_only,
            words: Arc::new(Words::read(options.words.as_deref())?),
        };
        workbook_notes::comments(&table, number, &rules.words)?;
        workbook_notes::struck_rows(&table)?;
        workbook_notes::covered_cells(&table)?;
        let mut survey = Survey::of(&mut rows, &columns, &rules, &mapping)?;
        survey.is_one_table(&table, &columns)?;
        if options.dates.is_none() {
            date_order::check(&table, &columns, &survey.counts)?;
        }
        share_of_deaths::check(&table, &columns, &mapping, survey.rows, &survey.counts)?;
        survey.house_numbers.check(&table, &columns, &mapping)?;
        if survey.rows == 0 {
            return Err(Fatal::Input(format!(
                "{} has no rows below the header. What to do: export the file again",
                table.name()
            )));
        }
        Ok(Self {
            table,
            columns,
            survey,
            rules,
            amendment: None,
        })
    }

    /// The same with what is known from elsewhere: it is in each record from now on.
    #[must_use]
    pub fn amended(mut self, amendment: impl Amendment + 'static) -> Self {
        self.amendment = Some(Box::new(amendment));
        self
    }

    /// Begins the second reading.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn second_reading(&self) -> Result<SecondReading, Fatal> {
        let mut rows = self.table.rows()?;
        let mut row = Row::default();
        rows.next_row(&mut row)?;
        Ok(SecondReading {
            rows,
            row,
            findings: Vec::new(),
            count: 0,
        })
    }

    /// One record for each row, those that are not uploaded with their outcome.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn records(
        self: Arc<Self>,
    ) -> Result<impl Iterator<Item = Result<Record, Fatal>> + Send, Fatal> {
        let mut reading = self.second_reading()?;
        Ok(std::iter::from_fn(move || {
            self.next_record(&mut reading).transpose()
        }))
    }

    /// The record of the next row.
    ///
    /// # Errors
    /// As [`SecondReading::next_row`], or what is known from elsewhere cannot be read.
    pub fn next_record(&self, reading: &mut SecondReading) -> Result<Option<Record>, Fatal> {
        let Some(judged) = reading.next_row(self)? else {
            return Ok(None);
        };
        let mut record = self.record(judged);
        if let Some(amendment) = &self.amendment {
            amendment.amend(&mut record)?;
        }
        Ok(Some(record))
    }

    fn record(&self, judged: JudgedRow<'_>) -> Record {
        let mut record = Record::new(RowPlace {
            file: self.table.name().to_owned(),
            number: judged.row.number,
            of: self.survey.rows,
            unknown: Default::default(),
        });
        record.outcome = self
            .verdict(&judged)
            .map(|verdict| verdict.at(StageName::Upload));
        record.patient = judged.patient;
        record
    }

    /// Why a row is not uploaded; `None` if it is.
    #[must_use]
    pub fn verdict(&self, judged: &JudgedRow<'_>) -> Option<Verdict> {
        judged
            .patient
            .is_none()
            .then(|| verdict(judged.findings, &self.columns))
    }
}

/// Why a row is not uploaded: the reason is that of its first grave finding, the words name all. That a patient must
/// not be written to stands above what could be corrected.
fn verdict(findings: &[Finding], columns: &Columns) -> Verdict {
    let mut grave: Vec<(Reason, &Finding)> = findings
        .iter()
        .filter_map(|finding| match finding.severity {
            Severity::Rejected(reason) | Severity::Excluded(reason) => Some((reason, finding)),
            Severity::Merged => Some((Reason::RepeatedRow, finding)),
            _ => None,
        })
        .collect();
    grave.sort_by_key(|(_, finding)| !matches!(finding.severity, Severity::Excluded(_)));
    let verdicts = grave.into_iter().map(|(reason, finding)| {
        Verdict::with_detail(
            reason,
            format!("{} {}", finding.place.name(columns), finding.fault),
        )
    });
    Verdict::of_all(verdicts).unwrap_or_else(|| Reason::RaggedRow.into())
}

/// Reads the header row into `row`: its number and its cells; one that is no text is like an empty one.
///
/// # Errors
/// The file is empty, or cannot be read.
pub fn read_header<'a>(
    table: &Table,
    rows: &mut Rows,
    row: &'a mut Row,
) -> Result<(u64, Vec<&'a str>), Fatal> {
    if !rows.next_row(row)? {
        let words = format!("{} is empty. Export the file again", table.name());
        return Err(Fatal::Input(words));
    }
    let cells = (0..row.len()).map(|at| row.cell(at).unwrap_or_default());
    Ok((row.number, cells.collect()))
}

impl Survey {
    fn of(
        rows: &mut Rows,
        columns: &Columns,
        rules: &RowRules,
        mapping: &Mapping,
    ) -> Result<Self, Fatal> {
        let mut survey = Self::default();
        let pairs = one_column_off::pairs(columns);
        let begin = || (survey.beside(), Vec::new());
        let parts = table::fold(rows, begin, |(part, findings), row| {
            findings.clear();
            let checked = patient_row::check(row, columns, rules, findings);
            if checked.number.is_none() && second_table::begins(row, columns, mapping) {
                part.see_second_table(row.number);
            }
            part.filled.see(row);
            part.dates_beside.see(row, &pairs, rules.dates);
            part.add(row_number(row), &checked, findings);
        })?;
        for (part, _) in parts {
            survey.join(part);
        }
        survey.settle();
        Ok(survey)
    }

    /// For other rows of the same file.
    fn beside(&self) -> Self {
        Self {
            across: self.across.beside(),
            ..Self::default()
        }
    }

    fn add(&mut self, number: u32, checked: &CheckedRow, findings: &[Finding]) {
        self.rows += 1;
        self.good += u64::from(checked.patient.is_some());
        self.excluded += u64::from(checked.excluded);
        self.counts.add_normalised(checked.normalised);
        for finding in findings {
            self.counts.add(number, finding);
        }
        self.across.see(number, checked);
        if let Some(patient) = &checked.patient {
            self.house_numbers.see(patient);
        }
    }

    fn join(&mut self, part: Self) {
        self.rows += part.rows;
        self.good += part.good;
        self.excluded += part.excluded;
        self.counts.join(part.counts);
        self.across.join(part.across);
        self.filled.join(&part.filled);
        self.dates_beside.join(part.dates_beside);
        self.house_numbers.join(part.house_numbers);
        if let Some(row) = part.second_table {
            self.see_second_table(row);
        }
    }

    fn see_second_table(&mut self, row: u64) {
        let first = self.second_table.get_or_insert(row);
        *first = row.min(*first);
    }

    /// Stops if the rows are not those of one table, each with its own cells.
    fn is_one_table(&mut self, table: &Table, columns: &Columns) -> Result<(), Fatal> {
        match self.second_table {
            Some(row) => Err(second_table::refused(table, row)),
            None => {
                self.filled.check(table, columns)?;
                self.dates_beside.check(table, columns)
            }
        }
    }

    /// Draws the conclusions, when all rows have been seen.
    fn settle(&mut self) {
        self.across.settle();
        for (row, finding) in self.across.findings() {
            self.counts.add(row, &finding);
        }
        self.merged = self.across.merged();
        self.good -= self.merged + self.across.rejected();
        self.rejected = self.rows - self.good - self.merged - self.excluded;
    }
}

impl Survey {
    /// Addresses with more than one patient, and the patients there.
    pub fn households(&self) -> (u64, u64) {
        self.across.households()
    }
}

/// Row numbers as they are kept in memory: files have fewer than four thousand million rows.
fn row_number(row: &Row) -> u32 {
    u32::try_from(row.number).unwrap_or(u32::MAX)
}

/// After so many rows it is looked whether somebody has written to the file: what was learnt in the first
/// reading would be about other rows, and hours may lie between the two.
const LOOK_EVERY: u64 = 256;

/// The second reading of a file.
pub struct SecondReading {
    rows: Rows,
    row: Row,
    findings: Vec<Finding>,
    count: u64,
}

impl SecondReading {
    /// The next row of `file`, with what all rows together mean for it.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it was in the first reading.
    pub fn next_row<'a>(&'a mut self, file: &PatientFile) -> Result<Option<JudgedRow<'a>>, Fatal> {
        let more = self.rows.next_row(&mut self.row)?;
        let looks = !more || self.count.is_multiple_of(LOOK_EVERY);
        if more != (self.count < file.survey.rows) || (looks && file.table.is_changed()) {
            return Err(Fatal::Input(format!(
                "{} changed while it was being read. What to do: wait until nothing writes to it, then run the same command again",
                file.table.name()
            )));
        }
        if !more {
            return Ok(None);
        }
        self.count += 1;
        self.findings.clear();
        let mut checked =
            patient_row::check(&self.row, &file.columns, &file.rules, &mut self.findings);
        let row = row_number(&self.row);
        file.survey
            .across
            .judge(row, &mut checked, &mut self.findings);
        let CheckedRow {
            patient, number, ..
        } = checked;
        Ok(Some(JudgedRow {
            row: &self.row,
            findings: &self.findings,
            patient,
            number,
        }))
    }
}
