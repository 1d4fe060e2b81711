//! Writes a duration in a network's JSON: a whole number of milliseconds, under a key that ends in `_ms`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    number(*duration).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    // 32 bits, so no sum of an instant and a duration from outside can overflow.
    Ok(Duration::from_millis(u32::deserialize(deserializer)?.into()))
}

fn number(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The same for a duration that may be absent.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, number};

    #[allow(clippy::ref_option, reason = "the signature is serde's")]
    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(number).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let number = Option::<u32>::deserialize(deserializer)?;
        Ok(number.map(|milliseconds| Duration::from_millis(milliseconds.into())))
    }
}
