//! The JSON of faults, checked so far that the rest can take it as it is.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::extra::ExtraFault;
use super::json::{
    Effect, Endpoint, ErrorBody, Fault, Latency, NamedFault, RetryAfter, Rule, StatusFault, When,
};
use super::message::MessageFault;
use super::parts::PartsFault;
use super::person::PersonFault;
use super::upload::UploadFault;
use crate::nhs_notify::errors::NhsError;
use crate::notify::errors::NotifyError;
use crate::response_code::ResponseCode;

/// Longer waits would outlive every test and every client.
const LONGEST_LATENCY_MS: u64 = 600_000;

const STATUSES: [u16; 12] = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504];

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
    code: Option<ResponseCode>,
    run: Option<bool>,
    parts: Option<PartsFault>,
    person: Option<PersonFault>,
    message: Option<MessageFault>,
    upload: Option<UploadFault>,
    extra_answer: Option<ExtraFault>,
    notify: Option<NotifyError>,
    nhs: Option<NhsError>,
}

/// Reads `fields`, and checks whether they go together.
fn checked<'de, D, F, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: Deserialize<'de>,
    T: TryFrom<F, Error = &'static str>,
{
    let fields = F::deserialize(deserializer)?;
    T::try_from(fields).map_err(Error::custom)
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked::<_, RuleFields, _>(deserializer)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked::<_, WhenFields, _>(deserializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked::<_, LatencyFields, _>(deserializer)
    }
}

impl TryFrom<RuleFields> for Rule {
    type Error = &'static str;

    fn try_from(fields: RuleFields) -> Result<Self, Self::Error> {
        let about_patients = matches!(
            fields.endpoint,
            Endpoint::ByNationalId
                | Endpoint::RecordAccessToken
                | Endpoint::PatientSearch
                | Endpoint::Any
        );
        if fields.patients.is_some() && !about_patients {
            return Err(
                "patients can be named for by_national_id, record_access_token, patient_search and any only",
            );
        }
        let fhir = matches!(
            fields.endpoint,
            Endpoint::StatusQuery | Endpoint::GenerateTokens
        );
        if matches!(fields.fault, Effect::Fault(Fault::Parts(_))) && !fhir {
            return Err("parts are for status_query and generate_tokens only");
        }
        let is_message = matches!(fields.fault, Effect::Fault(Fault::Message(_)));
        if is_message && fields.endpoint != Endpoint::ProcessMessage {
            return Err("message is for process_message only");
        }
        if let Effect::Fault(Fault::Person(fault)) = fields.fault {
            let fits = match fields.endpoint {
                Endpoint::ByNationalId => fault.is_of_users(),
                Endpoint::RecordAccessToken => fault.is_of_codes(),
                Endpoint::PatientSearch => fault == PersonFault::AnotherPerson,
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
        let nhs = matches!(fields.endpoint, Endpoint::NhsBatches | Endpoint::NhsMessage);
        if matches!(fields.fault, Effect::Fault(Fault::Nhs(_))) && !nhs {
            return Err("nhs is for nhs_batches and nhs_message only");
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
        let name = NamedFault::deserialize(name.into_deserializer())?;
        Ok(Effect::Fault(Fault::NamedFault(name)))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Effect, M::Error> {
        let fields = EffectFields::deserialize(MapAccessDeserializer::new(map))?;
        Effect::try_from(fields).map_err(Error::custom)
    }
}

impl TryFrom<EffectFields> for Effect {
    type Error = &'static str;

    fn try_from(fields: EffectFields) -> Result<Self, Self::Error> {
        let more = fields.retry_after.is_some()
            || fields.body.is_some()
            || fields.code.is_some()
            || fields.run.is_some();
        let status = fields.status.map(|number| {
            let status = StatusFault {
                status: status(number, fields.code.is_some())?,
                retry_after: fields.retry_after,
                body: fields.body.unwrap_or_default(),
                code: fields.code,
                run: fields.run.unwrap_or(false),
            };
            Ok(Self::Fault(Fault::Status(status)))
        });
        let is_status = status.is_some();
        let alone = [
            fields.latency_ms.map(Self::Latency),
            fields.parts.map(|fault| Self::Fault(Fault::Parts(fault))),
            fields.person.map(|fault| Self::Fault(Fault::Person(fault))),
            fields
                .message
                .map(|fault| Self::Fault(Fault::Message(fault))),
            fields.upload.map(|fault| Self::Fault(Fault::Upload(fault))),
            fields
                .extra_answer
                .map(|fault| Self::Fault(Fault::ExtraAnswer(fault))),
            fields.notify.map(|fault| Self::Fault(Fault::Notify(fault))),
            fields.nhs.map(|fault| Self::Fault(Fault::Nhs(fault))),
        ];
        let mut all = status
            .into_iter()
            .chain(alone.into_iter().flatten().map(Ok));
        match (all.next(), all.next()) {
            (Some(effect), None) if is_status || !more => effect,
            _ => Err(
                "say one of latency_ms, status (with retry_after, body, code and run where they are wanted), parts, person, message, upload, extra_answer, notify and nhs",
            ),
        }
    }
}

fn status(number: u16, has_code: bool) -> Result<StatusCode, &'static str> {
    StatusCode::from_u16(number)
        .ok()
        .filter(|_| STATUSES.contains(&number) || (number == 200 && has_code))
        .ok_or("status must be 400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, or 200 with a code")
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
