//! GOV.UK Notify's REST API, as far as a campaign needs it: text messages, letters that are PDFs already or made of a
//! template, and what became of them.
//!
//! * `api_key`: the key, and the token that shows it.
//! * `errors`: what Notify's errors mean for us.
//! * [`NotifyApi`]: what stages ask for; they see no HTTP.
//!
//! Notify does not notice when the same thing is sent twice. So a request whose answer was lost is never made again
//! here: it ends as [`CallError::Unanswered`], and who made it asks [`NotifyApi::find`] what became of it.

pub(crate) mod api_key;
mod errors;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{Method, Url, header};
use serde::{Deserialize, Serialize};

pub use api_key::{ApiKey, read_api_key};

use crate::{
    address::{checked_url, is_loopback, not_a_sandbox_secret, under},
    error::CallError,
    http::Longest,
    network::Network,
    transport::{Repeat, RetryLimits, Transport},
};
use pkb_core::{
    Fatal,
    monitor::Monitor,
    record::{DispatchStatus, NotificationId},
    rehearsal::{Evidence, Origin},
};
use pkb_print_files::data_profile::Postage;
use pkb_values::{Money, UkMobile};

/// Notify's address.
pub const BASE_URL: &str = "https://api.notifications.service.gov.uk";

/// All that the client needs to know.
pub struct NotifySettings {
    /// Address of the API.
    pub base_url: String,
    /// The key.
    pub api_key: ApiKey,
    /// How it is reached.
    pub network: Network,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Calls in all for one request.
    pub attempts: u32,
    /// How long every call may fail before the stage stops.
    pub give_up_after: Duration,
    /// Requests a second; 0 for no limit. Notify takes 3,000 a minute.
    pub rate: u32,
    /// How long nothing is sent after Notify has said that it was too much. Each call costs a token, also one that is
    /// refused, and Notify does not say when to come back.
    pub pause_when_too_fast: Duration,
    /// Where retries and waits are noted.
    pub monitor: Arc<Monitor>,
}

/// A text message to be sent.
pub struct Text<'a> {
    /// To whom.
    pub mobile: &'a UkMobile,
    /// The template at Notify.
    pub template: &'a TemplateId,
    /// The values of its placeholders.
    pub personalisation: BTreeMap<&'static str, String>,
    /// Our name for it.
    pub reference: &'a str,
    /// Who the text says it is from; Notify's default for the service if absent.
    pub sender: Option<&'a TemplateId>,
}

/// A letter to be printed and posted, as it is.
pub struct PdfLetter<'a> {
    /// The file.
    pub pdf: Vec<u8>,
    /// How quickly it goes.
    pub postage: Postage,
    /// Our name for it.
    pub reference: &'a str,
}

/// A letter that Notify makes of its template.
pub struct TemplateLetter<'a> {
    /// The template at Notify, which says how quickly the letter goes.
    pub template: &'a TemplateId,
    /// The lines of the address (`address_line_1` and so on), and the values of the template's placeholders.
    pub personalisation: BTreeMap<String, String>,
    /// Our name for it.
    pub reference: &'a str,
}

/// Notify's id of a template or of a sender: a UUID.
pub type TemplateId = NotificationId;

/// What Notify has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Notify's id.
    pub id: NotificationId,
    /// How far it is.
    pub status: DispatchStatus,
    /// When Notify was given it, where it says so.
    pub at: Option<Timestamp>,
}

/// What became of something that Notify was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// How far it is.
    pub status: DispatchStatus,
    /// What it cost, once Notify knows.
    pub cost: Option<Money>,
}

/// A template, as far as we look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// `sms`, `email` or `letter`.
    pub kind: String,
    /// The names of its placeholders.
    pub placeholders: Vec<String>,
}

/// What stages ask of Notify.
pub trait NotifyApi: Send + Sync + 'static {
    /// Gives Notify a text message.
    fn send_text(&self, text: &Text<'_>) -> impl Future<Output = Result<Taken, CallError>> + Send;

    /// Gives Notify a letter.
    fn send_letter(
        &self,
        letter: &PdfLetter<'_>,
    ) -> impl Future<Output = Result<Taken, CallError>> + Send;

    /// Gives Notify what it makes a letter of.
    fn send_template_letter(
        &self,
        letter: &TemplateLetter<'_>,
    ) -> impl Future<Output = Result<Taken, CallError>> + Send;

    /// What Notify has with a reference of ours; `None` if it has nothing. Notify forgets after some days
    /// (7, unless the service is set up otherwise).
    fn find(
        &self,
        reference: &str,
    ) -> impl Future<Output = Result<Option<Taken>, CallError>> + Send;

    /// How far it is, and what it cost; `None` if Notify does not know it (any more).
    fn status(
        &self,
        id: &NotificationId,
    ) -> impl Future<Output = Result<Option<State>, CallError>> + Send;

    /// The template with an id; `None` if Notify has none for this key.
    fn template(
        &self,
        id: &TemplateId,
    ) -> impl Future<Output = Result<Option<Template>, CallError>> + Send;
}

