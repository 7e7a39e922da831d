//! Who may be invited: the rules of PKB's Mass Registration Implementation Guide, in one place.
//! All patients get a record; only these get a letter.

use jiff::civil::Date;
use pkb_core::{Reason, client::rest::PkbUser, value::DateOfBirth};

/// The settings of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Youngest age in full years.
    pub min_age: i16,
    /// The day on which ages are counted.
    pub campaign_date: Date,
}

impl Rules {
    /// Why the patient whose record is `user` at PKB, and who was born on `ours` by our file, is
    /// not invited; `None` if nothing speaks against it.
    ///
    /// The most harmful mistake comes first: a letter to the family of somebody who has died, then
    /// one that gives a stranger access, then one that cannot work.
    pub fn objection(&self, user: &PkbUser, ours: DateOfBirth) -> Option<Reason> {
        if user.is_deceased {
            return Some(Reason::Deceased);
        }
        match user.date_of_birth {
            // The join page compares the date that the patient types in with PKB's.
            None => Some(Reason::NoDateOfBirth),
            Some(theirs) if theirs != ours => Some(Reason::IdentityMismatch),
            Some(theirs) if theirs.age_on(self.campaign_date) < self.min_age => {
                Some(Reason::UnderAge)
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use pkb_core::value::PkbId;

    fn objection(is_deceased: bool, theirs: Option<&str>, ours: &str) -> Option<Reason> {
        let rules = Rules {
            min_age: 16,
            campaign_date: date(2026, 11, 22),
        };
        let user = PkbUser {
            id: PkbId::parse("1").unwrap(),
            is_deceased,
            date_of_birth: theirs.map(|theirs| DateOfBirth::parse(theirs).unwrap()),
        };
        rules.objection(&user, DateOfBirth::parse(ours).unwrap())
    }

    #[test]
    fn each_rule_has_its_reason_and_the_gravest_is_named() {
        for (deceased, theirs, ours, expected) in [
            (false, Some("2000-09-15"), "2000-09-15", None),
            (
                true,
                Some("2000-09-15"),
                "2000-09-15",
                Some(Reason::Deceased),
            ),
            (true, None, "2000-09-15", Some(Reason::Deceased)),
            (false, None, "2000-09-15", Some(Reason::NoDateOfBirth)),
            (
                false,
                Some("2000-09-16"),
                "2000-09-15",
                Some(Reason::IdentityMismatch),
            ),
            (false, Some("2010-11-22"), "2010-11-22", None),
            (
                false,
                Some("2010-11-23"),
                "2010-11-23",
                Some(Reason::UnderAge),
            ),
            (
                false,
                Some("2020-02-29"),
                "2000-02-29",
                Some(Reason::IdentityMismatch),
            ),
        ] {
            assert_eq!(objection(deceased, theirs, ours), expected, "{theirs:?}");
        }
    }
}
