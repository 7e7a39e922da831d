//! Values with rules. Each type is made only by parsing, so that holding one is proof that the
//! rules hold. None of them shows its value in `Debug`: showing is a method named `expose_…`.

mod codes;
mod date_of_birth;
mod email;
mod language;
mod national_id;
mod postcode;
mod text;
mod uk_mobile;

pub use codes::{AccessCode, InvitationCode, PkbId};
pub use date_of_birth::DateOfBirth;
pub use email::Email;
pub use language::Language;
pub use national_id::{NationalId, NationalIdType, NhsNumber};
pub use postcode::Postcode;
pub use text::{AddressLine, PersonName};
pub use uk_mobile::UkMobile;

/// What is wrong with a value. The texts never repeat the value: they end up on terminals and in
/// files that people mail to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// More characters than any real value has.
    #[error("is too long")]
    TooLong,
    /// A national id that is not ten digits.
    #[error("is not ten digits")]
    NotTenDigits,
    /// The check digit does not fit the other nine (modulus 11).
    #[error("has a check digit that does not fit: a digit is mistyped")]
    CheckDigit,
    /// Ten times the same digit: passes modulus 11 but is a placeholder.
    #[error("is one digit ten times: a placeholder, not a number")]
    RepeatedDigit,
    /// Control characters, or characters that change the direction of the text around them.
    #[error("has a control or text-direction character in it")]
    ControlCharacter,
    /// No letter or digit at all.
    #[error("has no letter or digit in it")]
    NoLetter,
    /// Not of the form year-month-day, or no such day.
    #[error("is not a date that exists, written as YYYY-MM-DD")]
    NotADate,
    /// After today.
    #[error("is in the future")]
    InTheFuture,
    /// So long ago that nobody living was born then.
    #[error("is more than 130 years ago")]
    TooLongAgo,
    /// Not of the form of a United Kingdom post code.
    #[error("is not a UK post code")]
    NotAPostcode,
    /// Not a United Kingdom mobile number.
    #[error("is not a UK mobile number")]
    NotAMobile,
    /// Not of the form of an e-mail address.
    #[error("is not an e-mail address")]
    NotAnEmail,
    /// Not a two- or three-letter language code.
    #[error("is not a language code such as en or cy")]
    NotALanguage,
    /// A PKB id with something other than digits.
    #[error("is not a PKB id")]
    NotAPkbId,
    /// A code with something other than ASCII letters and digits.
    #[error("is not a code of letters and digits")]
    NotACode,
}

/// Defines a text type that is made by parsing and hides its value in `Debug`.
macro_rules! private_text {
    ($(#[$doc:meta])* $name:ident, $rule:path, $expose:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and normalises `text`.
            ///
            /// # Errors
            /// What is wrong, without the value.
            pub fn parse(text: &str) -> Result<Self, $crate::value::Problem> {
                $rule(text).map(|checked| Self(checked.into()))
            }

            /// The value, for the outputs that are meant for it.
            pub fn $expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        $crate::value::private_text_serde!($name, $expose);
    };
}

/// `Serialize` and `Deserialize` for a type with `parse` and an `expose_…` method. Reading checks
/// the value again: a stream may have been through somebody's editor.
macro_rules! private_text_serde {
    ($name:ident, $expose:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.$expose())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a text")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

pub(crate) use {private_text, private_text_serde};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_shows_itself_in_debug() {
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            NhsNumber::parse("9990000026").unwrap_or_else(|_| panic!("test number")),
            PersonName::parse("Canary").unwrap(),
            DateOfBirth::parse("1987-06-05").unwrap(),
            Postcode::parse("ab1 2cd").unwrap(),
            UkMobile::parse("07700 900123").unwrap(),
            Email::parse("canary@example.org").unwrap(),
            InvitationCode::parse("CanaryCode").unwrap(),
            PkbId::parse("3594342").unwrap(),
        );
        for part in ["999", "anary", "1987", "AB1", "7700", "3594342"] {
            assert!(!shown.contains(part), "{part} in {shown}");
        }
    }
}
