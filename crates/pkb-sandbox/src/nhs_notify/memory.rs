//! What NHS Notify was given, and how each message fares. No HTTP in here.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use pkb_synthetic::{NhsFate, World, derive};
use ring::signature::RsaPublicKeyComponents;
use serde_json::{Value, json};

use super::errors::NhsError;
use super::request::BatchRequest;
use super::token::{Issued, keys};
use crate::built_in::{NHS_NOTIFY_API_KEY, NHS_NOTIFY_JWKS, NHS_NOTIFY_ROUTING_PLANS};

/// The NHS Notify of a sandbox.
#[derive(Clone, Debug)]
pub struct NhsNotifyConfig {
    /// The API key of the only application that gets tokens.
    pub api_key: String,
    /// Its public keys, as a JSON Web Key Set.
    pub jwks: String,
    /// The routing plans that work.
    pub routing_plans: Vec<String>,
    /// Whether the account may name an organisation.
    pub may_set_ods_code: bool,
    /// Whether the account has an organisation where none is named.
    pub has_ods_code: bool,
    /// How many repetitions of a batch are answered 425 (the first is still in work) before they are answered 422.
    pub in_work: u32,
    /// What a 425 has in Retry-After, in seconds.
    pub retry_after: u64,
    /// Requests a second in a burst.
    pub burst: u32,
    /// Requests a minute.
    pub per_minute: u32,
}

impl Default for NhsNotifyConfig {
    /// As NHS Notify has it for an application in integration and production.
    fn default() -> Self {
        Self {
            api_key: NHS_NOTIFY_API_KEY.to_owned(),
            jwks: NHS_NOTIFY_JWKS.to_owned(),
            routing_plans: NHS_NOTIFY_ROUTING_PLANS.map(str::to_owned).to_vec(),
            may_set_ods_code: false,
            has_ods_code: true,
            in_work: 0,
            retry_after: 300,
            burst: 100,
            per_minute: 1200,
        }
    }
}

impl NhsNotifyConfig {
    /// The public key with an id.
    pub(super) fn key(&self, id: &str) -> Option<RsaPublicKeyComponents<Vec<u8>>> {
        keys(&self.jwks)?.remove(id)
    }
}

/// A message that was taken.
#[derive(Clone, PartialEq, Eq)]
pub struct NhsMessage {
    /// NHS Notify's id of it.
    pub id: String,
    /// The client's name for it.
    pub reference: String,
    /// The client's name for its batch.
    pub batch: String,
    /// To whom.
    pub nhs_number: String,
    /// The values of the templates' fields.
    pub personalisation: BTreeMap<String, String>,
    /// How far it is.
    pub status: &'static str,
}

struct Message {
    id: String,
    reference: String,
    batch: String,
    batch_id: String,
    nhs_number: String,
    personalisation: BTreeMap<String, String>,
    routing_plan: String,
    fate: Option<NhsFate>,
    /// How often it was looked at.
    looked_at: usize,
    at: Timestamp,
}

/// What NHS Notify remembers, and the settings.
pub(crate) struct NhsService {
    config: NhsNotifyConfig,
    seed: u64,
    tokens: Issued,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    messages: Vec<Message>,
    by_id: HashMap<String, usize>,
    /// How often each batch was repeated.
    batches: HashMap<String, u32>,
    /// Requests of the present second and minute.
    second: (i64, u32),
    minute: (i64, u32),
}

impl NhsService {
    pub(crate) fn new(config: NhsNotifyConfig, seed: u64) -> Self {
        Self {
            config,
            seed,
            tokens: Issued::default(),
            memory: Mutex::default(),
        }
    }

    pub(super) fn config(&self) -> &NhsNotifyConfig {
        &self.config
    }

