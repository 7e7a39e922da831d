//! Values with rules. Each type is made only by parsing, so that holding one is proof that the
//! rules hold. None of them shows its value in `Debug`: showing is a method named `expose_…`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod codes;
mod date_of_birth;
mod email;
mod excel_damage;
mod gender;
pub mod gsm;
mod language;
mod letter_form;
mod local_id;
mod money;
pub mod names;
mod national_id;
mod nhs_number;
mod number_status;
mod phone;
mod postcode;
#[cfg(feature = "schema")]
pub mod schema;
pub mod spreadsheet;
mod text;
mod uk_mobile;
mod unseen;
mod uuid;
mod written_date;

pub use codes::{AccessCode, InvitationCode, PkbId};
pub use date_of_birth::DateOfBirth;
pub use email::Email;
pub use gender::Gender;
pub use language::Language;
pub use letter_form::{LetterFormat, LetterLanguages};
pub use local_id::LocalId;
pub use money::Money;
pub use national_id::{NationalId, NationalIdType};
pub use nhs_number::NhsNumber;
pub use number_status::NhsNumberStatus;
pub use phone::Phone;
pub use postcode::Postcode;
pub use text::{AddressLine, PersonName, folded_header, has_lost_letter, looks_like_mojibake};
pub use uk_mobile::{MobileRegion, UkMobile};
pub use unseen::has_unusual_characters;
pub use uuid::is_uuid;
pub use written_date::{DateOrder, MONTHS, read_day_of};

/// Defines [`Problem`]: code, words that follow the name of a column, and what to do.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $words:literal, $advice:literal;)+) => {
        /// What is wrong or odd with a value. The texts never repeat the value: they end up on
        /// terminals and in files that people mail to each other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
        pub enum Problem {
            $($(#[$doc])* #[error($words)] $name,)+
        }

        impl Problem {
            /// All problems.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// A name for scripts: `lost_leading_zero`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What to do about it, in a few words.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)+ }
            }
        }
    };
}