/// A connection to Notify, shared by all calls of a stage.
pub struct Notify {
    transport: Transport,
    base: Url,
}

impl Notify {
    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// The address is malformed, or would send the key over plain HTTP.
    pub fn new(settings: NotifySettings) -> Result<Self, Fatal> {
        let base = checked_url(&settings.base_url, "NOTIFY_BASE_URL")?;
        if base.scheme() == "http" && !settings.api_key.is_sandbox() {
            let words = not_a_sandbox_secret("the API key", "NOTIFY_BASE_URL");
            return Err(Fatal::Usage(words));
        }
        // Before anything is sent: what a sandbox made never goes further than this machine, and real codes never go to it.
        let origin = match is_loopback(&base) {
            true => Origin::Rehearsal,
            false => Origin::Real,
        };
        let origins = settings.monitor.origins();
        origins.note(origin, || Evidence::Address("NOTIFY_BASE_URL"))?;
        let pause = settings.pause_when_too_fast;
        let pace = RetryLimits {
            timeout: settings.timeout,
            attempts: settings.attempts,
            give_up_after: settings.give_up_after,
            rate: settings.rate,
            random: fastrand::Rng::new(),
            monitor: settings.monitor,
        };
        let transport = Transport::to_notify(
            settings.api_key,
            Box::new(move |answer| errors::explain(answer, pause)),
            pace,
            &settings.network,
        )?;
        Ok(Self { transport, base })
    }

    /// Gives Notify something, once.
    async fn post(
        &self,
        path: &str,
        reference: &str,
        body: &impl Serialize,
    ) -> Result<Taken, CallError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| CallError::Fatal(Fatal::Bug("a request cannot be written".into())))?;
        let body = Bytes::from(body);
        let url = under(&self.base, path)?;
        // An answer that makes no sense says nothing about whether Notify has taken it: a proxy's page, half an answer, one about
        // something else.
        let is_whole = |answer: &[u8]| {
            let answer = serde_json::from_slice::<TakenAnswer>(answer);
            answer.is_ok_and(|taken| taken.reference.is_none_or(|about| about == reference))
        };
        let answer = self
            .transport
            .call_until_whole(
                Method::POST,
                url,
                Repeat::Never,
                Longest::One,
                is_whole,
                |request| {
                    request
                        .header(header::CONTENT_TYPE, "application/json")
                        .header(header::ACCEPT, "application/json")
                        .body(body.clone())
                },
            )
            .await
            .map_err(|error| match error {
                CallError::NotFound => nothing_there(),
                error => error,
            })?;
        let answer: TakenAnswer = parse(&answer)?;
        Ok(Taken {
            id: answer.id,
            status: DispatchStatus::created(),
            at: None,
        })
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: Url) -> Result<T, CallError> {
        let body = self
            .transport
            .call(Method::GET, url, Repeat::Safe, Longest::Many, |request| {
                request.header(header::ACCEPT, "application/json")
            })
            .await?;
        parse(&body)
    }
}

