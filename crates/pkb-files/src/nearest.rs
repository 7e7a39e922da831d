//! "Did you mean": the nearest of the names that there are.

use std::path::{Path, PathBuf};

/// The one of `known` that was probably meant by `wrong`; `None` if none is near.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// What in the same folder was probably meant by a path at which there is nothing.
pub fn nearest_path(wrong: &Path) -> Option<PathBuf> {
    let wrong_name = wrong.file_name()?.to_str()?;
    let folder = wrong
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let names: Vec<String> = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let near = nearest(wrong_name, names.iter().map(String::as_str))?;
    Some(wrong.with_file_name(near))
}
