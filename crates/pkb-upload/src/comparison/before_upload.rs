//! The comparison as the stage makes it: once, before its first batch, and told to the operator.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use pkb_cli::progress::tell;
use pkb_core::{Fatal, monitor::Monitor, record::Patient, stage::IntentLog};
use pkb_files::journal::Key;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    compare::Comparison,
    compared_rows::{ComparedRows, Known},
    figures::ComparisonRefusal,
    notes::Noted,
    report::ComparisonReport,
};
use pkb_patients::PatientFile;

/// What the stage needs for the comparison.
pub struct BeforeUpload {
    comparison: Comparison,
    file: Arc<PatientFile>,
    known: Known,
    monitor: Arc<Monitor>,
    noted: Mutex<Noted>,
    rows: OnceCell<ComparedRows>,
}

impl BeforeUpload {
    /// Nothing is asked yet.
    pub fn new(
        comparison: Comparison,
        file: Arc<PatientFile>,
        known: Known,
        monitor: &Arc<Monitor>,
    ) -> Self {
        Self {
            comparison,
            file,
            known,
            monitor: Arc::clone(monitor),
            noted: Mutex::default(),
            rows: OnceCell::new(),
        }
    }

    /// Reads what an earlier run noted.
    ///
    /// # Errors
    /// It is malformed.
    pub fn recall(&self, intent: &Value) -> Result<(), Fatal> {
        self.noted().read(intent)
    }

    /// An earlier run settled a row; `answers` says whether that serves this run.
    pub fn settle(&self, key: Key, answers: bool) {
        self.noted().settle(key, answers);
    }

    /// What is to become of each row; PKB is asked when this is called first.
    ///
    /// # Errors
    /// PKB cannot be asked, or too many rows differ: nothing may be sent.
    pub async fn rows(
        &self,
        key: impl Fn(&Patient) -> Key,
        is_unsettled: impl Fn(Key) -> bool,
        intents: &IntentLog,
    ) -> Result<&ComparedRows, Fatal> {
        let compare = || async {
            let noted = std::mem::take(&mut *self.noted());
            let file = &self.file;
            let compared = self
                .comparison
                .compare(file, key, &noted, is_unsettled, intents)
                .await?;
            let told = ComparisonReport::new(&compared, self.known);
            tell(&told);
            self.monitor.note(told.in_short());
            match &compared.refusal {
                Some(refusal) => {
                    let lists_rows = !compared.mismatches.is_empty();
                    Err(refused(refusal, file.table.name(), lists_rows))
                }
                None => Ok(compared),
            }
        };
        self.rows.get_or_try_init(compare).await
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock()
    }
}

/// Too many rows of a file differ. `lists_rows` says whether `pkb-upload check` has rows to list.
fn refused(refusal: &ComparisonRefusal, file: &str, lists_rows: bool) -> Fatal {
    let list = if lists_rows {
        format!(" To list the rows: pkb-upload check {file} --compare --problems problems.csv.")
    } else {
        String::new()
    };
    Fatal::TooManyRejects(format!(
        "{refusal}. Nothing was sent.{list} {}",
        refusal.if_the_file_is_right()
    ))
}
