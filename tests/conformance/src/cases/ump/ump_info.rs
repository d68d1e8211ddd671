//! GET_CLIENT_UMP_INFO and SET_CLIENT_UMP_INFO.

use crate::case::{cases, skip};
use crate::client::{Client, LEGACY, MIDI1, MIDI2, Mode, patterned, wait_until};
use crate::sys::{ioctl_at_bad_address, ioctl_of_32_bits};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::ump::{ClientUmpInfo, UmpBlockInfo, UmpEndpointInfo};
use zerocopy::IntoBytes as _;

/// The type of an endpoint's description.
const ENDPOINT: i32 = 0;
/// The type of block 0's description.
const BLOCK_0: i32 = 1;
/// How many bytes of a description of each kind count.
const ENDPOINT_SIZE: usize = size_of::<UmpEndpointInfo>();
const BLOCK_SIZE: usize = size_of::<UmpBlockInfo>();

/// Returns bytes that tell their position.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251 + 1).to_le_bytes()[0]).collect()
}

/// Describes the own client in bytes.
fn set(client: &Client, info_type: i32, description: &[u8]) -> Result<(), Errno> {
    client.set_ump_info(client.id.into(), info_type, description)
}

/// Returns the bytes that describe the own client, and the others of the struct, which had 0xa5.
fn get(client: &Client, info_type: i32) -> Result<[u8; 512], Errno> {
    let info = client.ump_info(client.id.into(), info_type)?;
    assert_eq!((info.client, info.info_type), (client.id.into(), info_type));
    Ok(info.info)
}

