//! Reads the body of a POST within its bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::protocol::code::{Limit, Mistake, Refusal};
use crate::protocol::limits::BODY_BYTES;

/// The time for a body of which little came.
const DEADLINE: Duration = Duration::from_secs(20);
/// The additional time for each byte that came: 1 s for 1,000 bytes. The slowest supported line carries 2,500 B/s. The
/// longest body takes 26 s there.
const FOR_A_BYTE: Duration = Duration::from_millis(1);
/// A body that is too long is read up to here and dropped. Otherwise a reset could destroy the answer.
const DISCARDED: usize = 16 * BODY_BYTES;

/// Reads the whole body.
pub(in crate::transport) async fn read(mut body: impl Body<Data = Bytes> + Unpin) -> Result<Bytes, Refusal> {
    let begun = Instant::now();
    let mut collected = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = timeout_at(begun + allowed(total), body.frame()).await.map_err(|_| Mistake::SlowBody)? {
        let frame = frame.map_err(|_| Mistake::BrokenBody)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if total == 0 && data.len() <= BODY_BYTES && body.is_end_stream() {
            // Nearly all bodies come at once. They are not copied.
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
        return Err(if total > DISCARDED { Limit::BodyBeginning(total) } else { Limit::BodyBytes(total) }.into());
    }
    Ok(collected.freeze())
}

/// Returns the longest time for a body, by the bytes that have come. Bytes beyond the limit add nothing.
fn allowed(came: usize) -> Duration {
    let bytes = u32::try_from(came.min(BODY_BYTES)).unwrap_or(u32::MAX);
    DEADLINE + FOR_A_BYTE * bytes
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{Stream, StreamExt as _};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    /// Pieces of `bytes` bytes, with a pause of `each` before each one.
    fn pieces(bytes: usize, each: Duration) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
        futures::stream::repeat(bytes).then(move |bytes| async move {
            tokio::time::sleep(each).await;
            Ok(Frame::data(Bytes::from(vec![b'x'; bytes])))
        })
    }

    /// Returns how reading these pieces ends, and after how long.
    async fn outcome(
        pieces: impl Stream<Item = Result<Frame<Bytes>, Infallible>>,
    ) -> (Result<usize, Refusal>, Duration) {
        let begun = Instant::now();
        let read = read(Box::pin(StreamBody::new(pieces))).await;
        (read.map(|body| body.len()), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_56_kb_passes_a_line_of_2_500_bytes_a_second() {
        let slow = pieces(250, Duration::from_millis(100)).take(224);
        assert_eq!(outcome(slow).await, (Ok(56_000), Duration::from_millis(22_400)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_has_20_s_and_1_s_more_for_each_1_000_bytes_that_came() {
        let never = futures::stream::pending();
        assert_eq!(outcome(never).await, (Err(Mistake::SlowBody.into()), Duration::from_secs(20)));
        let stops = pieces(1_000, Duration::from_secs(1)).take(3).chain(futures::stream::pending());
        assert_eq!(outcome(stops).await, (Err(Mistake::SlowBody.into()), Duration::from_secs(23)));
        // At 500 B/s the time runs out while bytes still come.
        let crawls = pieces(500, Duration::from_secs(1));
        assert_eq!(outcome(crawls).await, (Err(Mistake::SlowBody.into()), Duration::from_millis(39_500)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_of_a_long_body_states_the_bytes_that_were_counted() {
        let pieces = |count| pieces(BODY_BYTES, Duration::from_millis(1)).take(count);
        assert_eq!(outcome(pieces(2)).await.0, Err(Limit::BodyBytes(2 * BODY_BYTES).into()));
        assert_eq!(outcome(pieces(100)).await.0, Err(Limit::BodyBeginning(DISCARDED + BODY_BYTES).into()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_long_gains_no_time_beyond_the_longest_body() {
        let endless = pieces(BODY_BYTES, Duration::from_secs(10));
        assert_eq!(outcome(endless).await, (Err(Mistake::SlowBody.into()), Duration::from_millis(85_536)));
    }
}
