//! NHS Notify's API, as far as a campaign needs it: batches of messages, and what became of each message.
//!
//! * `signer`: the private key, and the token that is signed with it. `token`: access tokens.
//! * `batch`: messages and batches, and where a batch is cut. `errors`: what NHS Notify's errors mean for us.
//! * [`NhsNotifyApi`]: what stages ask for; they see no HTTP.
//!
//! NHS Notify knows a batch by our reference for months, and takes it once (422 for the same reference again). So a request whose
//! answer was lost may be made again. That is for the stage to decide, which has noted it: here it ends as [`CallError::Unanswered`].

mod batch;
mod errors;
pub(crate) mod signer;
#[cfg(test)]
mod tests;
pub(crate) mod token;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use reqwest::{Method, StatusCode, Url, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

pub use batch::{
    BatchForm, MAX_BYTES, MAX_MESSAGES, MessageBatch, Personalisation, WrittenMessage,
};
pub use errors::RefusedMessage;
pub use signer::{read_api_key, read_private_key};

use crate::{
    address::{checked_url, is_loopback, not_a_sandbox_secret, under},
    error::CallError,
    http::Longest,
    network::Network,
    transport::{Repeat, RetryLimits, Transport},
};
use errors::ErrorAnswer;
use pkb_core::{
    Fatal,
    monitor::Monitor,
    record::{DispatchChannel, DispatchStatus, FailureCode, NotificationId, Unknown},
    rehearsal::{self, Evidence, Origin},
};
use signer::Signer;
use token::SignedTokens;

/// NHS Notify's address.
pub const BASE_URL: &str = "https://api.service.nhs.uk/comms";
/// The address that gives out access tokens.
pub const TOKEN_URL: &str = "https://api.service.nhs.uk/oauth2/token";

const BASE_SETTING: &str = "NHS_NOTIFY_BASE_URL";
const TOKEN_SETTING: &str = "NHS_NOTIFY_TOKEN_URL";
/// What bodies are, in both directions.
const JSON_API: &str = "application/vnd.api+json";
/// How long to wait where NHS Notify is still working on the same batch and does not say how long: what its description says at least.
const WAIT_FOR_THE_FIRST: Duration = Duration::from_secs(300);

/// All that the client needs to know.
pub struct NhsNotifySettings {
    /// Address of the API.
    pub base_url: String,
    /// Address that gives out access tokens.
    pub token_url: String,
    /// The application's API key.
    pub api_key: SecretString,
    /// Under which id the public key is registered.
    pub key_id: String,
    /// The private key, in PEM form.
    pub private_key: SecretString,
    /// How it is reached.
    pub network: Network,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Calls in all for one request.
    pub attempts: u32,
    /// How long every call may fail before the stage stops.
    pub give_up_after: Duration,
    /// Requests a second; 0 for no limit. NHS Notify takes 1,200 a minute.
    pub rate: u32,
    /// Where retries and waits are noted.
    pub monitor: Arc<Monitor>,
}

/// What NHS Notify says to a batch.
#[derive(Debug)]
pub enum BatchAnswer {
    /// It has taken it (201): the ids of the messages, in their order.
    Taken(Vec<NotificationId>),
    /// It has a batch with this reference already (422), and has taken nothing now.
    Duplicate,
    /// It is still working on a batch with this reference (425): when to ask again.
    TooEarly(Duration),
    /// The batch is too large (413). Nothing of it was taken.
    TooLarge,
    /// It does not take these messages, and has taken nothing of the batch (400).
    Refused(Vec<RefusedMessage>),
}

/// How far a message is.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageState {
    /// Its status.
    pub status: DispatchStatus,
    /// Why it failed.
    pub failed_because: Option<FailureCode>,
    /// By which channels it was tried.
    pub channels: Vec<DispatchChannel>,
}

/// What stages ask of NHS Notify.
pub trait NhsNotifyApi: Send + Sync + 'static {
    /// Gives NHS Notify a batch.
    fn send_batch(
        &self,
        batch: &MessageBatch,
    ) -> impl Future<Output = Result<BatchAnswer, CallError>> + Send;

    /// How far a message is; `None` if NHS Notify does not know it.
    fn status(
        &self,
        id: &NotificationId,
    ) -> impl Future<Output = Result<Option<MessageState>, CallError>> + Send;
}

