//! Templates: texts with `((placeholders))`, whose names are the same in any case and with or without spaces, `_` and `-`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::errors::NotifyError;
use crate::built_in::{NOTIFY_LETTER_TEMPLATE, NOTIFY_TEMPLATES};

/// A template that Notify has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyTemplate {
    /// Its id, a UUID.
    pub id: String,
    /// `sms`, `email` or `letter`.
    pub kind: &'static str,
    /// Its text.
    pub body: String,
}

/// Values by their folded names.
pub(super) struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// The value of a placeholder, if it is there and not blank.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(&folded(name))?.trim();
        (!value.is_empty()).then_some(value)
    }

    pub(super) fn of(values: &Map<String, Value>) -> Self {
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        Self(
            values
                .iter()
                .map(|(name, value)| (folded(name), text(value)))
                .collect(),
        )
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .collect()
}

impl NotifyTemplate {
    /// A template for text messages.
    #[must_use]
    pub fn text(id: &str, body: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: "sms",
            body: body.to_owned(),
        }
    }

    /// A template for letters.
    #[must_use]
    pub fn letter(id: &str, body: &str) -> Self {
        Self {
            kind: "letter",
            ..Self::text(id, body)
        }
    }

    /// Those that a sandbox knows unless told otherwise: two texts that go together, one that stands alone, and a letter.
    pub(super) fn defaults() -> Vec<Self> {
        let [first, second, alone] = NOTIFY_TEMPLATES;
        vec![
            Self::text(
                first,
                "Hello ((first name)), ((organisation)) invites you to your health record. Two codes follow.",
            ),
            Self::text(
                second,
                "From ((organisation)): ((invitation code)) and ((access code)), until ((expiry)): ((link))",
            ),
            Self::text(
                alone,
                "((organisation)): ((invitation code)) ((access code)) until ((expiry)) ((link))",
            ),
            Self::letter(
                NOTIFY_LETTER_TEMPLATE,
                "Dear ((first name)), join at ((join address)) with ((invitation code)) and ((access code)) by ((expiry)).\n\nQR: ((join link))",
            ),
        ]
    }

    fn placeholders(&self) -> Vec<&str> {
        self.body
            .split("((")
            .skip(1)
            .filter_map(|rest| rest.split_once("))"))
            .map(|(name, _)| name)
            .collect()
    }

    /// The text with its values, of a template of a kind.
    pub(super) fn fill(&self, kind: &str, values: &Placeholders) -> Result<String, NotifyError> {
        if self.kind != kind {
            return Err(NotifyError::TemplateNotFound);
        }
        let mut text = self.body.clone();
        for name in self.placeholders() {
            let value = values
                .get(name)
                .ok_or(NotifyError::MissingPersonalisation)?;
            text = text.replace(&format!("(({name}))"), value);
        }
        Ok(text)
    }

    /// What `GET /v2/template/{id}` answers.
    pub(super) fn answer(&self) -> Value {
        let personalisation: Map<String, Value> = self
            .placeholders()
            .into_iter()
            .map(|name| (name.to_owned(), json!({"required": true})))
            .collect();
        json!({
            "id": self.id,
            "name": "a template",
            "type": self.kind,
            "created_at": "2026-01-01T09:00:00.000000Z",
            "updated_at": null,
            "version": 1,
            "created_by": "sandbox@example.org",
            "body": self.body,
            "subject": null,
            "letter_contact_block": null,
            "personalisation": personalisation,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_placeholder_is_filled_whatever_its_case_and_spaces() {
        let template = NotifyTemplate::text("x", "Hello ((First Name)): ((link))");
        let values = json!({"first_name": "Read", "LINK": "here"});
        let values = Placeholders::of(values.as_object().unwrap());
        assert_eq!(template.fill("sms", &values).unwrap(), "Hello Read: here");
        let none = Placeholders::of(&Map::new());
        assert_eq!(
            template.fill("sms", &none),
            Err(NotifyError::MissingPersonalisation)
        );
    }
}
