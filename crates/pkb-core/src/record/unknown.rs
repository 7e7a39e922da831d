//! Fields that this version does not know.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::{Map, Value};

/// Fields that this version does not know, in their order. Hardly any record has any, and each of its sections could: so
/// where there are none they take no more room than a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unknown(Option<Box<Map<String, Value>>>);

impl Unknown {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(fields) => fields.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Unknown;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Unknown, A::Error> {
                let mut unknown = Unknown::new();
                while let Some((name, value)) = fields.next_entry()? {
                    unknown.0.get_or_insert_default().insert(name, value);
                }
                Ok(unknown)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Unknown {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Unknown".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Map::<String, Value>::json_schema(generator)
    }
}
