use super::*;

#[test]
fn bytes_are_copied_around_the_end_of_the_ring() {
    for split in 0..=6 {
        for at in 0..=3 {
            let mut room = [0; 6];
            let (first, second) = room.split_at_mut(split);
            copy(&[1, 2, 3], at, first, second);
            let mut expected = [0; 6];
            expected[at..at + 3].copy_from_slice(&[1, 2, 3]);
            assert_eq!(room, expected, "{split} {at}");
        }
    }
}