cases! {
    /// A client without a description is ENODEV, for the endpoint and every block.
    fn nothing_set_is_enodev() {
        let client = Client::midi(MIDI1);
        for info_type in 0..33 {
            assert_eq!(get(&client, info_type), Err(Errno::ENODEV), "type {info_type}");
        }
    }

    /// What was set is returned: all fields of an endpoint.
    fn an_endpoint_is_kept() {
        let client = Client::midi(MIDI2);
        let mut endpoint: UmpEndpointInfo = patterned();
        endpoint.name = [0; 128];
        endpoint.name[..4].copy_from_slice(b"Name");
        endpoint.product_id = [0; 128];
        endpoint.product_id[..2].copy_from_slice(b"42");
        endpoint.num_blocks = 3;
        assert_eq!(set(&client, ENDPOINT, endpoint.as_bytes()), Ok(()));
        assert_eq!(get(&client, ENDPOINT).unwrap()[..ENDPOINT_SIZE], *endpoint.as_bytes());
    }

    /// What was set is returned: all fields of a block.
    fn a_block_is_kept() {
        let client = Client::midi(MIDI2);
        let mut block: UmpBlockInfo = patterned();
        block.name = [0; 128];
        block.name[..4].copy_from_slice(b"Name");
        assert_eq!(set(&client, BLOCK_0, block.as_bytes()), Ok(()));
        assert_eq!(get(&client, BLOCK_0).unwrap()[..BLOCK_SIZE], *block.as_bytes());
    }

    /// An endpoint is 328 bytes: the rest of the answer stays as the caller passed it.
    fn only_the_endpoint_is_copied() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, ENDPOINT, &[1; 512]), Ok(()));
        let info = get(&client, ENDPOINT).unwrap();
        assert_eq!(ENDPOINT_SIZE, 328);
        assert!(info[296..328].iter().all(|byte| *byte == 1), "reserved bytes are kept");
        assert!(info[328..].iter().all(|byte| *byte == 0xa5), "the rest is left alone");
    }

    /// A block is 180 bytes: the rest of the answer stays as the caller passed it.
    fn only_the_block_is_copied() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, BLOCK_0, &[1; 512]), Ok(()));
        let info = get(&client, BLOCK_0).unwrap();
        assert_eq!(BLOCK_SIZE, 180);
        assert!(info[148..180].iter().all(|byte| *byte == 1), "reserved bytes are kept");
        assert!(info[180..].iter().all(|byte| *byte == 0xa5), "the rest is left alone");
    }

    /// The name of an endpoint ends in a NUL, whatever was set. No other byte is changed, so its product id need not end.
    fn name_of_an_endpoint_is_terminated() {
        let client = Client::midi(MIDI1);
        let mut bytes = pattern(ENDPOINT_SIZE);
        assert_eq!(set(&client, ENDPOINT, &bytes), Ok(()));
        bytes[40 + 127] = 0;
        assert_eq!(get(&client, ENDPOINT).unwrap()[..ENDPOINT_SIZE], *bytes);
    }

    /// The name of a block ends in a NUL, whatever was set; no other byte is changed.
    fn name_of_a_block_is_terminated() {
        let client = Client::midi(MIDI1);
        let mut bytes = pattern(BLOCK_SIZE);
        assert_eq!(set(&client, BLOCK_0, &bytes), Ok(()));
        bytes[20 + 127] = 0;
        assert_eq!(get(&client, BLOCK_0).unwrap()[..BLOCK_SIZE], *bytes);
    }

    /// Types outside 0..32 are EINVAL.
    fn other_types_are_einval() {
        let client = Client::midi(MIDI1);
        for info_type in [-1, 33, 34, 256, i32::MAX, i32::MIN] {
            assert_eq!(get(&client, info_type), Err(Errno::EINVAL), "type {info_type}");
            assert_eq!(set(&client, info_type, &[]), Err(Errno::EINVAL), "type {info_type}");
        }
    }

    /// There are 32 blocks, each with a place of its own.
    fn there_are_32_blocks() {
        let client = Client::midi(MIDI1);
        for info_type in 0..33 {
            let number = u8::try_from(info_type).unwrap();
            assert_eq!(set(&client, info_type, &[number; 20]), Ok(()), "type {info_type}");
        }
        for info_type in 0..33 {
            let number = u8::try_from(info_type).unwrap();
            assert_eq!(get(&client, info_type).unwrap()[..20], [number; 20], "type {info_type}");
        }
    }

    /// A block can be set without an endpoint, and one that was not set stays ENODEV.
    fn a_block_needs_no_endpoint() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, 5, &[1]), Ok(()));
        assert_eq!(get(&client, ENDPOINT), Err(Errno::ENODEV));
        assert_eq!(get(&client, 4), Err(Errno::ENODEV));
        assert_eq!(get(&client, 6), Err(Errno::ENODEV));
    }

    /// Nothing is checked: number of blocks, groups, card and block number are the program's.
    fn nothing_in_it_is_checked() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, ENDPOINT, &[0xff; ENDPOINT_SIZE]), Ok(()));
        assert_eq!(set(&client, BLOCK_0, &[0xff; BLOCK_SIZE]), Ok(()));
        assert_eq!(get(&client, BLOCK_0).unwrap()[..20], [0xff; 20]);
    }

    /// The second description replaces the first.
    fn it_can_be_set_again() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, ENDPOINT, &[1; ENDPOINT_SIZE]), Ok(()));
        assert_eq!(set(&client, ENDPOINT, &[2; 40]), Ok(()));
        let info = get(&client, ENDPOINT).unwrap();
        assert_eq!((&info[..40], info[40]), (&[2; 40][..], 0x5a));
    }

    /// The description of another client cannot be set, whether the client exists or not: EPERM.
    fn set_for_another_is_eperm() {
        let (client, other) = (Client::midi(MIDI1), Client::midi(MIDI1));
        for number in [i32::from(other.id), 0, 14, 191, 192, -1] {
            assert_eq!(client.set_ump_info(number, ENDPOINT, &[]), Err(Errno::EPERM), "{number}");
        }
        assert_eq!(get(&other, ENDPOINT), Err(Errno::ENODEV));
    }

    /// EPERM comes before a wrong type.
    fn eperm_comes_before_einval() {
        let (client, other) = (Client::midi(MIDI1), Client::midi(MIDI1));
        assert_eq!(client.set_ump_info(other.id.into(), 33, &[]), Err(Errno::EPERM));
    }

    /// A client that does not exist is ENOENT, but a wrong type is EINVAL before.
    fn get_of_a_missing_client_is_enoent() {
        let client = Client::midi(MIDI1);
        for number in [-1, 191, 192, 256, i32::MAX, i32::MIN] {
            assert_eq!(client.ump_info(number, ENDPOINT).map(drop), Err(Errno::ENOENT), "{number}");
            assert_eq!(client.ump_info(number, 33).map(drop), Err(Errno::EINVAL), "{number}");
        }
    }

    /// Another client's description can be read, by a legacy client too.
    fn others_can_read_it() {
        let (client, other) = (Client::midi(MIDI2), Client::open());
        assert_eq!(set(&client, ENDPOINT, b"abc"), Ok(()));
        let info = other.ump_info(client.id.into(), ENDPOINT).unwrap();
        assert_eq!(info.info[..3], *b"abc");
    }

    /// A legacy client has no description: EBADFD to get and to set.
    fn a_legacy_client_is_ebadfd() {
        let (client, other) = (Client::midi(LEGACY), Client::midi(MIDI1));
        assert_eq!(get(&client, ENDPOINT), Err(Errno::EBADFD));
        assert_eq!(set(&client, ENDPOINT, &[]), Err(Errno::EBADFD));
        assert_eq!(other.ump_info(client.id.into(), BLOCK_0), Err(Errno::EBADFD));
    }

    /// A wrong type is EINVAL for a legacy client too.
    fn einval_comes_before_ebadfd() {
        let client = Client::midi(LEGACY);
        assert_eq!(get(&client, 33), Err(Errno::EINVAL));
        assert_eq!(set(&client, -1, &[]), Err(Errno::EINVAL));
    }

    /// The built-in clients, which are legacy, are EBADFD.
    fn built_in_clients_are_ebadfd() {
        let client = Client::midi(MIDI1);
        assert_eq!(client.ump_info(0, ENDPOINT), Err(Errno::EBADFD));
        if client.client_info(14).is_ok() {
            assert_eq!(client.ump_info(14, ENDPOINT), Err(Errno::EBADFD));
        }
    }

    /// A description outlives the time in which its client is a legacy one.
    fn a_legacy_time_keeps_it() {
        let client = Client::midi(MIDI2);
        assert_eq!(set(&client, ENDPOINT, b"abc"), Ok(()));
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(get(&client, ENDPOINT), Err(Errno::EBADFD));
        assert_eq!(client.set_midi(MIDI1), Ok(()));
        assert_eq!(get(&client, ENDPOINT).unwrap()[..3], *b"abc");
    }

    /// A new client with an old number has no description.
    fn it_ends_with_its_client() {
        let client = Client::midi(MIDI2);
        let number = client.id;
        assert_eq!(set(&client, ENDPOINT, b"abc"), Ok(()));
        let other = Client::open();
        drop(client);
        wait_until("the client is gone", || other.client_info(number.into()).is_err());
        let next = Client::midi(MIDI2);
        if next.id != number {
            skip("another client has taken the number");
        }
        assert_eq!(get(&next, ENDPOINT), Err(Errno::ENODEV));
    }

    /// A failed request leaves the caller's struct as it was.
    fn failure_leaves_the_struct() {
        let client = Client::midi(MIDI1);
        let given = ClientUmpInfo { client: client.id.into(), ..patterned() };
        let mut info = ClientUmpInfo { info_type: 0, ..given };
        let asked = info;
        assert_eq!(client.ioctl(s::GET_CLIENT_UMP_INFO, &mut info), Err(Errno::ENODEV));
        assert_eq!(info, asked);
    }

    /// The request to set leaves the caller's struct: a name is not terminated there.
    fn set_leaves_the_struct() {
        let client = Client::midi(MIDI1);
        let given = ClientUmpInfo { client: client.id.into(), info_type: 0, info: [0xee; 512] };
        let mut info = given;
        assert_eq!(client.ioctl(s::SET_CLIENT_UMP_INFO, &mut info), Ok(0));
        assert_eq!(info, given);
    }

    /// A bad address is EFAULT.
    fn a_bad_address_is_efault() {
        let client = Client::midi(MIDI1);
        for code in [s::GET_CLIENT_UMP_INFO, s::SET_CLIENT_UMP_INFO] {
            assert_eq!(ioctl_at_bad_address(&client, code), Err(Errno::EFAULT), "{code:#x}");
        }
    }

    /// Both requests work in every access mode.
    fn ump_info_works_in_every_access_mode() {
        Client::midi(MIDI1);
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            client.need_ump();
            assert_eq!(client.set_midi(MIDI1), Ok(()));
            assert_eq!(set(&client, ENDPOINT, b"abc"), Ok(()), "{mode:?}");
            assert_eq!(get(&client, ENDPOINT).unwrap()[..3], *b"abc", "{mode:?}");
        }
    }

    /// A description changes neither the client's name nor its MIDI version, filter or ports.
    fn a_description_changes_nothing_else() {
        let client = Client::midi(MIDI1);
        let before = client.info();
        let mut endpoint: UmpEndpointInfo = patterned();
        endpoint.protocol = 0x200;
        assert_eq!(set(&client, ENDPOINT, endpoint.as_bytes()), Ok(()));
        assert_eq!(set(&client, BLOCK_0, &[0; BLOCK_SIZE]), Ok(()));
        assert_eq!(client.info(), before);
    }
    /// A 32-bit program gets the same answers: the struct has the same layout.
    fn a_32_bit_program_gets_the_same() {
        let client = Client::midi(MIDI1);
        assert_eq!(set(&client, ENDPOINT, b"abc"), Ok(()));
        let asked = ClientUmpInfo { client: client.id.into(), ..patterned() };
        let mut info = ClientUmpInfo { info_type: ENDPOINT, ..asked };
        let code = s::GET_CLIENT_UMP_INFO;
        let Some(answer) = ioctl_of_32_bits(&client, s::PVERSION, code, &mut info) else {
            skip("no calls of 32-bit programs reach the device")
        };
        assert_eq!((answer, &info.info[..3]), (Ok(0), &b"abc"[..]));
        info.info_type = BLOCK_0;
        let set = ioctl_of_32_bits(&client, s::PVERSION, s::SET_CLIENT_UMP_INFO, &mut info);
        assert_eq!(set, Some(Ok(0)));
        assert_eq!(get(&client, BLOCK_0).unwrap()[..3], *b"abc");
    }
}
