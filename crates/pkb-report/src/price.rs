//! What letters and text messages cost.

use pkb_values::Money;

use crate::{figures::Figures, words::counted};

/// `Cost, plus VAT: £660.43, which is £642.96 for 846 letters and £17.47 for 728 text messages.` Nothing without a price.
#[must_use]
pub fn sentence(figures: &Figures, letter: Option<Money>, text: Option<Money>) -> Option<String> {
    let letters = figures.paper.letters().letters;
    let parts = [
        (letter, letters, ["letter", "letters"]),
        (
            text,
            figures.paper.texts(),
            ["text message", "text messages"],
        ),
    ];
    let (mut whole, mut words) = (Money::ZERO, Vec::new());
    for (price, count, [one, many]) in parts {
        let Some(price) = price.filter(|_| count > 0) else {
            continue;
        };
        whole += price * count;
        words.push(format!(
            "{} for {}",
            price * count,
            counted(count, one, many)
        ));
    }
    match words.as_slice() {
        [] => None,
        [one] => Some(format!("Cost, plus VAT: {one}.")),
        all => Some(format!(
            "Cost, plus VAT: {}, which is {}.",
            whole,
            crate::words::list(all)
        )),
    }
}
