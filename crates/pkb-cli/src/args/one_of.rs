//! Options whose values are a closed list of types that know no command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A value of a list, by its name; each with what help says of it.
pub fn one_of<T: Clone + Send + Sync + 'static>(
    choices: &'static [(&'static str, &'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let names = choices
        .iter()
        .map(|(name, help, _)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(names).try_map(move |given| {
        let chosen = choices.iter().find(|(name, ..)| *name == given);
        chosen
            .map(|(.., value)| value.clone())
            .ok_or("is not in the list")
    })
}
