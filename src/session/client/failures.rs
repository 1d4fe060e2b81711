//! Decides what follows from a failed request: when the same numbers go again, in which size, and when a line is
//! stuck. A body may fail because of its size, because of one line in it, or with its leg. Requests without lines
//! tell these apart. It never sends.
//!
//! Its twin is `client-js/src/session/failures.js`.

use super::leg::{Flight, State};
use super::{ClientSession, Failure, Output, Route};
use crate::protocol::{Code, LegNumber, Line, Seq, Transport, up};
use crate::session::Time;

/// The pauses before a failed poll or send is repeated. After the last one its leg has failed.
const RETRY_PAUSES: [Time; 2] = [Time::from_millis(100), Time::from_millis(300)];
/// The pauses before a body with lines is repeated. The gateway may take 1 s to acknowledge what arrived.
const LINE_PAUSES: [Time; 3] = [Time::from_millis(100), Time::from_millis(300), Time::from_millis(1100)];
/// The pause from then on.
const LONGEST_LINE_PAUSE: Time = Time::from_millis(3000);
/// A line is stuck if it failed this often by itself, while requests without lines passed.
const MOST_LINE_FAILURES: usize = 4;
/// The same bound if the proxy says that it is busy: it may limit the rate, and not the size.
const MOST_BUSY_FAILURES: usize = 8;
/// The same bound for a line as long as one that was stuck.
const MOST_FAILURES_AS_BEFORE: usize = 2;
/// A line that is shorter than a hello passes wherever a hello does.
const SHORT_LINE_BYTES: usize = 256;
/// A send that was refused this often in a row beside a held request will always be refused. The second constant is
/// the pause between the tries.
const MOST_REFUSALS: usize = 2;
const REFUSED_PAUSE: Time = Time::from_millis(100);
/// Statuses by which a proxy refuses a request for now: too many, or too many at once.
const BUSY_STATUSES: [u16; 2] = [429, 503];

/// The failures beyond one leg.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The last socket that ended by a line of ours, until a welcome shows which line it was.
    pub(super) refused: Option<Refused>,
    /// The sockets that were welcomed while the oldest line was the oldest one handed out.
    pub(super) sockets: usize,
    /// The session reported to the owner that the oldest line cannot pass on a leg.
    pub(super) is_stuck: bool,
}

/// A line that ended its socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    code: Code,
    /// The number after the last line that it may be.
    until: Seq,
}

impl ClientSession {
    /// Lets the same numbers go again after a pause. A leg whose stream or first poll failed is over.
    pub(super) fn request_failed(&mut self, number: LegNumber, route: Route, failure: Failure) {
        let lowest = self.outgoing.lowest();
        let Some(leg) = self.leg(number) else { return };
        if route == Route::Stream || leg.state != State::Usable {
            self.drop_leg(number, "failed");
            return;
        }
        // A delivered flight lost only its answer, or something altered the answer.
        let Some(flight) = leg.requests[route].flight.take().filter(|flight| !flight.is_delivered) else { return };
        leg.links.splice(0..0, flight.links.iter().cloned());
        if is_busy(failure) && self.is_for_now(number, route) {
            return;
        }
        let Some(leg) = self.leg(number) else { return };
        let has_lines = flight.carries_lines();
        // A poll with lines may fail for them, unless they arrived or nothing passes.
        let passes_nothing = leg.requests[Route::Send].failures > 0 && !leg.has_passed;
        let is_to_blame = !has_lines || (route == Route::Poll && (lowest >= flight.until || passes_nothing));
        if has_lines {
            self.lines_failed(number, &flight, failure);
        } else if route == Route::Links {
            self.ask_for_pong(number);
        }
        if is_to_blame {
            self.pause(number, route);
        }
    }