    /// What the answer with an error has in Retry-After, in seconds.
    pub(crate) fn wait_after(&self, error: NhsError) -> Option<u64> {
        match error {
            NhsError::RetryTooEarly => Some(self.config.retry_after),
            NhsError::Quota | NhsError::ServiceUnavailable => Some(1),
            _ => None,
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn tokens(&self) -> &Issued {
        &self.tokens
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock()
    }

    /// Counts a request.
    ///
    /// # Errors
    /// It was too much: how many seconds to wait.
    pub(super) fn spend(&self, now: Timestamp) -> Result<(), u64> {
        let mut memory = self.memory();
        let second = now.as_second();
        let count = |window: &mut (i64, u32), of: i64| {
            if window.0 != of {
                *window = (of, 0);
            }
            window.1 += 1;
            window.1
        };
        let in_second = count(&mut memory.second, second);
        let in_minute = count(&mut memory.minute, second / 60);
        if in_minute > self.config.per_minute {
            return Err(60);
        }
        if in_second > self.config.burst {
            return Err(1);
        }
        Ok(())
    }

    /// Takes a batch, once: the answer's `data`.
    pub(super) fn take(
        &self,
        batch: BatchRequest,
        world: &World,
        at: Timestamp,
    ) -> Result<Value, NhsError> {
        let mut memory = self.memory();
        if let Some(repeats) = memory.batches.get_mut(&batch.reference) {
            *repeats += 1;
            return Err(match *repeats <= self.config.in_work {
                true => NhsError::RetryTooEarly,
                false => NhsError::DuplicateRequest,
            });
        }
        memory.batches.insert(batch.reference.clone(), 0);
        let batch_id = self.id(&["batch", &batch.reference]);
        let mut answers = Vec::with_capacity(batch.messages.len());
        for message in batch.messages {
            let id = self.id(&["message", &batch.reference, &message.reference]);
            answers.push(json!({"messageReference": message.reference, "id": id}));
            let place = memory.messages.len();
            memory.by_id.insert(id.clone(), place);
            let fate = world.get(&message.nhs_number);
            memory.messages.push(Message {
                id,
                reference: message.reference,
                batch: batch.reference.clone(),
                batch_id: batch_id.clone(),
                fate: fate.and_then(|patient| patient.nhs_notify),
                nhs_number: message.nhs_number,
                personalisation: message.personalisation,
                routing_plan: batch.routing_plan.clone(),
                looked_at: 0,
                at,
            });
        }
        Ok(json!({
            "type": "MessageBatch",
            "id": batch_id,
            "attributes": {
                "messageBatchReference": batch.reference,
                "routingPlan": plan(&batch.routing_plan, at),
                "messages": answers,
            },
        }))
    }

    /// 27 letters and digits.
    fn id(&self, parts: &[&str]) -> String {
        let more: Vec<&str> = parts.iter().copied().chain(["more"]).collect();
        derive::text(self.seed, parts, 20) + &derive::text(self.seed, &more, 7)
    }

    /// A message, which moves on by that.
    pub(super) fn look_at(&self, id: &str) -> Option<Value> {
        let mut memory = self.memory();
        let place = *memory.by_id.get(id)?;
        let message = memory.messages.get_mut(place)?;
        message.looked_at += 1;
        Some(message.answer())
    }

    /// Every message that was taken, the first first.
    pub(crate) fn taken(&self) -> Vec<NhsMessage> {
        let memory = self.memory();
        let view = |message: &Message| NhsMessage {
            id: message.id.clone(),
            reference: message.reference.clone(),
            batch: message.batch.clone(),
            nhs_number: message.nhs_number.clone(),
            personalisation: message.personalisation.clone(),
            status: message.status(),
        };
        memory.messages.iter().map(view).collect()
    }

    /// Counts; nothing about patients.
    pub(super) fn summary(&self) -> Value {
        let taken = self.taken();
        let mut by_patient: HashMap<&str, u64> = HashMap::new();
        for message in &taken {
            *by_patient.entry(&message.nhs_number).or_default() += 1;
        }
        let repeated: u64 = by_patient.values().map(|count| count - 1).sum();
        let batches = self.memory().batches.len();
        json!({"batches": batches, "messages": taken.len(), "repeated": repeated})
    }
}

fn plan(id: &str, at: Timestamp) -> Value {
    json!({
        "id": id, "version": "1", "name": "Rehearsal", "createdDate": at.to_string(),
    })
}

impl Message {
    /// Why it fails, if it does, and whether PDS tells so.
    fn failure(&self) -> Option<(&'static str, bool)> {
        Some(match self.fate? {
            NhsFate::Refused => return None,
            NhsFate::ExitCode => ("MFR_PDSV_0110", true),
            NhsFate::InformallyDeceased => ("MFR_PDSV_0111", true),
            NhsFate::Deceased => ("MFR_PDSV_0112", true),
            NhsFate::Invalidated => ("MFR_PDSV_0008", true),
            NhsFate::NotInPds => ("MFR_PDSV_0006", true),
            NhsFate::NoContactDetail => ("MFR_PDSV_0002", true),
            NhsFate::Undelivered => ("MFR_SUPE_0007", false),
            NhsFate::UnknownFailure => ("MFR_NEWS_0001", false),
        })
    }

    fn status(&self) -> &'static str {
        let failure = self.failure();
        let way: &[&'static str] = match failure {
            Some((_, true)) => &["created", "pending_enrichment"],
            _ => &["created", "pending_enrichment", "enriched", "sending"],
        };
        let last = match failure {
            Some(_) => "failed",
            None => "delivered",
        };
        way.get(self.looked_at).copied().unwrap_or(last)
    }

    fn answer(&self) -> Value {
        let status = self.status();
        let failed = self.failure().filter(|_| status == "failed");
        let channel = |kind: &str,
                       order: usize,
                       status: &str,
                       supplier: &str,
                       code: Option<&str>| {
            let mut channel = json!({
                "type": kind, "cascadeType": "primary", "cascadeOrder": order, "channelStatus": status, "supplierStatus": supplier,
                "retryCount": 1, "timestamps": {"created": self.at.to_string()},
                "routingPlan": {"id": self.routing_plan, "version": "1", "type": "original"},
            });
            if let Some(code) = code {
                channel["channelFailureReasonCode"] = code.into();
            }
            channel
        };
        let channels = match (status, failed) {
            ("sending", _) => vec![channel("nhsapp", 1, "sending", "received", None)],
            ("delivered", _) => vec![channel("nhsapp", 1, "delivered", "read", None)],
            (_, Some((_, false))) => vec![
                channel("nhsapp", 1, "failed", "unnotified", Some("CFR_SUPE_0007")),
                channel(
                    "sms",
                    2,
                    "failed",
                    "permanent_failure",
                    Some("CFR_SUPE_0007"),
                ),
            ],
            _ => Vec::new(),
        };
        let mut attributes = json!({
            "messageReference": self.reference,
            "messageStatus": status,
            "timestamps": {"created": self.at.to_string()},
            "routingPlan": plan(&self.routing_plan, self.at),
            "channels": channels,
            "metadata": [{"source": "pds", "queriedAt": self.at.to_string(), "version": "1", "labels": []}],
        });
        if let Some((code, _)) = failed {
            attributes["messageFailureReasonCode"] = code.into();
            attributes["messageStatusDescription"] = "A failure of the sandbox".into();
        }
        json!({
            "type": "Message", "id": self.id, "attributes": attributes,
            "links": {"self": format!("/v1/messages/{}", self.id)},
            "relationships": {"messageBatch": {"data": {"type": "MessageBatch", "id": self.batch_id}}},
        })
    }
}
