//! Gives NHS Notify the messages of some rows, each once: which rows go together, what is noted before and after, and what each
//! answer means for them.

use std::{sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use pkb_client::{
    CallError,
    nhs_notify::{
        BatchAnswer, BatchForm, MessageBatch, NhsNotifyApi, RefusedMessage, WrittenMessage,
    },
};
use pkb_core::{
    Clock, Fatal, Reason, Verdict,
    monitor::{Monitor, Why},
    record::NotificationId,
    rows::counted,
    stage::IntentLog,
};
use pkb_files::journal::Key;
use serde_json::Value;
use tokio::time::Instant;

use super::batches::{self, Batches, REFERENCE_LENGTH, RowState, Taken};

/// A message that is to be sent.
pub(super) struct PendingMessage {
    /// The row's key.
    pub(super) key: Key,
    /// Whether somebody has asked to send it although an earlier run may have done so.
    pub(super) is_resent: bool,
    /// The message.
    pub(super) message: WrittenMessage,
}

/// What became of a row.
type RowResult = Result<Taken, Verdict>;

/// What sends batches.
pub(super) struct BatchSender<D> {
    pub(super) client: D,
    pub(super) form: BatchForm,
    pub(super) batches: Mutex<Batches>,
    pub(super) clock: Clock,
    pub(super) monitor: Arc<Monitor>,
    /// How long after a lost answer a batch is sent again.
    pub(super) settle_after: Duration,
    /// How long to wait while NHS Notify works on a batch that it has.
    pub(super) wait_for_batch: Duration,
    /// Calls in all whose answers are lost.
    pub(super) attempts: u32,
}

/// Rows that go together, by their places, and the reference of their batch.
struct Group {
    batch: Arc<str>,
    places: Vec<usize>,
}

/// What is said to a batch in the end.
enum Said {
    Taken(Vec<NotificationId>),
    Duplicate,
    TooLarge,
    Refused(Vec<RefusedMessage>),
}

/// A call, and what was unknown before it.
struct Call<'c> {
    batch: &'c Arc<str>,
    keys: &'c [Key],
    mark: String,
    /// An earlier call of this batch may have been taken.
    was_open: bool,
    /// All those calls were this same request.
    is_same: bool,
    /// This very request was among them.
    was_noted: bool,
}

