//! The JSON form of faults, checked so far that the rest can take it as it is.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::extra::ExtraFault;
use super::parts::PartsFault;
use super::person::PersonFault;
use super::upload::UploadFault;
use crate::notify::NotifyError;

/// Longer waits would outlive every test and every client.
const LONGEST_LATENCY_MS: u64 = 600_000;

const STATUSES: [u16; 12] = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504];

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Form {
    pub(super) seed: u64,
    pub(super) rules: Vec<Rule>,
    pub(super) token_seconds: Option<u32>,
    pub(super) omit_expires_in: bool,
    pub(super) textual_expires_in: bool,
    pub(super) one_live_token: bool,
    pub(super) clock_off_seconds: i32,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            seed: 1,
            rules: Vec::new(),
            token_seconds: None,
            omit_expires_in: false,
            textual_expires_in: false,
            one_live_token: false,
            clock_off_seconds: 0,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RuleFields")]
pub(super) struct Rule {
    pub(super) endpoint: Endpoint,
    pub(super) when: When,
    pub(super) patients: Option<HashSet<String>>,
    pub(super) effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Endpoint {
    Token,
    Upload,
    UploadStatus,
    ByNationalId,
    RecordAccessToken,
    StatusQuery,
    GenerateTokens,
    JoinPage,
    Join,
    NotifySms,
    NotifyLetter,
    NotifyFind,
    NotifyStatus,
    NotifyTemplate,
    Any,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "WhenFields")]
pub(super) enum When {
    Always,
    Probability(f64),
    Requests(Vec<u64>),
    Span {
        from: u64,
        to: u64,
    },
    Window {
        opens: Duration,
        closes: Option<Duration>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Effect {
    Latency(Latency),
    Fault(Fault),
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "LatencyFields")]
pub(super) enum Latency {
    Fixed(u64),
    Uniform(u64, u64),
    Rare { mostly: u64, rarely: u64, rate: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    Status(StatusFault),
    Parts(PartsFault),
    Person(PersonFault),
    Upload(UploadFault),
    ExtraAnswer(ExtraFault),
    Notify(NotifyError),
    Named(Named),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Named {
    Refuse,
    ResetBefore,
    ResetAfter,
    Truncate,
    WrongContentType,
    Html,
    Redirect,
    Garbage,
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StatusFault {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) body: ErrorBody,
    pub(super) run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum RetryAfter {
    Seconds(u32),
    /// As an HTTP date, this many seconds ahead.
    Date(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorBody {
    #[default]
    Json,
    Html,
    Empty,
    /// For 401: that it is the access token that is refused.
    InvalidToken,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFields {
    endpoint: Endpoint,
    when: When,
    patients: Option<HashSet<String>>,
    fault: Effect,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct WhenFields {
    always: Option<bool>,
    probability: Option<f64>,
    requests: Option<Vec<u64>>,
    first: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
    after_seconds: Option<f64>,
    for_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencyFields {
    fixed: Option<u64>,
    uniform: Option<[u64; 2]>,
    mostly: Option<u64>,
    rarely: Option<u64>,
    rate: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EffectFields {
    latency_ms: Option<Latency>,
    status: Option<u16>,
    retry_after: Option<RetryAfter>,
    body: Option<ErrorBody>,
    run: Option<bool>,
    parts: Option<PartsFault>,
    person: Option<PersonFault>,
    upload: Option<UploadFault>,
    extra_answer: Option<ExtraFault>,
    notify: Option<NotifyError>,
}

impl TryFrom<RuleFields> for Rule {
    type Error = &'static str;

    fn try_from(fields: RuleFields) -> Result<Self, Self::Error> {
        let about_patients = matches!(
            fields.endpoint,
            Endpoint::ByNationalId | Endpoint::RecordAccessToken | Endpoint::Any
        );
        if fields.patients.is_some() && !about_patients {
            return Err(
                "patients can be named for by_national_id, record_access_token and any only",
            );
        }
        let fhir = matches!(
            fields.endpoint,
            Endpoint::StatusQuery | Endpoint::GenerateTokens
        );
        if matches!(fields.fault, Effect::Fault(Fault::Parts(_))) && !fhir {
            return Err("parts are for status_query and generate_tokens only");
        }
        if let Effect::Fault(Fault::Person(fault)) = fields.fault {
            let fits = match fields.endpoint {
                Endpoint::ByNationalId => fault.is_of_users(),
                Endpoint::RecordAccessToken => fault.is_of_codes(),
                _ => false,
            };
            if !fits {
                return Err("that kind of person is not for this endpoint");
            }
        }
        if let Effect::Fault(Fault::Upload(fault)) = fields.fault {
            let fits = match fields.endpoint {
                Endpoint::Upload => true,
                Endpoint::UploadStatus => fault.is_of_status(),
                _ => false,
            };
            if !fits {
                return Err("upload is for upload and upload_status only, and take for upload");
            }
        }
        let notify = matches!(
            fields.endpoint,
            Endpoint::NotifySms
                | Endpoint::NotifyLetter
                | Endpoint::NotifyFind
                | Endpoint::NotifyStatus
                | Endpoint::NotifyTemplate
        );
        if matches!(fields.fault, Effect::Fault(Fault::Notify(_))) && !notify {
            return Err("notify is for the endpoints of Notify only");
        }
        Ok(Self {
            endpoint: fields.endpoint,
            when: fields.when,
            patients: fields.patients,
            effect: fields.fault,
        })
    }
}

impl TryFrom<WhenFields> for When {
    type Error = &'static str;

    fn try_from(fields: WhenFields) -> Result<Self, Self::Error> {
        let window = fields.after_seconds.or(fields.for_seconds).is_some();
        let mut given = [
            fields.always.map(|_| Self::Always),
            fields.probability.map(Self::Probability),
            fields.requests.map(Self::Requests),
            fields.first.map(|to| Self::Span { from: 1, to }),
            fields.from.or(fields.to).map(|_| Self::Span {
                from: fields.from.unwrap_or(1),
                to: fields.to.unwrap_or(u64::MAX),
            }),
            window
                .then(|| opening_hours(fields.after_seconds, fields.for_seconds))
                .transpose()?,
        ]
        .into_iter()
        .flatten();
        let (Some(when), None) = (given.next(), given.next()) else {
            return Err(
                "say exactly one of always, probability, requests, first, from and to, after_seconds and for_seconds",
            );
        };
        match &when {
            Self::Always if fields.always == Some(false) => {
                Err("always can only be true: leave the rule out instead")
            }
            Self::Probability(chance) if !(0.0..=1.0).contains(chance) => {
                Err("probability must be between 0 and 1")
            }
            Self::Requests(numbers) if numbers.contains(&0) => Err("requests are counted from 1"),
            Self::Span { from: 0, .. } => Err("requests are counted from 1"),
            Self::Span { from, to } if from > to => Err("from must not be above to"),
            _ => Ok(when),
        }
    }
}

fn opening_hours(after: Option<f64>, length: Option<f64>) -> Result<When, &'static str> {
    let seconds = |number: f64| {
        Duration::try_from_secs_f64(number)
            .map_err(|_| "after_seconds and for_seconds must be durations")
    };
    let opens = seconds(after.unwrap_or(0.0))?;
    let length = length.map(seconds).transpose()?;
    Ok(When::Window {
        opens,
        closes: length.map(|length| opens.saturating_add(length)),
    })
}

impl TryFrom<LatencyFields> for Latency {
    type Error = &'static str;

    fn try_from(fields: LatencyFields) -> Result<Self, Self::Error> {
        let LatencyFields {
            fixed,
            uniform,
            mostly,
            rarely,
            rate,
        } = fields;
        let (latency, longest) = match (fixed, uniform, (mostly, rarely, rate)) {
            (Some(fixed), None, (None, None, None)) => (Self::Fixed(fixed), fixed),
            (None, Some([low, high]), (None, None, None)) if low <= high => {
                (Self::Uniform(low, high), high)
            }
            (None, None, (Some(mostly), Some(rarely), Some(rate)))
                if (0.0..=1.0).contains(&rate) =>
            {
                let latency = Self::Rare {
                    mostly,
                    rarely,
                    rate,
                };
                (latency, mostly.max(rarely))
            }
            _ => {
                return Err(
                    "say fixed, or uniform from the lower to the higher, or mostly, rarely and a rate between 0 and 1",
                );
            }
        };
        if longest > LONGEST_LATENCY_MS {
            return Err("a latency must not be longer than 600000 ms");
        }
        Ok(latency)
    }
}

impl<'de> Deserialize<'de> for Effect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EffectVisitor)
    }
}

struct EffectVisitor;

impl<'de> Visitor<'de> for EffectVisitor {
    type Value = Effect;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a fault, or an object with latency_ms, status or parts")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Effect, E> {
        let name = Named::deserialize(name.into_deserializer())?;
        Ok(Effect::Fault(Fault::Named(name)))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Effect, M::Error> {
        let fields = EffectFields::deserialize(MapAccessDeserializer::new(map))?;
        Effect::try_from(fields).map_err(Error::custom)
    }
}

impl TryFrom<EffectFields> for Effect {
    type Error = &'static str;

    fn try_from(fields: EffectFields) -> Result<Self, Self::Error> {
        let more = fields.retry_after.is_some() || fields.body.is_some() || fields.run.is_some();
        let status = fields.status.map(|number| {
            let status = StatusFault {
                status: status(number)?,
                retry_after: fields.retry_after,
                body: fields.body.unwrap_or_default(),
                run: fields.run.unwrap_or(false),
            };
            Ok(Self::Fault(Fault::Status(status)))
        });
        let is_status = status.is_some();
        let alone = [
            fields.latency_ms.map(Self::Latency),
            fields.parts.map(|fault| Self::Fault(Fault::Parts(fault))),
            fields.person.map(|fault| Self::Fault(Fault::Person(fault))),
            fields.upload.map(|fault| Self::Fault(Fault::Upload(fault))),
            fields
                .extra_answer
                .map(|fault| Self::Fault(Fault::ExtraAnswer(fault))),
            fields.notify.map(|fault| Self::Fault(Fault::Notify(fault))),
        ];
        let mut all = status
            .into_iter()
            .chain(alone.into_iter().flatten().map(Ok));
        match (all.next(), all.next()) {
            (Some(effect), None) if is_status || !more => effect,
            _ => Err(
                "say one of latency_ms, status (with retry_after, body and run where they are wanted), parts, person, upload, extra_answer and notify",
            ),
        }
    }
}

fn status(number: u16) -> Result<StatusCode, &'static str> {
    StatusCode::from_u16(number)
        .ok()
        .filter(|_| STATUSES.contains(&number))
        .ok_or("status must be 400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503 or 504")
}

impl TryFrom<String> for RetryAfter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (date, number) = match text.strip_prefix("date+") {
            Some(number) => (true, number),
            None => (false, text.as_str()),
        };
        let seconds = number
            .parse()
            .ok()
            .filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or("retry_after must be seconds, such as \"3\", or \"date+3\"")?;
        Ok(if date {
            Self::Date(seconds)
        } else {
            Self::Seconds(seconds)
        })
    }
}

impl Endpoint {
    /// Whether requests of the endpoint that the ledger calls `name` are meant.
    pub(super) fn covers(self, name: &str) -> bool {
        match self {
            Self::Token => name == "token",
            Self::Upload => name == "upload",
            Self::UploadStatus => name == "upload_status",
            Self::ByNationalId => name == "by_national_id",
            Self::RecordAccessToken => name == "record_access_token",
            Self::StatusQuery => name == "status_query",
            Self::GenerateTokens => name == "generate_tokens",
            Self::JoinPage => name == "join_page",
            Self::Join => name == "join",
            Self::NotifySms => name == "notify_sms",
            Self::NotifyLetter => name == "notify_letter",
            Self::NotifyFind => name == "notify_find",
            Self::NotifyStatus => name == "notify_status",
            Self::NotifyTemplate => name == "notify_template",
            Self::Any => true,
        }
    }
}

impl Fault {
    /// The name that the ledger uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Parts(_) => "parts",
            Self::Person(_) => "person",
            Self::Upload(_) => "upload",
            Self::ExtraAnswer(_) => "extra_answer",
            Self::Notify(_) => "notify",
            Self::Named(Named::Refuse) => "refuse",
            Self::Named(Named::ResetBefore) => "reset_before",
            Self::Named(Named::ResetAfter) => "reset_after",
            Self::Named(Named::Truncate) => "truncate",
            Self::Named(Named::WrongContentType) => "wrong_content_type",
            Self::Named(Named::Html) => "html",
            Self::Named(Named::Redirect) => "redirect",
            Self::Named(Named::Garbage) => "garbage",
            Self::Named(Named::Hang) => "hang",
        }
    }
}