impl NotifyApi for Notify {
    async fn send_text(&self, text: &Text<'_>) -> Result<Taken, CallError> {
        #[derive(Serialize)]
        struct Body<'a> {
            phone_number: &'a str,
            template_id: &'a str,
            personalisation: &'a BTreeMap<&'static str, String>,
            reference: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            sms_sender_id: Option<&'a str>,
        }
        let body = Body {
            phone_number: text.mobile.expose_e164(),
            template_id: text.template.as_str(),
            personalisation: &text.personalisation,
            reference: text.reference,
            sms_sender_id: text.sender.map(TemplateId::as_str),
        };
        self.post("/v2/notifications/sms", text.reference, &body)
            .await
    }

    async fn send_letter(&self, letter: &PdfLetter<'_>) -> Result<Taken, CallError> {
        #[derive(Serialize)]
        struct Body<'a> {
            reference: &'a str,
            content: String,
            postage: Postage,
        }
        let body = Body {
            reference: letter.reference,
            content: STANDARD.encode(&letter.pdf),
            postage: letter.postage,
        };
        self.post("/v2/notifications/letter", letter.reference, &body)
            .await
    }

    async fn send_template_letter(&self, letter: &TemplateLetter<'_>) -> Result<Taken, CallError> {
        #[derive(Serialize)]
        struct Body<'a> {
            template_id: &'a str,
            personalisation: &'a BTreeMap<String, String>,
            reference: &'a str,
        }
        let body = Body {
            template_id: letter.template.as_str(),
            personalisation: &letter.personalisation,
            reference: letter.reference,
        };
        self.post("/v2/notifications/letter", letter.reference, &body)
            .await
    }

    async fn find(&self, reference: &str) -> Result<Option<Taken>, CallError> {
        let mut url = under(&self.base, "/v2/notifications")?;
        url.query_pairs_mut().append_pair("reference", reference);
        let answer: ListAnswer = self.get(url).await.map_err(|error| match error {
            CallError::NotFound => nothing_there(),
            error => error,
        })?;
        let is_empty = answer.notifications.is_empty();
        let found = answer
            .notifications
            .into_iter()
            .find(|one| one.reference.as_deref() == Some(reference));
        match found {
            Some(found) => Ok(Some(Taken {
                id: found.id,
                status: found.status,
                at: found.created_at,
            })),
            None if is_empty => Ok(None),
            // Whoever does not heed the question cannot say that there is nothing.
            None => Err(not_understood(
                "GOV.UK Notify's answer is not about the reference that was asked for",
            )),
        }
    }

    async fn status(&self, id: &NotificationId) -> Result<Option<State>, CallError> {
        let url = under(&self.base, &format!("/v2/notifications/{}", id.as_str()))?;
        match self.get::<OneAnswer>(url).await {
            Ok(answer) if answer.id == *id => Ok(Some(State {
                cost: answer.cost(),
                status: answer.status,
            })),
            Ok(_) => Err(not_understood(
                "GOV.UK Notify's answer is not about the id that was asked for",
            )),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn template(&self, id: &TemplateId) -> Result<Option<Template>, CallError> {
        let url = under(&self.base, &format!("/v2/template/{}", id.as_str()))?;
        match self.get::<TemplateAnswer>(url).await {
            Ok(answer) => Ok(Some(Template {
                kind: answer.kind,
                placeholders: answer.personalisation.into_keys().collect(),
            })),
            Err(CallError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Shows nothing of the patient.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

/// Shows nothing of the patient.
impl fmt::Debug for PdfLetter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PdfLetter(…)")
    }
}

/// Shows nothing of the patient.
impl fmt::Debug for TemplateLetter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemplateLetter(…)")
    }
}

/// What Notify answers to what it has taken.
#[derive(Deserialize)]
struct TakenAnswer {
    id: NotificationId,
    /// The one that was sent along.
    reference: Option<String>,
}

/// A list of what Notify has taken. Its other fields hold numbers and texts, and are not read.
#[derive(Deserialize)]
struct ListAnswer {
    notifications: Vec<OneAnswer>,
}

#[derive(Deserialize)]
struct OneAnswer {
    id: NotificationId,
    reference: Option<String>,
    status: DispatchStatus,
    created_at: Option<Timestamp>,
    #[serde(default)]
    is_cost_data_ready: bool,
    cost_in_pounds: Option<f64>,
}

impl OneAnswer {
    fn cost(&self) -> Option<Money> {
        let pounds = self.cost_in_pounds.filter(|_| self.is_cost_data_ready);
        pounds.and_then(Money::of_pound_number)
    }
}

#[derive(Deserialize)]
struct TemplateAnswer {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    personalisation: BTreeMap<String, serde::de::IgnoredAny>,
}

/// An answer as JSON. The parser's own message would repeat values.
fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body)
        .map_err(|_| not_understood("GOV.UK Notify's answer is not what its documentation says"))
}

/// What makes no sense stops the stage: here a record that is marked as failed might be one that was sent.
fn not_understood(what: &str) -> CallError {
    CallError::Fatal(Fatal::NotUnderstood(format!(
        "{what}. What to do: check NOTIFY_BASE_URL and proxies"
    )))
}

fn nothing_there() -> CallError {
    not_understood("GOV.UK Notify has nothing at the address that was called")
}
