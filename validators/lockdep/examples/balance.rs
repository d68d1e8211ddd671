//! A lock of the program's own type is released twice.

use lockdep::{How, Map, Place, Wait};

fn main() {
    let map = Map::named::<u32>(Wait::Sleep, "own");
    map.acquire(How::EXCLUSIVE, Place::here());
    map.release(Place::here());
    map.release(Place::here());
}
