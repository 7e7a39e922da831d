//! What the messages of a campaign cost, and which of them need a look before they are sent.

use std::fmt;

use super::text::Texts;
use pkb_core::{
    rows::{Rows, counted},
    text_message::TextValues,
};
use pkb_values::{
    Money, UkMobile,
    gsm::{self, Encoding, MAX_CHARACTERS},
};

/// Counts of all messages so far.
pub(super) struct MessageCost {
    /// What Notify puts before each message: `Northtown: `, or nothing.
    prefix: String,
    price: Money,
    patients: u64,
    messages: u64,
    fragments: u64,
    /// Of these, those that cost double because they go to the Crown dependencies.
    fragments_at_double: u64,
    /// Messages that are UCS-2, the rows that they go to, and the fragments that folding would save.
    ucs2_messages: u64,
    ucs2_rows: Rows,
    saved_by_folding: u64,
    /// Whether every message is UCS-2 for words that are no patient's.
    words_are_ucs2: bool,
    /// Rows with letters that become question marks.
    losing: Rows,
    /// Rows with a message that Notify refuses.
    too_long: Rows,
}

impl MessageCost {
    pub(super) fn new(prefix: &str, price: Money) -> Self {
        let prefix = match prefix.trim() {
            "" => String::new(),
            name => format!("{name}: "),
        };
        Self {
            words_are_ucs2: Encoding::of(&prefix) == Encoding::Ucs2,
            prefix,
            price,
            patients: 0,
            messages: 0,
            fragments: 0,
            fragments_at_double: 0,
            ucs2_messages: 0,
            ucs2_rows: Rows::default(),
            saved_by_folding: 0,
            losing: Rows::default(),
            too_long: Rows::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patients == 0
    }

    /// Counts the messages to one patient.
    pub(super) fn add(&mut self, row_number: u64, texts: &Texts, row: &TextValues) {
        let mobile = UkMobile::parse(&row.phone_number);
        let is_at_double = mobile.is_ok_and(|mobile| mobile.is_of_crown_dependency());
        if self.patients == 0 {
            self.words_are_ucs2 |=
                texts.are_ucs2() || Encoding::of(&row.organisation) == Encoding::Ucs2;
        }
        self.patients += 1;
        let (mut is_ucs2, mut is_too_long) = (false, false);
        for message in texts.messages(row) {
            // Notify looks at the length without the name before it.
            is_too_long |= gsm::as_sent(&message).chars().count() > MAX_CHARACTERS;
            let written = format!("{}{message}", self.prefix);
            let fragments = gsm::fragments(&written) as u64;
            self.messages += 1;
            self.fragments += fragments;
            self.fragments_at_double += if is_at_double { fragments } else { 0 };
            if Encoding::of(&written) == Encoding::Ucs2 {
                is_ucs2 = true;
                self.ucs2_messages += 1;
                // Folding does not reach the service's name.
                let folded = format!("{}{}", self.prefix, gsm::folded(&message));
                self.saved_by_folding += fragments.saturating_sub(gsm::fragments(&folded) as u64);
            }
        }
        if is_ucs2 {
            self.ucs2_rows.add(row_number);
        }
        if is_too_long {
            self.too_long.add(row_number);
        }
        if gsm::loses_letters(&row.first_name) {
            self.losing.add(row_number);
        }
    }
}

impl fmt::Display for MessageCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "pkb-letters: {} for {}: {}, {} plus VAT at {} a fragment{}",
            counted(self.messages, "text message", "text messages"),
            counted(self.patients, "patient", "patients"),
            counted(self.fragments, "fragment", "fragments"),
            self.price * (self.fragments + self.fragments_at_double),
            self.price.in_pence(),
            match self.prefix.trim() {
                "" => String::new(),
                prefix => format!(", with \"{prefix}\" before each (--sms-prefix)"),
            }
        )?;
        if self.fragments_at_double > 0 {
            writeln!(
                f,
                "  {} of them go to mobiles of the Channel Islands or the Isle of Man, and cost double",
                self.fragments_at_double
            )?;
        }
        if self.ucs2_messages > 0 {
            self.warn_of_ucs2(f)?;
        }
        if self.losing.count() > 0 {
            writeln!(
                f,
                "  warning: Notify sends ? for letters of {} that no text message can carry: {}",
                counted(self.losing.count(), "name", "names"),
                self.losing
            )?;
        }
        if self.too_long.count() > 0 {
            writeln!(
                f,
                "  warning: Notify refuses more than {MAX_CHARACTERS} characters, which the messages for {} have: {}",
                counted(self.too_long.count(), "patient", "patients"),
                self.too_long
            )?;
        }
        Ok(())
    }
}

