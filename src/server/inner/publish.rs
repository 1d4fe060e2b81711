//! `POST /api/v1/publish`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Inner;
use super::ask;
use super::fault::Fault;
use super::key::Scope;
use super::keys::Holder;
use super::refused::{Problem, Refused};
use crate::node::manage::Stored;
use crate::protocol::code::{BadPayload, Mistake, Refusal};
use crate::protocol::payload::{Json as Value, Payload};

/// A publication. It has `data` or `b64`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publication {
    /// The name of the channel.
    #[schema(min_length = 1, max_length = 128)]
    channel: String,
    /// Any JSON value.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// Bytes, in base64.
    #[schema(content_encoding = "base64")]
    b64: Option<String>,
    /// The user who publishes it. Subscribers learn it if the rule of the channel tells `by`.
    #[schema(min_length = 1, max_length = 128)]
    by: Option<String>,
}

/// The place of the publication in its channel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// The offset.
    at: u64,
    /// The epoch. Offsets of another epoch say nothing about this one. It is absent if the broker does not state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
}

/// Reads a value that may be `null`.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(value).map(Some)
}

impl Publication {
    /// Publishes this for the holder of a key.
    ///
    /// # Errors
    /// The key does not reach the channel, the content is missing or wrong, or the node refuses it.
    pub(super) async fn publish(self, inner: &Inner, holder: &Holder) -> Result<Published, Refusal> {
        let channel = ask::channel(holder, &self.channel)?;
        self.by.as_deref().map(ask::user).transpose()?;
        let payload = payload(self.data, self.b64)?;
        let Stored { at, epoch } = inner.node.publish_for_server(&channel, payload, self.by.as_deref()).await?;
        Ok(Published { at, epoch: epoch.map(|epoch| (*epoch).to_owned()) })
    }
}

fn payload(data: Option<Box<RawValue>>, b64: Option<String>) -> Result<Payload, Refusal> {
    match (data, b64) {
        (Some(data), None) => {
            // Outside of strings a line break is as good as a space, and strings have none.
            let text = Box::<str>::from(data);
            let line = if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text.into() };
            let value = Value::try_from(Bytes::from(line)).map_err(|why| Fault::Body(why.to_string()))?;
            Ok(value.into())
        }
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text).map_err(|_| Mistake::from(BadPayload::NotBase64))?;
            Ok(bytes.into())
        }
        (None, None) => Err(Mistake::from(BadPayload::Missing).into()),
        _ => Err(Mistake::from(BadPayload::Several).into()),
    }
}

/// Publish to a channel.
#[utoipa::path(
    post, path = "/api/v1/publish", request_body = Publication, security(("key" = ["publish"])),
    responses((status = 200, body = Published), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Published>, Refused> {
    let (holder, publication): (_, Publication) = inner.asked(request, Scope::Publish).await?;
    Ok(Json(publication.publish(&inner, &holder).await?))
}
