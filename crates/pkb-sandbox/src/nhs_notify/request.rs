//! What a batch says, and everything that is wrong with it.

use std::collections::{BTreeMap, HashSet};

use pkb_synthetic::{NhsFate, World, nhs_number};
use serde_json::{Map, Value};

use super::errors::{NhsError, Problem};
use super::memory::NhsNotifyConfig;

/// Most messages of a batch.
const MOST_MESSAGES: usize = 45_000;
const MESSAGES: &str = "/data/attributes/messages";

/// A batch of the right form.
pub(super) struct BatchRequest {
    pub(super) routing_plan: String,
    pub(super) reference: String,
    pub(super) messages: Vec<MessageRequest>,
}

/// A message of it.
pub(super) struct MessageRequest {
    pub(super) reference: String,
    pub(super) nhs_number: String,
    pub(super) personalisation: BTreeMap<String, String>,
}

impl BatchRequest {
    /// Reads a batch.
    pub(super) fn read(
        body: &[u8],
        config: &NhsNotifyConfig,
        world: &World,
    ) -> Result<Self, Vec<Problem>> {
        let body: Value =
            serde_json::from_slice(body).map_err(|_| vec![NhsError::InvalidValue.at("/")])?;
        let mut problems = Vec::new();
        let kind = text(&body, "/data/type", &mut problems);
        if kind.is_some_and(|kind| kind != "MessageBatch") {
            problems.push(NhsError::InvalidValue.at("/data/type"));
        }
        let routing_plan = text(&body, "/data/attributes/routingPlanId", &mut problems);
        if routing_plan.is_some_and(|plan| !is_uuid(plan)) {
            problems.push(NhsError::InvalidValue.at("/data/attributes/routingPlanId"));
        }
        let reference = text(
            &body,
            "/data/attributes/messageBatchReference",
            &mut problems,
        );
        let messages = match body.pointer(MESSAGES) {
            None => {
                problems.push(NhsError::MissingValue.at(MESSAGES));
                Vec::new()
            }
            Some(Value::Null) => {
                problems.push(NhsError::NullValue.at(MESSAGES));
                Vec::new()
            }
            Some(Value::Array(messages)) if messages.is_empty() => {
                problems.push(NhsError::TooFewItems.at(MESSAGES));
                Vec::new()
            }
            Some(Value::Array(messages)) if messages.len() > MOST_MESSAGES => {
                return Err(vec![NhsError::TooManyItems.at(MESSAGES)]);
            }
            Some(Value::Array(messages)) => messages_of(messages, config, world, &mut problems),
            Some(_) => {
                problems.push(NhsError::InvalidValue.at(MESSAGES));
                Vec::new()
            }
        };
        match (routing_plan, reference) {
            (Some(routing_plan), Some(reference)) if problems.is_empty() => Ok(Self {
                routing_plan: routing_plan.to_owned(),
                reference: reference.to_owned(),
                messages,
            }),
            _ => Err(problems),
        }
    }
}

fn messages_of(
    messages: &[Value],
    config: &NhsNotifyConfig,
    world: &World,
    problems: &mut Vec<Problem>,
) -> Vec<MessageRequest> {
    let mut seen = HashSet::new();
    let mut read = Vec::with_capacity(messages.len());
    for (place, message) in messages.iter().enumerate() {
        let at = |field: &str| format!("{MESSAGES}/{place}{field}");
        let mut own = Vec::new();
        let reference = text(message, "/messageReference", &mut own);
        let nhs_number = text(message, "/recipient/nhsNumber", &mut own);
        problems.extend(own.into_iter().map(|problem| problem.below(&at(""))));
        if reference.is_some_and(|reference| !seen.insert(reference)) {
            problems.push(NhsError::DuplicateValue.at(at("/messageReference")));
        }
        if let Some(number) = nhs_number {
            let fate = world.get(number).and_then(|patient| patient.nhs_notify);
            if !nhs_number::is_valid(number) || fate == Some(NhsFate::Refused) {
                problems.push(NhsError::InvalidNhsNumber.at(at("/recipient/nhsNumber")));
            }
        }
        if message.pointer("/recipient/contactDetails").is_some() {
            let pointer = at("/recipient/contactDetails");
            problems.push(NhsError::CannotSetContactDetails.at(pointer));
        }
        let has_code = message.pointer("/originator/odsCode").is_some();
        if has_code && !config.may_set_ods_code {
            problems.push(NhsError::CannotSetOdsCode.at(at("/originator/odsCode")));
        }
        if !has_code && !config.has_ods_code {
            problems.push(NhsError::OdsCodeRequired.at(at("/originator/odsCode")));
        }
        let personalisation = match message.get("personalisation") {
            None => Some(BTreeMap::new()),
            Some(Value::Object(fields)) => texts(fields),
            Some(_) => None,
        };
        if personalisation.is_none() {
            problems.push(NhsError::InvalidValue.at(at("/personalisation")));
        }
        if let (Some(reference), Some(number)) = (reference, nhs_number) {
            read.push(MessageRequest {
                reference: reference.to_owned(),
                nhs_number: number.to_owned(),
                personalisation: personalisation.unwrap_or_default(),
            });
        }
    }
    read
}

/// A text that must be there, and not be blank.
fn text<'v>(value: &'v Value, pointer: &str, problems: &mut Vec<Problem>) -> Option<&'v str> {
    let error = match value.pointer(pointer) {
        None => NhsError::MissingValue,
        Some(Value::Null) => NhsError::NullValue,
        Some(Value::String(text)) if !text.trim().is_empty() => return Some(text),
        Some(_) => NhsError::InvalidValue,
    };
    problems.push(error.at(pointer));
    None
}

fn texts(fields: &Map<String, Value>) -> Option<BTreeMap<String, String>> {
    let texts = fields.iter().map(|(name, value)| {
        let text = value.as_str()?;
        Some((name.clone(), text.to_owned()))
    });
    texts.collect()
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(is_hex)
}
