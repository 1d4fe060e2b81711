//! The answer to a fetch: what the live subscribers get of it, and which joining subscribers become live.
//!
//! It must never hand out a line that does not continue from the machine's place.

use std::time::Duration;

use super::{Channel, Fetch, Joining};
use crate::broker::{Stretch, Ticket};
use crate::hub::events::{Delivery, Output, Outputs, Start};
use crate::hub::mutant::Mutant;
use crate::hub::recovery::{History, Place, fits};
use crate::protocol::Line;

/// How far an answer brings the live subscribers.
enum Reached {
    /// The place is the end of what is known.
    End,
    /// Messages moved the place while the fetch was under way, and the answer does not prove the new one. Another fetch is needed.
    Nothing,
}

impl<S> Channel<S> {
    pub(super) fn fetched(&mut self, now: Duration, ticket: Ticket, stretches: Vec<Stretch<Line>>, out: &mut Outputs) {
        let is_answered = |fetch: &mut Box<Fetch>| fetch.ticket == ticket || self.mutation.is(Mutant::OldAnswerTaken);
        let Some(fetch) = self.fetch.take_if(is_answered) else { return };
        let Some(mut history) = History::new(stretches) else { return self.give_up(now, out) };
        self.failures = 0;
        let Fetch { from, held, is_stale, .. } = *fetch;
        let is_stale = !history.extend(held, self.mutation) || is_stale;
        let reached = self.catch_up(from.as_ref(), &history, out);
        self.admit(&history, &reached, out);
        let check_every = self.settings.check_every.filter(|_| !self.mutation.is(Mutant::NoCheck));
        self.due = check_every.map(|every| now + every);
        if is_stale || matches!(reached, Reached::Nothing) || !self.joining.is_empty() {
            self.read(now, out);
        }
    }

    /// Brings the live subscribers to the end of the history. The machine asked for it from the place `from`.
    fn catch_up(&mut self, from: Option<&Place>, history: &History, out: &mut Outputs) -> Reached {
        let end = history.end();
        if let Some(place) = &self.place {
            let has_moved = from != Some(place);
            if let Some(missed) = history.after(&place.epoch, place.at, self.mutation) {
                if !self.live.is_empty() {
                    out.extend(missed.into_iter().map(Output::Deliver));
                }
            } else if has_moved && place.epoch == end.epoch && place.at > end.at {
                // Messages brought more than the answer knows, without a hole.
                if !self.mutation.is(Mutant::PlaceMovedBack) {
                    return Reached::End;
                }
            } else if has_moved {
                return Reached::Nothing;
            } else if !self.live.is_empty() && !self.mutation.is(Mutant::ProofAssumed) {
                out.push(Output::Deliver(Delivery::Reset { position: end.position(), recovered: false }));
            }
        }
        self.place = Some(end);
        Reached::End
    }

    /// Makes those subscribers live whose history has come. Those whose position is proven wait for the next fetch if this one does not
    /// reach the place. They cannot wait for ever: once messages moved the place past their position, one proof is a proof of both.
    fn admit(&mut self, history: &History, reached: &Reached, out: &mut Outputs) {
        let Some(place) = self.place.clone() else { return };
        let is_whole = history.end() == place;
        for wish in self.take_asked() {
            let missed = wish.since.as_ref().and_then(|since| history.after(&since.epoch, since.at, self.mutation));
            if missed.is_some() && matches!(reached, Reached::Nothing) {
                self.joining.push(Joining { wish, is_asked: false });
                continue;
            }
            let missed = missed.filter(|parts| is_whole && fits(parts, wish.room));
            let position = wish.since.clone().filter(|_| missed.is_some()).unwrap_or_else(|| place.position());
            let start = Start { position, recovered: missed.is_some() };
            self.start(wish, start, missed.unwrap_or_default(), out);
        }
    }
}