impl MessageCost {
    fn warn_of_ucs2(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  warning: letters such as â, ë or ŵ leave room for 70 characters a fragment instead of 160 in {}: {}",
            counted(self.ucs2_messages, "text message", "text messages"),
            self.ucs2_rows
        )?;
        if self.words_are_ucs2 {
            f.write_str(". The text or the name of the organisation or service has such a letter")?;
        }
        match self.saved_by_folding {
            0 => writeln!(f, ". That costs no more"),
            saved => writeln!(
                f,
                ". That is {} more, {}. To write names without accents: --sms-fold",
                counted(saved, "fragment", "fragments"),
                self.price * saved
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use pkb_core::record::Design;

    use super::super::args::SmsTemplate;
    use super::*;

    fn cost(prefix: &str, names: &[&str]) -> String {
        let texts = Texts::open(&SmsTemplate::Two, Design::Letter).unwrap();
        let mut cost = MessageCost::new(prefix, Money::of_pence("2.4").unwrap());
        for (row_number, name) in (2..).zip(names) {
            let mut row = TextValues::ordinary();
            (*name).clone_into(&mut row.first_name);
            cost.add(row_number, &texts, &row);
        }
        cost.to_string()
    }

    #[test]
    fn plain_names_cost_one_fragment_a_text() {
        assert_eq!(
            cost("Northtown", &["Ann", "Jörg"]),
            "pkb-letters: 4 text messages for 2 patients: 4 fragments, £0.10 plus VAT at 2.4p a fragment, \
             with \"Northtown:\" before each (--sms-prefix)\n"
        );
        assert!(!cost("", &["Ann"]).contains("before each"));
    }

    #[test]
    fn texts_to_the_crown_dependencies_cost_double() {
        let texts = Texts::open(&SmsTemplate::Two, Design::Letter).unwrap();
        let mut cost = MessageCost::new("", Money::of_pence("2.4").unwrap());
        let mut row = TextValues::ordinary();
        for (row_number, number) in [(2, "+447700900123"), (3, "+447624900123")] {
            number.clone_into(&mut row.phone_number);
            cost.add(row_number, &texts, &row);
        }
        let text = cost.to_string();
        assert!(text.contains("4 fragments, £0.14 plus VAT"), "{text}");
        assert!(
            text.contains("  2 of them go to mobiles of the Channel"),
            "{text}"
        );
    }

    #[test]
    fn a_welsh_letter_is_told_with_its_row_and_its_cost() {
        let text = cost("", &["Ann", "Siân", "Zoë"]);
        assert!(
            text.contains("6 text messages for 3 patients: 8 fragments"),
            "{text}"
        );
        assert!(!text.contains("has such a letter"), "{text}");
        assert!(cost("Tŷ Canol", &["Ann"]).contains("has such a letter"));
    }

    #[test]
    fn letters_that_are_lost_are_told() {
        let text = cost("", &["Ann", "Đorđe"]);
        assert!(text.contains("letters of 1 name that"), "{text}");
        assert!(text.contains("row 3"), "{text}");
        assert!(!cost("", &["Ann", "Łukasz"]).contains("warning"));
    }

    #[test]
    fn a_message_that_notify_refuses_is_told() {
        let name = "x".repeat(900);
        let text = cost("", &["Ann", &name]);
        assert!(
            text.contains("more than 918 characters") && text.contains("row 3"),
            "{text}"
        );
    }
}
