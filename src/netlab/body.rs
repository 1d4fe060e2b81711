//! A response body that is held back, as buffering proxies do. It changes when bytes go on, never their number or
//! order.

use std::{collections::VecDeque, io};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    faults::{Buffer, Until},
    shaping::ByteStream,
};

/// The most bytes that are held back. Bytes above this go on, oldest first, as from a proxy whose buffers are full.
const MOST: usize = 1024 * 1024;

/// Returns the same bytes, each when the buffer lets it go.
pub(super) fn hold(source: ByteStream, buffer: Buffer) -> ByteStream {
    let hold = Hold { source, until: buffer.until, chunks: VecDeque::new(), held: 0, passed: 0, ended: false };
    stream::unfold(hold, |mut hold| async move { hold.next().await.map(|item| (item, hold)) }).boxed()
}

struct Hold {
    source: ByteStream,
    until: Until,
    chunks: VecDeque<Bytes>,
    /// The bytes in `chunks`.
    held: usize,
    /// The bytes that were let go.
    passed: usize,
    ended: bool,
}

impl Hold {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(bytes) = self.let_go() {
                return Some(Ok(bytes));
            }
            if self.ended {
                return None;
            }
            match self.source.next().await {
                Some(Ok(bytes)) => {
                    self.held += bytes.len();
                    self.chunks.push_back(bytes);
                }
                Some(Err(error)) => {
                    // A proxy that loses its upstream throws away the bytes that it held.
                    self.chunks.clear();
                    self.ended = true;
                    return Some(Err(error));
                }
                None => self.ended = true,
            }
        }
    }

    fn let_go(&mut self) -> Option<Bytes> {
        let free = self.free();
        if free == 0 {
            return None;
        }
        let front = self.chunks.front_mut()?;
        let bytes = front.split_to(front.len().min(free));
        if front.is_empty() {
            self.chunks.pop_front();
        }
        self.held -= bytes.len();
        self.passed += bytes.len();
        Some(bytes)
    }

    /// Returns how many bytes may go now.
    fn free(&self) -> usize {
        if self.ended {
            return self.held;
        }
        let free = match self.until {
            Until::Close => 0,
            Until::CloseAfter(most) => most.saturating_sub(self.passed),
            Until::Block(size) => {
                let seen = self.passed + self.held;
                (seen - seen % size.max(1)).saturating_sub(self.passed)
            }
            Until::NextChunk => self.held - self.chunks.back().map_or(0, Bytes::len),
        };
        free.max(self.held.saturating_sub(MOST))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::netlab::Headers;

    /// Returns the bytes that come out after each chunk that goes in, and at the end.
    fn through(until: Until, chunks: &[&'static str]) -> Vec<String> {
        let (mut sender, receiver) = futures::channel::mpsc::channel(chunks.len() + 1);
        let mut held = hold(receiver.boxed(), Buffer { until, headers: Headers::Passed });
        let mut ready = move || {
            let mut out = String::new();
            while let Some(Some(bytes)) = held.next().now_or_never() {
                out.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
            }
            out
        };
        let mut steps = Vec::new();
        for chunk in chunks {
            sender.try_send(Ok(Bytes::from_static(chunk.as_bytes()))).unwrap();
            steps.push(ready());
        }
        drop(sender);
        steps.push(ready());
        steps
    }

    #[test]
    fn each_buffer_lets_go_when_it_says() {
        let chunks = ["abc", "def", "ghi"];
        assert_eq!(through(Until::Close, &chunks), ["", "", "", "abcdefghi"]);
        assert_eq!(through(Until::NextChunk, &chunks), ["", "abc", "def", "ghi"]);
        assert_eq!(through(Until::Block(4), &chunks), ["", "abcd", "efgh", "i"]);
        assert_eq!(through(Until::CloseAfter(4), &chunks), ["abc", "d", "", "efghi"]);
    }
}
