//! What can be asked about text messages.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use clap::Args;

/// What can be asked about text messages.
#[derive(Debug, Clone, Args)]
pub struct SmsArgs {
    /// Texts of the messages: `two` (as PKB advises, so that no code is split), `one`, or a folder
    /// with your own sms-text-1.txt and perhaps sms-text-2.txt
    #[arg(
        long,
        default_value = "two",
        value_name = "WHICH",
        help_heading = "Text messages"
    )]
    pub sms_template: SmsTemplate,

    /// Write letters that a short text message cannot hold without their accents (Siân as Sian): one
    /// of them makes a message dearer
    #[arg(long, help_heading = "Text messages")]
    pub sms_fold: bool,

    /// Pence that a fragment of a message costs, without VAT
    #[arg(
        long,
        default_value = "2.4",
        value_name = "PENCE",
        help_heading = "Text messages"
    )]
    pub sms_price: Price,

    /// Name of your service that Notify puts before each message, and bills; empty if you have
    /// switched that off. The organisation's name if absent
    #[arg(long, value_name = "NAME", help_heading = "Text messages")]
    pub sms_prefix: Option<String>,
}

impl Default for SmsArgs {
    fn default() -> Self {
        Self {
            sms_template: SmsTemplate::Two,
            sms_fold: false,
            sms_price: Price {
                hundredths_of_a_penny: 240,
            },
            sms_prefix: None,
        }
    }
}

/// Which texts the messages have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsTemplate {
    /// The built-in pair: who writes, then the codes.
    Two,
    /// The built-in single text.
    One,
    /// The organisation's own, in this folder.
    Folder(PathBuf),
}

impl FromStr for SmsTemplate {
    type Err = Infallible;

    /// A folder that is called `one` or `two` is written `./one`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "two" => Self::Two,
            "one" => Self::One,
            folder => Self::Folder(folder.into()),
        })
    }
}

/// The price of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    hundredths_of_a_penny: u32,
}

impl Price {
    /// What `fragments` cost, in pounds with two decimals: `£12.05`.
    pub fn of(self, fragments: u64) -> String {
        let hundredths = u128::from(fragments) * u128::from(self.hundredths_of_a_penny);
        let pence = (hundredths + 50) / 100;
        format!("£{}.{:02}", pence / 100, pence % 100)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pence, rest) = (
            self.hundredths_of_a_penny / 100,
            self.hundredths_of_a_penny % 100,
        );
        let rest = format!("{rest:02}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{pence}p"),
            rest => write!(f, "{pence}.{rest}p"),
        }
    }
}

impl FromStr for Price {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write pence, with at most two decimals (2.4)";
        let (pence, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(pence) || !digits(rest) || rest.len() > 2 || pence.len() > 4 {
            return Err(WRONG);
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| WRONG);
        let tens = if rest.len() == 1 { 10 } else { 1 };
        Ok(Self {
            hundredths_of_a_penny: number(pence)? * 100 + number(rest)? * tens,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_in_pence_and_a_cost_in_pounds() {
        for (text, shown, of_thousand) in [
            ("2.4", "2.4p", "£24.00"),
            ("2.33", "2.33p", "£23.30"),
            ("2", "2p", "£20.00"),
            ("0.05", "0.05p", "£0.50"),
        ] {
            let price: Price = text.parse().unwrap();
            assert_eq!(price.to_string(), shown);
            assert_eq!(price.of(1000), of_thousand);
        }
        assert_eq!("2.4".parse::<Price>().unwrap().of(1), "£0.02");
        assert_eq!("2.4".parse(), Ok(SmsArgs::default().sms_price));
        for text in ["", "2,4", "-1", "2.444", ".5", "2.", "1e3", "99999"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_template_is_built_in_or_a_folder() {
        for (text, template) in [
            ("two", SmsTemplate::Two),
            ("one", SmsTemplate::One),
            ("./one", SmsTemplate::Folder("./one".into())),
        ] {
            assert_eq!(text.parse(), Ok(template));
        }
    }
}
