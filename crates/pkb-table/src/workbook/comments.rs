//! Comments on cells of an XLSX workbook, which are parts of their own.

use std::io::Read;

use quick_xml::events::Event;

use super::{
    bounds::MAX_PART,
    package::{MAX_TEXT, Package, PackagePart, attribute, place_of, targets_of},
    trouble::Trouble,
};

/// Comments that are kept: more are in no patient file.
const MAX_COMMENTS: usize = 1 << 20;
/// What the relations of parts with comments end with: notes, and conversations.
const KINDS: [&str; 2] = ["/comments", "/threadedComment"];

/// A row from 0, and what a comment on one of its cells says.
pub(super) type Comment = (u32, String);

/// All comments on the cells of the sheet at `path`.
pub(super) fn of_sheet<R: Read + std::io::Seek>(
    package: &mut Package<R>,
    path: &str,
) -> Result<Vec<Comment>, Trouble> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let relations = format!("{folder}/_rels/{name}.rels");
    let targets = package.read(&relations, MAX_PART, |part| targets_of(part, &KINDS))?;
    let mut comments = Vec::new();
    for target in targets.unwrap_or_default() {
        let path = under(folder, &target);
        package.read(&path, MAX_PART, |part| read(part, &mut comments))?;
    }
    Ok(comments)
}

/// The path of a target such as `../comments1.xml` or `/xl/comments1.xml`.
fn under(folder: &str, target: &str) -> String {
    if let Some(path) = target.strip_prefix('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn read<R: Read>(
    part: &mut PackagePart<'_, R>,
    comments: &mut Vec<Comment>,
) -> Result<(), Trouble> {
    let mut comment: Option<Comment> = None;
    loop {
        match part.next()? {
            Event::Start(tag)
                if matches!(tag.local_name().as_ref(), "comment" | "threadedComment") =>
            {
                let place = attribute(&tag, "ref").and_then(|place| place_of(&place));
                comment = place.map(|(row, _)| (row, String::new()));
            }
            Event::End(tag)
                if matches!(tag.local_name().as_ref(), "comment" | "threadedComment") =>
            {
                comments.extend(comment.take());
                if comments.len() > MAX_COMMENTS {
                    return Err(Trouble::TooLarge("the number of its comments"));
                }
            }
            Event::Text(text) => add(&mut comment, &text.xml10_content())?,
            Event::CData(text) => add(&mut comment, &text)?,
            Event::GeneralRef(_) => add(&mut comment, "'")?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn add(comment: &mut Option<Comment>, text: &str) -> Result<(), Trouble> {
    if let Some((_, words)) = comment {
        words.push_str(text);
        if words.len() > MAX_TEXT {
            return Err(Trouble::TooLarge("one of its comments"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_from_the_folder_of_the_sheet() {
        for (target, path) in [
            ("/xl/comments/comment1.xml", "xl/comments/comment1.xml"),
            ("../comments1.xml", "xl/comments1.xml"),
            ("./c.xml", "xl/worksheets/c.xml"),
        ] {
            assert_eq!(under("xl/worksheets", target), path);
        }
    }
}
