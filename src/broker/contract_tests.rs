//! The contract as tests, for every broker. A new broker calls [`keeps_the_contract`] with itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Answer, Broker, Event, Failure, Log, Memory, Retention, Retentions, Stretch, Ticket};
use crate::protocol::publication::Publication;
use crate::protocol::{ChannelName, Line, Position, down, limits};

const NOW: Duration = Duration::ZERO;

/// One channel at the broker under test.
struct Bench<'a> {
    log: Box<dyn Log>,
    name: ChannelName,
    tickets: u64,
    /// Waits for the event that answers this ticket.
    late: &'a dyn Fn(&ChannelName, Ticket) -> Event,
}

impl<'a> Bench<'a> {
    fn new(broker: &dyn Broker, name: &str, late: &'a dyn Fn(&ChannelName, Ticket) -> Event) -> Self {
        let name = ChannelName::try_from(name).unwrap();
        let mut log = broker.open(NOW, &name);
        log.watch();
        Self { log, name, tickets: 0, late }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket { life: 1, number: self.tickets }
    }

    /// Appends these numbers, and returns the offset of the first.
    fn append(&mut self, data: &[u32]) -> Result<u64, Failure> {
        let (ticket, name) = (self.ticket(), self.name.clone());
        let publications: Vec<Publication> =
            data.iter().map(|data| Publication::from(serde_json::json!(data))).collect();
        let mut encode = |at: u64, publication: &Publication| down::publication(&name, at, publication);
        match self.log.append(NOW, ticket, &mut publications.iter(), &mut encode) {
            Answer::Now(answer) => answer.map(|stretch| {
                assert_eq!(stretch.items.len(), data.len(), "an answer within the call brings its publications");
                stretch.before + 1
            }),
            Answer::Later => match (self.late)(&self.name, ticket) {
                Event::Appended { first, .. } => Ok(first),
                Event::Failed(_, failure) => Err(failure),
                other => panic!("{other:?}"),
            },
        }
    }

    fn fetch(&mut self, after: &[Position]) -> Vec<Stretch<Line>> {
        let (ticket, name) = (self.ticket(), self.name.clone());
        match self.log.fetch(NOW, ticket, after) {
            Answer::Now(answer) => answer.unwrap(),
            Answer::Later => match (self.late)(&self.name, ticket) {
                Event::Fetched(_, stretches) => stretches.into_iter().map(|stretch| lines(&name, &stretch)).collect(),
                other => panic!("{other:?}"),
            },
        }
    }

    /// Returns the end of the log.
    fn end(&mut self) -> Position {
        let stretches = self.fetch(&[]);
        let last = stretches.last().expect("a fetch says where the log stands");
        Position { epoch: last.epoch.as_ref().to_owned(), at: last.end() }
    }
}

fn lines(name: &ChannelName, stretch: &Stretch<Publication>) -> Stretch<Line> {
    let items = (stretch.before + 1..).zip(&stretch.items);
    let items = items.map(|(at, publication)| down::publication(name, at, publication)).collect();
    Stretch { epoch: stretch.epoch.clone(), before: stretch.before, items }
}

