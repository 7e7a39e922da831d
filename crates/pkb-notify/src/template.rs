//! The values that a template at GOV.UK Notify can have: the columns of the SMS sheet.

use std::collections::BTreeMap;

use pkb_client::{
    CallError,
    notify::{NotifyApi, Template, TemplateId},
};
use pkb_core::{
    Fatal,
    text_message::{Placeholder, TextValues},
};

/// A template for text messages, with the values that it needs. Notify gets no others: what is not sent
/// cannot be found there.
#[derive(Debug)]
pub(super) struct TextTemplate {
    /// Its id.
    pub(super) id: TemplateId,
    placeholders: Vec<Placeholder>,
}

impl TextTemplate {
    /// The values of one patient.
    pub(super) fn fill(&self, values: &TextValues) -> BTreeMap<&'static str, String> {
        self.placeholders
            .iter()
            .map(|one| (one.name(), values.expose(*one).to_owned()))
            .collect()
    }
}

/// Looks at the templates before the first text is sent.
///
/// # Errors
/// There is no such template, it is none for texts, it has a placeholder that we have no value for, or together they
/// do not tell the codes.
pub(super) async fn templates(
    client: &impl NotifyApi,
    ids: &[TemplateId],
) -> Result<Vec<TextTemplate>, Fatal> {
    if ids.len() > 2 {
        return Err(Fatal::Usage("--template-id takes one or two ids".into()));
    }
    let mut templates = Vec::new();
    for id in ids {
        let of = named("--template-id", id);
        let found = look_at(client, "--template-id", id).await?;
        if found.kind != "sms" {
            return Err(Fatal::Usage(format!(
                "{of} is not for text messages. Give the id of a template for text messages"
            )));
        }
        let placeholders = found.placeholders.iter().map(|name| {
            Placeholder::named(name).ok_or_else(|| {
                let names = Placeholder::ALL.map(Placeholder::name).join(", ");
                Fatal::Usage(format!(
                    "{of} has the placeholder {name:?}, which is unknown. Use {names}"
                ))
            })
        });
        templates.push(TextTemplate {
            id: id.clone(),
            placeholders: placeholders.collect::<Result<_, _>>()?,
        });
    }
    let all = templates.iter().map(|template| &*template.placeholders);
    if Placeholder::tell_the_codes(&all.collect::<Vec<_>>().concat()) {
        return Ok(templates);
    }
    Err(Fatal::Usage(
        "the text of --template-id has neither the link nor both codes. What to do: put the link or both codes into the \
         template at GOV.UK Notify".into(),
    ))
}

/// A template, as messages name it.
fn named(option: &str, id: &TemplateId) -> String {
    format!("{option} {}", id.as_str())
}

/// What Notify says of a template that an option names.
///
/// # Errors
/// There is no such template, or Notify cannot be asked.
pub(super) async fn look_at(
    client: &impl NotifyApi,
    option: &str,
    id: &TemplateId,
) -> Result<Template, Fatal> {
    let found = client.template(id).await.map_err(|error| match error {
        CallError::Fatal(fatal) => fatal,
        error => Fatal::TryLater(format!(
            "GOV.UK Notify did not show the template: {error}. What to do: run the same \
            command again later"
        )),
    })?;
    found.ok_or_else(|| {
        Fatal::Usage(format!(
            "{}: GOV.UK Notify has no such template in the service of this API key. What to do: check the id and the API \
             key",
            named(option, id)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gets_the_values_that_its_template_has_and_no_others() {
        let template = TextTemplate {
            id: TemplateId::parse("00000000-0000-4000-8000-0000000000a1").unwrap(),
            placeholders: vec![Placeholder::FirstName, Placeholder::InvitationCode],
        };
        let values = template.fill(&TextValues::ordinary());
        assert_eq!(values.len(), 2);
        assert_eq!(values["first name"], "Richard");
        assert_eq!(values["invitation code"], "NKcYiAciBU");
    }
}
