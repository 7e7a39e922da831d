//! Lists of patients who are not to be invited.

use std::{collections::HashMap, path::Path};

use jiff::civil::Date;
use pkb_core::Fatal;
use pkb_files::exposure;
use pkb_values::{NhsNumber, folded_header};
use serde_json::Value;

use super::{NOT_UTF_8, file_name, malformed};

/// A list of national numbers, each perhaps with a last day.
///
/// CSV with a header (a column for the number, and if need be `until`), or one JSON object a line
/// (`{"national_id": "…", "until": "2027-01-31"}`, or records of a campaign). Other columns, such as the
/// reason, are for the people who keep the list: they are neither read nor repeated.
pub struct ExclusionList {
    name: String,
    /// The row of each number.
    rows: HashMap<NhsNumber, u64>,
}

/// Headers of the number, without case and punctuation.
const NUMBER_HEADERS: [&str; 16] = [
    "nhsnumber",
    "nhsno",
    "nhs",
    "nationalid",
    "nationalidentifier",
    "number",
    "chinumber",
    "chino",
    "chi",
    "hcnumber",
    "hcn",
    "handcnumber",
    "hcno",
    "healthandcarenumber",
    "patientnhsnumber",
    "nhsnum",
];
/// Headers of the last day.
const UNTIL_HEADERS: [&str; 5] = ["until", "untildate", "enddate", "expires", "validuntil"];

/// A row of a list: its number, and the last day on which it applies.
type Entry = (Result<NhsNumber, String>, Result<Option<Date>, String>);

impl ExclusionList {
    /// Reads a list as it applies on `today`.
    ///
    /// # Errors
    /// The file cannot be read, or has rows that are not understood: all are named.
    pub fn read(path: &Path, today: Date) -> Result<Self, Fatal> {
        exposure::warn_of_file(path);
        let bytes = std::fs::read(path).map_err(|source| Fatal::cannot_read(path, source))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| malformed(path, &[NOT_UTF_8.to_owned()]))?
            .trim_start_matches('\u{feff}');
        let entries = if text.trim_start().starts_with('{') {
            read_ndjson(text)
        } else {
            read_csv(text)
        }
        .map_err(|words| malformed(path, &[words]))?;
        let mut problems = Vec::new();
        let mut rows = HashMap::with_capacity(entries.len());
        for (row, (number, until)) in entries {
            match (number, until) {
                (Ok(number), Ok(until)) => {
                    if until.is_none_or(|until| today <= until) {
                        rows.entry(number).or_insert(row);
                    }
                }
                (number, until) => {
                    let words = [number.err(), until.err()];
                    problems.extend(
                        words
                            .into_iter()
                            .flatten()
                            .map(|words| format!("row {row}: {words}")),
                    );
                }
            }
        }
        if !problems.is_empty() {
            return Err(malformed(path, &problems));
        }
        Ok(Self {
            name: file_name(path),
            rows,
        })
    }

    /// The list's file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many patients it excludes on the day.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row in which a number stands. The scheme does not matter: rather one letter too few.
    pub fn row_of(&self, number: &NhsNumber) -> Option<u64> {
        self.rows.get(number).copied()
    }
}

fn read_csv(text: &str) -> Result<Vec<(u64, Entry)>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let unreadable = |_| "the file is not a CSV table".to_owned();
    let header = records
        .next()
        .ok_or("the file is empty. If nobody is excluded, leave out --exclude")?
        .map_err(unreadable)?;
    let find = |names: &[&str]| {
        header
            .iter()
            .position(|cell| names.contains(&folded_header(cell).as_str()))
    };
    let number = find(&NUMBER_HEADERS)
        .ok_or("the first row has no header such as \"NHS number\" over the numbers")?;
    let until = find(&UNTIL_HEADERS);
    let mut entries = Vec::new();
    for record in records {
        let record = record.map_err(unreadable)?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let row = record.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let entry = if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            // An open quote takes the rows after it along, up to the next one or the end.
            let words = "a quotation mark is not closed, or a cell has several lines".to_owned();
            (Err(words), Ok(None))
        } else if record.len() == header.len() {
            (parse_number(cell(Some(number))), parse_until(cell(until)))
        } else {
            let words = format!("has {} cells, the header {}", record.len(), header.len());
            (Err(words), Ok(None))
        };
        entries.push((row, entry));
    }
    Ok(entries)
}

