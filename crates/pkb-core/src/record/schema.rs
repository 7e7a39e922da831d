//! The JSON Schema of the record (`schema/record.json`).

use super::{AddressMark, DispatchStatus, FailureCode, NotificationId, Record, Reference};

pkb_values::schema_patterns! {
    NotificationId = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Za-z]{27})$": "740e5834-3a29-46b4-9a6f-16142fde533a" "2WL3qFTEFM0qMY8xjRbt1LIKCzM";
    Reference = "^[0-9A-Z]{1,20}$": "7K3M9QX2ABCDEFGH1234";
    AddressMark = "^[0-9A-Z]{12}$": "7K3M9QX2ABCD";
    DispatchStatus = "^[a-z_-]{1,40}$": "permanent-failure" "pending_enrichment";
    FailureCode = "^[A-Z0-9_]{1,40}$": "MFR_PDSV_0112";
}

#[test]
fn the_schema_that_is_checked_in_is_that_of_the_types() {
    let schema = schemars::schema_for!(Record);
    let checked = pkb_files::schema_file::check(env!("CARGO_MANIFEST_DIR"), "record.json", &schema);
    assert_eq!(checked, Ok(()));
}
