//! The packages that were made before, so that nothing is sent twice and no name is used twice.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pkb_core::Fatal;

use super::sheet::{EarlierSheet, SCHEMA, Source};

/// The packages that were made before.
pub(super) struct Earlier {
    names: BTreeSet<String>,
    pub(super) sources: BTreeSet<Source>,
}

impl Earlier {
    /// Reads the sheets in the folder of packages.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn read(out: &Path) -> Result<Self, Fatal> {
        let mut earlier = Self {
            names: BTreeSet::new(),
            sources: BTreeSet::new(),
        };
        for folder in [out.to_owned()].into_iter().chain(folders_in(out)?) {
            for path in files_in(&folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let Some(package) = name.strip_suffix(".done") else {
                    continue;
                };
                earlier.names.insert(package.to_owned());
                let path = folder.join(format!("{package}.json"));
                let json = fs::read(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
                let sheet: Option<EarlierSheet> = serde_json::from_slice(&json).ok();
                let sheet = sheet.filter(|sheet| sheet.schema == SCHEMA).ok_or_else(|| {
                    Fatal::Input(format!(
                        "{} is not the sheet of a package, or is damaged, so it is not known what was sent. What to do: \
                         choose a different --out",
                        path.display()
                    ))
                })?;
                let sources = sheet.files.into_iter().flat_map(|file| file.sources);
                earlier.sources.extend(sources);
            }
        }
        Ok(earlier)
    }

    /// Whether one has a file with this name.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.file == name)
    }

    /// A name that no package has: a poller takes a name once. A package without its marker was never finished.
    pub(super) fn unused(&self, name: &str) -> String {
        let further = (2..).map(|number: u32| format!("{name}-{number}"));
        let mut names = [name.to_owned()].into_iter().chain(further);
        let unused = names.find(|name| !self.names.contains(name));
        unused.unwrap_or_default()
    }
}

fn entries(folder: &Path, wants_folders: bool) -> Result<Vec<PathBuf>, Fatal> {
    let cannot = |source| Fatal::cannot_read(folder, source);
    let mut paths = Vec::new();
    if !folder.exists() {
        return Ok(paths);
    }
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if entry.file_type().map_err(cannot)?.is_dir() == wants_folders {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, Fatal> {
    entries(folder, true)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Fatal> {
    entries(folder, false)
}
