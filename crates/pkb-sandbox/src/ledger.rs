//! The ledger: what was asked, what was answered, what was done. No HTTP in here.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::{Value, json};

use crate::one_at_a_time::OFFENCE;

/// One request that was handled or suffered a fault. The sandbox's own calls (`/sandbox/…`) are not in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// `token`, `upload`, `upload_status`, `by_national_id`, `record_access_token`, `status_query`, `generate_tokens`, `patient_search`,
    /// `operation_definition`, `process_message`, `join_page`, `join`,
    /// `notify_sms`, `notify_letter`, `notify_find`, `notify_status`, `notify_template`, `nhs_token`,
    /// `nhs_batches`, `nhs_message` or `unknown`.
    pub endpoint: &'static str,
    /// The national id of the patient in the path, or what stood there if no record has it; of a message the patient it was about.
    pub patient: Option<String>,
    /// The status that was answered; `None` if the connection was dropped without an answer.
    pub status: Option<u16>,
    /// The fault: `latency` if there was no other, `status`, `refuse`, `reset_before` and so on; `at_the_same_time` for a call that came while
    /// another was in hand, where that is an offence.
    pub fault: Option<&'static str>,
    /// How long the request was held back on purpose.
    pub latency_ms: u64,
    /// The request was carried out with success, whatever the client heard of it.
    pub committed: bool,
    /// How many patients a FHIR request asked for, or how many messages a batch for NHS Notify has, where that could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifiers: Option<usize>,
    /// A message had an e-mail address in it: PKB has sent an invitation to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub invited_by_email: bool,
    /// The file, if this was an upload that was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadCommit>,
}

/// How many patients a FHIR request asked for: from the handler to the ledger.
#[derive(Clone, Copy)]
pub(crate) struct Asked(pub(crate) usize);

/// A message that was carried out: from the handler to the ledger.
#[derive(Clone)]
pub(crate) struct Processed {
    /// The patient's national id.
    pub(crate) patient: String,
    /// Whether it brought an invitation by e-mail.
    pub(crate) invites: bool,
}

/// A file that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadCommit {
    /// The SHA-256 of the CSV in small hexadecimal digits.
    pub sha256: String,
    /// How many rows it has, without the header, with those that failed.
    pub rows: usize,
}

/// All entries, in the order of the answers.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Vec<LedgerEntry>>);

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Vec<LedgerEntry>> {
        self.0.lock()
    }

    pub(crate) fn note(&self, entry: LedgerEntry) {
        self.lock().push(entry);
    }

    /// A call that was refused since another one was in hand.
    pub(crate) fn note_offence(&self, endpoint: &'static str, patient: Option<String>) {
        self.note(LedgerEntry {
            endpoint,
            patient,
            status: Some(503),
            fault: Some(OFFENCE),
            latency_ms: 0,
            committed: false,
            identifiers: None,
            upload: None,
            invited_by_email: false,
        });
    }

    pub(crate) fn entries(&self) -> Vec<LedgerEntry> {
        self.lock().clone()
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    /// Requests by endpoint, status and fault, and the uploads that were committed. Nothing about patients.
    pub(crate) fn summary(&self) -> (Value, Value) {
        let entries = self.lock();
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        for entry in &*entries {
            *counts
                .entry((entry.endpoint, entry.status, entry.fault))
                .or_default() += 1;
        }
        let counts = counts
            .into_iter()
            .map(|((endpoint, status, fault), requests)| {
                json!({"endpoint": endpoint, "status": status, "fault": fault, "requests": requests})
            })
            .collect();
        let uploads = entries
            .iter()
            .filter_map(|entry| entry.upload.as_ref())
            .map(|upload| json!({"sha256": upload.sha256, "rows": upload.rows}))
            .collect();
        (counts, uploads)
    }
}
