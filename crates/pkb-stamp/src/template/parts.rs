//! Tags and bookmark of all probes: what they share, and what each letter has of its own.

use super::probe::ReadProbe;
use super::structure::RawPart;
use super::words::{Words, words_of};
use super::{Part, Unstampable, depends};

/// The parts of an object that each letter has of its own, from the same object of all probes: what differs must be values.
pub(super) fn parts(probes: &[&ReadProbe], alike: &[&[RawPart]]) -> Result<Vec<Part>, Unstampable> {
    let differs = || depends("what the tags of its PDF say");
    let [base, others @ ..] = alike else {
        return Err(differs());
    };
    if others.iter().any(|other| other.len() != base.len()) {
        return Err(differs());
    }
    let as_u32 = |place: &usize| u32::try_from(*place).unwrap_or_default();
    let mut parts = Vec::new();
    for (at, part) in base.iter().enumerate() {
        let is_same = others.iter().all(|other| other.get(at) == Some(part));
        parts.push(match part {
            RawPart::String(text) if is_same => {
                let mut out = Vec::new();
                crate::syntax::string(&mut out, text);
                Part::Bytes(out)
            }
            RawPart::String(_) => {
                let text = |parts: &&[RawPart]| match parts.get(at) {
                    Some(RawPart::String(text)) => crate::syntax::read_text_string(text),
                    _ => None,
                };
                let texts: Vec<String> = alike
                    .iter()
                    .map(text)
                    .collect::<Option<_>>()
                    .ok_or_else(differs)?;
                Part::Words(words_of(probes, &texts).ok_or_else(differs)?)
            }
            _ if !is_same => return Err(differs()),
            RawPart::Bytes(bytes) => Part::Bytes(bytes.clone()),
            RawPart::Element(place) => Part::Element(as_u32(place)),
            RawPart::Page(place) => Part::Page(as_u32(place)),
            RawPart::Parent => Part::Parent,
        });
    }
    Ok(parts)
}

pub(super) fn bookmark(probes: &[&ReadProbe]) -> Result<Option<(Words, Vec<Part>)>, Unstampable> {
    let differs = || depends("the bookmark of its PDF");
    let all: Vec<_> = probes
        .iter()
        .filter_map(|probe| probe.structure.bookmark.as_ref())
        .collect();
    if all.is_empty() {
        return Ok(None);
    }
    if all.len() != probes.len() {
        return Err(differs());
    }
    let titles: Vec<String> = all.iter().map(|bookmark| bookmark.title.clone()).collect();
    let destinations: Vec<&[RawPart]> = all
        .iter()
        .map(|bookmark| bookmark.destination.as_slice())
        .collect();
    let words = words_of(probes, &titles).ok_or_else(differs)?;
    Ok(Some((words, parts(probes, &destinations)?)))
}
