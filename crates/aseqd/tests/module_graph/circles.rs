//! Circles in a graph of modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Name;

/// Returns the shortest circle through each arrow that is on one, each written from its first module.
pub(crate) fn circles(graph: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeSet<String> {
    let parent = |name: &Name| name.split_last().map(|(_, parent)| parent.to_vec());
    let mut found = BTreeSet::new();
    for (from, uses) in graph {
        for to in uses {
            if parent(from).as_ref() == Some(to) || parent(to).as_ref() == Some(from) {
                continue;
            }
            // Children of one parent may meet in it.
            let without = parent(from).filter(|_| parent(from) == parent(to));
            if let Some(mut circle) = way(graph, to, from, without.as_ref()) {
                let first =
                    circle.iter().enumerate().min_by_key(|(_, name)| *name).map_or(0, |(at, _)| at);
                circle.rotate_left(first);
                circle.push(circle[0].clone());
                let names = circle.iter().map(|name| match name.is_empty() {
                    true => "crate".to_owned(),
                    false => name.join("::"),
                });
                found.insert(names.collect::<Vec<_>>().join(" -> "));
            }
        }
    }
    found
}

/// Returns the shortest way from a module to another one, both included.
fn way(
    graph: &BTreeMap<Name, BTreeSet<Name>>,
    from: &Name,
    to: &Name,
    without: Option<&Name>,
) -> Option<Vec<Name>> {
    let mut came: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(here) = queue.pop_front() {
        if here == to {
            let mut way = vec![here.clone()];
            let mut here = here;
            while here != from {
                here = came[here];
                way.insert(0, here.clone());
            }
            return Some(way);
        }
        for next in graph.get(here).into_iter().flatten() {
            if next != from && Some(next) != without && !came.contains_key(next) {
                came.insert(next, here);
                queue.push_back(next);
            }
        }
    }
    None
}
