//! `POST /api/v1/publish/batch`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::coop::consume_budget;
use utoipa::ToSchema;

use super::Inner;
use super::ask::{read, whole};
use super::fault::Fault;
use super::key::Scope;
use super::keys::Holder;
use super::publish::{Publication, Published};
use super::refused::{Problem, Refused};
use crate::protocol::code::Refusal;

/// The most publications of a batch.
pub(super) const MOST: usize = 1_000;
/// The most bytes of a batch.
const BYTES: usize = 1 << 20;

/// Publications, in their order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// At most 1,000. The gateway publishes them one after another.
    #[schema(value_type = Vec<Publication>, max_items = 1_000)]
    publications: Vec<Box<RawValue>>,
}

/// The outcomes of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct Outcomes {
    /// The outcome of each publication, in the same order.
    results: Vec<Outcome>,
}

/// The outcome of one publication.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Outcome {
    /// It is published.
    Published(Published),
    /// It is refused, and the others are not.
    Refused(Problem),
}

/// Publish to several channels, or several times. Each publication has an outcome of its own.
#[utoipa::path(
    post, path = "/api/v1/publish/batch", request_body = Batch, security(("key" = ["publish"])),
    responses((status = 200, body = Outcomes), Problem)
)]
pub(super) async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Result<Json<Outcomes>, Refused> {
    let holder = inner.holder(request.headers(), Some(Scope::Publish))?;
    let Batch { publications } = read(&whole(request.into_body(), BYTES).await?)?;
    if publications.len() > MOST {
        return Err(Fault::Many(MOST).into());
    }
    inner.spend(&holder, publications.len().max(1))?;
    let mut results = Vec::with_capacity(publications.len());
    for publication in publications {
        results.push(match one(&inner, &holder, &publication).await {
            Ok(published) => Outcome::Published(published),
            Err(refusal) => Outcome::Refused(Problem::from(&refusal)),
        });
        // Other tasks have a turn beside a long batch.
        consume_budget().await;
    }
    Ok(Json(Outcomes { results }))
}

async fn one(inner: &Inner, holder: &Holder, publication: &RawValue) -> Result<Published, Refusal> {
    let publication: Publication = read(publication.get().as_bytes())?;
    publication.publish(inner, holder).await
}
