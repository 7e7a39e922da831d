//! Telephone numbers that are not for text messages: home, work, carers'.

use super::{Problem, private_text};

private_text!(
    /// A telephone number in E.164 form: `+441914960123`.
    Phone,
    normalise,
    expose_e164
);

fn normalise(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    Err(Problem::NotAPhone)
}
