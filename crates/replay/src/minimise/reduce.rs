//! Leaves out what is not needed: delta debugging over a list.

/// Leaves out parts of a list, as long as what is left passes the test: first large parts, then smaller ones, then
/// single elements. `passes` gets the list that would be left. A list that passes comes back with the property that no
/// single element can be left out, unless `passes` gives up and says no to everything.
pub(super) fn reduce<T: Clone>(mut list: Vec<T>, mut passes: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut size = list.len();
    while size > 0 && !list.is_empty() {
        let before = list.len();
        // From the end: what comes late depends on what comes early.
        let mut end = list.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut rest = list[..start].to_vec();
            rest.extend_from_slice(&list[end..]);
            if passes(&rest) {
                list = rest;
            }
            end = start;
        }
        let shorter = list.len() < before;
        size = match size {
            // Elements may have become superfluous by what was left out.
            1 if shorter => 1,
            1 => 0,
            size => size.div_ceil(2).min(list.len().max(1)),
        };
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let needed = [3, 500, 501, 977];
        let mut tests = 0;
        let left = reduce((0..1000).collect(), |list: &[i32]| {
            tests += 1;
            needed.iter().all(|number| list.contains(number))
        });
        assert_eq!(left, needed);
        assert!(tests < 150, "{tests}");
    }

    #[test]
    fn what_depends_on_each_other_goes_too() {
        // An even number may stay only with the number after it.
        let left = reduce((0..64).collect(), |list: &[i32]| {
            list.contains(&9) && list.iter().all(|n| n % 2 == 1 || list.contains(&(n + 1)))
        });
        assert_eq!(left, [9]);
    }

    #[test]
    fn nothing_is_left_of_a_list_that_is_not_needed() {
        assert_eq!(reduce((0..7).collect(), |_: &[i32]| true), [0; 0]);
        assert_eq!(reduce(vec![1, 2, 3], |_| false), [1, 2, 3]);
    }
}
