//! Uploads that take time: PKB works through a file for a while, and through one file after the other. No HTTP in here.
//!
//! How a program would learn that PKB is done is not published. The id, the address that is asked for it and its answers are a model of
//! ours, so that clients can be seen to wait.
//!
//! Nothing runs in the background: whoever looks at the records or at an upload brings about first what is due by then. So what a test
//! sees depends on the clock alone.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::clock::later;
use crate::faults::upload::ReportFault;
use crate::upload::{Report, Rows};

/// All uploads that were queued, in order.
pub(crate) struct Queue {
    /// How long each takes.
    takes: SignedDuration,
    uploads: Vec<QueuedUpload>,
    /// How many of them are processed: those at the front.
    processed: usize,
}

struct QueuedUpload {
    id: String,
    ends: Timestamp,
    work: UploadWork,
}

enum UploadWork {
    Pending(Rows),
    Done(Report),
}

/// What is told of an upload.
#[derive(Serialize)]
pub(crate) struct UploadStatus {
    upload: String,
    state: &'static str,
    #[serde(flatten)]
    report: Option<Report>,
}

impl UploadStatus {
    pub(crate) fn processing(id: String) -> Self {
        Self {
            upload: id,
            state: "processing",
            report: None,
        }
    }

    /// The same with its report, if there is one, as it should not be.
    pub(crate) fn made_wrong(self, fault: ReportFault) -> Self {
        Self {
            report: self.report.map(|report| report.made_wrong(fault)),
            ..self
        }
    }
}

impl Queue {
    pub(crate) fn new(takes: SignedDuration) -> Self {
        Self {
            takes,
            uploads: Vec::new(),
            processed: 0,
        }
    }

    /// Whether uploads are answered with the report at once.
    pub(crate) fn is_instant(&self) -> bool {
        self.takes.is_zero()
    }

    /// How many uploads there were.
    pub(crate) fn len(&self) -> usize {
        self.uploads.len()
    }

    /// Queues an upload: its processing begins now, or when that of the one before ends.
    pub(crate) fn push(&mut self, id: String, rows: Rows, now: Timestamp) {
        let begins = self.uploads.last().map_or(now, |last| last.ends.max(now));
        self.uploads.push(QueuedUpload {
            id,
            ends: later(begins, self.takes),
            work: UploadWork::Pending(rows),
        });
    }

    /// Hands the rows that are due to `import`, the first upload first.
    pub(crate) fn process_due(&mut self, now: Timestamp, mut import: impl FnMut(Rows) -> Report) {
        let waiting = &mut self.uploads[self.processed..];
        for upload in waiting.iter_mut().take_while(|upload| upload.ends <= now) {
            if let UploadWork::Pending(rows) = &mut upload.work {
                upload.work = UploadWork::Done(import(std::mem::take(rows)));
            }
            self.processed += 1;
        }
    }

    /// Where an upload stands; `None` if no upload has this id.
    pub(crate) fn status(&self, id: &str) -> Option<UploadStatus> {
        let upload = self.uploads.iter().find(|upload| upload.id == id)?;
        Some(match &upload.work {
            UploadWork::Pending(_) => UploadStatus::processing(upload.id.clone()),
            UploadWork::Done(report) => UploadStatus {
                upload: upload.id.clone(),
                state: "processed",
                report: Some(report.clone()),
            },
        })
    }
}
