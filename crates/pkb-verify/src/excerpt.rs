//! Some pages of a long PDF as a short one: the objects that are needed to draw them, byte for byte, and nothing of the others.
//! So a file of any length is read a block of pages at a time, in the memory of one block, on as many threads as there are.
//!
//! What is not understood is not an error here (`None`): such a file is read whole.

use std::collections::HashSet;

use rayon::{iter::ParallelIterator as _, slice::ParallelSlice as _};

use super::{
    objects::{Bytes, Objects, Reader},
    scanner::{Scanner, entries, entry, reference_of, references},
};

/// What a page may have from the nodes above it. Nothing of ours does.
const INHERITED: [&[u8]; 4] = [b"/Resources", b"/MediaBox", b"/CropBox", b"/Rotate"];
/// Where these lead is not drawn: to the document's structure, to other pages, to its description.
const NOT_DRAWN: [&[u8]; 7] = [
    b"/Parent",
    b"/P",
    b"/Dest",
    b"/A",
    b"/StructParents",
    b"/Metadata",
    b"/PieceInfo",
];
/// A tree of pages that is deeper is not ours.
const DEEPEST: u32 = 8;

/// So many nodes of the tree of pages are looked at by one reader: what is near to each other is in the same streams.
const NODES: usize = 256;

/// A long PDF.
pub struct LongPdf {
    objects: Objects,
    /// Numbers of the pages, in their order.
    pages: Vec<u32>,
}

impl LongPdf {
    /// Finds the pages of a PDF.
    pub fn open(bytes: Bytes) -> Option<Self> {
        let objects = Objects::read(bytes)?;
        let root = Reader::new(&objects).object(objects.root, |catalogue| {
            let dict = Scanner::new(catalogue).value()?;
            // Layers would say what is drawn.
            if entry(dict, "OCProperties").is_some() {
                return None;
            }
            reference_of(entry(dict, "Pages")?)
        })?;
        let nodes = match node(&mut Reader::new(&objects), root)? {
            Node::Page => vec![root],
            Node::Pages(kids) => kids,
        };
        let pages: Option<Vec<Vec<u32>>> = nodes
            .par_chunks(NODES)
            .map(|nodes| {
                let (mut reader, mut pages) = (Reader::new(&objects), Vec::new());
                for number in nodes {
                    collect(&mut reader, *number, DEEPEST, &mut pages)?;
                }
                Some(pages)
            })
            .collect();
        Some(Self {
            pages: pages?.concat(),
            objects,
        })
    }

    /// How many pages.
    pub fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// A PDF of some of the pages.
    pub fn excerpt(&self, range: std::ops::Range<usize>) -> Option<Vec<u8>> {
        let pages = self.pages.get(range)?;
        let mut reader = Reader::new(&self.objects);
        let mut writer = Writer::default();
        let mut known: HashSet<u32> = pages.iter().copied().collect();
        if known.len() != pages.len() {
            return None;
        }
        let mut found = Vec::new();
        for page in pages {
            let mut open = vec![*page];
            while let Some(number) = open.pop() {
                reader.object(number, |body| {
                    let value = Scanner::new(body).value()?;
                    found.clear();
                    references(value, |key| NOT_DRAWN.contains(&key), &mut found)?;
                    writer.object(number, body);
                    Some(())
                })?;
                open.extend(found.iter().filter(|number| known.insert(**number)));
            }
        }
        let (catalogue, tree) = (self.objects.size, self.objects.size.checked_add(1)?);
        writer.object(
            catalogue,
            format!("<</Type/Catalog/Pages {tree} 0 R>>").as_bytes(),
        );
        let kids: String = pages.iter().map(|page| format!("{page} 0 R ")).collect();
        let count = pages.len();
        writer.object(
            tree,
            format!("<</Type/Pages/Count {count}/Kids[{kids}]>>").as_bytes(),
        );
        Some(writer.finish(catalogue))
    }
}

enum Node {
    Page,
    Pages(Vec<u32>),
}

fn node(reader: &mut Reader<'_>, number: u32) -> Option<Node> {
    reader.object(number, |body| {
        let dict = Scanner::new(body).value()?;
        match entry(dict, "Type")? {
            b"/Page" => Some(Node::Page),
            b"/Pages" => {
                let keys = entries(dict)?;
                if keys.iter().any(|(key, _)| INHERITED.contains(key)) {
                    return None;
                }
                let mut kids = Vec::new();
                references(entry(dict, "Kids")?, |_| false, &mut kids)?;
                Some(Node::Pages(kids))
            }
            _ => None,
        }
    })
}

fn collect(reader: &mut Reader<'_>, number: u32, depth: u32, pages: &mut Vec<u32>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match node(reader, number)? {
        Node::Page => pages.push(number),
        Node::Pages(kids) => {
            for kid in kids {
                collect(reader, kid, depth, pages)?;
            }
        }
    }
    Some(())
}

/// A PDF in memory.
struct Writer {
    pdf: Vec<u8>,
    offsets: Vec<(u32, usize)>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            pdf: b"%PDF-1.7\n".to_vec(),
            offsets: Vec::new(),
        }
    }
}

impl Writer {
    /// Adds an object. What stands behind its end, as in the file that it is from, does no harm.
    fn object(&mut self, number: u32, body: &[u8]) {
        self.offsets.push((number, self.pdf.len()));
        self.pdf
            .extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        self.pdf.extend_from_slice(body);
        self.pdf.extend_from_slice(b"\nendobj\n");
    }

    fn finish(mut self, root: u32) -> Vec<u8> {
        let start = self.pdf.len();
        self.pdf.extend_from_slice(b"xref\n");
        for (number, offset) in &self.offsets {
            let line = format!("{number} 1\n{offset:010} 00000 n \n");
            self.pdf.extend_from_slice(line.as_bytes());
        }
        let trailer = format!(
            "trailer\n<</Size {}/Root {root} 0 R>>\nstartxref\n{start}\n%%EOF\n",
            root + 2
        );
        self.pdf.extend_from_slice(trailer.as_bytes());
        self.pdf
    }
}
