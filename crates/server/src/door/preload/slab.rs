//! A table whose keys are never used again.

use rustix::event::epoll::EventData;

/// Names an entry: its place, and how often the place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    place: u32,
    generation: u32,
}

impl Key {
    /// A key that names nothing.
    pub(super) const NONE: Self = Self { place: u32::MAX, generation: 0 };

    pub(super) const fn number(self) -> u64 {
        (self.generation as u64) << 32 | self.place as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    pub(super) const fn from_number(number: u64) -> Self {
        Self { place: number as u32, generation: (number >> 32) as u32 }
    }

    pub(super) const fn data(self) -> EventData {
        EventData::new_u64(self.number())
    }

    pub(super) fn from_data(data: EventData) -> Self {
        Self::from_number(data.u64())
    }
}

/// A table of entries by keys.
#[derive(Debug)]
pub(super) struct Slab<T>(Vec<(u32, Option<T>)>);

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, thing: T) -> Key {
        let free = self.0.iter().position(|(_, thing)| thing.is_none());
        let at = free.unwrap_or_else(|| {
            self.0.push((0, None));
            self.0.len() - 1
        });
        let (generation, place) = &mut self.0[at];
        *place = Some(thing);
        Key { place: u32::try_from(at).unwrap_or(u32::MAX), generation: *generation }
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let (generation, thing) = self.0.get(key.place as usize)?;
        thing.as_ref().filter(|_| *generation == key.generation)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (generation, thing) = self.0.get_mut(key.place as usize)?;
        thing.as_mut().filter(|_| *generation == key.generation)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let (generation, thing) = self.0.get_mut(key.place as usize)?;
        if *generation != key.generation {
            return None;
        }
        let removed = thing.take()?;
        // The highest generation is kept for events that are not of entries: see `LISTENER` and `FILES`.
        *generation = (*generation + 1) % (u32::MAX - 1);
        Some(removed)
    }

    /// Returns all entries with their keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Key, &T)> {
        self.0.iter().zip(0..).filter_map(|((generation, thing), place)| {
            Some((Key { place, generation: *generation }, thing.as_ref()?))
        })
    }

    /// Returns all entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(|(_, thing)| thing.as_ref())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().filter_map(|(_, thing)| thing.as_mut())
    }
}