fn read_ndjson(text: &str) -> Result<Vec<(u64, Entry)>, String> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(row, line)| {
            let value: Value = serde_json::from_str(line)
                .map_err(|_| format!("row {row} is not a JSON object"))?;
            // A plain entry, or a record of a campaign.
            let id = [&value["national_id"], &value["patient"]["national_id"]]
                .into_iter()
                .find_map(|id| id.as_str().or_else(|| id["value"].as_str()));
            let number = parse_number(id.unwrap_or_default());
            let until = match &value["until"] {
                Value::Null => Ok(None),
                Value::String(text) => parse_until(text),
                _ => Err("the column \"until\" must be a date, such as 2027-01-31".to_owned()),
            };
            Ok((row, (number, until)))
        })
        .collect()
}

fn parse_number(text: &str) -> Result<NhsNumber, String> {
    NhsNumber::parse(text).map_err(|problem| format!("the national number {problem}"))
}

/// The last day on which a row applies, as `2027-01-31` or `31/01/2027`; none if empty.
fn parse_until(text: &str) -> Result<Option<Date>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    ["%Y-%m-%d", "%d/%m/%Y"]
        .into_iter()
        .find_map(|form| Date::strptime(form, text).ok())
        .filter(|date| date.year() >= 1900)
        .map(Some)
        .ok_or_else(|| {
            "the column \"until\" must be a date, such as 2027-01-31 or 31/01/2027".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn read(content: &str) -> Result<ExclusionList, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        ExclusionList::read(file.path(), date(2026, 11, 23)).map_err(|e| e.to_string())
    }

    fn row_of(list: &ExclusionList, number: &str) -> Option<u64> {
        list.row_of(&NhsNumber::parse(number).unwrap())
    }

    #[test]
    fn a_table_excludes_until_its_last_day() {
        let list = read(
            "\u{feff}Reason,NHS No.,Until\nopted out,999 000 0018,\nsafeguarding,9990000026,23/11/2026\nmoved,5760678914,2026-11-22\n",
        )
        .unwrap();
        assert_eq!(row_of(&list, "9990000018"), Some(2));
        assert_eq!(row_of(&list, "9990000026"), Some(3));
        assert_eq!(row_of(&list, "5760678914"), None);
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn lines_of_json_and_whole_records_will_do() {
        let list = read(
            "{\"national_id\":\"9990000018\"}\n\n{\"patient\":{\"national_id\":{\"type\":\"NHS_NUMBER\",\"value\":\"9990000026\"}}}\n",
        )
        .unwrap();
        assert_eq!(row_of(&list, "9990000018"), Some(1));
        assert_eq!(row_of(&list, "9990000026"), Some(3));
    }

    #[test]
    fn a_list_that_is_not_understood_stops_the_run_and_names_every_row() {
        let error = read("NHS number,Until\n999000001,\n9990000026,soon\n9990000018\n")
            .err()
            .unwrap();
        for part in [
            "row 2: the national number",
            "row 3: the column \"until\" must be a date",
            "row 4: has 1 cells",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("999000001"));
        for (content, part) in [
            (
                "NHS number,Reason\n9990000018,\"asked\n9990000026,moved\n",
                "row 2: a quotation mark is not closed",
            ),
            ("", "is empty"),
            ("9990000018\n", "no header"),
            ("{\"national_id\":\n", "not a JSON object"),
            ("{}\n", "national number is empty"),
        ] {
            let error = read(content).err().unwrap();
            assert!(error.contains(part), "{content}: {error}");
        }
    }
}
