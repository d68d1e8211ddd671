//! Usage bits of a lock class: in which contexts it was taken, and with which interrupts enabled.
//!
//! The numbers follow `enum lock_usage_bit` of Linux 6.12. Bit 0 of a number means shared. Bit 1 means "taken with
//! the interrupts enabled" instead of "taken inside one". The rest tells hardirq and softirq apart.

/// Taken in a hardirq-like context, exclusively.
pub(crate) const IN_HARDIRQ: u32 = 1 << 0;
/// Taken with hardirqs enabled, exclusively.
pub(crate) const ENABLED_HARDIRQ: u32 = 1 << 2;
/// Taken in a softirq-like context, exclusively.
pub(crate) const IN_SOFTIRQ: u32 = 1 << 4;
/// Taken with softirqs enabled, exclusively.
pub(crate) const ENABLED_SOFTIRQ: u32 = 1 << 6;
/// Taken at all.
pub(crate) const USED: u32 = 1 << 8;

/// Bits of exclusive use, of hardirqs and softirqs.
pub(crate) const WRITE_BITS: u32 = 0b0101_0101;
/// Number of the bits that describe contexts. The others say that the lock was used at all.
pub(crate) const CONTEXT_BITS: u32 = 8;

const READ: u32 = 1;
const DIRECTION: u32 = 2;

/// Returns the name of a usage bit, as the kernel writes it between braces.
pub(crate) fn name(bit: u32) -> &'static str {
    match bit {
        0 => "IN-HARDIRQ-W",
        1 => "IN-HARDIRQ-R",
        2 => "HARDIRQ-ON-W",
        3 => "HARDIRQ-ON-R",
        4 => "IN-SOFTIRQ-W",
        5 => "IN-SOFTIRQ-R",
        6 => "SOFTIRQ-ON-W",
        7 => "SOFTIRQ-ON-R",
        8 => "INITIAL USE",
        _ => "INITIAL READ USE",
    }
}

/// Returns whether a bit is about softirqs, not hardirqs.
pub(crate) fn is_softirq(bit: u32) -> bool {
    bit >= 4
}

/// Returns whether a bit means "taken with the interrupts enabled" and not "taken inside one".
pub(crate) fn is_enabled(bit: u32) -> bool {
    bit & DIRECTION != 0
}

/// Returns whether a bit is of shared use.
pub(crate) fn is_read(bit: u32) -> bool {
    bit & READ != 0
}

/// Returns the bits of the opposite direction with which a new use of `bit` can deadlock on a single lock. Two
/// readers cannot.
pub(crate) fn conflicts(bit: u32) -> u32 {
    let exclusive = 1 << ((bit & !READ) ^ DIRECTION);
    if is_read(bit) { exclusive } else { exclusive | exclusive << 1 }
}

/// Returns the bits that conflict with any of `mask` if a strong path joins two locks. There the kinds of the edges
/// decide about readers, not the bits.
pub(crate) fn opposite(mask: u32) -> u32 {
    let mut opposite = 0;
    for bit in (0..CONTEXT_BITS).filter(|bit| mask & 1 << bit != 0) {
        let exclusive = 1 << ((bit & !READ) ^ DIRECTION);
        opposite |= exclusive | exclusive << 1;
    }
    opposite
}

/// Returns the four usage characters: hardirq exclusive, shared, softirq exclusive, shared.
pub(crate) fn characters(usage: u32) -> String {
    let one = |base: u32| match (usage & 1 << base != 0, usage & 1 << (base + DIRECTION) != 0) {
        (false, false) => '.',
        (true, false) => '-',
        (false, true) => '+',
        (true, true) => '?',
    };
    [one(0), one(1), one(4), one(5)].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_the_kernels() {
        assert_eq!(characters(0), "....");
        assert_eq!(characters(IN_HARDIRQ | ENABLED_HARDIRQ | IN_SOFTIRQ), "?.-.");
        assert_eq!(characters(ENABLED_HARDIRQ | ENABLED_SOFTIRQ), "+.+.");
        assert_eq!(characters(IN_HARDIRQ << 1), ".-..");
    }

    #[test]
    fn readers_conflict_with_writers_only() {
        assert_eq!(conflicts(0), 0b1100);
        assert_eq!(conflicts(1), 0b0100);
        assert_eq!(conflicts(2), 0b0011);
        assert_eq!(conflicts(3), 0b0001);
        assert_eq!(opposite(IN_HARDIRQ), 0b1100);
        assert_eq!(opposite(IN_SOFTIRQ << 1), 0b1100_0000);
    }

    #[test]
    fn bits_are_named() {
        assert_eq!(name(IN_HARDIRQ.trailing_zeros()), "IN-HARDIRQ-W");
        assert_eq!(name(ENABLED_SOFTIRQ.trailing_zeros()), "SOFTIRQ-ON-W");
        assert!(is_enabled(2) && !is_enabled(4));
        assert_eq!(WRITE_BITS & IN_HARDIRQ, IN_HARDIRQ);
    }
}
