//! JSON Schemas of texts with rules: texts with patterns. A pattern is what can be said of the form; what a program checks
//! besides (check digits, days that there are, areas of postcodes) is in the types.

pub use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Says the pattern of each type, with examples that a test reads and writes.
#[macro_export]
macro_rules! schema_patterns {
    ($($name:ident = $pattern:literal: $($example:literal)+;)+) => {
        $(impl $crate::schema::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::schema::SchemaGenerator) -> $crate::schema::Schema {
                $crate::schema::json_schema!({"type": "string", "pattern": $pattern})
            }
        })+

        #[cfg(test)]
        #[test]
        fn what_is_written_is_of_the_form_that_the_schema_says() {
            $({
                let pattern = regex::Regex::new($pattern).unwrap();
                for example in [$($example),+] {
                    let value: $name = serde_json::from_value(example.into()).unwrap();
                    let written = serde_json::to_value(&value).unwrap();
                    assert!(pattern.is_match(written.as_str().unwrap()), "{example}");
                }
            })+
        }
    };
}

use crate::{
    AccessCode, AddressLine, DateOfBirth, Email, InvitationCode, Language, LetterLanguages,
    LocalId, Money, NhsNumber, PersonName, Phone, PkbId, Postcode, UkMobile,
};

schema_patterns! {
    NhsNumber = "^[0-9]{10}$": "576 067 8914" "9990000018";
    DateOfBirth = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "1999-04-21";
    PersonName = r"^\S(.{0,98}\S)?$": "Read" " Siân  Ó Riain " "X";
    AddressLine = r"^\S(.{0,98}\S)?$": "1 Main Street" "7";
    Postcode = "^([A-Z]{1,2}[0-9][A-Z0-9]?|GIR) [0-9][A-Z]{2}$": "ne11xc" "SW1A 1AA" "GIR 0AA" "ZZ99 3VZ";
    UkMobile = r"^\+447[0-9]{9}$": "07700 900123";
    Phone = r"^\+[0-9]{6,15}$": "0191 496 0123" "07700 900123" "+41 44 668 18 00";
    Email = r"^\S+@\S+$": "read.richards@example.org";
    Language = "^[a-z]{2,3}$": "CY" "eng";
    LetterLanguages = r"^[a-z]{2,3}(\+[a-z]{2,3})*$": "en" "cy+en";
    LocalId = "^[A-Za-z0-9./_-]{1,50}$": "00123/A_4.5-6";
    Money = r"^[0-9]+(\.[0-9]{1,4})?$": "0.048" "0" "12.5";
    PkbId = "^[0-9]{1,20}$": "3594342";
    InvitationCode = "^[A-Za-z0-9]{4,24}$": "NKcYiAciBU";
    AccessCode = "^[A-Za-z0-9]{4,24}$": "KVPnrFYPay";
}
