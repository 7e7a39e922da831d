//! Whatever happens, nothing is sent twice.
//!
//! Notify takes the same thing as often as it is sent. So before the first call for a patient the journal gets an
//! intent: who (a hash) and under which reference. A run that finds an intent without a settled record asks Notify what
//! it has with that reference before anything is sent, and so does a call whose answer was lost. Notify is asked a
//! moment later than the call, because it may still be working on it ([`SendOnce::new`]'s `settle_after`): the journal's
//! lock tells that whoever wrote the intent has ended, so that a moment after the start is long enough.
//!
//! The reference is made of the patient, of where it goes, and of the invitation code. It is the same in each run;
//! and since nobody else knows the code, nobody can find out whose it is by trying all numbers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use pkb_cli::args::StreamArgs;
use pkb_client::{
    CallError,
    notify::{NotifyApi, PdfLetter, Taken, TemplateLetter, Text},
};
use pkb_core::{
    Clock, Fatal, Reason, Record, Verdict,
    monitor::{Monitor, Why},
    record::{Dispatch, DispatchStatus},
    stage::{IntentLog, Recalled},
};
use pkb_files::journal::Key;
use pkb_values::NationalId;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::args::OnceArgs;

/// How often something is sent whose answer is lost each time, and which Notify then does not have.
const SENDS: u32 = 3;
/// For so long Notify surely knows what it was given: services may set 3 days, the default is 7.
const NOTIFY_REMEMBERS: Duration = Duration::from_secs(3 * 24 * 3600);

/// What is sent.
pub(super) enum Notification<'a> {
    /// A text message.
    Text(Text<'a>),
    /// A letter.
    Letter(PdfLetter<'a>),
    /// A letter of a template.
    TemplateLetter(TemplateLetter<'a>),
}

impl Notification<'_> {
    fn reference(&self) -> &str {
        match self {
            Self::Text(text) => text.reference,
            Self::Letter(letter) => letter.reference,
            Self::TemplateLetter(letter) => letter.reference,
        }
    }
}

/// What is known by which key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    /// What is sent, and where to: other than before if that was corrected.
    pub work: Key,
    /// The invitation, wherever it is sent to.
    pub invitation: Key,
}

/// Where an invitation was sent in an earlier run.
#[derive(Clone, Copy)]
struct EarlierSend {
    work: Key,
    is_settled: bool,
}

/// An intent of an earlier run that is not settled.
#[derive(Clone)]
struct OpenIntent {
    reference: String,
    at: Timestamp,
}

/// What is to be sent to one patient.
pub(super) struct Intent {
    key: Key,
    invitation: Key,
    reference: String,
    /// Whether it may have been sent already.
    ask: bool,
    noted: bool,
}

impl Intent {
    /// The reference of one notification: `what` is `sms-1`, `sms-2` or `letter`.
    pub(super) fn reference(&self, what: &str) -> String {
        format!("{}-{what}", self.reference)
    }
}

/// What sends things once.
pub(super) struct SendOnce<D> {
    client: D,
    clock: Clock,
    monitor: Arc<Monitor>,
    settle_after: Duration,
    begun: Instant,
    ask_first: bool,
    resend: HashSet<u64>,
    open: Mutex<HashMap<Key, OpenIntent>>,
    /// By the key of the invitation.
    earlier: Mutex<HashMap<Key, EarlierSend>>,
    seen: Mutex<HashSet<Key>>,
    /// Patients who were sent something, in this run or an earlier one.
    sent: Mutex<HashSet<NationalId>>,
}

