//! What the attributes and entities of an ODS file say.

use calamine::DataRef;
use quick_xml::{
    XmlVersion,
    events::{BytesRef, BytesStart},
};

use super::trouble::Trouble;

/// Whether a tag has a name.
pub(super) fn is(tag: &BytesStart<'_>, name: &str) -> bool {
    tag.name().as_ref() == name
}

/// An attribute's value; empty if there is none.
pub(super) fn text(tag: &BytesStart<'_>, name: &str) -> String {
    tag.attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.as_ref() == name)
        .and_then(|attribute| {
            Some(
                attribute
                    .normalized_value(XmlVersion::default())
                    .ok()?
                    .into_owned(),
            )
        })
        .unwrap_or_default()
}

/// How often something comes.
pub(super) fn repeated(tag: &BytesStart<'_>, name: &str) -> Result<u32, Trouble> {
    match &*text(tag, name) {
        "" => Ok(1),
        number => {
            let number: u64 = number.parse().map_err(|_| Trouble::Unreadable)?;
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        }
    }
}

/// A length such as `0cm` or `0.000in`.
pub(super) fn is_zero(length: &str) -> bool {
    let number = length.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    number.parse().is_ok_and(|number: f64| number < 0.01)
}

/// The value in the attributes of a cell. Empty if it is a text, which is shown in the cell.
pub(super) fn value(tag: &BytesStart<'_>) -> Result<DataRef<'static>, Trouble> {
    let number = |name| text(tag, name).parse().map_err(|_| Trouble::Unreadable);
    Ok(match &*text(tag, "office:value-type") {
        "float" | "percentage" | "currency" => DataRef::Float(number("office:value")?),
        "date" => DataRef::DateTimeIso(text(tag, "office:date-value")),
        "time" => DataRef::DurationIso(text(tag, "office:time-value")),
        "boolean" => {
            let value = text(tag, "office:boolean-value");
            DataRef::Bool(value.eq_ignore_ascii_case("true"))
        }
        "string" => match text(tag, "office:string-value") {
            value if value.is_empty() => DataRef::Empty,
            value => DataRef::String(value),
        },
        _ => DataRef::Empty,
    })
}

/// Whether a cell has a formula whose result is not in the file.
pub(super) fn is_without_result(tag: &BytesStart<'_>) -> bool {
    !text(tag, "table:formula").is_empty() && text(tag, "office:value-type").is_empty()
}

/// The character that an entity means.
pub(super) fn character(entity: &BytesRef<'_>) -> Result<char, Trouble> {
    match &**entity {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => entity
            .resolve_char_ref()
            .ok()
            .flatten()
            .ok_or(Trouble::Unreadable),
    }
}
