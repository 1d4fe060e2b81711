//! Carries things over the network: requests, their answers, and the lines of sockets and streams.

use super::*;
use crate::protocol::Code;
use crate::protocol::down::{self, Down};

/// Returns the gateway's route.
const fn post_of(route: Route) -> Post {
    match route {
        Route::Stream => Post::Stream,
        Route::Send | Route::Links => Post::Send,
        Route::Poll => Post::Poll,
    }
}

impl Schedule {
    /// Returns when this many bytes that go up a leg's line now have passed.
    fn through_up(&mut self, leg: LegNumber, bytes: usize) -> Time {
        let (at, now, takes) = (self.delay(), self.now, self.network.takes(bytes));
        let Some(path) = self.path(leg) else { return at };
        path.up_free = now.max(path.up_free) + takes;
        at.max(path.up_free)
    }

    pub(super) fn write_up(&mut self, leg: LegNumber, lines: &[Line]) {
        self.note_pings(leg, lines);
        for frame in received(lines) {
            let at = self.through_up(leg, frame.cost());
            let is_lost = frame.cost() > LONGEST_WRITE && self.network.hole.is_some_and(|hole| hole.up);
            let Some(path) = self.path(leg).filter(|path| !path.up_cut) else { return };
            path.up_lost |= is_lost;
            if path.up_lost {
                return;
            }
            let at = path.arrival_up(at);
            path.rising += 1;
            self.agenda.plan(at, Event::Up(leg, frame));
        }
    }

    pub(super) fn issue(&mut self, leg: LegNumber, route: Route, lines: &[Line], timeout: Option<Time>) {
        self.see_what_goes_up(leg, lines);
        self.note_pings(leg, lines);
        let body: Bytes = lines.iter().flat_map(|line| line.record().to_vec()).collect::<Vec<u8>>().into();
        self.counted += 1;
        let request = self.counted;
        self.requests.insert((leg, route), (request, self.now + timeout.unwrap_or(LONGEST_POLL)));
        if let Some(owned) = self.owned.get_mut(&leg).filter(|_| route == Route::Poll) {
            owned.awaited.get_or_insert(self.now);
        }
        if body.len() > self.network.largest {
            return self.refuse(leg, route, request, body);
        }
        let at = self.through_up(leg, body.len());
        let cut = self.path(leg).is_none_or(|path| path.up_cut);
        let faulty = !self.quiet();
        if !(cut || (faulty && self.random.percent(self.chance / 2))) {
            self.agenda.plan(at, Event::Request { leg, request, route, body: body.clone(), copy: false });
            if let Some(path) = self.path(leg) {
                path.rising += 1;
            }
        } else if self.random.percent(50) {
            self.fail(at, leg, route, request, Failure::default());
        }
        if faulty && self.random.percent(self.chance / 2) {
            // The copy comes late, or it comes first. In the second case the client reads the second answer, as
            // when a browser repeats a POST.
            let first = self.random.percent(50);
            let at = if first { self.now } else { at + self.random.milliseconds(3_000) };
            self.agenda.plan(at, Event::Request { leg, request, route, body, copy: true });
        }
    }

    /// Refuses a body that is too large for a proxy on the way.
    fn refuse(&mut self, leg: LegNumber, route: Route, request: u64, body: Bytes) {
        if self.network.delivers {
            let at = self.now + self.random.milliseconds(8_000);
            self.agenda.plan(at, Event::Request { leg, request, route, body, copy: true });
        }
        let at = self.delay();
        match self.network.refusal {
            Refusal::Status(status) => {
                self.fail(at, leg, route, request, Failure { status: Some(status), code: None });
            }
            Refusal::Page => {
                let answer = Ok(vec![RawFrame::text("<html>")]);
                self.agenda.plan(at, Event::Response { leg, request, route, answer });
            }
            Refusal::Reset => self.fail(at, leg, route, request, Failure::default()),
            Refusal::Silence => {}
        }
    }

    fn fail(&mut self, at: Time, leg: LegNumber, route: Route, request: u64, failure: Failure) {
        self.agenda.plan(at, Event::Response { leg, request, route, answer: Err(failure) });
    }