    /// Handles a proxy's refusal for now: the proxy lets one send through at a time, or none beside a held request.
    /// Returns false if neither explains the failure. Then the lines in the body may be to blame, unless link
    /// frames are refused as well.
    fn is_for_now(&mut self, number: LegNumber, route: Route) -> bool {
        let now = self.now;
        let Some(leg) = self.leg(number) else { return false };
        if route == Route::Poll {
            if leg.requests[route].failures > 0 {
                return false;
            }
            // The proxy may not have noticed that the poll before is over. Behind the pause there is none.
            leg.next_up = Seq::NONE;
            self.pause(number, route);
            return true;
        }
        if leg.requests[Route::Send].flight.is_some() || leg.requests[Route::Links].flight.is_some() {
            self.is_one_send = true;
        } else if route == Route::Send && leg.transport == Transport::Sse {
            return false;
        } else {
            leg.refusals += 1;
            if leg.refusals >= MOST_REFUSALS {
                self.one_request(number);
                return true;
            }
        }
        let Some(leg) = self.leg(number) else { return true };
        leg.next_up = Seq::NONE;
        leg.requests[route].retry_at = Some(now + REFUSED_PAUSE);
        true
    }

    /// Asks for a pong, unless a ping waits or is under way. The pong shows what arrived, even if something alters
    /// the answers.
    fn ask_for_pong(&mut self, number: LegNumber) {
        let ping = self.ping(false);
        let Some(leg) = self.leg(number) else { return };
        let under_way = leg.requests.iter().filter_map(|request| request.flight.as_ref());
        if !under_way.map(|flight| &flight.links).chain([&leg.links]).flatten().any(is_ping) {
            leg.links.push(ping);
        }
    }

    /// Replaces held polls from now on in order to carry lines, because the path lets one request through at a
    /// time. A stream would keep all lines from going up.
    pub(super) fn one_request(&mut self, number: LegNumber) {
        if !std::mem::replace(&mut self.is_one_request, true) {
            self.outputs.push_back(Output::OneRequest(number));
        }
        let Some(leg) = self.leg(number) else { return };
        leg.next_up = Seq::NONE;
        if leg.transport == Transport::Sse {
            self.drop_leg(number, "failed");
        }
    }

    /// Lets a failed body with lines go again, then in smaller bodies, down to one line. If one line keeps failing
    /// while a ping passes, that line is stuck.
    fn lines_failed(&mut self, number: LegNumber, flight: &Flight, failure: Failure) {
        let Failure { status, code } = failure;
        let (now, lowest) = (self.now, self.outgoing.lowest());
        let Some(leg) = self.leg(number) else { return };
        leg.next_up = Seq::NONE;
        if lowest >= flight.until {
            self.bodies.clear();
            return;
        }
        let send = &mut leg.requests[Route::Send];
        send.failures += 1;
        let failures = send.failures;
        let has_passed = std::mem::take(&mut leg.has_passed);
        self.ask_for_pong(number);
        let code = code.filter(|code| is_of_line(*code));
        let is_too_large = status == Some(413) || code.is_some();
        // While nothing small passes either, the path is to blame.
        if (is_too_large || (failures > 1 && has_passed)) && self.makes_bodies_smaller() {
            self.bodies.failed(flight.size, now);
        }
        let is_alone = flight.until == flight.from.next();
        if !is_alone && is_too_large {
            return;
        }
        let pause = LINE_PAUSES.get(if is_alone { failures - 1 } else { 0 }).copied().unwrap_or(LONGEST_LINE_PAUSE);
        let Some(leg) = self.leg(number) else { return };
        leg.requests[Route::Send].retry_at = Some(now + pause);
        if let Some(code) = code.filter(|_| is_alone) {
            // The gateway itself will never take this line.
            self.withdraw_unreadable(code);
            self.bodies.clear();
        } else if is_alone {
            self.line_failed(number, flight.size, has_passed, is_busy(failure));
        }
    }

    /// Counts a failure of one line by itself, and reports when it is stuck.
    fn line_failed(&mut self, number: LegNumber, size: usize, has_passed: bool, is_busy: bool) {
        let most_often = if is_busy { MOST_BUSY_FAILURES } else { MOST_LINE_FAILURES };
        let most = if size < self.bodies.stuck { most_often } else { MOST_FAILURES_AS_BEFORE };
        let is_long = self.outgoing.oldest().is_some_and(|line| line.cost() > SHORT_LINE_BYTES);
        let Some(leg) = self.leg(number) else { return };
        leg.line_failures += 1;
        if leg.line_failures < most || !has_passed || !is_long {
            return;
        }
        self.bodies.stuck = size;
        self.failures.is_stuck = true;
        self.outputs.push_back(Output::LineStuck(number));
    }

