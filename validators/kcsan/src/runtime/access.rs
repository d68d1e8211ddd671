//! An access of the program.

/// What an access does, as bits. C programs pass them too, so `include/kcsan.h` has the same numbers.
pub(crate) mod kind {
    /// The access reads. This is no bit: it means the absence of `WRITE`.
    pub(crate) const READ: u32 = 0;
    /// The access writes.
    pub(crate) const WRITE: u32 = 1;
    /// With `WRITE`: the access reads first.
    pub(crate) const COMPOUND: u32 = 2;
    /// The access is meant for concurrent use: it is atomic, or volatile where the compiler tells those apart.
    pub(crate) const ATOMIC: u32 = 4;
    /// An assertion instead of an access: no other thread writes, or with `WRITE`, no other thread accesses.
    pub(crate) const ASSERT: u32 = 8;
    /// The access was delayed behind a later one. Only the runtime sets this.
    pub(crate) const REORDERED: u32 = 16;
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

    /// Returns the first and the last granule of the access. Watchpoints do not cross their borders.
    pub(crate) fn granules(self) -> (usize, usize) {
        let last = self.address.saturating_add(self.size.saturating_sub(1));
        (self.address / GRANULE, last / GRANULE)
    }
}

/// Maximum length of a watchpoint in bytes. It is the largest access for which compilers have a call of its own.
pub(crate) const GRANULE: usize = 16;
