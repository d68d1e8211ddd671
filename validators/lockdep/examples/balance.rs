//! A lock type of one's own that is released twice.

use lockdep::{How, Map, Place, Wait};

fn main() {
    let map = Map::named::<u32>(Wait::Sleep, "own");
    map.acquire(How::EXCLUSIVE, Place::here());
    map.release(Place::here());
    map.release(Place::here());
}