impl<D: NhsNotifyApi> BatchSender<D> {
    /// What is known of rows.
    pub(super) fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock()
    }

    /// Sends the messages that NHS Notify does not have yet, in batches of up to `most`.
    ///
    /// # Errors
    /// The stage has to stop. What was taken is noted.
    pub(super) async fn send(
        &self,
        messages: &[PendingMessage],
        mut most: usize,
        intents: &IntentLog,
    ) -> Result<Vec<RowResult>, Fatal> {
        let mut results: Vec<Option<RowResult>> = messages.iter().map(|_| None).collect();
        while let Some(group) = self.next_group(messages, &mut results, most) {
            let count = group.places.len();
            let answered = self.send_group(&group, messages, intents).await?;
            for (place, result) in group.places.into_iter().zip(answered.results) {
                results[place] = result;
            }
            if answered.is_too_large {
                most = (count / 2).max(1);
            }
        }
        let missing = || Fatal::Bug("a message was neither sent nor refused".into());
        let results = results.into_iter();
        results.map(|result| result.ok_or_else(missing)).collect()
    }

    /// The rows that go next; those that NHS Notify has already get their results.
    fn next_group(
        &self,
        messages: &[PendingMessage],
        results: &mut [Option<RowResult>],
        most: usize,
    ) -> Option<Group> {
        let batches = self.batches();
        let mut open: Option<Group> = None;
        let mut free = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            if results[place].is_some() {
                continue;
            }
            match batches.state(message.key) {
                RowState::Taken(taken) => results[place] = Some(Ok(taken)),
                RowState::Open(batch) => {
                    let places = Vec::new();
                    let group = open.get_or_insert(Group { batch, places });
                    if batches.state(message.key) == RowState::Open(Arc::clone(&group.batch)) {
                        group.places.push(place);
                    }
                }
                RowState::Free => free.push(place),
            }
        }
        if let Some(mut group) = open {
            // What is unknown is settled first.
            group.places.truncate(most);
            return Some(group);
        }
        let is_resent = messages[*free.first()?].is_resent;
        free.retain(|place| messages[*place].is_resent == is_resent);
        let sizes = free.iter().map(|place| messages[*place].message.bytes());
        let sizes: Vec<usize> = sizes.collect();
        let first = self
            .form
            .cut(&sizes, REFERENCE_LENGTH, most)
            .into_iter()
            .next()?;
        let places = free[first].to_vec();
        let keys: Vec<Key> = places.iter().map(|place| messages[*place].key).collect();
        let references = places
            .iter()
            .map(|place| messages[*place].message.reference());
        let references: Vec<&str> = references.collect();
        let batch = batches.reference(&keys, &references, is_resent);
        Some(Group { batch, places })
    }

    async fn send_group(
        &self,
        group: &Group,
        messages: &[PendingMessage],
        intents: &IntentLog,
    ) -> Result<Answered, Fatal> {
        let own: Vec<&PendingMessage> = group.places.iter().map(|at| &messages[*at]).collect();
        let keys: Vec<Key> = own.iter().map(|one| one.key).collect();
        let written: Vec<&WrittenMessage> = own.iter().map(|one| &one.message).collect();
        let request = self.form.batch(&group.batch, &written);
        let mark = request.mark();
        let mut call = {
            let batches = self.batches();
            Call {
                batch: &group.batch,
                keys: &keys,
                was_open: batches.is_open(&group.batch),
                is_same: batches.is_same_request(&group.batch, &mark),
                was_noted: batches.is_noted(&group.batch, &mark),
                mark,
            }
        };
        let now = self.clock.now();
        for note in batches::begin(&group.batch, &call.mark, now, &keys) {
            self.note(note, intents)?;
        }
        let said = self.call(&request, &mut call).await?;
        self.conclude(&call, said, intents)
    }

    /// Notes something, and takes it to heart.
    fn note(&self, note: Value, intents: &IntentLog) -> Result<(), Fatal> {
        self.batches().recall(&note)?;
        intents.note(note)
    }

    /// Sends a batch until something certain is said to it.
    async fn call(&self, request: &MessageBatch, call: &mut Call<'_>) -> Result<Said, Fatal> {
        let wait_until = Instant::now() + self.wait_for_batch;
        let mut lost = 0;
        loop {
            let pause = match self.client.send_batch(request).await {
                Ok(BatchAnswer::Taken(ids)) => return Ok(Said::Taken(ids)),
                Ok(BatchAnswer::Duplicate) => return Ok(Said::Duplicate),
                Ok(BatchAnswer::TooLarge) => return Ok(Said::TooLarge),
                Ok(BatchAnswer::Refused(refused)) => return Ok(Said::Refused(refused)),
                Ok(BatchAnswer::TooEarly(pause)) => {
                    if Instant::now() + pause > wait_until {
                        return Err(still_at_work(pause));
                    }
                    pause
                }
                Err(CallError::Unanswered) => {
                    lost += 1;
                    (call.was_open, call.was_noted) = (true, true);
                    if lost >= self.attempts {
                        return Err(Fatal::TryLater(format!(
                            "NHS Notify did not answer a batch {lost} times. What to do: run the same command again later. It sends \
                             nothing twice"
                        )));
                    }
                    self.settle_after
                }
                Err(CallError::Fatal(fatal)) => return Err(fatal),
                Err(error) => {
                    return Err(Fatal::TryLater(format!(
                        "NHS Notify cannot be reached: {error}. What to do: run the same command again later"
                    )));
                }
            };
            let until = Instant::now() + pause;
            let why = Why::AskedBy("NHS Notify");
            let waiting = self.monitor.wait(why, Some(until.into()));
            tokio::time::sleep_until(until).await;
            drop(waiting);
        }
    }

    /// What an answer means for the rows of a call, and notes it.
    fn conclude(
        &self,
        call: &Call<'_>,
        said: Said,
        intents: &IntentLog,
    ) -> Result<Answered, Fatal> {
        let is_unknown = call.was_open && !call.is_same;
        match said {
            Said::Taken(ids) => {
                let now = self.clock.now();
                let rows: Vec<(Key, NotificationId)> = call.keys.iter().copied().zip(ids).collect();
                for note in batches::taken(call.batch, now, &rows) {
                    self.note(note, intents)?;
                }
                self.note(batches::end(call.batch), intents)?;
                // They are found as taken when the next rows are chosen.
                Ok(Answered::nothing(call))
            }
            Said::Duplicate if call.was_open => self.is_there(call, intents),
            Said::Duplicate => {
                self.note(batches::clash(call.batch), intents)?;
                Err(clash(call.batch))
            }
            Said::TooLarge if call.keys.len() == 1 => {
                let why = "NHS Notify says that the message is too large";
                let refused = vec![RefusedMessage { place: 0, why }];
                self.conclude(call, Said::Refused(refused), intents)
            }
            Said::TooLarge => {
                self.not_taken(call, intents)?;
                Ok(Answered {
                    is_too_large: true,
                    ..Answered::nothing(call)
                })
            }
            Said::Refused(refused) => {
                self.not_taken(call, intents)?;
                let reason = match is_unknown {
                    // An earlier form of the batch may have been taken with them.
                    true => Reason::PerhapsSent,
                    false => Reason::RefusedByNotify,
                };
                Ok(Answered::refused(call, &refused, reason))
            }
        }
    }

    /// Notes that a call took nothing, and that nothing else of its batch was taken, where that is certain.
    fn not_taken(&self, call: &Call<'_>, intents: &IntentLog) -> Result<(), Fatal> {
        match call.was_open && !call.is_same {
            true if call.was_noted => Ok(()),
            true => self.note(batches::not(call.batch, &call.mark), intents),
            false => self.note(batches::end(call.batch), intents),
        }
    }

    /// NHS Notify has the batch, and its answer with the ids was lost.
    fn is_there(&self, call: &Call<'_>, intents: &IntentLog) -> Result<Answered, Fatal> {
        if !call.was_noted {
            self.note(batches::not(call.batch, &call.mark), intents)?;
        }
        let now = self.clock.now();
        let mut batches = self.batches();
        let mut taken = 0_u64;
        let mut answered = Answered::nothing(call);
        for (key, result) in call.keys.iter().zip(&mut answered.results) {
            if batches.certain(call.batch, *key) {
                taken += 1;
                batches.take_without_id(*key, call.batch, now);
            } else {
                *result = Some(Err(Verdict::with_detail(
                    Reason::PerhapsSent,
                    "NHS Notify has one of two batches with the same reference, and this row is in one of them only",
                )));
            }
        }
        tracing::warn!(
            "NHS Notify has taken batch {} ({}), and its answer with the ids was lost. So pkb-notify nhs status cannot \
             ask about these messages. What to do: read what became of them in NHS Notify's own reports",
            call.batch,
            counted(taken, "message", "messages")
        );
        Ok(answered)
    }
}

