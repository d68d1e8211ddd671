use super::*;
use aseqd_abi::{Address, EventType};
use proptest::prelude::*;

fn cell(time: u32, tag: u8, high: bool, from: u8, to: u8) -> Cell {
    let mut event = Event::direct(EventType::ECHO);
    event.time = EventTime::tick(time);
    event.tag = tag;
    event.flags.set(EventFlags::PRIORITY, high);
    event.source = Address::new(from, 0);
    event.dest = Address::new(to, 0);
    Cell { event, data: None, owner: from, cells: 1 }
}

/// The kernel's way: a sorted list. What goes before its equals is put before them.
#[derive(Default)]
struct Naive(Vec<Cell>);

impl Naive {
    fn insert(&mut self, cell: Cell) {
        let time = cell.event.time.tick_or_sec;
        let high = cell.event.flags.contains(EventFlags::PRIORITY);
        let before = |other: &Cell| {
            let other = other.event.time.tick_or_sec;
            other < time || (other == time && !high)
        };
        let at = self.0.iter().position(|other| !before(other)).unwrap_or(self.0.len());
        self.0.insert(at, cell);
    }

    fn pop_due(&mut self, now: u64) -> Option<Cell> {
        let due = u64::from(self.0.first()?.event.time.tick_or_sec) <= now;
        due.then(|| self.0.remove(0))
    }

    fn remove(&mut self, wanted: impl Fn(&Event) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|cell| !wanted(&cell.event));
        before - self.0.len()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert { time: u32, high: bool, from: u8, to: u8 },
    Pop { now: u64 },
    RemoveSentBy { client: u8, before: u32 },
    RemoveSentTo { client: u8 },
    RemoveIf { below: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = prop_oneof![128_u8..132, Just(254)];
    let insert = (0..20_u32, any::<bool>(), 128_u8..132, client)
        .prop_map(|(time, high, from, to)| Step::Insert { time, high, from, to });
    let step = prop_oneof![
        12 => insert,
        6 => (0..20_u64).prop_map(|now| Step::Pop { now }),
        1 => (128_u8..133, 0..20_u32)
            .prop_map(|(client, before)| Step::RemoveSentBy { client, before }),
        1 => (128_u8..133).prop_map(|client| Step::RemoveSentTo { client }),
        1 => (0..20_u32).prop_map(|below| Step::RemoveIf { below }),
    ];
    prop::collection::vec(step, 0..400)
}

fn total(removed: &Removed) -> usize {
    removed.owners().map(|(_, cells)| cells).sum()
}

fn tag_of(cell: Option<Cell>) -> Option<(u32, u8)> {
    cell.map(|cell| (cell.event.time.tick_or_sec, cell.event.tag))
}

proptest! {
    #[test]
    fn agrees_with_a_sorted_list(steps in steps(), renumbered in any::<bool>()) {
        let (mut queue, mut naive) = (PrioQueue::default(), Naive::default());
        for (number, step) in steps.into_iter().enumerate() {
            let mut removed = Removed::default();
            match step {
                Step::Insert { time, high, from, to } => {
                    let tag = u8::try_from(number % 251).unwrap_or(0);
                    queue.insert(cell(time, tag, high, from, to));
                    naive.insert(cell(time, tag, high, from, to));
                    if renumbered && number % 50 == 0 {
                        queue.arrivals = MIDDLE_RANK - 2;
                    }
                }
                Step::Pop { now } => {
                    prop_assert_eq!(tag_of(queue.pop_due(now)), tag_of(naive.pop_due(now)));
                }
                Step::RemoveSentBy { client, before } => {
                    let wanted = |event: &Event| event.time.tick_or_sec < before;
                    queue.remove_sent_by(client, &mut removed, wanted);
                    let gone =
                        naive.remove(|event| event.source.client == client && wanted(event));
                    let all = (client, gone);
                    prop_assert!(removed.owners().eq((gone > 0).then_some(all)));
                }
                Step::RemoveSentTo { client } => {
                    queue.remove_sent_to(client, &mut removed);
                    prop_assert_eq!(total(&removed), naive.remove(|e| e.dest.client == client));
                }
                Step::RemoveIf { below } => {
                    let wanted = |event: &Event| event.time.tick_or_sec < below;
                    queue.remove_if(&mut removed, wanted);
                    prop_assert_eq!(total(&removed), naive.remove(wanted));
                }
            }
            prop_assert_eq!(queue.len(), naive.0.len());
            let first = naive.0.first().map(|cell| u64::from(cell.event.time.tick_or_sec));
            prop_assert_eq!(queue.first_key(), first);
        }
        while let Some(cell) = naive.pop_due(u64::MAX) {
            prop_assert_eq!(tag_of(queue.pop_due(u64::MAX)), tag_of(Some(cell)));
        }
        prop_assert_eq!(queue.len(), 0);
    }
}

#[test]
fn what_is_gone_takes_no_memory_for_long() {
    let mut queue = PrioQueue::default();
    queue.insert(cell(0, 0, false, 128, 129));
    for round in 0..10_000 {
        queue.insert(cell(1 + round, 0, false, 130, 131));
        queue.remove_sent_by(130, &mut Removed::default(), |_| true);
    }
    assert_eq!(queue.len(), 1);
    assert!(queue.heap.len() <= SPARED_TOMBSTONES + 4, "{} keys", queue.heap.len());
    assert!(queue.slots.len() <= SPARED_TOMBSTONES + 4, "{} slots", queue.slots.len());
    assert!(queue.free.len() <= queue.slots.len());
}
