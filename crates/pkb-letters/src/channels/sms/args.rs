//! What can be asked about text messages.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use clap::Args;
use pkb_cli::args::pence;
use pkb_values::Money;

/// What can be asked about text messages.
#[derive(Debug, Clone, Args)]
pub struct SmsArgs {
    /// Texts of the messages: two, one, or a folder with your own
    ///
    /// `two` is what PKB advises, so that no code is split. A folder has sms-text-1.txt, and sms-text-2.txt if
    /// there are two.
    #[arg(
        long,
        default_value = "two",
        value_name = "WHICH",
        help_heading = "Text messages"
    )]
    pub sms_template: SmsTemplate,

    /// Write names without the accents that make a text cost more
    ///
    /// One such letter makes a message two or three times as expensive: Siân becomes Sian.
    #[arg(long, help_heading = "Text messages")]
    pub sms_fold: bool,

    /// Price of a fragment of a message in pence, without VAT
    ///
    /// The default is GOV.UK Notify's price on the day.
    #[arg(long, value_name = "PENCE", value_parser = pence, help_heading = "Text messages")]
    pub sms_price: Option<Money>,

    /// Name of your service that Notify puts before each message
    ///
    /// Notify bills it. Leave it empty if you have switched the name off. The default is the organisation's name.
    #[arg(long, value_name = "NAME", help_heading = "Text messages")]
    pub sms_prefix: Option<String>,
}

impl Default for SmsArgs {
    fn default() -> Self {
        Self {
            sms_template: SmsTemplate::Two,
            sms_fold: false,
            sms_price: None,
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

#[cfg(test)]
mod tests {
    use super::*;

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
