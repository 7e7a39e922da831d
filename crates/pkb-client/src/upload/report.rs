//! PKB's report on an upload, and whether it can be right.

use std::collections::HashSet;

use serde::Deserialize;

/// What PKB reports of an upload. An answer without all three is no report: it would say of every
/// row that it was taken.
#[derive(Debug)]
pub struct UploadReport {
    /// Records that are new.
    pub created: u64,
    /// Records that were there and have been updated.
    pub updated: u64,
    /// Rows that were not taken.
    pub failed: Vec<FailedRow>,
}

impl UploadReport {
    /// The lines of a file of `rows` rows that PKB did not take, the header being line 1.
    ///
    /// # Errors
    /// The report does not account for each row once, or names lines that are not rows of the file. Then it says nothing of any row.
    pub fn refused_lines(&self, rows: u64) -> Result<HashSet<u64>, &'static str> {
        let failed = self.failed.len() as u64;
        let counted = self.created.checked_add(self.updated);
        if counted.and_then(|taken| taken.checked_add(failed)) != Some(rows) {
            return Err(
                "the created, updated and failed rows together are not as many as were sent",
            );
        }
        let lines: HashSet<u64> = self.failed.iter().map(|failed| failed.row).collect();
        if !lines.iter().all(|line| (2..=rows + 1).contains(line)) {
            return Err("the report names a failed row that is not in the file");
        }
        if lines.len() != self.failed.len() {
            return Err("the report names the same failed row twice");
        }
        Ok(lines)
    }
}

/// A row that PKB's importer did not take. Its message may hold values, so it is not read.
#[derive(Debug, Deserialize)]
pub struct FailedRow {
    /// Line of the uploaded file, the header being 1.
    pub row: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_accounts_for_each_row_once() {
        let report = |created, updated, failed: &[u64]| UploadReport {
            created,
            updated,
            failed: failed.iter().map(|row| FailedRow { row: *row }).collect(),
        };
        let lines = report(1, 2, &[2, 6]).refused_lines(5).unwrap();
        assert_eq!(lines, HashSet::from([2, 6]));
        assert_eq!(report(0, 0, &[]).refused_lines(0), Ok(HashSet::new()));
        for (created, updated, failed, words) in [
            (4, 0, &[][..], "not as many"),
            (5, 1, &[], "not as many"),
            (4, 1, &[6], "not as many"),
            (u64::MAX, 6, &[], "not as many"),
            (u64::MAX, 1, &[2, 3, 4, 5, 6], "not as many"),
            (4, 0, &[1], "not in the file"),
            (4, 0, &[7], "not in the file"),
            (2, 1, &[3, 0], "not in the file"),
            (2, 1, &[3, u64::MAX], "not in the file"),
            (3, 0, &[4, 4], "twice"),
        ] {
            let told = report(created, updated, failed).refused_lines(5);
            assert!(told.unwrap_err().contains(words), "{created} {failed:?}");
        }
    }
}
