//! The requests of all devices, for documentation and logs.

use crate::contract::Node;
use crate::request::{self, Entry, Request};
use crate::{control, seq, timer};

/// Returns the requests of a device, in the order of the header that defines them.
pub fn requests(node: Node) -> impl Iterator<Item = &'static Request> {
    all().filter(move |(of, _)| *of == node).map(|(_, request)| request)
}

/// Returns what is known of a request code, of whatever device it is.
#[must_use]
pub fn request(code: u32) -> Option<&'static Request> {
    all().map(|(_, request)| request).find(|request| request.code == code)
}

/// Returns whether a request copies its struct back to the program. A code that no device knows is
/// judged by its direction bits.
#[must_use]
pub fn copies_back(code: u32) -> bool {
    request(code).map_or_else(|| request::copies_back(code), |request| request.copies_back)
}

fn all() -> impl Iterator<Item = (Node, &'static Request)> {
    rows(Node::Sequencer, seq::ioctl::TABLE)
        .chain(rows(Node::Timer, timer::ioctl::TABLE))
        .chain(rows(Node::Control, control::TABLE))
}

fn rows<D: 'static, C: 'static>(
    node: Node,
    table: &'static [Entry<D, C>],
) -> impl Iterator<Item = (Node, &'static Request)> {
    table.iter().map(move |entry| (node, &entry.request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aseqd_abi::ioctl;

    #[test]
    fn the_tables_have_every_request_of_the_headers_once() {
        let headers = [
            (Node::Sequencer, [ioctl::sequencer::ALL, ioctl::sequencer32::ALL].concat()),
            (
                Node::Timer,
                [ioctl::timers::ALL, ioctl::timers_old::ALL, ioctl::timers32::ALL].concat(),
            ),
            (Node::Control, [ioctl::controls::ALL, ioctl::controls32::ALL].concat()),
        ];
        for (node, header) in headers {
            assert_eq!(requests(node).count(), header.len(), "{node:?}");
            for (name, code) in header {
                let rows = requests(node).filter(|request| request.code == code).count();
                assert_eq!(rows, 1, "{name}");
            }
        }
    }

    #[test]
    fn a_code_that_no_device_knows_is_judged_by_its_direction() {
        assert!(copies_back(ioctl::ioc(ioctl::READ, b'?', 0, 4)));
        assert!(!copies_back(ioctl::ioc(ioctl::WRITE, b'?', 0, 4)));
    }
}
