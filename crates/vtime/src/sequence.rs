//! Random numbers that follow from a seed.

/// A sequence of random numbers: SplitMix64.
pub(crate) struct Sequence(u64);

impl Sequence {
    /// Returns the sequence number `call` of a thread, by its age.
    pub(crate) const fn new(seed: u64, rank: u64, call: u64) -> Self {
        let mut sequence = Self(seed);
        let thread = sequence.next() ^ rank.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut sequence = Self(thread);
        let call = sequence.next() ^ call.wrapping_mul(0xa076_1d64_78bd_642f);
        Self(call)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Fills `to`.
    pub(crate) fn fill(&mut self, to: &mut [u8]) {
        for piece in to.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_numbers_and_others_do_not() {
        let bytes = |seed, rank, call| {
            let mut bytes = [0; 20];
            Sequence::new(seed, rank, call).fill(&mut bytes);
            bytes
        };
        assert_eq!(bytes(1, 2, 3), bytes(1, 2, 3));
        assert_ne!(bytes(1, 2, 3), bytes(0, 2, 3));
        assert_ne!(bytes(1, 2, 3), bytes(1, 3, 3));
        assert_ne!(bytes(1, 2, 3), bytes(1, 2, 4));
        assert_ne!(bytes(1, 2, 3)[..8], bytes(1, 2, 3)[8..16]);
    }
}
