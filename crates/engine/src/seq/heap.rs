//! A heap of keys in which a node has four children: it is half as deep as one with two, and the
//! children of a node share a cache line.

use alloc::vec::Vec;

const CHILDREN: usize = 4;

/// A heap that gives the smallest key first.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Heap {
    keys: Vec<u128>,
}

impl Heap {
    pub(crate) const fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }

    pub(crate) fn first(&self) -> Option<u128> {
        self.keys.first().copied()
    }

    pub(crate) fn push(&mut self, key: u128) {
        self.keys.push(key);
        self.rise(self.keys.len() - 1, key);
    }

    pub(crate) fn pop(&mut self) -> Option<u128> {
        let last = self.keys.pop()?;
        let Some(first) = self.keys.first().copied() else { return Some(last) };
        self.sink(0, last);
        Some(first)
    }

    /// Keeps only the keys for which `wanted` returns true.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(u128) -> bool) {
        self.keys.retain(|key| wanted(*key));
        for at in (0..self.keys.len().div_ceil(CHILDREN)).rev() {
            self.sink(at, self.keys[at]);
        }
    }

    /// Moves a hole towards the root until `key` fits, and puts it there.
    fn rise(&mut self, mut hole: usize, key: u128) {
        let keys = self.keys.as_mut_slice();
        while hole > 0 {
            let parent = (hole - 1) / CHILDREN;
            if keys[parent] <= key {
                break;
            }
            keys[hole] = keys[parent];
            hole = parent;
        }
        keys[hole] = key;
    }

    /// Moves a hole towards the leaves until `key` fits, and puts it there.
    fn sink(&mut self, mut hole: usize, key: u128) {
        let keys = self.keys.as_mut_slice();
        loop {
            let first = hole * CHILDREN + 1;
            let (child, least) = match keys.get(first..first + CHILDREN) {
                Some(&[a, b, c, d]) => {
                    let (left, low) = if b < a { (1, b) } else { (0, a) };
                    let (right, high) = if d < c { (3, d) } else { (2, c) };
                    if high < low { (first + right, high) } else { (first + left, low) }
                }
                _ => match (first..keys.len()).map(|at| (at, keys[at])).min_by_key(|(_, key)| *key)
                {
                    Some(child) => child,
                    None => break,
                },
            };
            if key <= least {
                break;
            }
            keys[hole] = least;
            hole = child;
        }
        keys[hole] = key;
    }
}