/// A connection to NHS Notify, shared by all calls of a stage.
pub struct NhsNotify {
    transport: Transport,
    base: Url,
}

impl NhsNotify {
    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// An address is malformed, or would send the key over plain HTTP; or the private key is none.
    pub fn new(settings: NhsNotifySettings) -> Result<Self, Fatal> {
        let base = checked_url(&settings.base_url, BASE_SETTING)?;
        let token_url = checked_url(&settings.token_url, TOKEN_SETTING)?;
        check_addresses(&base, &token_url, &settings)?;
        let signer = Signer::new(
            &settings.private_key,
            &settings.key_id,
            settings.api_key,
            token_url.as_str(),
        )?;
        let monitor = Arc::clone(&settings.monitor);
        let tokens = SignedTokens::new(signer, token_url, settings.attempts, monitor);
        let pace = RetryLimits {
            timeout: settings.timeout,
            attempts: settings.attempts,
            give_up_after: settings.give_up_after,
            rate: settings.rate,
            random: fastrand::Rng::new(),
            monitor: settings.monitor,
        };
        let transport =
            Transport::to_nhs_notify(tokens, Box::new(errors::explain), pace, &settings.network)?;
        Ok(Self { transport, base })
    }
}

/// Addresses are both on this machine, for a rehearsal, or neither; and a rehearsal shows no real key to whoever listens there.
fn check_addresses(base: &Url, token: &Url, settings: &NhsNotifySettings) -> Result<(), Fatal> {
    if is_loopback(base) != is_loopback(token) {
        return Err(Fatal::Usage(format!(
            "one of {BASE_SETTING} and {TOKEN_SETTING} is an address on this machine, which is for rehearsals, and the other is not. \
             What to do: set both for a rehearsal (eval \"$(pkb-sandbox env)\"), or neither"
        )));
    }
    let is_sandbox_key = rehearsal::is_sandbox_secret(settings.api_key.expose_secret());
    for (url, name) in [(base, BASE_SETTING), (token, TOKEN_SETTING)] {
        if url.scheme() == "http" && !is_sandbox_key {
            let words = not_a_sandbox_secret("the API key for NHS Notify", name);
            return Err(Fatal::Usage(words));
        }
    }
    let origin = match is_loopback(base) {
        true => Origin::Rehearsal,
        false => Origin::Real,
    };
    let origins = settings.monitor.origins();
    origins.note(origin, || Evidence::Address(BASE_SETTING))
}

impl NhsNotifyApi for NhsNotify {
    async fn send_batch(&self, batch: &MessageBatch) -> Result<BatchAnswer, CallError> {
        let url = under(&self.base, "/v1/message-batches")?;
        let answer = self
            .transport
            .call_for_answer(
                Method::POST,
                url,
                // Whatever status an answer has, a gateway may have passed the batch on.
                Repeat::Incomplete(&AtomicBool::new(true)),
                Longest::Many,
                // An answer that makes no sense says nothing about whether NHS Notify has taken the batch: a proxy's page, half an
                // answer, one about a different batch.
                |body| ids(body, batch).is_some(),
                |request| {
                    request
                        .header(header::CONTENT_TYPE, JSON_API)
                        .header(header::ACCEPT, JSON_API)
                        .body(batch.body.clone())
                },
            )
            .await
            .map_err(known)?;
        match answer.status {
            StatusCode::PAYLOAD_TOO_LARGE => Ok(BatchAnswer::TooLarge),
            StatusCode::TOO_EARLY => Ok(BatchAnswer::TooEarly(
                answer.retry_after.unwrap_or(WAIT_FOR_THE_FIRST),
            )),
            status if status.is_success() => ids(&answer.body, batch)
                .map(BatchAnswer::Taken)
                .ok_or(CallError::Unanswered),
            status => {
                let errors = ErrorAnswer::read(&answer.body).ok_or_else(not_understood)?;
                match status {
                    StatusCode::UNPROCESSABLE_ENTITY if errors.has("CM_DUPLICATE_REQUEST") => {
                        Ok(BatchAnswer::Duplicate)
                    }
                    StatusCode::BAD_REQUEST => errors
                        .refused(batch.references.len())
                        .map(BatchAnswer::Refused)
                        .map_err(CallError::Fatal),
                    _ => Err(not_understood()),
                }
            }
        }
    }