    pub(super) fn request_comes(&mut self, leg: LegNumber, request: u64, route: Route, body: &Bytes, copy: bool) {
        if !copy && !self.path(leg).is_some_and(Path::rises) {
            return;
        }
        self.counted += 1;
        let carrier = Carrier(self.counted);
        if !copy {
            let stream = route == Route::Stream;
            self.carriers.insert(carrier, (leg, (!stream).then_some((request, route))));
            if let Some(path) = self.path(leg).filter(|_| stream) {
                path.carrier = Some(carrier);
            }
        }
        self.server.request(self.now, carrier, post_of(route), body);
        // No client reads the answer to a copy. The server may notice that or not.
        if copy && self.random.percent(50) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    /// Notes the pings, because a pong must have the number and the pad of one.
    fn note_pings(&mut self, leg: LegNumber, lines: &[Line]) {
        let pings = lines.iter().filter(|line| line.json().starts_with(b"{\"ping\""));
        if let Some(path) = self.path(leg) {
            path.pings.extend(pings.cloned());
        }
    }

    /// Checks the gateway's pongs against the pings of the leg: each has the number and the pad of one (P4).
    fn check_pongs(&self, leg: LegNumber, lines: &[Line]) -> Result<(), String> {
        let pings = self.paths.iter().find(|path| path.leg == leg).map(|path| &path.pings);
        for line in lines {
            let Ok(Down::Pong { value, pad }) = Down::read(&line.received()) else { continue };
            let ping = down::ping(&value, pad.as_deref());
            if !pings.is_some_and(|pings| pings.contains(&ping)) {
                return Err(format!("a pong of leg {leg} is that of no ping: {value}, padded {}", pad.is_some()));
            }
        }
        Ok(())
    }

    pub(super) fn carry_down(&mut self, carrier: Carrier, lines: &[Line]) -> Result<(), String> {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return Ok(());
        };
        self.check_pongs(leg, lines)?;
        let is_long = lines.iter().map(Line::cost).sum::<usize>() > LONGEST_WRITE;
        let is_lost = is_long && self.network.hole.is_some_and(|hole| hole.down);
        let at = self.delay();
        let lost = !self.quiet() && self.random.percent(self.chance / 2);
        match request {
            Some((request, route)) if !lost => {
                let answer = Ok(received(lines));
                self.agenda.plan(at, Event::Response { leg, request, route, answer });
            }
            Some((request, route)) if self.random.percent(50) => {
                self.fail(at, leg, route, request, Failure::default());
            }
            Some(_) => {}
            None => {
                let Some(path) = self.path(leg) else { return Ok(()) };
                path.under_way += 1;
                path.down_lost |= is_lost && path.transport == Transport::WebSocket;
                if !path.down_cut && !path.down_lost {
                    let at = path.arrival_down(at);
                    self.agenda.plan(at, Event::Down(leg, received(lines)));
                }
            }
        }
        Ok(())
    }

    pub(super) fn answer_nothing(&mut self, carrier: Carrier, code: Code) {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return;
        };
        let at = self.delay();
        match request {
            Some((request, route)) => {
                self.fail(at, leg, route, request, Failure { status: None, code: Some(code) });
            }
            None => self.agenda.plan(at, Event::ClientNotices(leg)),
        }
    }

    pub(super) fn lines_come(&mut self, leg: LegNumber, frames: Vec<RawFrame>) {
        let Some(path) = self.path(leg) else { return };
        path.under_way -= 1;
        if path.down_cut || path.disposed {
            return;
        }
        for frame in frames {
            self.client.handle(self.now, Input::FrameArrived(leg, frame));
        }
    }

    pub(super) fn response_comes(
        &mut self,
        leg: LegNumber,
        request: u64,
        route: Route,
        answer: Result<Vec<RawFrame>, Failure>,
    ) {
        let key = (leg, route);
        if self.requests.get(&key).is_none_or(|(current, _)| *current != request) {
            return;
        }
        // On a poll leg, the answer to its poll carries the lines.
        if route == Route::Poll && answer.is_ok() && self.path(leg).is_some_and(|path| path.down_cut) {
            return;
        }
        self.requests.remove(&key);
        if let Some(owned) = self.owned.get_mut(&leg).filter(|_| route == Route::Poll && answer.is_ok()) {
            owned.awaited = None;
        }
        let input = match answer {
            Ok(lines) => Input::AnswerArrived(leg, route, lines),
            Err(failure) => Input::RequestFailed(leg, route, failure),
        };
        self.client.handle(self.now, input);
    }
}
