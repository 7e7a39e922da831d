//! The values that NHS Notify's templates get, and the names of their fields.

use std::fmt;

use pkb_client::nhs_notify::Personalisation;
use pkb_core::Fatal;

/// Longest name of a field.
const LONGEST: usize = 64;

/// Names that NHS Notify fills itself, or that break a message, in whatever spelling (NHS Notify: personalisation fields).
const NOT_OURS: [&str; 20] = [
    "fullname",
    "firstname",
    "lastname",
    "nhsnumber",
    "date",
    "emailaddress",
    "phonenumber",
    "addressline1",
    "addressline2",
    "addressline3",
    "addressline4",
    "addressline5",
    "addressline6",
    "addressline7",
    "middlenames",
    "nameprefix",
    "namesuffix",
    "clientref",
    "recipientcontactvalue",
    "template",
];

/// A value that a template can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Invitation code.
    InvitationCode,
    /// Access code.
    AccessCode,
    /// Last day of the codes.
    CodesEnd,
    /// Join page with both codes filled in.
    JoinLink,
}

impl Value {
    const ALL: [Self; 4] = [
        Self::InvitationCode,
        Self::AccessCode,
        Self::CodesEnd,
        Self::JoinLink,
    ];

    /// Its name, and that of its field unless something else is said.
    fn name(self) -> &'static str {
        match self {
            Self::InvitationCode => "invitation_code",
            Self::AccessCode => "access_code",
            Self::CodesEnd => "codes_end",
            Self::JoinLink => "join_link",
        }
    }
}

/// What `--field` says of a value: the name of its field, or nothing if it is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldName {
    value: Value,
    name: Option<String>,
}

impl FieldName {
    /// Reads `invitation_code=code1`, or `join_link=` for a value that is left out.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (value, name) = text
            .split_once('=')
            .ok_or("must be VALUE=NAME, such as invitation_code=code1")?;
        let value = Value::ALL
            .into_iter()
            .find(|one| one.name() == value.trim());
        let value = value.ok_or_else(|| {
            let names = Value::ALL.map(Value::name).join(", ");
            format!("must have one of these before =: {names}")
        })?;
        let name = name.trim();
        if name.is_empty() {
            return Ok(Self { value, name: None });
        }
        let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.len() > LONGEST
            || !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || !name.chars().all(is_of_a_name)
        {
            return Err(format!(
                "must have a name after = that begins with a letter and has up to {LONGEST} letters, digits and _"
            ));
        }
        if is_not_ours(name) {
            return Err(format!(
                "must not name {name}: NHS Notify keeps this name for itself. Choose a different name in the template, \
                 and give that name here"
            ));
        }
        Ok(Self {
            value,
            name: Some(name.to_owned()),
        })
    }
}

/// Whether NHS Notify has the name for something of its own.
fn is_not_ours(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let folded: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    NOT_OURS.contains(&folded.as_str())
}

/// The values of one patient.
#[derive(Clone)]
pub(super) struct Values {
    pub(super) invitation_code: String,
    pub(super) access_code: String,
    pub(super) codes_end: String,
    pub(super) join_link: String,
}

/// Shows nothing of the patient.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(…)")
    }
}

/// Which values are sent, and under which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields(Vec<(Value, String)>);

impl Fields {
    /// The usual names, with those that somebody gave.
    ///
    /// # Errors
    /// A value has two names, two values have one, or what is left does not tell the codes.
    pub(super) fn new(given: &[FieldName]) -> Result<Self, Fatal> {
        let mut fields: Vec<(Value, String)> = Vec::new();
        for value in Value::ALL {
            let mut own = given.iter().filter(|one| one.value == value);
            let name = match (own.next(), own.next()) {
                (_, Some(_)) => {
                    return Err(usage(format!("{} is given more than once", value.name())));
                }
                (Some(own), None) => own.name.clone(),
                (None, None) => Some(value.name().to_owned()),
            };
            let Some(name) = name else { continue };
            if fields.iter().any(|(_, other)| *other == name) {
                return Err(usage(format!("two values have the field {name}")));
            }
            fields.push((value, name));
        }
        let has = |wanted| fields.iter().any(|(value, _)| *value == wanted);
        let tells = has(Value::JoinLink) || (has(Value::InvitationCode) && has(Value::AccessCode));
        match tells {
            true => Ok(Self(fields)),
            false => Err(usage(
                "the message would have neither the link nor both codes".into(),
            )),
        }
    }

    /// The values of one patient, under the names of their fields. What a template does not have is not sent.
    pub(super) fn fill(&self, values: &Values) -> Personalisation {
        let text = |value| match value {
            Value::InvitationCode => &values.invitation_code,
            Value::AccessCode => &values.access_code,
            Value::CodesEnd => &values.codes_end,
            Value::JoinLink => &values.join_link,
        };
        let fields = self.0.iter();
        fields
            .map(|(value, name)| (name.clone(), text(*value).clone()))
            .collect()
    }
}

fn usage(what: String) -> Fatal {
    Fatal::Usage(format!("--field: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: &[&str]) -> Result<Vec<String>, String> {
        let given: Result<Vec<FieldName>, String> =
            given.iter().map(|text| FieldName::parse(text)).collect();
        let fields = Fields::new(&given?).map_err(|fatal| fatal.to_string())?;
        Ok(fields.0.into_iter().map(|(_, name)| name).collect())
    }

    #[test]
    fn fields_have_usual_names_and_others_where_somebody_gives_them() {
        assert_eq!(
            fields(&[]).unwrap(),
            ["invitation_code", "access_code", "codes_end", "join_link"]
        );
        assert_eq!(
            fields(&["invitation_code=code1", "join_link="]).unwrap(),
            ["code1", "access_code", "codes_end"]
        );
    }

    #[test]
    fn names_that_break_a_message_are_refused_in_any_spelling() {
        for name in [
            "nhsNumber",
            "NHS_NUMBER",
            "full_name",
            "Date",
            "address_line_7",
            "addressLine1",
            "template",
            "client_ref",
            "recipientContactValue",
            "name_suffix",
            "1code",
            "code-1",
            "code 1",
            "c{}",
            &"x".repeat(65),
        ] {
            let error = FieldName::parse(&format!("access_code={name}"));
            assert!(error.is_err(), "{name}");
        }
        for name in ["access_code", "addressLine8", "dates", "x"] {
            assert!(FieldName::parse(&format!("access_code={name}")).is_ok());
        }
    }

    #[test]
    fn a_message_tells_the_link_or_both_codes() {
        for given in [
            &["join_link=", "access_code="][..],
            &["join_link=", "invitation_code="],
            &["codes_end=invitation_code"],
            &["codes_end=a", "codes_end=b"],
            &["first_name=a"],
            &["codes_end"],
        ] {
            assert!(fields(given).is_err(), "{given:?}");
        }
        assert!(fields(&["access_code=", "invitation_code="]).is_ok());
    }
}
