//! What the messages of a campaign cost, and which of them need a look before they are sent.

use std::fmt;

use super::{args::Price, text::Texts};
use pkb_core::{
    rows::{Rows, counted},
    text_message::TextValues,
};
use pkb_values::gsm::{self, Encoding, MAX_CHARACTERS};

/// Counts of all messages so far.
pub(super) struct MessageCost {
    /// What Notify puts before each message: `Northtown: `, or nothing.
    prefix: String,
    price: Price,
    patients: u64,
    messages: u64,
    fragments: u64,
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
    pub(super) fn new(prefix: &str, price: Price) -> Self {
        let prefix = match prefix.trim() {
            "" => String::new(),
            name => format!("{}: ", gsm::as_sent(name)),
        };
        Self {
            words_are_ucs2: Encoding::of(&prefix) == Encoding::Ucs2,
            prefix,
            price,
            patients: 0,
            messages: 0,
            fragments: 0,
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
        if self.patients == 0 {
            let organisation = gsm::as_sent(&row.organisation);
            self.words_are_ucs2 |=
                texts.are_ucs2() || Encoding::of(&organisation) == Encoding::Ucs2;
        }
        self.patients += 1;
        let (mut is_ucs2, mut is_too_long) = (false, false);
        for message in texts.messages(row) {
            let sent = gsm::as_sent(&message);
            // Notify looks at the length without the name before it.
            is_too_long |= sent.chars().count() > MAX_CHARACTERS;
            let sent = format!("{}{sent}", self.prefix);
            let fragments = gsm::fragments(&sent) as u64;
            self.messages += 1;
            self.fragments += fragments;
            if Encoding::of(&sent) == Encoding::Ucs2 {
                is_ucs2 = true;
                self.ucs2_messages += 1;
                // Folding does not reach the service's name.
                let folded = format!("{}{}", self.prefix, gsm::as_sent(&gsm::folded(&message)));
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
            self.price.of(self.fragments),
            self.price,
            match self.prefix.trim() {
                "" => String::new(),
                prefix => format!(", with \"{prefix}\" before each (--sms-prefix)"),
            }
        )?;
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
            f.write_str(
                "; the text, the organisation's or the service's name itself has such a letter",
            )?;
        }
        match self.saved_by_folding {
            0 => writeln!(f, "; that costs no more"),
            saved => writeln!(
                f,
                "; that is {} more, {}: --sms-fold leaves the accents out",
                counted(saved, "fragment", "fragments"),
                self.price.of(saved)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::SmsTemplate;
    use super::*;

    fn cost(prefix: &str, names: &[&str]) -> String {
        let texts = Texts::open(&SmsTemplate::Two).unwrap();
        let mut cost = MessageCost::new(prefix, "2.4".parse().unwrap());
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
    fn a_welsh_letter_is_told_with_its_row_and_its_cost() {
        let text = cost("", &["Ann", "Siân", "Zoë"]);
        assert!(
            text.contains("6 text messages for 3 patients: 8 fragments"),
            "{text}"
        );
        assert!(!text.contains("itself has such"), "{text}");
        assert!(cost("Tŷ Canol", &["Ann"]).contains("itself has such"));
    }

    #[test]
    fn letters_that_are_lost_are_told() {
        let text = cost("", &["Ann", "Łukasz"]);
        assert!(text.contains("letters of 1 name that"), "{text}");
        assert!(text.contains("row 3"), "{text}");
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
