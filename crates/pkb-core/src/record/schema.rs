//! The JSON Schema of the record (`schema/record.json`).

use super::{DispatchStatus, NotificationId, Record};

pkb_values::schema_patterns! {
    NotificationId = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$": "740e5834-3a29-46b4-9a6f-16142fde533a";
    DispatchStatus = "^[a-z-]{1,40}$": "permanent-failure";
}

#[test]
fn the_schema_that_is_checked_in_is_that_of_the_types() {
    crate::schema_file::check("record.json", schemars::schema_for!(Record));
}