/// What became of the rows of a call, in their order; nothing for those that are looked at again.
struct Answered {
    results: Vec<Option<RowResult>>,
    is_too_large: bool,
}

impl Answered {
    fn nothing(call: &Call<'_>) -> Self {
        Self {
            results: call.keys.iter().map(|_| None).collect(),
            is_too_large: false,
        }
    }

    fn refused(call: &Call<'_>, refused: &[RefusedMessage], reason: Reason) -> Self {
        let mut answered = Self::nothing(call);
        for one in refused {
            if let Some(result) = answered.results.get_mut(one.place) {
                *result = Some(Err(Verdict::with_detail(reason, one.why)));
            }
        }
        answered
    }
}

fn still_at_work(pause: Duration) -> Fatal {
    Fatal::TryLater(format!(
        "NHS Notify is still working on a batch of this campaign. What to do: run the same command again in {} minutes. \
         It sends nothing \
         twice",
        pause.as_secs().div_ceil(60)
    ))
}

fn clash(batch: &str) -> Fatal {
    Fatal::Usage(format!(
        "NHS Notify had batch {batch} before this run sent it, so an earlier run gave it these messages, and this journal does not know \
         that run. What to do: run the same command with the journal of the earlier run. If no patient has had a message, add --resend \
         with the rows"
    ))
}
