//! Writes the files of a package: a folder or a zip, encrypted if asked, and the done marker last. A company's poller takes a
//! package when its marker is there.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use pkb_core::Fatal;
use pkb_files::{
    atomic_file::{AtomicFile, create_private_folder},
    encryption::{self, Encryption},
};
use pkb_print_files::manifest::{digest, digest_of};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    contents::Counts,
    sheet::{PackedFile, Sheet, Source},
};

/// What goes into a package.
pub(super) struct Item {
    /// Its name there.
    pub(super) name: String,
    pub(super) content: ItemContent,
    pub(super) counts: Counts,
}

/// Where the bytes of an item are.
pub(super) enum ItemContent {
    /// In a file of the folder of the letters.
    File(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
}

impl ItemContent {
    fn open(&self) -> Result<Box<dyn Read + '_>, Fatal> {
        Ok(match self {
            Self::File(path) => {
                let file = File::open(path);
                Box::new(file.map_err(|source| Fatal::cannot_read(path, source))?)
            }
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
        })
    }
}

impl Item {
    /// The file that it was made of.
    pub(super) fn source(&self) -> Result<Source, Fatal> {
        let found = digest_of(self.content.open()?);
        let (_, sha256) =
            found.map_err(|source| Fatal::io(format!("cannot read {}", self.name), source))?;
        Ok(Source {
            file: self.name.clone(),
            sha256,
        })
    }
}

/// Where a package goes, and how.
pub(super) struct Packer<'a> {
    /// Folder of all packages.
    pub(super) out: &'a Path,
    pub(super) name: &'a str,
    pub(super) is_zip: bool,
    pub(super) encryption: Option<&'a Encryption>,
}

/// The name of the marker of a package.
pub(super) fn marker_name(package: &str) -> String {
    format!("{package}.done")
}

impl Packer<'_> {
    /// The folder of the package's files.
    pub(super) fn folder(&self) -> PathBuf {
        match self.is_zip {
            true => self.out.to_owned(),
            false => self.out.join(self.name),
        }
    }

    /// Writes all items.
    ///
    /// # Errors
    /// One cannot be read, or not be written.
    pub(super) fn write(&self, items: &[Item]) -> Result<Vec<PackedFile>, Fatal> {
        create_private_folder(self.out)?;
        create_private_folder(&self.folder())?;
        if self.is_zip {
            return Ok(vec![self.write_zip(items)?]);
        }
        items.iter().map(|item| self.write_item(item)).collect()
    }

    fn write_item(&self, item: &Item) -> Result<PackedFile, Fatal> {
        if let Some((folder, _)) = item.name.rsplit_once('/') {
            create_private_folder(&self.folder().join(folder))?;
        }
        let is_encrypted = encryption::plain_name(&item.name).is_some();
        let name = self.written(&item.name, is_encrypted, |to| {
            let copied = io::copy(&mut item.content.open()?, to);
            copied.map_err(|source| Fatal::io(format!("cannot write {}", item.name), source))?;
            Ok(())
        })?;
        self.packed(name, item.counts.clone(), vec![item.source()?])
    }

    /// Writes one file through the encryption, if there is one, and gives it its name.
    fn written(
        &self,
        name: &str,
        is_encrypted: bool,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Fatal>,
    ) -> Result<String, Fatal> {
        let path = self.folder().join(name);
        match self.encryption.filter(|_| !is_encrypted) {
            Some(encryption) => {
                let (_, file) =
                    encryption.encrypt(&encryption::encrypted_path(&path, encryption), write)?;
                file.finish()?;
                Ok(format!("{name}.{}", encryption.extension()))
            }
            None => {
                let mut file = AtomicFile::create(&path)?;
                write(&mut file)?;
                file.finish()?;
                Ok(name.to_owned())
            }
        }
    }

    fn write_zip(&self, items: &[Item]) -> Result<PackedFile, Fatal> {
        let plain = format!("{}.zip", self.name);
        let name = match self.encryption {
            Some(_) => self.written(&plain, false, |pipe| {
                fill(&plain, ZipWriter::new_stream(pipe), items)
            })?,
            None => {
                let mut file = AtomicFile::create(&self.folder().join(&plain))?;
                fill(&plain, ZipWriter::new(&mut file), items)?;
                file.finish()?;
                plain
            }
        };
        let mut counts = Counts::default();
        items.iter().for_each(|item| counts.add(&item.counts));
        let sources = items
            .iter()
            .map(Item::source)
            .collect::<Result<_, Fatal>>()?;
        self.packed(name, counts, sources)
    }

    fn packed(
        &self,
        file: String,
        counts: Counts,
        sources: Vec<Source>,
    ) -> Result<PackedFile, Fatal> {
        let path = self.folder().join(&file);
        let (bytes, sha256) = digest(&path).map_err(|source| Fatal::cannot_read(&path, source))?;
        Ok(PackedFile {
            file,
            letters: counts.letters,
            sheets: counts.sheets,
            bytes,
            sha256,
            sources,
        })
    }

    /// Writes the instruction sheet, and then the marker, with the digest of every file.
    ///
    /// # Errors
    /// One cannot be written.
    pub(super) fn finish(&self, sheet: &Sheet) -> Result<(), Fatal> {
        let folder = self.folder();
        let files = sheet.files.iter();
        let files = files.map(|file| (file.file.clone(), file.sha256.clone()));
        let mut digests: BTreeMap<String, String> = files.collect();
        for (extension, content) in [("txt", sheet.text().into_bytes()), ("json", sheet.json())] {
            let name = format!("{}.{extension}", self.name);
            AtomicFile::write(&folder.join(&name), &content)?;
            let (_, sha256) = digest_of(content.as_slice())
                .map_err(|source| Fatal::io(format!("cannot read {name}"), source))?;
            digests.insert(name, sha256);
        }
        let lines = digests
            .iter()
            .map(|(name, sha256)| format!("{sha256}  {name}\n"));
        let marker: String = lines.collect();
        AtomicFile::write(&folder.join(marker_name(self.name)), marker.as_bytes())
    }
}

/// Puts all items into the zip `name`. The same items are the same bytes: no entry has a time.
fn fill(
    name: &str,
    mut archive: ZipWriter<impl Write + Seek>,
    items: &[Item],
) -> Result<(), Fatal> {
    let failed =
        |error: zip::result::ZipError| Fatal::io(format!("cannot write {name}"), error.into());
    for item in items {
        let size = match &item.content {
            ItemContent::File(path) => fs::metadata(path).map_or(0, |file| file.len()),
            ItemContent::Bytes(bytes) => bytes.len() as u64,
        };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::DEFAULT)
            .large_file(size >= u64::from(u32::MAX))
            .unix_permissions(0o600);
        archive.start_file(&*item.name, options).map_err(failed)?;
        let copied = io::copy(&mut item.content.open()?, &mut archive);
        copied.map_err(|source| Fatal::io(format!("cannot write {name}"), source))?;
    }
    archive.finish().map_err(failed)?;
    Ok(())
}
