//! The names of files, and the sizes of what goes over the wire.

use abi::preload::{FileName, Reply, Request, access};

#[test]
fn a_name_comes_back_as_it_went() {
    for (server, key, access) in [
        (0, 0, access::READ),
        (u64::MAX, 1, access::WRITE),
        (0x0123_4567_89ab_cdef, 42, access::BOTH),
    ] {
        let name = FileName { server, key, access };
        assert_eq!(FileName::parse(&name.bytes()), Some(name));
    }
}

#[test]
fn what_is_no_name_is_none() {
    let bytes = FileName { server: 7, key: 9, access: access::BOTH }.bytes();
    for cut in 0..bytes.len() {
        assert_eq!(FileName::parse(&bytes[..cut]), None);
    }
    for at in 0..bytes.len() {
        let mut other = bytes;
        other[at] = b'!';
        assert_eq!(FileName::parse(&other), None, "byte {at}");
    }
    let mut longer = bytes.to_vec();
    longer.push(b'b');
    assert_eq!(FileName::parse(&longer), None);
}

#[test]
fn heads_have_no_padding() {
    assert_eq!(size_of::<Request>(), 48);
    assert_eq!(size_of::<Reply>(), 24);
}