problems! {
    /// Nothing but white space.
    Empty = "empty", "is empty", "fill it in";
    /// More characters than any real value has.
    TooLong = "too_long", "is too long", "shorten it: to 50 characters for an identifier, 100 for other texts";
    /// Bytes that are no text in the file's encoding.
    Undecodable = "undecodable", "has bytes that are not text in the file's encoding", "give --encoding, or export the file as UTF-8";
    /// Control characters, or characters that change the order of the letters around them.
    ControlCharacter = "control_character", "has a control or text-direction character in it", "type the value again";
    /// Nothing that a name or an identifier is made of.
    NoLetter = "no_letter", "has no letter in it", "correct it";
    /// `=`, `+`, `-` or `@` in front.
    BeginsLikeFormula = "begins_like_formula", "begins with =, +, - or @, as a formula of a spreadsheet does", "correct the name";
    /// `#N/A`, `#REF!`, `####` and their like.
    SpreadsheetError = "spreadsheet_error", "is an error of the spreadsheet, not a value", "correct the formula or widen the column, and export again";
    /// `NULL`, `unknown` and other words that mean empty.
    Filler = "filler", "is a word or sign that means empty, such as NULL or UNKNOWN: read as empty", "nothing to do if that is right";
    /// The same where a name is needed.
    FillerForName = "filler_for_name", "is a word that means empty, such as NULL or UNKNOWN, but a name is needed", "fill in the name. If the word is the patient's name, list it under `names` in a file for --words";
    /// A word that means empty and is also a name, written like a name.
    PerhapsFiller = "perhaps_filler", "is a word that databases write for an empty cell, and is also a real name. It is read as a name", "make sure that it is the patient's name";
    /// UTF-8 that was read as Windows-1252 and saved again.
    Mojibake = "mojibake", "looks as if it was saved in a wrong encoding once (such as \u{c3}\u{a9} or ? for \u{e9})", "export again from the patient administration system, not through a spreadsheet";

    /// A national id that is not ten digits.
    NotTenDigits = "not_ten_digits", "is not ten digits", "correct the number";
    /// Letters beside the digits.
    HasLetters = "has_letters", "has letters in it", "keep only the 10 digits";
    /// Digits of another script than ours.
    OtherDigits = "other_digits", "has digits of a different script", "type the number with the digits 0 to 9";
    /// Nine digits: Excel drops leading zeros.
    LostLeadingZero = "lost_leading_zero", "has nine digits, as when Excel drops a leading zero", "export again with the column as text. Do not add a zero by hand: the missing digit may not be a zero";
    /// A number such as 9.99E+09.
    ScientificNotation = "scientific_notation", "is in Excel's scientific notation: digits are lost", "format the column as text, and export again from the source";
    /// A number such as 1234567890.0.
    DecimalPoint = "decimal_point", "is a number with a decimal point, as Excel and databases write it", "format the column as text, and export again";
    /// The check digit does not fit the other nine (modulus 11).
    CheckDigit = "check_digit", "has a check digit that does not fit: a digit is mistyped", "look the number up";
    /// Ten times the same digit: passes modulus 11 but is a placeholder.
    RepeatedDigit = "repeated_digit", "is one digit ten times: a placeholder, not a number", "look the number up";
    /// A number from the range of another scheme.
    OtherSchemesRange = "other_schemes_range", "is in the range of a different scheme (NHS, CHI or H&C)", "check --number-type, or add a column that says the type";
    /// A scheme that is none of the three.
    NotAScheme = "not_a_scheme", "is not a type of number: NHS, CHI or HC", "correct the type, or leave the cell empty";

    /// Not a date in any of the accepted spellings, or no such day.
    NotADate = "not_a_date", "is not a date that exists", "correct the date, and write it as DD/MM/YYYY or YYYY-MM-DD";
    /// Not day-first, but a date if it were month-first.
    MonthFirst = "month_first", "would be a date only if the month came first", "if the whole file has the month first, add --dates month-first. Otherwise correct the date";
    /// Year of two digits.
    TwoDigitYear = "two_digit_year", "has a year of two digits: the century is not known", "export years with four digits";
    /// Excel's count of days since 1900.
    ExcelDayNumber = "excel_day_number", "is the number that Excel keeps for a day, not a date", "format the column as a date, and export again";
    /// A time of day other than midnight.
    HasTime = "has_time", "has a time of day in it", "export the date alone";
    /// After today.
    InTheFuture = "in_the_future", "is in the future", "correct it";
    /// A birthday that few living people have.
    Over120Years = "over_120_years", "is more than 120 years ago", "check that the patient is alive and the date is right";
    /// So long ago that nobody living was born then.
    TooLongAgo = "too_long_ago", "is more than 130 years ago", "correct the date, or delete the row";

    /// A word or date that is not understood, in a column that decides whether a patient may be written to.
    UnclearFlag = "unclear_flag", "has a value that is not understood, and may mean that the patient must not be written to", "correct the cell, or say what its value means. Write a file columns.toml, and add --map columns.toml:\n[values.HEADER]\nyes = [\"…\"]\nno = [\"…\"]";
    /// The file says that the patient has died.
    SaysDead = "says_dead", "says that the patient has died: the record is uploaded, but the patient is not invited", "nothing to do: pkb-resolve leaves the patient out";
    /// A word or code that is not understood, in a column about life and death.
    UnclearLife = "unclear_life", "has a value that is not understood, and may mean that the patient has died", "correct the cell, or say what its value means. Write a file columns.toml, and add --map columns.toml:\n[values.HEADER]\nalive = [\"…\"]\ndead = [\"…\"]";
    /// A word that means death, in a column that is not used.
    SpeaksOfDeath = "speaks_of_death", "has a word that means death, but the column is not used", "look up the patient. If such words in this column are about the patient, write a file columns.toml, and add --map columns.toml:\n[columns]\nsearched_text = [HEADER]\nTo skip the column, write only this line:\nignore = [HEADER]";
    /// Words against contact, in a column that is not used.
    SpeaksOfNoContact = "speaks_of_no_contact", "has words such as \"do not send letters\" or \"domestic abuse\", but the column is not used", "look up the patient. If such words in this column are about the patient, write a file columns.toml, and add --map columns.toml:\n[columns]\nsearched_text = [HEADER]\nTo skip the column, write only this line:\nignore = [HEADER]";
    /// One column says alive, a different column says dead.
    DeathDisagrees = "death_disagrees", "says alive, but a different column says dead: read as dead", "correct the patient's record";
    /// 01/01/1900 and similar dates, if a different column says alive.
    FillerDate = "filler_date", "has a date that means no date, such as 01/01/1900, and a different column says alive: read as empty", "nothing to do if that is right";
    /// The file says that the record is sensitive.
    SaysSensitive = "says_sensitive", "says that the record is sensitive", "nothing to do: patients with a sensitive record are not written to";
    /// The file says that the patient is not to be contacted.
    SaysDoNotContact = "says_do_not_contact", "says that the patient must not be contacted", "nothing to do: your file says so";
    /// The file says that the patient was removed from a list, and may have moved.
    SaysRemoved = "says_removed", "says that the patient was removed from a list and may have moved", "find the current address, and correct the record";
    /// The postcode in a whole address is not that of its column.
    PostcodesDiffer = "postcodes_differ", "has a postcode that does not match the postcode column: both are left out, and no letter can be sent", "correct the address";
    /// Not one of the codes or words of a gender.
    NotAGender = "not_a_gender", "is not a gender (M, F, I, U or X, or 1, 2, 9 or 0)", "correct the gender. Only pkb-upload --via messaging needs a gender";
    /// A status that is not 01.
    NumberNotVerified = "number_not_verified", "does not say that the number is verified (01): PKB may keep the patient waiting, and it never merges records", "trace the numbers, or leave these rows out: --verified-only";
    /// No status, where only verified numbers are wanted.
    NoNumberStatus = "no_number_status", "is empty or absent, so it is not known whether the number is verified", "add the column, or run without --verified-only";
    /// Not one of the codes 01 to 08.
    NotANumberStatus = "not_a_number_status", "is not an NHS number status (01 to 08)", "correct it";
    /// More lines than a letter has room for, and too long to be joined.
    TooManyLines = "too_many_lines", "has more than 5 lines, which are too long to be joined", "join lines until 5 are left";
    /// Not of the form of a United Kingdom post code.
    NotAPostcode = "not_a_postcode", "is not a UK postcode", "correct the postcode. Until then the postcode is left out of PKB's file, and no letter can be sent";
    /// The form is right, the area does not exist.
    UnknownPostcodeArea = "unknown_postcode_area", "begins with letters that are not a postcode area", "correct the postcode. Until then the postcode is left out of PKB's file, and no letter can be sent";
    /// ZZ99 and its like.
    PseudoPostcode = "pseudo_postcode", "means no fixed or no known address", "nothing to do: the record is created, but no letter can be sent";
    /// No post code.
    NoPostcode = "no_postcode", "has no postcode", "fill it in";
    /// No line of a street.
    NoStreet = "no_street", "has no street, only a town, a country, the number of a house or flat, or words such as \"as above\"", "fill in the street";
    /// Nobody lives there, or nobody knows where the patient lives.
    NoAbode = "no_abode", "says that the patient has left, or has no fixed or no known address", "if you know the address, fill it in. Without an address no letter can be sent";
    /// A country that is not in the United Kingdom.
    Abroad = "abroad", "is in a country outside the UK", "to write there, use pkb-letters --international. Otherwise there is nothing to do";
    /// A country abroad, with a UK postcode.
    CountryDiffers = "country_differs", "names a country outside the UK, but the postcode is a UK postcode", "find out which of the two is right, and correct the other";

    /// "(Deceased)", "RIP".
    MarkedDeceased = "marked_deceased", "has a word that says that the patient has died", "look up the patient. If the patient is alive, delete the word";
    /// "DO NOT USE", "see other record".
    MarkedDoNotUse = "marked_do_not_use", "has a word that says not to use this record", "find the patient's correct record, and delete this row";
    /// "(SENSITIVE)", "do not contact".
    MarkedDoNotContact = "marked_do_not_contact", "has a word that says not to write to the patient", "look up the patient. If the patient may be written to, delete the word";
    /// "HMP".
    Prison = "prison", "names a prison", "ask whether a letter with codes may go there. If not, list it with pkb-resolve --exclude-address";
    /// "Baby of".
    Newborn = "newborn", "is a word for a newborn child, not yet a name", "make sure that the name is the one in the patient's record";
    /// "Test".
    TestPatient = "test_patient", "has a word that is used for test patients", "make sure that the patient is real";
    /// Words and signs that names do not have.
    NotOfAName = "not_of_a_name", "has a word, a digit or a sign that names do not have", "delete what is not part of the name, because it would be printed";
    /// "Mrs" in a first name.
    TitleInName = "title_in_name", "has a title in it", "move the title to a column of its own. Otherwise the title is printed in the name";
    /// "Mr" alone.
    TitleForName = "title_for_name", "is a title, but a name is needed", "fill in the name";
    /// "SMITH, Ann".
    CommaInName = "comma_in_name", "has a comma in it, as when last and first name are in one cell", "put the first name and the last name into separate columns";
    /// Not a United Kingdom mobile number.
    NotAMobile = "not_a_mobile", "is not a UK mobile number", "correct the number. Until then the patient gets a letter";
    /// A telephone number, but not a mobile.
    Landline = "landline", "is a phone number but not a mobile", "nothing to do: the number is kept with the other phone numbers";
    /// Not a telephone number.
    NotAPhone = "not_a_phone", "is not a phone number", "correct it";
    /// Not of the form of an e-mail address.
    NotAnEmail = "not_an_email", "is not an email address", "correct it";
    /// Not a two- or three-letter language code.
    NotALanguage = "not_a_language", "is not a language code such as en or cy", "correct it";
    /// A format of letters that cannot be printed, or an unknown word.
    NotALetterFormat = "not_a_letter_format", "is not a format that is known here: the letter would be in standard print", "write standard, large, braille, audio, easy-read, email or bsl, or send the patient what they need in another way";
    /// An identifier of an organisation or team with something odd in it.
    NotALocalId = "not_a_local_id", "is not an identifier of letters, digits and . / _ - in one word", "correct it";

    /// A PKB id with something other than digits.
    NotAPkbId = "not_a_pkb_id", "is not a PKB id", "report it";
    /// A code with something other than ASCII letters and digits.
    NotACode = "not_a_code", "is not a code of letters and digits", "report it";
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
            pub fn parse(text: &str) -> Result<Self, $crate::Problem> {
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

        $crate::private_text_serde!($name, $expose);
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

/// What people put between groups of digits, once a text is [`legible`](unseen::legible).
fn is_grouping(c: char) -> bool {
    matches!(c, ' ' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_shows_itself_in_debug() {
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            NhsNumber::parse("9990000026").unwrap_or_else(|_| panic!("test number")),
            PersonName::parse("Canary").unwrap(),
            DateOfBirth::parse("1987-06-05").unwrap(),
            Postcode::parse("ab1 2cd").unwrap(),
            UkMobile::parse("07700 900123").unwrap(),
            Phone::parse("0191 496 0123").unwrap(),
            LocalId::parse("RVW0042").unwrap(),
            Email::parse("canary@example.org").unwrap(),
            InvitationCode::parse("CanaryCode").unwrap(),
            PkbId::parse("3594342").unwrap(),
        );
        for part in [
            "999", "anary", "1987", "AB1", "7700", "496", "RVW", "3594342",
        ] {
            assert!(!shown.contains(part), "{part} in {shown}");
        }
    }
}
