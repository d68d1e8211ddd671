//! How long the first record of a write is, for doors whose programs pass memory that ends within it.

use core::ops::RangeInclusive;

/// Size of the record of a legacy event.
const EVENT: usize = 28;
/// Flag of an event that is a UMP packet, and the size of its record.
const UMP: u8 = 1 << 5;
const PACKET: usize = 32;
/// Bits in the flags of an event that tell how its length is given, see `asequencer.h`.
const LENGTH_MASK: u8 = 3 << 2;
/// Value of these bits for an event with data of its own.
const LENGTH_VARIABLE: u8 = 1 << 2;
/// Bits of the length of an event's data; the others are flags.
const MAX_DATA_LEN: u32 = 0x3fff_ffff;
/// Types of the events that have data of their own. Any other type with [`LENGTH_VARIABLE`] is refused before its data is read.
const VARIABLE_TYPES: RangeInclusive<u8> = 130..=139;

/// Returns whether the first record of a write of `len` bytes goes beyond what is mapped: `mapped` bytes, of which `head` has
/// the first. Such a write is `EFAULT`. Otherwise the record decides, whatever comes behind it: Linux refuses a type that has no
/// data, or a length beyond the write, without reading the data.
#[must_use]
pub fn goes_beyond(head: &[u8], mapped: usize, len: usize) -> bool {
    if mapped < EVENT {
        return len >= EVENT;
    }
    let (Some([kind, flags]), Some(data)) = (head.first_chunk(), data_len(head)) else {
        return false;
    };
    let whole = if flags & UMP != 0 {
        PACKET
    } else if flags & LENGTH_MASK == LENGTH_VARIABLE && VARIABLE_TYPES.contains(kind) {
        EVENT + data
    } else {
        return false;
    };
    (mapped + 1..=len).contains(&whole)
}

/// Returns the length of the data behind the record of an event, in bytes.
fn data_len(head: &[u8]) -> Option<usize> {
    let len = head.get(16..)?.first_chunk()?;
    Some((u32::from_ne_bytes(*len) & MAX_DATA_LEN) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_goes_beyond_if_it_is_longer_than_what_is_mapped() {
        let fixed = [0; EVENT];
        assert!(goes_beyond(&fixed, 27, 56));
        assert!(!goes_beyond(&fixed, 27, 27), "too short for a record");
        assert!(!goes_beyond(&fixed, 28, 56), "the second one does");
        let mut variable = fixed;
        (variable[0], variable[1], variable[16]) = (130, LENGTH_VARIABLE, 28);
        assert!(goes_beyond(&variable, 55, 56));
        assert!(!goes_beyond(&variable, 56, 84));
        assert!(!goes_beyond(&variable, 40, 50), "the write ends before its data");
        let mut packet = fixed;
        packet[1] = UMP;
        assert!(goes_beyond(&packet, 28, 32));
        assert!(!goes_beyond(&packet, 32, 64));
    }

    /// What Linux 6.12 and 7.3 answer to each type if nothing is mapped behind the record.
    #[test]
    fn data_is_read_only_of_types_that_have_data() {
        for kind in 0..=u8::MAX {
            let mut record = [0; EVENT];
            (record[0], record[1], record[16]) = (kind, LENGTH_VARIABLE, 28);
            assert_eq!(goes_beyond(&record, EVENT, 56), (130..=139).contains(&kind), "type {kind}");
            // The top bits of the length are flags.
            record[19] = 0xc0;
            assert_eq!(goes_beyond(&record, EVENT, 56), (130..=139).contains(&kind), "type {kind}");
            record[1] = UMP | LENGTH_VARIABLE;
            assert!(goes_beyond(&record, EVENT, 60), "the packet of type {kind} is read first");
            assert!(!goes_beyond(&record, PACKET, 60), "a packet of type {kind} has no data");
        }
        for flags in [0, 2 << 2, 3 << 2] {
            let mut record = [0; EVENT];
            (record[0], record[1], record[16]) = (130, flags, 28);
            assert!(!goes_beyond(&record, EVENT, 56), "only one kind of length has data behind it");
        }
    }
}
