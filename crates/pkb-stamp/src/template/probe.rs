//! A PDF with placeholder values, taken apart.

use std::collections::BTreeMap;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Dict, Stream, String as PdfString};

use super::content::PageContent;
use super::dictionary::entries;
use super::objects::{Piece, RawObject, object, pieces, reachable};
use super::page_resources::PageResources;
use super::structure::{Structure, only};
use super::{DocumentParts, Unstampable};
use crate::Bitmap;

/// A PDF of the template with placeholder values.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// The PDF, as Typst's export writes it.
    pub pdf: Vec<u8>,
    /// The words in it that are values, by the names of their slots.
    pub texts: BTreeMap<String, String>,
    /// The pictures in it that are values.
    pub pictures: BTreeMap<String, Bitmap>,
}

/// A probe, taken apart.
pub struct ReadProbe {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) pictures: BTreeMap<String, Bitmap>,
    pub(super) pages: Vec<ParsedPage>,
    pub(super) structure: Structure,
    pub(super) document: DocumentParts,
}

/// A page of a probe.
pub(super) struct ParsedPage {
    pub boxes: Vec<u8>,
    pub content: PageContent,
    pub resources: Vec<Piece>,
    pub objects: BTreeMap<u32, RawObject>,
    /// Pictures of one byte a module, by their looks: columns and modules.
    pub pictures: BTreeMap<String, (usize, Vec<u8>)>,
}

const PAGE_BOXES: [&str; 5] = ["MediaBox", "CropBox", "BleedBox", "TrimBox", "ArtBox"];

impl ReadProbe {
    /// Takes a probe apart.
    ///
    /// # Errors
    /// Its PDF has something that is not copied, or is not as Typst's export makes it.
    pub fn of(probe: Probe) -> Result<Self, Unstampable> {
        let damaged = || Unstampable::because("its PDF cannot be read");
        let pdf = Pdf::new(probe.pdf).map_err(|_| damaged())?;
        let xref = pdf.xref();
        let catalog: Dict<'_> = xref.get(xref.root_id()).ok_or_else(damaged)?;
        let raw: Vec<Dict<'_>> = pdf.pages().iter().map(|page| page.raw().clone()).collect();
        let mut pages = Vec::new();
        for (page, dict) in pdf.pages().iter().zip(&raw) {
            let known = [
                PAGE_BOXES.as_slice(),
                &[
                    "Type",
                    "Parent",
                    "Resources",
                    "Contents",
                    "StructParents",
                    "Tabs",
                ],
            ]
            .concat();
            only(dict, &known, "a page of its PDF")?;
            let dictionary: Dict<'_> = dict.get("Resources").ok_or_else(damaged)?;
            let pictures = pictures(&dictionary, xref)?;
            let resources = PageResources::read(dictionary, xref)?;
            let own = resources.pieces()?;
            let mut boxes = Vec::new();
            for (key, value) in entries(dict.data()).ok_or_else(damaged)? {
                if PAGE_BOXES.iter().any(|name| name.as_bytes() == key) {
                    boxes.extend([b"/", key, b" ", value].concat());
                }
            }
            pages.push(ParsedPage {
                boxes,
                content: PageContent::read(
                    page.page_stream().unwrap_or_default().to_vec(),
                    &resources,
                )?,
                objects: reachable(xref, &own)?,
                resources: own,
                pictures,
            });
        }
        let structure = Structure::read(xref, &catalog, &raw)?;
        let document = document(&pdf, &catalog)?;
        Ok(Self {
            texts: probe.texts,
            pictures: probe.pictures,
            pages,
            structure,
            document,
        })
    }
}

fn document(pdf: &Pdf, catalog: &Dict<'_>) -> Result<DocumentParts, Unstampable> {
    let damaged = || Unstampable::because("what its PDF says about itself cannot be read");
    let known = [
        "Type",
        "Pages",
        "Metadata",
        "Lang",
        "StructTreeRoot",
        "MarkInfo",
        "ViewerPreferences",
        "Outlines",
    ];
    only(catalog, &known, "the catalog of its PDF")?;
    let metadata: Stream<'_> = catalog.get("Metadata").ok_or_else(damaged)?;
    let language: PdfString<'_> = catalog.get("Lang").ok_or_else(damaged)?;
    let mut kept = Vec::new();
    for (key, value) in entries(catalog.data()).ok_or_else(damaged)? {
        if matches!(key, b"MarkInfo" | b"ViewerPreferences") {
            kept.extend([b"/", key, b" ", value].concat());
        }
    }
    Ok(DocumentParts {
        info: info(pdf).ok_or_else(damaged)?,
        metadata: metadata.decoded().map_err(|_| damaged())?.into_owned(),
        catalog: kept,
        language: String::from_utf8(language.as_bytes().to_vec()).map_err(|_| damaged())?,
    })
}

/// The document information: the dictionary that the trailer names.
fn info(pdf: &Pdf) -> Option<Vec<u8>> {
    let data: &[u8] = pdf.data().as_ref();
    let trailer = data.windows(8).rposition(|window| window == b"trailer\n")?;
    let end = data
        .get(trailer..)?
        .windows(9)
        .position(|window| window == b"startxref")?;
    let pieces = pieces(data.get(trailer + 8..trailer + end)?)?;
    let number = pieces.windows(2).find_map(|pair| match pair {
        [Piece::Bytes(before), Piece::Reference(number)]
            if before.trim_ascii_end().ends_with(b"/Info") =>
        {
            Some(*number)
        }
        _ => None,
    })?;
    let object = object(pdf.xref(), number).ok()?;
    let mut out = Vec::new();
    for piece in object.pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes),
            Piece::String(text) => crate::syntax::string(&mut out, &text),
            Piece::Reference(_) => return None,
        }
    }
    Some(out)
}

/// The grey pictures among the resources of a page.
fn pictures(
    resources: &Dict<'_>,
    xref: &hayro_syntax::xref::XRef,
) -> Result<BTreeMap<String, (usize, Vec<u8>)>, Unstampable> {
    let looks = PageResources::read(resources.clone(), xref)?;
    let mut found = BTreeMap::new();
    let Some(objects) = resources.get::<Dict<'_>>("XObject") else {
        return Ok(found);
    };
    for name in objects.keys() {
        let Some(stream) = objects.get::<Stream<'_>>(&*name) else {
            continue;
        };
        let size = |key: &str| stream.dict().get::<u32>(key).map(|size| size as usize);
        if let (Some(columns), Some(rows), Ok(data)) =
            (size("Width"), size("Height"), stream.decoded())
            && data.len() == columns * rows
        {
            found.insert(
                looks.look(b"XObject", name.as_ref()),
                (columns, data.into_owned()),
            );
        }
    }
    Ok(found)
}