/// Tests each rule that can be tested without a fault. The broker must be empty, and must keep at least ten
/// publications of a channel. `late` waits for the answer to a request that has none within the call.
pub(super) fn keeps_the_contract(broker: &dyn Broker, late: &dyn Fn(&ChannelName, Ticket) -> Event) {
    let mut bench = Bench::new(broker, "contract", late);

    // A log without publications has a position, and that position is proven.
    let blank = bench.end();
    assert_eq!(blank.at, 0);
    assert!(blank.epoch.len() <= limits::EPOCH_BYTES && !blank.epoch.is_empty());
    assert!(proves(&bench.fetch(std::slice::from_ref(&blank)), &blank));

    // Offsets begin at 1 and follow each other, within an append and between two.
    assert_eq!(bench.append(&[1, 2, 3]), Ok(1));
    assert_eq!(bench.append(&[4]), Ok(4));
    let end = bench.end();
    assert_eq!((end.at, &end.epoch), (4, &blank.epoch));

    // A fetch brings exactly what follows each position that it proves.
    for at in 0..=4 {
        let position = Position { epoch: end.epoch.clone(), at };
        let stretches = bench.fetch(std::slice::from_ref(&position));
        assert!(proves(&stretches, &position), "{position:?}");
        let missed: Vec<Line> = stretches.iter().flat_map(|stretch| stretch.after(at)).cloned().collect();
        let expected: Vec<Line> = (at + 1..=4).map(|at| published(&bench.name, at)).collect();
        assert_eq!(missed, expected, "after {at}");
    }

    // Each of several positions is proven.
    let both = [2, 1].map(|at| Position { epoch: end.epoch.clone(), at });
    let stretches = bench.fetch(&both);
    assert!(both.iter().all(|position| proves(&stretches, position)));

    // A position that never existed is not proven.
    let never = [Position { at: 5, ..end.clone() }, Position { epoch: "never".to_owned(), at: 1 }];
    let stretches = bench.fetch(&never);
    assert!(!never.iter().any(|position| proves(&stretches, position)));

    // Another channel has offsets of its own.
    assert_eq!(Bench::new(broker, "contract/2", late).append(&[1]), Ok(1));
}

fn proves(stretches: &[Stretch<Line>], position: &Position) -> bool {
    stretches.iter().any(|stretch| stretch.holds(&position.epoch, position.at))
}

/// Returns the publication that the test made at this offset.
fn published(name: &ChannelName, at: u64) -> Line {
    down::publication(name, at, &Publication::from(serde_json::json!(at)))
}

#[test]
fn the_memory_broker_keeps_the_contract() {
    let memory = Memory::new(Retention::default(), 1 << 20);
    keeps_the_contract(&memory, &|_, ticket| panic!("{ticket:?} was not answered within the call"));
}

/// Returns how many publications the log still has.
fn kept(bench: &mut Bench<'_>) -> usize {
    let end = bench.end();
    let is_proven = |at: &u64, bench: &mut Bench<'_>| {
        let position = Position { at: *at, ..end.clone() };
        proves(&bench.fetch(std::slice::from_ref(&position)), &position)
    };
    let first = (0..=end.at).find(|at| is_proven(at, bench)).expect("the end is proven");
    usize::try_from(end.at - first).unwrap()
}

#[test]
fn each_channel_of_the_memory_broker_keeps_its_own_history_and_a_change_applies_to_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let keep = |short: usize| {
        let asked = Arc::clone(&asked);
        move |channel: &ChannelName| {
            asked.fetch_add(1, Ordering::Relaxed);
            let messages = if channel.as_str() == "short" { short } else { 8 };
            Retention { messages, ..Retention::default() }
        }
    };
    let retentions = Arc::new(Retentions::new(keep(3)));
    let memory = Memory::new(Retention::default(), 1 << 20).with_retentions(Arc::clone(&retentions));
    let late = |_: &ChannelName, ticket| panic!("{ticket:?} was not answered within the call");
    let (mut short, mut long) = (Bench::new(&memory, "short", &late), Bench::new(&memory, "long", &late));
    for bench in [&mut short, &mut long] {
        bench.append(&[7; 10]).unwrap();
    }
    assert_eq!((kept(&mut short), kept(&mut long)), (3, 8));
    assert_eq!(asked.load(Ordering::Relaxed), 2, "a log asks once");

    retentions.replace(keep(1));
    short.append(&[1]).unwrap();
    long.append(&[1]).unwrap();
    assert_eq!((kept(&mut short), kept(&mut long)), (1, 8));
    assert_eq!(asked.load(Ordering::Relaxed), 4, "a log asks once more after a change");

    retentions.replace(keep(5));
    short.append(&[7; 9]).unwrap();
    assert_eq!(kept(&mut short), 5);
}
