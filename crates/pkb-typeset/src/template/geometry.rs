//! Where things may stand on the pages, in millimetres from the top left corner of an A4 sheet.

use serde::{Deserialize, Serialize};

use pkb_core::record::Design;

/// An area: left, top, right, bottom, in mm.
pub type Area = [f64; 4];

/// Width and height of an A4 sheet in mm.
pub const A4: [f64; 2] = [210.0, 297.0];

/// For which envelope, or which printer, the first page is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The areas of a letter that GOV.UK Notify prints. They suit its own envelopes.
    #[default]
    Notify,
    /// A DL envelope (110 × 220 mm, sheet folded twice) with the usual window of 35 × 90 mm, 20 mm from the left and
    /// 18 mm from the bottom. The address stays in the window however the sheet slips.
    DlWindow,
    /// A C5 envelope (162 × 229 mm, sheet folded once) with the usual window of 45 × 90 mm, 20 mm from the left and
    /// 60 mm from the bottom.
    C5Window,
}

/// `[page]` of `template.toml`: a profile, and what differs from it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageSettings {
    /// The profile.
    pub profile: Profile,
    /// Where the address is.
    pub address: Option<Area>,
    /// Where the logo is.
    pub logo: Option<Area>,
    /// Where it says who sends the letter.
    pub contacts: Option<Area>,
    /// Where the words of the first page are.
    pub words: Option<Area>,
    /// Where the words of further pages are.
    pub next_pages: Option<Area>,
    /// What must stay empty on the first page, whatever lies around it.
    pub clear: Vec<Area>,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Geometry {
    /// The address.
    pub address: Area,
    /// The logo.
    pub logo: Area,
    /// Who sends the letter.
    pub contacts: Area,
    /// The words of the first page.
    pub words: Area,
    /// Further pages.
    pub next_pages: Area,
    /// What must stay empty on the first page.
    pub clear: Vec<Area>,
    /// Whether marks for machines must keep to the areas, too.
    pub strict_marks: bool,
}

impl PageSettings {
    /// The profile's areas, with those that are set here in their places.
    ///
    /// # Errors
    /// What is wrong with an area, and its name.
    pub fn geometry(&self) -> Result<Geometry, String> {
        let profile = Geometry::of(self.profile);
        let geometry = Geometry {
            address: self.address.unwrap_or(profile.address),
            logo: self.logo.unwrap_or(profile.logo),
            contacts: self.contacts.unwrap_or(profile.contacts),
            words: self.words.unwrap_or(profile.words),
            next_pages: self.next_pages.unwrap_or(profile.next_pages),
            clear: [profile.clear, self.clear.clone()].concat(),
            strict_marks: profile.strict_marks,
        };
        for (name, area) in [
            ("address", geometry.address),
            ("logo", geometry.logo),
            ("contacts", geometry.contacts),
            ("words", geometry.words),
            ("next_pages", geometry.next_pages),
        ]
        .into_iter()
        .chain(geometry.clear.iter().map(|area| ("clear", *area)))
        {
            let [left, top, right, bottom] = area;
            let on_paper = left >= 0.0 && top >= 0.0 && right <= A4[0] && bottom <= A4[1];
            if !(on_paper && left < right && top < bottom) {
                return Err(format!(
                    "[page] {name}: an area is [left, top, right, bottom], in mm on an A4 sheet (210 × 297)"
                ));
            }
        }
        Ok(geometry)
    }
}

impl Geometry {
    fn of(profile: Profile) -> Self {
        // A letter that GOV.UK Notify prints (its "letter specification"); the left side between address and words is
        // kept free for its barcode, and anything in the margin refuses the letter.
        let notify = Self {
            address: [24.6, 39.5, 120.0, 66.3],
            logo: [15.0, 5.0, 125.0, 30.0],
            contacts: [125.0, 5.0, 195.0, 95.0],
            words: [15.0, 95.0, 195.0, 292.0],
            next_pages: [15.0, 5.0, 195.0, 292.0],
            clear: Vec::new(),
            strict_marks: true,
        };
        match profile {
            Profile::Notify => notify,
            // Third of the sheet: 99 of 110 mm, 210 of 220 mm wide, so it slips by 11 and 10 mm. What the window can
            // show is clear but for the part that it always shows.
            Profile::DlWindow => Self {
                address: [20.0, 57.0, 100.0, 81.0],
                logo: [15.0, 5.0, 125.0, 30.0],
                contacts: [125.0, 5.0, 195.0, 95.0],
                words: [15.0, 99.0, 195.0, 292.0],
                strict_marks: false,
                ..notify
            },
            // Half of the sheet: 148.5 of 162 mm, 210 of 229 mm wide: it slips by 13.5 and 19 mm.
            Profile::C5Window => Self {
                address: [20.0, 57.0, 91.0, 88.5],
                logo: [15.0, 5.0, 125.0, 30.0],
                contacts: [125.0, 5.0, 195.0, 95.0],
                words: [15.0, 104.0, 195.0, 292.0],
                strict_marks: false,
                ..notify
            },
        }
    }

    /// The areas in which the ink of a page must be.
    #[must_use]
    pub fn areas(&self, design: Design, is_first_page: bool) -> Vec<Area> {
        if is_first_page && design.has_address() {
            vec![self.logo, self.contacts, self.address, self.words]
        } else {
            vec![self.next_pages]
        }
    }

    /// What must stay empty on a page.
    #[must_use]
    pub fn clear(&self, design: Design, is_first_page: bool) -> &[Area] {
        if is_first_page && design.has_address() {
            &self.clear
        } else {
            &[]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_of_the_template_stand_for_those_of_the_profile() {
        let settings: PageSettings = toml::from_str(
            "profile = \"dl-window\"\naddress = [22, 55, 100, 85]\nclear = [[0, 90, 210, 98]]",
        )
        .unwrap();
        let geometry = settings.geometry().unwrap();
        assert_eq!(geometry.address, [22.0, 55.0, 100.0, 85.0]);
        assert_eq!(geometry.logo, Geometry::of(Profile::DlWindow).logo);
        assert_eq!(geometry.clear, [[0.0, 90.0, 210.0, 98.0]]);
        assert!(!geometry.strict_marks);
    }

    #[test]
    fn an_area_that_is_none_is_named() {
        for area in [
            "[100, 40, 24, 66]",
            "[24, 40, 240, 66]",
            "[24, -1, 100, 66]",
        ] {
            let settings: PageSettings = toml::from_str(&format!("address = {area}")).unwrap();
            let error = settings.geometry().unwrap_err();
            assert!(error.starts_with("[page] address: "), "{error}");
        }
    }
}
