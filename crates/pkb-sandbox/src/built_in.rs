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
/// The letter template that Notify has unless told otherwise, for the rows of the `notify-letter` profile.
pub const NOTIFY_LETTER_TEMPLATE: &str = "00000000-0000-4000-8000-0000000000b1";

/// The API key of the application that NHS Notify knows unless told otherwise. It opens nothing but sandboxes.
pub const NHS_NOTIFY_API_KEY: &str = "sandbox-nhs-notify-application";
/// The id of its public key.
pub const NHS_NOTIFY_KEY_ID: &str = "sandbox-1";
/// Its private key (PKCS#1, PEM), made for this sandbox. It opens nothing but sandboxes.
pub const NHS_NOTIFY_PRIVATE_KEY: &str = include_str!("../data/nhs-notify-key.pem");
/// Its public key, as a JSON Web Key Set.
pub const NHS_NOTIFY_JWKS: &str = include_str!("../data/nhs-notify-jwks.json");
/// The routing plans of NHS Notify's own sandbox that work.
pub const NHS_NOTIFY_ROUTING_PLANS: [&str; 8] = [
    "b838b13c-f98c-4def-93f0-515d4e4f4ee1",
    "49e43b98-70cb-47a9-a55e-fe70c9a6f77c",
    "b402cd20-b62a-4357-8e02-2952959531c8",
    "936e9d45-15de-4a95-bb36-ae163c33ae53",
    "9ba00d23-cd6f-4aca-8688-00abc85a7980",
    "00000000-0000-0000-0000-000000000001",
    "00000000-0000-0000-0000-000000000002",
    "00000000-0000-0000-0000-000000000003",
];

/// Aliases of the organisation's teams, that of its default team first.
pub const TEAM_ALIASES: [&str; 2] = ["main", "renal"];
