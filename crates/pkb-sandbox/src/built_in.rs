//! What a sandbox knows unless told otherwise.

/// The client id that a sandbox knows unless told otherwise.
pub const CLIENT_ID: &str = "sandbox-client";
/// The secret of that client. It opens nothing but sandboxes.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The refresh token that a coordinator would have made in the web interface. Good for one use; each answer holds the next.
pub const REFRESH_TOKEN: &str = "sandbox-refresh-0";

/// The FHIR public id of the organisation that this PKB is for, unless told otherwise. No organisation has it.
pub const ORG_ID: &str = "00000000-0000-4000-8000-05a4db0c0999";

/// The key to Notify that a sandbox knows unless told otherwise. It opens nothing but sandboxes.
pub const NOTIFY_API_KEY: &str =
    "sandbox-00000000-0000-4000-8000-000000000001-00000000-0000-4000-8000-000000000002";
/// The templates for text messages that Notify has unless told otherwise: the two that go together, and the one that stands alone.
pub const NOTIFY_TEMPLATES: [&str; 3] = [
    "00000000-0000-4000-8000-0000000000a1",
    "00000000-0000-4000-8000-0000000000a2",
    "00000000-0000-4000-8000-0000000000a3",
];
