//! Messages as records of the size of an event, for links that carry any bytes.

/// Size of a message in bytes.
pub(super) const RECORD_SIZE: usize = aseqd_abi::event::EVENT_SIZE;

/// Returns messages that begin with their numbers.
pub(super) fn records(first: u32, count: u32) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_SIZE * count as usize];
    for (record, number) in bytes.chunks_exact_mut(RECORD_SIZE).zip(first..) {
        record[..4].copy_from_slice(&number.to_ne_bytes());
    }
    bytes
}

/// Returns the numbers at the beginning of messages.
pub(super) fn first_words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let number = |record: &[u8]| u32::from_ne_bytes([record[0], record[1], record[2], record[3]]);
    bytes.chunks_exact(RECORD_SIZE).map(number)
}
