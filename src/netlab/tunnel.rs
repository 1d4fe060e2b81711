//! The bytes after a 101: two lines, until both sides are done, a rule ends them, or the connection is reset.

use std::{io, time::Duration};

use bytes::BytesMut;
use futures::{StreamExt, stream};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    select,
    time::timeout,
};

use super::{
    faults::Direction,
    path::Path,
    shaping::{ByteStream, Line},
};

type Socket = TokioIo<Upgraded>;

const READ_SIZE: usize = 16 * 1024;

/// How long a cut waits for the peers to close too. Closing a socket with unread bytes would reset it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A tunnel whose origin has said 101. Its client has not heard of it yet.
pub(super) struct Tunnel {
    path: Path,
    down: Line,
    to_origin: WriteHalf<Socket>,
}

impl Tunnel {
    /// Makes a tunnel. The age that the rules count begins here.
    pub(super) fn new(path: &Path, origin: Upgraded) -> Self {
        let path = path.renewed();
        let (from_origin, to_origin) = split(TokioIo::new(origin));
        let down = Line::new(&path, Direction::Down, incoming(from_origin));
        Self { path, down, to_origin }
    }

    /// Waits until the 101 has come down.
    pub(super) async fn head(&mut self) {
        self.down.head().await;
    }

    /// Carries bytes until the end. It must run as a task of its own: the client's socket comes after the answer was
    /// written.
    pub(super) async fn run(self, client: OnUpgrade) {
        let fate = self.path.fate().clone();
        select! {
            biased;
            () = fate.sealed() => {}
            () = self.carry(client) => {}
        }
    }

    async fn carry(mut self, client: OnUpgrade) {
        let Ok(client) = client.await else { return };
        let (from_client, mut to_client) = split(TokioIo::new(client));
        let mut up = Line::headless(&self.path, Direction::Up, incoming(from_client));
        let both = async { tokio::try_join!(pour(&mut up, &mut self.to_origin), pour(&mut self.down, &mut to_client)) };
        let cut = select! {
            result = both => {
                if result.is_err() {
                    // One side was reset, so the other side is reset too.
                    self.path.fate().reset();
                }
                false
            }
            () = self.path.clone().expiry() => true,
        };
        if cut {
            // A side that is already gone needs no goodbye.
            let _ = self.to_origin.shutdown().await;
            let _ = to_client.shutdown().await;
            let ends = async { tokio::join!(exhaust(&mut up), exhaust(&mut self.down)) };
            let _ = timeout(LAST_WORDS, ends).await;
        }
    }
}

fn incoming(reader: ReadHalf<Socket>) -> ByteStream {
    stream::unfold(reader, |mut reader| async move {
        let mut bytes = BytesMut::with_capacity(READ_SIZE);
        match reader.read_buf(&mut bytes).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(bytes.freeze()), reader)),
            Err(error) => Some((Err(error), reader)),
        }
    })
    .boxed()
}

async fn pour(line: &mut Line, writer: &mut WriteHalf<Socket>) -> io::Result<()> {
    while let Some(bytes) = line.next().await {
        writer.write_all(&bytes?).await?;
        writer.flush().await?;
    }
    if !line.is_lost() {
        writer.shutdown().await?;
    }
    Ok(())
}

async fn exhaust(line: &mut Line) {
    while let Some(Ok(_)) = line.next().await {}
}
