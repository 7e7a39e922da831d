//! Where lines are held when their widths change.

use super::content::Text;
use super::field::{Field, same};

/// Where a line is held when its width changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Anchor {
    /// It begins here.
    Start(f64),
    /// Its middle is here.
    Middle(f64),
    /// It ends here.
    End(f64),
    /// It follows the field with this place among those of the page, after a gap.
    After(usize, f64),
}

/// Where a line is held, if all probes agree.
pub(super) fn anchor(texts: &[&Text], before: &[Field]) -> Option<Anchor> {
    let base = texts.first()?;
    let all =
        |place: &dyn Fn(&Text) -> f64| texts.iter().all(|text| same(place(text), place(base)));
    if all(&|text| text.x) {
        return Some(Anchor::Start(base.x));
    }
    if all(&|text| text.x + text.width) {
        return Some(Anchor::End(base.x + base.width));
    }
    if all(&|text| text.x + text.width / 2.0) {
        return Some(Anchor::Middle(base.x + base.width / 2.0));
    }
    // Words behind a value are pushed along by it.
    let (at, end) = before
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, field)| match field {
            Field::Text(field, _) if same(field.y, base.y) => Some((at, &field.ends)),
            _ => None,
        })?;
    let gap = |text: &Text, end: &f64| text.x - end;
    let first = gap(base, end.first()?);
    let is_pushed = texts.len() == end.len()
        && texts
            .iter()
            .zip(end)
            .all(|(text, end)| same(gap(text, end), first));
    is_pushed.then_some(Anchor::After(at, first))
}
