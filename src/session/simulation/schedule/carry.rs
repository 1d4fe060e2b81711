//! What goes over the network: requests, their answers, and the lines of sockets and streams.

use super::*;

impl Schedule {
    pub(super) fn issue(&mut self, leg: u32, route: Route, lines: &[Line]) {
        let kind = match route {
            Route::Stream => Kind::Stream,
            Route::Send => Kind::Send,
            Route::Poll => Kind::Poll,
        };
        self.see_what_goes_up(leg, lines);
        let body: Bytes = lines.iter().flat_map(|line| line.record().to_vec()).collect::<Vec<u8>>().into();
        self.counted += 1;
        let request = self.counted;
        self.requests.insert((leg, kind as u8), (request, self.now));
        let at = self.delay();
        let cut = self.path(leg).is_none_or(|path| path.up_cut);
        let faulty = !self.quiet();
        if !(cut || (faulty && self.random.percent(self.chance / 2))) {
            self.agenda.plan(at, Event::Request { leg, request, kind, body: body.clone(), copy: false });
            if let Some(path) = self.path(leg) {
                path.rising += 1;
            }
        } else if self.random.percent(50) {
            self.agenda.plan(at, Event::Response { leg, request, kind, lines: None });
        }
        if faulty && self.random.percent(self.chance / 2) {
            // The copy comes late; or first, and it is the second whose answer is read, as when a browser repeats a POST.
            let first = self.random.percent(50);
            let at = if first { self.now } else { at + self.random.milliseconds(3_000) };
            self.agenda.plan(at, Event::Request { leg, request, kind, body, copy: true });
        }
    }

    pub(super) fn request_comes(&mut self, leg: u32, request: u64, kind: Kind, body: &Bytes, copy: bool) {
        if !copy && !self.path(leg).is_some_and(Path::rises) {
            return;
        }
        self.counted += 1;
        let carrier = Carrier(self.counted);
        if !copy {
            let stream = kind == Kind::Stream;
            self.carriers.insert(carrier, (leg, (!stream).then_some((request, kind))));
            if let Some(path) = self.path(leg).filter(|_| stream) {
                path.carrier = Some(carrier);
            }
        }
        self.node.request(self.now, carrier, kind, body);
        // Nobody reads a copy's answer; the server may notice that or not.
        if copy && self.random.percent(50) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    pub(super) fn carry_down(&mut self, carrier: Carrier, lines: &[Line]) {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return;
        };
        let at = self.delay();
        let lost = !self.quiet() && self.random.percent(self.chance / 2);
        match request {
            Some((request, kind)) if !lost => {
                self.agenda.plan(at, Event::Response { leg, request, kind, lines: Some(received(lines)) });
            }
            Some((request, kind)) if self.random.percent(50) => {
                self.agenda.plan(at, Event::Response { leg, request, kind, lines: None });
            }
            Some(_) => {}
            None => {
                let Some(path) = self.path(leg) else { return };
                path.under_way += 1;
                if !path.down_cut {
                    let at = path.arrival_down(at);
                    self.agenda.plan(at, Event::Down(leg, received(lines)));
                }
            }
        }
    }

    pub(super) fn answer_nothing(&mut self, carrier: Carrier) {
        let Some((leg, request)) = self.carriers.get(&carrier).copied() else {
            return;
        };
        let at = self.delay();
        match request {
            Some((request, kind)) => self.agenda.plan(at, Event::Response { leg, request, kind, lines: None }),
            None => self.agenda.plan(at, Event::ClientNotices(leg)),
        }
    }

    pub(super) fn lines_come(&mut self, leg: u32, frames: Vec<RawFrame>) {
        let Some(path) = self.path(leg) else { return };
        path.under_way -= 1;
        if path.down_cut || path.disposed {
            return;
        }
        for frame in frames {
            self.client.handle(self.now, Input::FrameArrived(leg, frame));
        }
    }

    pub(super) fn response_comes(&mut self, leg: u32, request: u64, kind: Kind, lines: Option<Vec<RawFrame>>) {
        let key = (leg, kind as u8);
        if self.requests.get(&key).is_none_or(|(current, _)| *current != request) {
            return;
        }
        // What holds a poll leg's lines is its poll's answer.
        if kind == Kind::Poll && lines.is_some() && self.path(leg).is_some_and(|path| path.down_cut) {
            return;
        }
        self.requests.remove(&key);
        let route = match kind {
            Kind::Stream => Route::Stream,
            Kind::Send => Route::Send,
            Kind::Poll => Route::Poll,
        };
        let input = match lines {
            Some(lines) => Input::AnswerArrived(leg, route, lines),
            None => Input::RequestFailed(leg, route),
        };
        self.client.handle(self.now, input);
    }
}
