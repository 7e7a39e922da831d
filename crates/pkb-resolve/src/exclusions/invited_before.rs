//! Patients whom an earlier campaign invited, by the journal of its pkb-letters.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use jiff::{ToSpan as _, civil::Date};
use pkb_core::{
    Fatal, Record,
    clock::uk_date,
    rehearsal::{Origin, Origins},
};
use pkb_files::{
    exposure,
    journal::{self, check::Chain},
};
use pkb_values::NhsNumber;

use super::{file_name, malformed};

/// Who was invited, and when last.
pub struct InvitedBefore {
    name: String,
    path: PathBuf,
    /// Whether it is of a rehearsal.
    origin: Option<Origin>,
    days: HashMap<NhsNumber, Date>,
}

impl InvitedBefore {
    /// Reads a journal or an output of pkb-letters: who was invited less than `days` before
    /// `today`.
    ///
    /// # Errors
    /// The file cannot be read, a line before the last is not a record, or the journal is damaged: nobody must be invited
    /// twice because a line was lost.
    pub fn read(path: &Path, days: u16, today: Date) -> Result<Self, Fatal> {
        exposure::warn_of_file(path);
        let file = File::open(path).map_err(|source| Fatal::cannot_read(path, source))?;
        let since = today
            .checked_sub(i64::from(days).days())
            .unwrap_or(Date::MIN);
        let mut days: HashMap<NhsNumber, Date> = HashMap::new();
        let mut broken = Vec::new();
        let (mut lines, mut letters) = (0_u64, 0_u64);
        let mut chain = Chain::default();
        let origins = Origins::default();
        for line in BufReader::new(file).split(b'\n') {
            let mut line = line.map_err(|source| Fatal::cannot_read(path, source))?;
            lines += 1;
            line.truncate(line.trim_ascii_end().len());
            if line.is_empty() {
                continue;
            }
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(&line) else {
                broken.push(lines);
                continue;
            };
            let check = chain.take_out(&mut line);
            check.map_err(|damage| journal::damaged(path, lines, damage))?;
            // Intents stand between the records.
            if value["schema"] == pkb_core::stage::IntentLog::SCHEMA {
                continue;
            }
            let Ok(record) = serde_json::from_value::<Record>(value) else {
                broken.push(lines);
                continue;
            };
            letters += u64::from(!record.deliveries.is_empty());
            if let Some(origin) = Origin::of(&record) {
                origins.note_file(origin, path)?;
            }
            if let Some((number, day)) = invited_on(&record)
                && day > since
            {
                let last = days.entry(number).or_insert(day);
                *last = day.max(*last);
            }
        }
        // Half a last line is what a crash leaves; the journal's own reader cuts it off, too.
        broken.retain(|line| *line != lines);
        if !broken.is_empty() {
            let problems: Vec<String> = broken
                .iter()
                .map(|line| format!("line {line} is not a record of pkb-letters"))
                .collect();
            return Err(malformed(path, &problems));
        }
        if letters == 0 {
            let words = "the file has no letter or text message. Give the journal or the output of pkb-letters";
            return Err(malformed(path, &[words.to_owned()]));
        }
        Ok(Self {
            name: file_name(path),
            path: path.to_owned(),
            origin: origins.known(),
            days,
        })
    }

    /// Lets `origins` hear that it is of a rehearsal: whom a rehearsal invited has no invitation. A rehearsal may well have
    /// the ledger of a real campaign.
    ///
    /// # Errors
    /// Something else has told that the run is real.
    pub fn tell_origin(&self, origins: &Origins) -> Result<(), Fatal> {
        match self.origin {
            Some(Origin::Rehearsal) => origins.note_file(Origin::Rehearsal, &self.path),
            Some(Origin::Real) | None => Ok(()),
        }
    }

    /// The ledger's file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many patients were invited in the interval.
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// The day on which a patient was invited last.
    pub fn day_of(&self, number: &NhsNumber) -> Option<Date> {
        self.days.get(number).copied()
    }
}

/// Whom a record invited, and on which day: that of the letter, or else that on which PKB was asked.
fn invited_on(record: &Record) -> Option<(NhsNumber, Date)> {
    if record.deliveries.is_empty() {
        return None;
    }
    let dates = record.deliveries.iter().filter_map(|own| own.date);
    let day = dates.max().or_else(|| {
        let pkb = record.pkb.as_ref()?;
        Some(uk_date(pkb.checked_at))
    })?;
    Some((record.patient.as_ref()?.national_id.value, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const RECORD: &str = r#"{"schema":"pkb-record/1","row":{"file":"a.csv","number":2,"of":1},"patient":{"national_id":{"type":"NHS_NUMBER","value":"9990000018"},"first_name":"Ann","last_name":"Lee","date_of_birth":"1990-01-01"},"pkb":{"id":"1","checked_at":"2026-08-20T10:00:00Z"},"deliveries":[{"channel":"letter","file":"letters-0001.pdf","pages":[1,1],"sequence":1DATE}]}"#;

    fn read(content: &str, days: u16) -> Result<InvitedBefore, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        InvitedBefore::read(file.path(), days, date(2026, 11, 23)).map_err(|e| e.to_string())
    }

    #[test]
    fn an_invitation_counts_for_the_interval_and_no_longer() {
        let number = NhsNumber::parse("9990000018").unwrap();
        let on = |date: &str| RECORD.replace("DATE", &format!(",\"date\":\"{date}\""));
        for (day, interval, counts) in [
            ("2026-08-26", 90, true),
            ("2026-08-25", 90, false),
            ("2026-11-23", 1, true),
        ] {
            let ledger = read(&on(day), interval).unwrap();
            assert_eq!(ledger.day_of(&number).is_some(), counts, "{day} {interval}");
        }
        let old = RECORD.replace("DATE", "");
        assert_eq!(
            read(&old, 365).unwrap().day_of(&number),
            Some(date(2026, 8, 20))
        );
    }

    #[test]
    fn half_a_last_line_is_forgiven_and_another_is_not() {
        let record = RECORD.replace("DATE", "");
        let intent = r#"{"schema":"pkb-intent/1","stage":"letters","file":"letters-0001.pdf"}"#;
        assert_eq!(
            read(&format!("{intent}\n{record}\n{{\"sch"), 365)
                .unwrap()
                .len(),
            1
        );
        assert!(
            read(&format!("{{\"sch\n{record}\n"), 365)
                .err()
                .unwrap()
                .contains("line 1 is not a record")
        );
    }

    #[test]
    fn a_journal_that_has_lost_a_line_is_refused() {
        let mut chain = Chain::default();
        let mut lines = Vec::new();
        for number in ["9990000018", "9990000026", "9990000034"] {
            let record = RECORD.replace("DATE", "").replace("9990000018", number);
            let mut line = Vec::new();
            chain.append(&mut line, record.as_bytes()).unwrap();
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(read(&lines.join("\n"), 365).unwrap().len(), 3);
        lines.remove(1);
        let words = read(&lines.join("\n"), 365).err().unwrap();
        assert!(words.contains("line 2 does not follow"), "{words}");
    }

    #[test]
    fn a_stream_without_letters_is_refused() {
        assert!(read("", 90).err().unwrap().contains("no letter"));
    }
}
