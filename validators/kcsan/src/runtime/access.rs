//! One access of the program.

/// What an access does, as bits. C programs pass them too: `include/kcsan.h` has the same numbers.
pub(crate) mod kind {
    /// It reads.
    pub(crate) const READ: u32 = 0;
    /// It writes.
    pub(crate) const WRITE: u32 = 1;
    /// With `WRITE`: it reads first.
    pub(crate) const COMPOUND: u32 = 2;
    /// It is meant for concurrent use: an atomic one, or a volatile one where those are told apart.
    pub(crate) const ATOMIC: u32 = 4;
    /// Not an access but an assertion: no other thread writes, or with `WRITE`, no other thread accesses.
    pub(crate) const ASSERT: u32 = 8;
}

/// An access: address, length in bytes, and bits of [`kind`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) address: usize,
    pub(crate) size: usize,
    pub(crate) kind: u32,
}

impl Access {
    pub(crate) const fn new(address: usize, size: usize, kind: u32) -> Self {
        Self { address, size, kind }
    }

    pub(crate) const fn is(self, bits: u32) -> bool {
        self.kind & bits != 0
    }

    /// The first and the last granule: watchpoints do not cross their borders.
    pub(crate) fn granules(self) -> (usize, usize) {
        let last = self.address.saturating_add(self.size.saturating_sub(1));
        (self.address / GRANULE, last / GRANULE)
    }
}

/// Bytes that one watchpoint may cover: the largest access that a compiler makes a call of its own for.
pub(crate) const GRANULE: usize = 16;
