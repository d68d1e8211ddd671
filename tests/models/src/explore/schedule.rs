//! Which task goes on, from a seed.

/// The number of steps among which a change of priorities is placed. Models have about as many.
const LENGTH: u64 = 64;
/// Number of changes of priorities in a schedule: a bug that needs as many is found with good odds.
const CHANGES: usize = 3;

/// A schedule. Even seeds choose a random task at each step. Odd seeds run the task of the highest priority, and
/// lower it at a few random steps (probabilistic concurrency testing), which finds long windows soon.
#[derive(Debug)]
pub(crate) struct Schedule {
    random: Random,
    priorities: Option<Vec<u64>>,
    changes: Vec<u64>,
    lowest: u64,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678);
        let changes = (0..CHANGES).map(|_| random.below(LENGTH)).collect();
        let priorities = (seed % 2 == 1).then(Vec::new);
        Self { random, priorities, changes, lowest: u64::from(u32::MAX) }
    }

    /// Chooses one of the tasks that can go on. There is at least one.
    pub(crate) fn choose(&mut self, current: usize, ready: &[usize], step: usize) -> usize {
        let Some(priorities) = &mut self.priorities else {
            let index = self.random.below(ready.len() as u64);
            return ready[usize::try_from(index).unwrap_or(0)];
        };
        let highest = ready.iter().max().map_or(0, |task| task + 1);
        while priorities.len() < highest {
            priorities.push(u64::from(u32::MAX) + 1 + self.random.below(1 << 32));
        }
        if self.changes.contains(&(step as u64))
            && let Some(priority) = priorities.get_mut(current)
        {
            self.lowest -= 1;
            *priority = self.lowest;
        }
        *ready.iter().max_by_key(|task| priorities[**task]).unwrap_or(&ready[0])
    }
}

/// Random numbers from a seed (SplitMix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
