//! Lines cut at their values.

use std::collections::BTreeMap;

use super::probe::ReadProbe;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Of the template.
    Fixed(String),
    /// The value of a slot.
    Slot(String),
}

/// The pieces of a line.
pub(crate) type Words = Vec<Word>;

/// Cuts the line of the first probe at its values, so that the lines of all others come out with theirs.
pub(super) fn words_of(probes: &[&ReadProbe], lines: &[String]) -> Option<Words> {
    let values: Vec<_> = probes.iter().map(|probe| &probe.texts).collect();
    cut(&values, lines)
}

fn cut(values: &[&BTreeMap<String, String>], lines: &[String]) -> Option<Words> {
    let (first, line) = (values.first()?, lines.first()?);
    let mut words = Words::new();
    let mut rest = line.as_str();
    // The value that begins first; of several, the longest.
    while let Some((at, slot, value)) = first
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(slot, value)| Some((rest.find(value.as_str())?, slot, value)))
        .min_by_key(|(at, _, value)| (*at, usize::MAX - value.len()))
    {
        if at > 0 {
            words.push(Word::Fixed(rest.get(..at)?.to_owned()));
        }
        words.push(Word::Slot(slot.clone()));
        rest = rest.get(at + value.len()..)?;
    }
    if !rest.is_empty() {
        words.push(Word::Fixed(rest.to_owned()));
    }
    let comes_out = |(values, line): (&&BTreeMap<String, String>, &String)| {
        let whole: Option<String> = words
            .iter()
            .map(|word| match word {
                Word::Fixed(text) => Some(text.as_str()),
                Word::Slot(slot) => values.get(slot).map(String::as_str),
            })
            .collect();
        whole.as_ref() == Some(line)
    };
    values.iter().zip(lines).all(comes_out).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values
            .iter()
            .map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_line_is_cut_at_its_values() {
        let (one, other) = (
            probe(&[("name", "Mr Wye"), ("first", "Jo")]),
            probe(&[("name", "X"), ("first", "Y")]),
        );
        let words = cut(
            &[&one, &other],
            &["Dear Mr Wye (Jo),".into(), "Dear X (Y),".into()],
        )
        .unwrap();
        let fixed = |text: &str| Word::Fixed(text.to_owned());
        let slot = |name: &str| Word::Slot(name.to_owned());
        assert_eq!(
            words,
            [
                fixed("Dear "),
                slot("name"),
                fixed(" ("),
                slot("first"),
                fixed("),")
            ]
        );
    }

    #[test]
    fn a_line_that_changes_otherwise_than_its_values_is_none() {
        let (one, other) = (probe(&[("name", "Mr Wye")]), probe(&[("name", "X")]));
        let probes = [&one, &other];
        assert!(cut(&probes, &["Dear Mr Wye,".into(), "Hello X,".into()]).is_none());
        assert!(cut(&probes, &["Mr Wye".into(), "Mr Wye".into()]).is_none());
    }
}