    async fn status(&self, id: &NotificationId) -> Result<Option<MessageState>, CallError> {
        let url = under(&self.base, &format!("/v1/messages/{}", id.as_str()))?;
        let answer = self
            .transport
            .call_for_answer(
                Method::GET,
                url,
                Repeat::Safe,
                Longest::One,
                |_| true,
                |request| request.header(header::ACCEPT, JSON_API),
            )
            .await
            .map_err(known)?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(not_understood());
        }
        read_state(&answer.body, id)
            .map(Some)
            .ok_or_else(not_understood)
    }
}

/// A refused token (401, also with a new one) is about the application and not about a patient.
fn known(error: CallError) -> CallError {
    match error {
        CallError::NoAccess => CallError::Fatal(Fatal::Credentials(
            "NHS Notify refused the access token, and also a new one (CM_DENIED). What to do: check that \
             NHS_NOTIFY_BASE_URL and \
             NHS_NOTIFY_TOKEN_URL belong to the same environment, and that the application has the product NHS Notify"
                .into(),
        )),
        CallError::NotFound => not_understood(),
        error => error,
    }
}

/// What makes no sense stops the stage: here a record that is marked as failed might be one that was sent.
fn not_understood() -> CallError {
    CallError::Fatal(Fatal::NotUnderstood(
        "NHS Notify's answer is not what its description says. What to do: check NHS_NOTIFY_BASE_URL and proxies".into(),
    ))
}

/// The ids of the messages of a batch, in their order; `None` if the answer is not about just these.
fn ids(body: &[u8], batch: &MessageBatch) -> Option<Vec<NotificationId>> {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        attributes: Attributes,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes {
        message_batch_reference: String,
        messages: Vec<Message>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Message {
        message_reference: String,
        id: String,
    }
    let Attributes {
        message_batch_reference,
        messages,
    } = serde_json::from_slice::<Answer>(body).ok()?.data.attributes;
    let is_about_it =
        message_batch_reference == batch.reference && messages.len() == batch.references.len();
    let mut by_reference: HashMap<String, NotificationId> = HashMap::new();
    for message in messages {
        by_reference.insert(
            message.message_reference,
            NotificationId::ksuid(&message.id)?,
        );
    }
    let ids: Vec<NotificationId> = batch
        .references
        .iter()
        .map(|reference| by_reference.remove(reference))
        .collect::<Option<_>>()?;
    is_about_it.then_some(ids)
}

/// How far a message is; `None` if the answer is about something else.
fn read_state(body: &[u8], id: &NotificationId) -> Option<MessageState> {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        id: String,
        attributes: Attributes,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes {
        message_status: String,
        message_failure_reason_code: Option<String>,
        #[serde(default)]
        channels: Vec<Channel>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Channel {
        #[serde(rename = "type")]
        kind: String,
        channel_status: String,
        supplier_status: Option<String>,
        channel_failure_reason_code: Option<String>,
    }
    let data = serde_json::from_slice::<Answer>(body).ok()?.data;
    if data.id != id.as_str() {
        return None;
    }
    // What is no word of a status, or no code, is left out: it might hold anything.
    let code = |text: Option<String>| text.as_deref().and_then(FailureCode::parse);
    let channels = data.attributes.channels.into_iter().filter_map(|channel| {
        Some(DispatchChannel {
            kind: DispatchStatus::parse(&channel.kind)?,
            status: DispatchStatus::parse(&channel.channel_status)?,
            supplier_status: (channel.supplier_status.as_deref()).and_then(DispatchStatus::parse),
            failed_because: code(channel.channel_failure_reason_code),
            unknown: Unknown::new(),
        })
    });
    Some(MessageState {
        status: DispatchStatus::parse(&data.attributes.message_status)?,
        failed_because: code(data.attributes.message_failure_reason_code),
        channels: channels.collect(),
    })
}
