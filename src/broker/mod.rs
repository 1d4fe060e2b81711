//! The place where a channel's publications get their offsets and stay for a while.
//!
//! A broker must never know a subscriber, and must never encode a frame. The hub asks it through [`Broker`] and
//! [`Log`]. The memory broker answers within the call. Another broker answers later, by an [`Event`].
//! A new broker is one folder here that keeps the contract below and passes the tests in `contract_tests.rs`.
//!
//! # The contract
//!
//! **Position.** A log numbers its publications 1, 2, 3 … within an epoch. An epoch and an offset together are a
//! position. A broker never gives one position to two publications, not even if it forgot the first one. An epoch is
//! text of at most 64 bytes that only the broker reads.
//!
//! **Epoch.** An epoch is one life of a log. Nothing that an answer or a message reported is lost within it. A
//! reader that missed nothing must be able to learn that, however quiet the log was. So a broker keeps the epoch if
//! it drops the history. A broker begins a new epoch if it forgot a log with publications, or if its storage may
//! have lost its last writes: a restart, a failover. Offsets of the new epoch begin at 1, or go on from the old
//! one. The old epoch may continue into the new one: the publications that the storage still has keep their
//! positions, and those of the new epoch follow them. The hub tells every subscriber of a new epoch, and whether
//! anything is missing before it.
//!
//! **Append is atomic.** One append carries one or more publications of one channel. Either all of them are stored,
//! with offsets that follow each other in the order given, or none is. The log changes before the answer and before
//! the message.
//!
//! **Messages.** While a channel is watched, each append leads to one message with its epoch, the offset before its
//! first publication, and its publications. This holds for appends of every node. Messages of one channel come in
//! the order of the log. A broker may repeat a message, delay it or lose it. If it knows that it may have lost one,
//! it reports that by [`Event::Interrupted`], after it hears messages again. The hub finds all other losses: by the
//! next message, and by a fetch every [`Broker::check_every`]. An answer within the call carries its publications,
//! and serves as the message too.
//!
//! **Watch before fetch.** A broker carries out the requests of one channel in the order in which the hub makes
//! them. It carries out a fetch only after the watch before it is in effect. Otherwise a publication between the
//! two is lost. A broker itself repeats a watch until it holds. It may keep a watch for a while after the hub ended
//! it.
//!
//! **Fetch and proof.** A fetch names positions. The answer is a list of stretches in the order of the log, and
//! each stretch is without a hole. The last one ends at the end of the log. A position that lies on a stretch is
//! *proven*: everything after it is in the answer, and nothing up to it was lost. An answer may prove fewer
//! positions than the fetch named. A broker leaves a position out if it cannot prove it, or if a publication after
//! it is older than the history may be. It must prove the end of the log, with an empty stretch if need be.
//!
//! **Events.** Later answers and messages are events: [`Broker::poll_event`] returns those of all channels.
//!
//! **Order and repetition of answers.** Answers carry the ticket of their request. They may come in any order,
//! between channels and within one, before or after the messages that they concern, twice, or never. The hub
//! accepts the first answer to a ticket.
//!
//! **Failure.** [`Failure::NotDone`] promises that an append did not happen, and will not happen. If a broker does
//! not know, it reports [`Failure::Unknown`]. It does so too if an append is stored, but not as safely as the
//! operator wants.
//!
//! **Retries.** The hub never repeats an append, because the second one could be a duplicate. A broker may repeat
//! it only
//! if it can recognise the first one. The hub repeats a fetch after a pause, for as long as a subscriber waits for it.
//!
//! **Bounds.** The hub has at most 256 appends and one fetch under way in each channel. A fetch names at most 257
//! positions. The hub waits for each answer at most 2 s. After that time an append's outcome is unknown, and a late
//! answer is dropped. A broker with too many requests under way fails new ones at once. If too many messages wait,
//! it drops its connection and reports [`Event::Interrupted`]: it never drops a single message.
//!
//! # Layout
//! - [`log`]: the types and traits of the contract
//! - [`memory`]: the broker of one node, in memory; `remembered`: where its unused logs ended; [`retention`]: how long
//!   publications stay

pub mod log;
pub mod memory;
mod remembered;
pub mod retention;

#[cfg(test)]
mod contract_tests;

pub use log::{Answer, Broker, Encode, Event, Failure, Log, Stretch, Ticket};
pub use memory::Memory;
#[cfg(test)]
pub(crate) use remembered::Fault;
pub use retention::{Retention, Retentions};
