//! The values that a template at GOV.UK Notify can have: the columns of the SMS sheet.

use std::collections::BTreeMap;

use pkb_client::{
    CallError,
    notify::{NotifyDesk, TemplateId},
};
use pkb_core::Fatal;

use crate::sms::SmsRow;

/// A placeholder's name, and its value.
type Column = (&'static str, fn(&SmsRow) -> &str);

const COLUMNS: [Column; 6] = [
    ("first name", |row| &row.first_name),
    ("organisation", |row| &row.organisation),
    ("invitation code", |row| &row.invitation_code),
    ("access code", |row| &row.access_code),
    ("expiry", |row| &row.expiry),
    ("link", |row| &row.link),
];

/// A template for text messages, with the columns that it needs. Notify gets no others: what is not sent
/// cannot be found there.
#[derive(Debug)]
pub(super) struct TextTemplate {
    /// Its id.
    pub(super) id: TemplateId,
    columns: Vec<usize>,
}

impl TextTemplate {
    /// The values of one patient.
    pub(super) fn fill(&self, row: &SmsRow) -> BTreeMap<&'static str, String> {
        self.columns
            .iter()
            .map(|&at| {
                let (name, value) = COLUMNS[at];
                (name, value(row).to_owned())
            })
            .collect()
    }
}

/// As Notify compares names: in any case, with or without spaces, `_` and `-`.
fn folded(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .collect()
}

/// Looks at the templates before the first text is sent.
///
/// # Errors
/// There is no such template, it is none for texts, it has a placeholder that we have no value for, or together they
/// do not tell the codes.
pub(super) async fn templates(
    desk: &impl NotifyDesk,
    ids: &[TemplateId],
) -> Result<Vec<TextTemplate>, Fatal> {
    if ids.len() > 2 {
        return Err(Fatal::Usage("--template-id: one or two".into()));
    }
    let mut templates = Vec::new();
    for id in ids {
        let found = desk.template(id).await.map_err(|error| match error {
            CallError::Fatal(fatal) => fatal,
            error => Fatal::TryLater(format!("the template could not be looked at: {error}")),
        })?;
        let of = format!("--template-id {}", id.as_str());
        let found = found.ok_or_else(|| {
            Fatal::Usage(format!(
                "{of}: GOV.UK Notify has no such template in the service of this API key"
            ))
        })?;
        if found.kind != "sms" {
            return Err(Fatal::Usage(format!("{of}: is not for text messages")));
        }
        let columns = found.placeholders.iter().map(|name| {
            let at = COLUMNS
                .iter()
                .position(|(column, _)| folded(column) == folded(name));
            at.ok_or_else(|| {
                let names = COLUMNS.map(|(column, _)| column).join(", ");
                Fatal::Usage(format!(
                    "{of}: has the placeholder {name:?}; there are {names}"
                ))
            })
        });
        templates.push(TextTemplate {
            id: id.clone(),
            columns: columns.collect::<Result<_, _>>()?,
        });
    }
    let has = |wanted: &str| {
        let mut columns = templates.iter().flat_map(|template| &template.columns);
        columns.any(|&at| COLUMNS[at].0 == wanted)
    };
    if has("link") || (has("invitation code") && has("access code")) {
        return Ok(templates);
    }
    Err(Fatal::Usage(
        "--template-id: the text tells neither the link nor both codes".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gets_the_values_that_its_template_has_and_no_others() {
        let row = SmsRow {
            phone_number: "+447700900123".into(),
            first_name: "Read".into(),
            organisation: "Northtown".into(),
            invitation_code: "NKcYiAciBU".into(),
            access_code: "KVPnrFYPay".into(),
            expiry: "21 December 2026".into(),
            link: "https://joinpkb.com/".into(),
        };
        let template = TextTemplate {
            id: TemplateId::parse("00000000-0000-4000-8000-0000000000a1").unwrap(),
            columns: vec![0, 2],
        };
        let values = template.fill(&row);
        assert_eq!(values.len(), 2);
        assert_eq!(values["first name"], "Read");
        assert_eq!(values["invitation code"], "NKcYiAciBU");
    }
}
