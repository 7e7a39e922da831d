//! Which patient an answer of the REST interface is about, by the national ids of the user object (p.4504551428).

use serde_json::Value;

use pkb_values::{NationalId, NationalIdType, NhsNumber};

/// Which patient an answer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// The patient who was asked for.
    Asked,
    /// Somebody, and not the patient who was asked for.
    SomebodyElse,
    /// Nobody.
    Nobody,
}

/// Compares the `nationalIds` of a user object with the question. One that matches is enough: somebody may have numbers of several
/// schemes. An entry may be an object with `value` and `name`, or the value itself; a value may have spaces, or be a JSON number, which has no
/// zero in front. Without a name the digits decide. What cannot be read is somebody else's.
pub(super) fn whom(national_ids: &Value, asked: &NationalId) -> Named {
    let entries = match national_ids {
        Value::Array(entries) => entries.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut named = Named::Nobody;
    for entry in entries {
        let (value, name) = match entry {
            Value::Object(fields) => (fields.get("value"), fields.get("name")),
            value => (Some(value), None),
        };
        let value = value.unwrap_or(&Value::Null);
        if is_empty(value) {
            continue;
        }
        if number(value) == Some(asked.value) && is_of_scheme(name, asked.scheme) {
            return Named::Asked;
        }
        named = Named::SomebodyElse;
    }
    named
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn number(value: &Value) -> Option<NhsNumber> {
    match value {
        Value::String(text) => NhsNumber::parse(text).ok(),
        Value::Number(number) => NhsNumber::parse(&format!("{:010}", number.as_u64()?)).ok(),
        _ => None,
    }
}

/// Only the name of another of the three schemes says that the same digits are somebody else's.
fn is_of_scheme(name: Option<&Value>, scheme: NationalIdType) -> bool {
    let name = name.and_then(Value::as_str).unwrap_or_default();
    NationalIdType::parse(name).map_or(true, |named| named == scheme)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn asked(scheme: NationalIdType, digits: &str) -> NationalId {
        let value = NhsNumber::parse(digits).unwrap();
        NationalId { scheme, value }
    }

    /// For the NHS number 9997000005.
    fn named(national_ids: Value) -> Named {
        let asked = asked(NationalIdType::NhsNumber, "9997000005");
        whom(&national_ids, &asked)
    }

    #[test]
    fn an_answer_names_the_patient_however_the_number_is_written() {
        for ids in [
            json!([{"value": "9997000005", "name": "NHS number", "countryCodes": ["GB-ENG"]}]),
            json!([{"value": "999 700 0005", "name": "NHS number"}]),
            json!([{"value": " 999-700-0005 ", "name": null}]),
            json!([{"value": 9_997_000_005_u64, "name": "NHS_NUMBER"}]),
            json!([{"value": "9997000005", "name": "National id"}]),
            json!([{"value": "9997000005"}]),
            json!(["9997000005"]),
            json!("9997000005"),
            json!({"value": "9997000005"}),
            json!([{"value": "", "name": "CHI number"}, {"value": "9997000005"}]),
            json!([{"value": "9997000560", "name": "CHI number"}, {"value": "9997000005", "name": "NHS number"}]),
            json!([{"value": "H123", "name": "Hospital"}, {"value": "9997000005", "name": "NHS number"}]),
        ] {
            assert_eq!(named(ids.clone()), Named::Asked, "{ids}");
        }
    }

    #[test]
    fn another_number_and_one_that_cannot_be_read_are_somebody_elses() {
        for ids in [
            json!([{"value": "9997000560", "name": "NHS number"}]),
            json!([{"value": "9997000005", "name": "CHI number"}]),
            json!([{"value": "9997000005", "name": "H&C number"}]),
            json!([{"value": "9997000560"}, {"value": null}]),
            json!([{"value": "*******005", "name": "NHS number"}]),
            json!([{"value": "99970000051"}]),
            json!([{"value": "9997000006"}]),
            json!([{"value": 9_997_000_560_u64}]),
            json!([{"value": 9.997_000_005e9}]),
            json!([{"value": {"number": "9997000005"}}]),
            json!([["9997000005"]]),
            json!([true]),
        ] {
            assert_eq!(named(ids.clone()), Named::SomebodyElse, "{ids}");
        }
    }

    #[test]
    fn without_a_number_nobody_is_named() {
        for ids in [
            json!(null),
            json!([]),
            json!([null]),
            json!([{}]),
            json!([{"value": null, "name": "NHS number"}]),
            json!([{"value": " "}]),
            json!({}),
            json!(""),
        ] {
            assert_eq!(named(ids.clone()), Named::Nobody, "{ids}");
        }
    }

    #[test]
    fn a_number_without_its_leading_zero_is_the_same_number() {
        let asked = asked(NationalIdType::ChiNumber, "0101010001");
        let ids = |value: Value| json!([{"value": value, "name": "CHI number"}]);
        assert_eq!(whom(&ids(json!("0101010001")), &asked), Named::Asked);
        assert_eq!(whom(&ids(json!(101_010_001)), &asked), Named::Asked);
        assert_eq!(whom(&ids(json!("101010001")), &asked), Named::SomebodyElse);
    }

    proptest! {
        #[test]
        fn of_any_numbers_only_the_patients_own_makes_it_their_answer(
            numbers in prop::collection::vec(9_990_000_000_u64..9_990_000_400, 0..5),
            written in 0..3_u8,
        ) {
            let asked = asked(NationalIdType::NhsNumber, "9990000018");
            let entries = numbers.iter().map(|number| match written {
                0 => json!({"value": number.to_string(), "name": "NHS number"}),
                1 => json!({"value": number}),
                _ => json!(number.to_string()),
            });
            let expected = match numbers.as_slice() {
                [] => Named::Nobody,
                numbers if numbers.contains(&9_990_000_018) => Named::Asked,
                _ => Named::SomebodyElse,
            };
            prop_assert_eq!(whom(&Value::from_iter(entries), &asked), expected);
        }
    }
}
