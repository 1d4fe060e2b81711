//! Reading a POST within its bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;

use crate::protocol::code::{Code, Refusal};
use crate::protocol::limits::BODY_BYTES;

/// A body must have come by then.
const DEADLINE: Duration = Duration::from_secs(20);
/// What is too long is read up to here and dropped, so that the answer is read and not lost to a reset.
const DISCARDED: usize = 16 * BODY_BYTES;

/// The whole body, or why not.
pub(super) async fn read(body: impl Body<Data = Bytes> + Unpin) -> Result<Bytes, Refusal> {
    tokio::time::timeout(DEADLINE, collect(body))
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Code::BadFrame, "the body did not come within 20 s")))
}

async fn collect(mut body: impl Body<Data = Bytes> + Unpin) -> Result<Bytes, Refusal> {
    let mut collected = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad_frame("the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if total == 0 && data.len() <= BODY_BYTES && body.is_end_stream() {
            // It came at once, as nearly all do: not copied.
            return Ok(data);
        }
        total += data.len();
        if total > DISCARDED {
            break;
        }
        if total <= BODY_BYTES {
            collected.extend_from_slice(&data);
        }
    }
    if total > BODY_BYTES {
        return Err(Refusal::new(Code::TooLarge, format!("a body may be {BODY_BYTES} bytes long")));
    }
    Ok(collected.freeze())
}
