//! The names of files, and the sizes of what goes over the wire.

use aseqd_wire::preload::{
    FileKey, FileName, Reply, Request, Secret, Welcome, access, is_same_secret, node,
};

#[test]
fn a_name_comes_back_as_it_went() {
    for (server, key, nonce, access, node) in [
        (0, 0, 0, access::READ, node::SEQUENCER),
        (u64::MAX, 1, u64::MAX, access::WRITE, node::TIMER),
        (0x0123_4567_89ab_cdef, 42, 7, access::BOTH, node::SEQUENCER),
    ] {
        let name = FileName { server, key, nonce, access, node };
        assert_eq!(FileName::parse(&name.bytes()), Some(name));
    }
}

#[test]
fn what_is_no_name_is_none() {
    let (access, node) = (access::BOTH, node::SEQUENCER);
    let bytes = FileName { server: 7, key: 9, nonce: 8, access, node }.bytes();
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
    assert_eq!(size_of::<Welcome>(), 24);
    assert_eq!(size_of::<FileKey>(), 16);
}

#[test]
fn a_secret_comes_back_as_it_went_and_is_not_printed() {
    let secret = Secret { program: [0xa5; 16], server: [9; 16] };
    let digits = secret.digits();
    let text = std::str::from_utf8(&digits).expect("readable characters");
    assert!(text.starts_with("a5a5") && text.ends_with("0909"), "{text}");
    let back = Secret::parse(&digits).expect("a secret");
    assert_eq!((back.program, back.server), (secret.program, secret.server));
    assert_eq!(format!("{secret:?}"), "Secret { .. }");
    for cut in 0..digits.len() {
        assert!(Secret::parse(&digits[..cut]).is_none());
    }
    let mut other = digits;
    other[5] = b'g';
    assert!(Secret::parse(&other).is_none());
}

#[test]
fn secrets_are_the_same_only_as_a_whole() {
    let secret = [7_u8; 16];
    assert!(is_same_secret(&secret, &[7; 16]));
    for at in 0..16 {
        let mut other = secret;
        other[at] ^= 0x80;
        assert!(!is_same_secret(&secret, &other), "byte {at}");
        assert!(!is_same_secret(&secret, &secret[..at]), "length {at}");
    }
    assert!(!is_same_secret(&secret, &[7; 17]));
}