    /// Ends a leg. If it was a socket that ended by a line of ours, the next welcome says which.
    pub(super) fn leg_ended(&mut self, number: LegNumber, code: &str) {
        let lowest = self.outgoing.lowest();
        let of_line = [Code::BadFrame, Code::TooLarge].into_iter().find(|known| known.name() == code);
        if let Some(leg) = self.find(number).filter(|leg| leg.next_up > lowest && !leg.carried_withdrawn)
            && let Some(code) = of_line
        {
            self.failures.refused = Some(Refused { code, until: leg.next_up });
        }
        self.drop_leg(number, code);
    }

    /// Withdraws the oldest line if it is stuck: no other transport takes it.
    pub(super) fn withdraw_line(&mut self) {
        // The line may have passed since, and another one may be the oldest.
        if !self.failures.is_stuck {
            return;
        }
        self.withdraw(Code::TooLarge);
        for leg in &mut self.legs {
            leg.is_blocked = false;
            leg.requests[Route::Send].retry_at = None;
            leg.line_failures = 0;
        }
    }

    /// Withdraws the oldest line, which the gateway refuses. Other sockets that carried it end because of it too.
    fn withdraw_unreadable(&mut self, code: Code) {
        if !self.withdraws_unreadable() {
            return;
        }
        self.failures.refused = None;
        let lowest = self.outgoing.lowest();
        for leg in &mut self.legs {
            leg.carried_withdrawn |= leg.next_up > lowest;
        }
        self.withdraw(code);
    }

    /// Withdraws the line that ended a socket. The first welcome since then shows which line it is: the gateway
    /// received all lines before it.
    pub(super) fn withdraw_refused(&mut self, refused: Option<Refused>) {
        if let Some(Refused { code, until }) = refused
            && self.outgoing.lowest() < until
        {
            self.withdraw_unreadable(code);
        }
        self.failures.refused = None;
    }

    /// Withdraws the oldest line: a filler of a few bytes takes its number, because the gateway may have the line
    /// (rule 10). The answer to the filler is an error with this code. If the line arrived, its own answer comes
    /// instead.
    fn withdraw(&mut self, code: Code) {
        let Some(line) = self.outgoing.oldest() else { return };
        let filler = up::filler(code, line);
        self.filler_made(code, &filler);
        if self.drops_filler() {
            return;
        }
        self.outgoing.replace_oldest(filler);
        self.filler_placed();
    }

    /// Forgets the failures: the gateway received new lines, so nothing is stuck.
    pub(super) fn clear_failures(&mut self) {
        self.failures = Failures::default();
        for leg in &mut self.legs {
            leg.requests[Route::Links].failures = 0;
            let send = &mut leg.requests[Route::Send];
            (send.failures, send.retry_at) = (0, None);
            (leg.line_failures, leg.is_blocked) = (0, false);
        }
    }

    /// Pauses before the next try of a request that did not help; after the last pause the leg has failed.
    pub(super) fn pause(&mut self, number: LegNumber, route: Route) {
        let now = self.now;
        let Some(leg) = self.leg(number) else { return };
        let request = &mut leg.requests[route];
        if let Some(pause) = RETRY_PAUSES.get(request.failures) {
            request.retry_at = Some(now + *pause);
            request.failures += 1;
        } else {
            self.drop_leg(number, "failed");
        }
    }
}

/// Returns true if a refusal with this code is about one line, which every other path would get refused too.
const fn is_of_line(code: Code) -> bool {
    matches!(code, Code::BadFrame | Code::TooLarge)
}

/// Returns true if a proxy refused a request for now.
fn is_busy(failure: Failure) -> bool {
    failure.status.is_some_and(|status| BUSY_STATUSES.contains(&status))
}

fn is_ping(line: &Line) -> bool {
    line.json().starts_with(b"{\"ping\"")
}
