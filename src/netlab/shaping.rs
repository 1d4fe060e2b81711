//! Bytes in one direction: late, slow, stalled, lost.
//!
//! A [`Line`] reads from its source while it has room. It gives each piece the time at which it is due, and hands the
//! pieces out in order. Lateness is a property of a piece, so latency does not limit the rate. [`ROOM`] bounds the
//! bytes under way. Above that, the line stops reading, and the sender feels it.
//!
//! An empty piece stands for the head of a request or response, so a head and its body travel together.

use std::{collections::VecDeque, io, time::Duration};

use bytes::Bytes;
use futures::{
    StreamExt,
    future::Either,
    stream::{self, BoxStream},
};
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use super::{faults::Direction, network::Rule, path::Path, random::Random};

pub(super) type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// The most bytes under way. A single piece may exceed it.
const ROOM: usize = 256 * 1024;

/// Pieces are cut so that a narrow link needs 1/20 s for each. Otherwise a second's worth would come in one gush.
const PIECES_A_SECOND: u64 = 20;

pub(super) struct Line {
    source: ByteStream,
    /// `Up` or `Down`.
    direction: Direction,
    path: Path,
    random: Random,
    queue: VecDeque<(Instant, Parcel)>,
    queued: usize,
    /// When a narrow link has sent all bytes that it was given.
    link_free: Instant,
    /// When the last piece is due: no piece overtakes another.
    last_due: Instant,
    /// The source gives no more.
    ended: bool,
    /// A byte was lost, so nothing can follow it.
    lost: bool,
}

enum Parcel {
    Bytes(Bytes),
    End(Option<io::Error>),
}

impl Line {
    /// Makes a line that begins with a head. The caller must await [`Line::head`] first.
    pub(super) fn new(path: &Path, direction: Direction, source: ByteStream) -> Self {
        let head = stream::once(async { Ok(Bytes::new()) });
        Self::headless(path, direction, head.chain(source).boxed())
    }

    /// Makes a line without a head.
    pub(super) fn headless(path: &Path, direction: Direction, source: ByteStream) -> Self {
        let now = Instant::now();
        let mut random = Random::new(path.seed() ^ u64::from(direction == Direction::Down));
        // Otherwise neighbouring seeds would begin alike.
        random.number();
        Self {
            source,
            direction,
            path: path.clone(),
            random,
            queue: VecDeque::new(),
            queued: 0,
            link_free: now,
            last_due: now,
            ended: false,
            lost: false,
        }
    }

    /// Waits until the head has arrived.
    pub(super) async fn head(&mut self) {
        // The first piece of a line with a head is always the empty one, and it is never lost.
        let _ = self.next().await;
    }

    /// Returns the next piece that has arrived, or none when the line has ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            let stalled = self.path.rule(|rule| covers(rule.stall, self.direction));
            let due = self.queue.front().map(|(due, _)| *due).filter(|_| !stalled);
            if due.is_some_and(|due| due <= Instant::now()) {
                return self.hand_out();
            }
            if self.ended && self.queue.is_empty() {
                return None;
            }
            let room = !stalled && !self.ended && self.queued < ROOM;
            let timer = due.map_or_else(|| Either::Left(std::future::pending()), |due| Either::Right(sleep_until(due)));
            select! {
                // The line must notice a switch before its rules apply to new bytes. Otherwise the switch would hurry
                // those too.
                biased;
                () = self.path.changed() => self.hasten(),
                () = timer => {}
                item = self.source.next(), if room => self.take_in(item),
            }
        }
    }

    /// Returns whether the end was swallowed like the bytes before it. If so, the other side must not learn of it.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Returns the rest of the line. If its end was swallowed, the stream never ends.
    pub(super) fn into_stream(self) -> ByteStream {
        stream::unfold(self, |mut line| async move {
            match line.next().await {
                None if line.is_lost() => std::future::pending().await,
                item => item.map(|item| (item, line)),
            }
        })
        .boxed()
    }

    fn hand_out(&mut self) -> Option<io::Result<Bytes>> {
        match self.queue.pop_front()?.1 {
            Parcel::Bytes(bytes) => {
                self.queued -= bytes.len();
                Some(Ok(bytes))
            }
            Parcel::End(error) => error.map(Err),
        }
    }

    fn take_in(&mut self, item: Option<io::Result<Bytes>>) {
        let is_head = matches!(&item, Some(Ok(bytes)) if bytes.is_empty());
        self.ended = !matches!(item, Some(Ok(_)));
        if !is_head {
            let size = item.as_ref().map_or(0, |item| item.as_ref().map_or(0, Bytes::len));
            self.lost |= !self.path.moves() || self.path.rule(|rule| loses(rule, self.direction, size));
            if self.lost {
                return;
            }
        }
        match item {
            Some(Ok(bytes)) => self.send_off(bytes),
            Some(Err(error)) => self.enqueue(Duration::ZERO, Parcel::End(Some(error))),
            None => self.enqueue(Duration::ZERO, Parcel::End(None)),
        }
    }

    fn send_off(&mut self, mut bytes: Bytes) {
        let bandwidth = self.path.rule(|rule| rule.bandwidth).map(|bandwidth| bandwidth.max(1));
        let Some(bandwidth) = bandwidth else {
            return self.enqueue(Duration::ZERO, Parcel::Bytes(bytes));
        };
        let most = usize::try_from(bandwidth.div_ceil(PIECES_A_SECOND)).unwrap_or(usize::MAX);
        loop {
            let piece = bytes.split_to(bytes.len().min(most));
            let takes = Duration::from_secs_f64(piece.len() as f64 / bandwidth as f64);
            self.enqueue(takes, Parcel::Bytes(piece));
            if bytes.is_empty() {
                return;
            }
        }
    }

    fn enqueue(&mut self, takes: Duration, parcel: Parcel) {
        let (delay, jitter, hiccup) = self.path.rule(|rule| (rule.delay, rule.jitter, rule.hiccup));
        self.link_free = self.link_free.max(Instant::now()) + takes;
        let mut due = self.link_free + delay + self.random.up_to(jitter);
        if let Some(hiccup) = hiccup
            && self.random.chance(hiccup.chance)
        {
            due += hiccup.lasting;
        }
        self.last_due = self.last_due.max(due);
        if let Parcel::Bytes(bytes) = &parcel {
            self.queued += bytes.len();
        }
        self.queue.push_back((self.last_due, parcel));
    }

    /// After a switch of the network, makes nothing later than it would be if it were sent now.
    fn hasten(&mut self) {
        let now = Instant::now();
        let latest = now + self.path.rule(|rule| rule.delay + rule.jitter);
        for (due, _) in &mut self.queue {
            *due = latest.min(*due);
        }
        self.link_free = now;
        self.last_due = self.last_due.min(latest);
    }
}

fn covers(fault: Option<Direction>, direction: Direction) -> bool {
    fault.is_some_and(|fault| fault.covers(direction))
}

fn loses(rule: &Rule, direction: Direction, size: usize) -> bool {
    covers(rule.mute, direction) || rule.mtu.is_some_and(|most| size > most)
}
