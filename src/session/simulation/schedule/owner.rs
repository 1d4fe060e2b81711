//! The client's owner and the faults. The owner opens legs, drops dead ones and requests turns at random; the
//! network breaks anything.

use super::*;

impl Schedule {
    /// Drops a leg for the client's owner, and reports that to the session.
    pub(super) fn client_drops(&mut self, leg: LegNumber) {
        if self.owned.contains_key(&leg) {
            let under_way = self.under_way();
            self.switches.dies(leg, under_way);
            self.client.handle(self.now, Input::LegDied(leg));
            self.dispose(leg);
        }
    }

    pub(super) fn dispose(&mut self, leg: LegNumber) {
        self.owned.remove(&leg);
        self.requests.retain(|(other, _), _| *other != leg);
        let Some(path) = self.path(leg) else { return };
        let takes_with_it = path.transport == Transport::WebSocket && path.rising > 0;
        path.disposed = true;
        path.up_cut |= path.transport == Transport::WebSocket;
        path.down_cut = true;
        let carrier = path.carrier;
        if takes_with_it {
            let under_way = self.under_way();
            self.switches.dies(leg, under_way);
        }
        // The server may notice it, or believe the leg alive for ever. Either must not matter (rule 3).
        if let Some(carrier) = carrier.filter(|_| self.random.percent(60)) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    pub(super) fn fault(&mut self, leg: Option<LegNumber>) {
        if self.quiet() || self.paths.is_empty() {
            return;
        }
        let any = self.random.below(self.paths.len() as u64);
        let place = usize::try_from(leg.map_or(any, |leg| u64::from(leg.0) - 1)).unwrap_or(0);
        let directions = 1 + self.random.below(3);
        let path = &mut self.paths[place];
        path.up_cut |= directions & 1 != 0;
        path.down_cut |= directions & 2 != 0;
        let (leg, carrier) = (path.leg, path.carrier);
        // If a leg is over, only its frames on their way up can still die.
        if !path.disposed || (path.rising > 0 && path.up_cut) {
            let under_way = self.under_way();
            self.switches.dies(leg, under_way);
        }
        if self.random.percent(40) {
            let at = self.delay();
            self.agenda.plan(at, Event::ClientNotices(leg));
        }
        if let Some(carrier) = carrier.filter(|_| self.random.percent(40)) {
            let at = self.delay();
            self.agenda.plan(at, Event::ServerNotices(carrier));
        }
    }

    pub(super) fn tick(&mut self) {
        self.refresh();
        self.drop_the_dead();
        let busy = !self.owned.is_empty();
        let chaos = !self.quiet() && self.owned.len() < 3 && self.random.percent(self.chaos);
        if !busy && self.random.percent(60) || chaos {
            if busy && self.random.percent(20) {
                self.trouble_the_old();
            }
            self.open();
        }
        if !self.quiet() && self.random.percent(self.chaos) {
            let mut usable: Vec<LegNumber> =
                self.owned.iter().filter(|(_, owned)| owned.usable).map(|(leg, _)| *leg).collect();
            usable.sort_unstable();
            if !usable.is_empty() {
                let pick = usize::try_from(self.random.below(usable.len() as u64)).unwrap_or(0);
                if self.random.percent(60) {
                    self.trouble_the_old();
                }
                let pings = self.random.percent(30);
                let is_long = self.random.percent(50);
                self.client.handle(self.now, Input::RequestTurn { leg: usable[pick], pings, is_long });
            }
        }
        self.agenda.plan(self.now + Time::from_millis(250), Event::Tick);
    }

    /// Prepares faults for the leg that a switch leaves. By chance alone, a leg hardly ever dies within the few
    /// milliseconds of a switch, with lines under way. So both applications speak at this very moment, and the
    /// network breaks the leg a little later, or at a certain step.
    fn trouble_the_old(&mut self) {
        let Some(old) = self.client.current() else { return };
        self.agenda.plan(self.now, Event::PushDown);
        self.push_up(Message::Short);
        if self.random.percent(40) {
            let at = self.now + self.random.milliseconds(100);
            self.agenda.plan(at, Event::Fault(Some(old)));
        } else {
            // In only a few switches something is still on its way up the old leg after its `end`.
            let steps = [Step::Granted, Step::Confirmed, Step::Ended, Step::Ended, Step::Ended];
            self.aim = Some(steps[usize::try_from(self.random.below(5)).unwrap_or(0)]);
        }
    }

    /// Breaks the old leg if a switch has reached the intended step.
    pub(super) fn strike(&mut self) {
        let Some((step, old)) = self.switches.reached.take() else { return };
        if self.aim.take_if(|aim| *aim == step).is_some() {
            self.agenda.plan(self.now, Event::PushUp);
            self.agenda.plan(self.now, Event::PushDown);
            self.agenda.plan(self.now, Event::Fault(Some(old)));
        }
    }

    pub(super) fn open(&mut self) {
        let transport = self.network.only.unwrap_or_else(|| self.random.pick(&Transport::ALL));
        let leg = LegNumber(u32::try_from(self.paths.len()).unwrap_or(0) + 1);
        let mut path = Path::new(leg, transport);
        if transport == Transport::WebSocket {
            self.counted += 1;
            let carrier = Carrier(self.counted);
            path.carrier = Some(carrier);
            self.carriers.insert(carrier, (leg, None));
            let at = self.delay();
            self.agenda.plan(at, Event::SocketOpens(leg));
        }
        self.paths.push(path);
        self.switches.opened(transport);
        self.owned.insert(leg, Owned { usable: false, opened: self.now, heard: self.now, pinged: None, awaited: None });
        self.client.handle(self.now, Input::OpenLeg(transport));
    }

    /// Clears a leg because a pong came. On a socket that must prove itself, only a long pong clears it. A long
    /// pong cannot come where long writes are lost.
    pub(super) fn pong_comes(&mut self, leg: LegNumber, is_long: bool) -> Result<(), String> {
        let Some(transport) = self.path(leg).map(|path| path.transport) else { return Ok(()) };
        let is_socket = transport == Transport::WebSocket;
        if is_long && self.network.hole(transport).is_some() {
            return Err(format!("leg {leg} proved that long writes pass, where they are lost"));
        }
        self.doubts_sockets &= !(is_long && is_socket);
        let is_proof = is_long || !(is_socket && self.doubts_sockets);
        if let Some(owned) = self.owned.get_mut(&leg).filter(|_| is_proof) {
            owned.heard = self.now;
            owned.pinged = None;
        }
        Ok(())
    }

    /// Drops dead legs as any owner does: those without a welcome in time, an answer to a request, or a pong to a
    /// ping. Only a pong shows that both directions pass: frames that still come down hide that nothing goes up.
    pub(super) fn drop_the_dead(&mut self) {
        let now = self.now;
        let since = |at: Time| now.saturating_sub(at);
        let patience = self.network.rate.map_or(Time::ZERO, |_| PATIENCE);
        let late = self.requests.iter().filter(|((_, route), (_, until))| now > *until && *route != Route::Stream);
        let late: Vec<(LegNumber, Route)> = late.map(|(key, _)| *key).collect();
        for (leg, route) in late {
            // The failure of another request may have ended the leg.
            if self.requests.remove(&(leg, route)).is_none() {
                continue;
            }
            self.client.handle(now, Input::RequestFailed(leg, route, Failure::default()));
            while let Some(output) = self.client.poll_output() {
                let _ = self.client_does(output);
            }
        }
        let mut legs: Vec<LegNumber> = self.owned.keys().copied().collect();
        legs.sort_unstable();
        for leg in legs {
            let transport = self.path(leg).map(|path| path.transport);
            let polls = transport == Some(Transport::Poll);
            let is_socket = transport == Some(Transport::WebSocket);
            let Some(owned) = self.owned.get_mut(&leg) else {
                continue;
            };
            let mute = owned.pinged.is_some_and(|at| since(at) > Time::from_millis(3_500) + patience);
            let silent = mute || owned.awaited.is_some_and(|at| since(at) > LONGEST_SILENCE + patience);
            if (!owned.usable && since(owned.opened) > Time::from_secs(3)) || silent {
                self.doubts_sockets |= mute && is_socket;
                self.client_drops(leg);
            } else if owned.usable && !polls && owned.pinged.is_none() && since(owned.heard) > Time::from_secs(2) {
                owned.pinged = Some(now);
                let is_long = is_socket && self.doubts_sockets;
                self.client.handle(now, Input::SendPing { leg, is_long });
            }
        }
    }
}