impl<D: NotifyApi> SendOnce<D> {
    pub(super) fn new(client: D, args: &OnceArgs, stream: &StreamArgs) -> Self {
        Self {
            client,
            clock: stream.clock(),
            monitor: Arc::clone(&stream.progress.monitor),
            settle_after: args.settle_after,
            begun: Instant::now(),
            ask_first: args.ask_first,
            resend: args.resend.iter().copied().collect(),
            open: Mutex::default(),
            earlier: Mutex::default(),
            seen: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    /// Sees a line of the journal; `keys` are those of a record, and `is_sent` says whether Notify took anything for it.
    pub(super) fn recall(
        &self,
        line: &Recalled,
        keys: Option<Keys>,
        is_sent: bool,
    ) -> Result<(), Fatal> {
        let mut open = self.open.lock();
        let mut earlier = self.earlier.lock();
        match line {
            Recalled::Record(record) => {
                self.note_sent(record);
                if let Some(Keys { work, invitation }) = keys {
                    open.remove(&work);
                    let is_settled = true;
                    match is_sent {
                        true => earlier.insert(invitation, EarlierSend { work, is_settled }),
                        false => earlier.remove(&invitation),
                    };
                }
            }
            Recalled::Intent(intent) => {
                let (work, intent_of, intent) = read_intent(intent)
                    .ok_or_else(|| Fatal::Input("an intent of the journal is damaged".into()))?;
                if let Some(invitation) = intent_of {
                    let is_settled = false;
                    earlier.insert(invitation, EarlierSend { work, is_settled });
                }
                open.insert(work, intent);
            }
        }
        Ok(())
    }

    /// Something was sent to the patient of a record.
    pub(super) fn note_sent(&self, record: &Record) {
        if let Some(patient) = &record.patient {
            self.sent.lock().insert(patient.national_id);
        }
    }

    /// Whether something was sent to a patient.
    pub(super) fn has_sent(&self, patient: NationalId) -> bool {
        self.sent.lock().contains(&patient)
    }

    /// Why nothing more is sent to a patient who was texted at a different number, if so.
    fn sent_elsewhere(&self, keys: Keys) -> Option<Verdict> {
        let earlier = self.earlier.lock().get(&keys.invitation).copied()?;
        (earlier.work != keys.work).then(|| match earlier.is_settled {
            true => Reason::TextedBefore.into(),
            false => Verdict::with_detail(
                Reason::PerhapsSent,
                "to an earlier number, which was corrected since",
            ),
        })
    }

    /// Whether this comes for the first time in this run, and its invitation too.
    pub(super) fn is_first(&self, keys: Keys) -> bool {
        let mut seen = self.seen.lock();
        let is_first = seen.insert(keys.work);
        // Where the two are one, it has just been noted.
        let is_first_invitation = keys.invitation == keys.work || seen.insert(keys.invitation);
        is_first && is_first_invitation
    }

    /// Takes on what is to be sent to a patient, under `reference` unless an earlier run has begun under another.
    ///
    /// # Errors
    /// The patient had it in this run, or elsewhere in an earlier one, or may have had it so long ago that Notify has
    /// forgotten.
    pub(super) fn intend(&self, keys: Keys, reference: Key, row: u64) -> Result<Intent, Verdict> {
        let (key, invitation) = (keys.work, keys.invitation);
        let is_asked_for = self.resend.contains(&row);
        if let Some(verdict) = self.sent_elsewhere(keys).filter(|_| !is_asked_for) {
            return Err(verdict);
        }
        if !self.is_first(keys) {
            return Err(Reason::AlreadyInvited.into());
        }
        let open = self.open.lock().get(&key).cloned();
        let long_ago = self.clock.ago(NOTIFY_REMEMBERS);
        if open.as_ref().is_some_and(|open| open.at < long_ago) && !is_asked_for {
            return Err(Reason::PerhapsSent.into());
        }
        Ok(Intent {
            key,
            invitation,
            ask: open.is_some() || self.ask_first,
            reference: open.map_or_else(|| reference.expose_hex(), |open| open.reference),
            noted: false,
        })
    }

    /// Sends a notification, or finds that it was sent.
    ///
    /// # Errors
    /// See [`CallError`].
    pub(super) async fn send(
        &self,
        intent: &mut Intent,
        notification: &Notification<'_>,
        intents: &IntentLog,
    ) -> Result<Dispatch, CallError> {
        let mut ask_at = intent.ask.then(|| self.begun + self.settle_after);
        for _ in 0..SENDS {
            if let Some(found) = self.find(ask_at, notification).await? {
                return Ok(self.dispatch(notification, found));
            }
            if !intent.noted {
                intents
                    .note(self.note_of(intent))
                    .map_err(CallError::Fatal)?;
                intent.noted = true;
            }
            let sent = match notification {
                Notification::Text(text) => self.client.send_text(text).await,
                Notification::Letter(letter) => self.client.send_letter(letter).await,
                Notification::TemplateLetter(letter) => {
                    self.client.send_template_letter(letter).await
                }
            };
            match sent {
                Ok(taken) => return Ok(self.dispatch(notification, taken)),
                Err(CallError::Unanswered) => ask_at = Some(Instant::now() + self.settle_after),
                Err(error) => return Err(error),
            }
        }
        match self.find(ask_at, notification).await? {
            Some(found) => Ok(self.dispatch(notification, found)),
            None => Err(CallError::Unavailable {
                cause: "GOV.UK Notify did not answer, and has nothing".into(),
                attempts: SENDS,
            }),
        }
    }

    /// What Notify has of a notification, if there is reason to ask.
    async fn find(
        &self,
        ask_at: Option<Instant>,
        notification: &Notification<'_>,
    ) -> Result<Option<Taken>, CallError> {
        let Some(ask_at) = ask_at else {
            return Ok(None);
        };
        let waiting = self.monitor.wait(Why::LostAnswers(1), Some(ask_at.into()));
        tokio::time::sleep_until(ask_at).await;
        drop(waiting);
        self.client.find(notification.reference()).await
    }

    fn note_of(&self, intent: &Intent) -> Value {
        json!({
            "key": intent.key.expose_hex(),
            "invitation": intent.invitation.expose_hex(),
            "reference": intent.reference,
            "at": self.clock.now(),
        })
    }

    fn dispatch(&self, notification: &Notification<'_>, taken: Taken) -> Dispatch {
        let at = taken.at.unwrap_or_else(|| self.clock.now());
        let reference = notification.reference().to_owned();
        Dispatch::new(Some(taken.id), reference, taken.status, at)
    }

    /// The note that Notify did not take a notification.
    pub(super) fn refused(&self, notification: &Notification<'_>) -> Dispatch {
        let reference = notification.reference().to_owned();
        Dispatch::new(None, reference, DispatchStatus::refused(), self.clock.now())
    }
}

/// The keys of the work and of the invitation, and what was begun.
fn read_intent(intent: &Value) -> Option<(Key, Option<Key>, OpenIntent)> {
    let text = |name: &str| intent[name].as_str();
    let open = OpenIntent {
        reference: text("reference")?.to_owned(),
        at: text("at")?.parse().ok()?,
    };
    let invitation = text("invitation").and_then(Key::from_hex);
    Some((Key::from_hex(text("key")?)?, invitation, open))
}

/// Without a journal nobody would know after a crash what was about to be sent. One that nobody chose has the name of the
/// output: under another name, or in another folder, it is new, and Notify alone knows what was sent before.
///
/// # Errors
/// There is none.
pub(super) fn with_journal(stream: StreamArgs, once: &mut OnceArgs) -> Result<StreamArgs, Fatal> {
    let is_chosen = stream.journal.is_some();
    let stream = stream.with_usual_journal(None);
    match &stream.journal {
        None => Err(Fatal::Usage(
            "--journal FILE is missing. What to do: add it, so that nothing is sent twice, and use the same file for the whole campaign. \
             Or add --output FILE: then the journal is kept beside FILE"
                .into(),
        )),
        Some(journal) => {
            once.ask_first |= !is_chosen && !journal.exists();
            Ok(stream)
        }
    }
}
