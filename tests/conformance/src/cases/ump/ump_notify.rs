//! UMP_EP_CHANGE and UMP_BLOCK_CHANGE: what is announced about a client's description.

use crate::case::cases;
use crate::client::{Client, MIDI1, MIDI2, Watcher};
use aseqd_abi::event::{EVENT_SIZE, EventFlags, QUEUE_DIRECT};
use aseqd_abi::{Address, Errno, EventType};

/// Returns a watcher, and a UMP client about which all has been announced.
fn fixture() -> (Watcher, Client) {
    let client = Client::midi(MIDI2);
    let watcher = Watcher::new();
    (watcher, client)
}

/// Describes the own client.
fn set(client: &Client, info_type: i32) -> Result<(), Errno> {
    client.set_ump_info(client.id.into(), info_type, &[1])
}

cases! {
    /// Setting the endpoint's description is announced with the client's number and 0.
    since "6.14" fn a_new_endpoint_is_announced() {
        let (watcher, client) = fixture();
        assert_eq!(set(&client, 0), Ok(()));
        assert_eq!(watcher.told(&[client.id]), [(EventType::UMP_EP_CHANGE, [client.id, 0, 0, 0])]);
    }

    /// Setting a block's description is announced with the client's number and the block's.
    since "6.14" fn a_new_block_is_announced() {
        let (watcher, client) = fixture();
        for block in [0, 1, 31] {
            assert_eq!(set(&client, i32::from(block) + 1), Ok(()));
            let expected = (EventType::UMP_BLOCK_CHANGE, [client.id, block, 0, 0]);
            assert_eq!(watcher.told(&[client.id]), [expected]);
        }
    }

    /// Setting the same again is announced again.
    since "6.14" fn the_same_again_is_announced() {
        let (watcher, client) = fixture();
        for _ in 0..3 {
            assert_eq!(set(&client, 0), Ok(()));
        }
        assert_eq!(watcher.told(&[client.id]).len(), 3);
    }

    /// The announcement has the form of others: direct, from 0:1, with zeros in the rest of the data.
    since "6.14" fn the_announcement_has_this_form() {
        let (watcher, client) = fixture();
        assert_eq!(set(&client, 3), Ok(()));
        let event = watcher.announced(&[client.id])[0];
        assert_eq!((event.source, event.dest), (Address::new(0, 1), watcher.0.port(0)));
        assert_eq!((event.queue, event.flags, event.tag), (QUEUE_DIRECT, EventFlags::empty(), 0));
        assert_eq!(event.data.0, [client.id, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// A request that fails announces nothing.
    since "6.14" fn a_failure_announces_nothing() {
        let (watcher, client) = fixture();
        let legacy = Client::with_port();
        watcher.0.discard();
        assert_eq!(set(&client, 33), Err(Errno::EINVAL));
        assert_eq!(set(&legacy, 0), Err(Errno::EBADFD));
        assert_eq!(client.set_ump_info(legacy.id.into(), 0, &[]), Err(Errno::EPERM));
        assert_eq!(watcher.told(&[client.id, legacy.id]), []);
    }

    /// GET_CLIENT_UMP_INFO announces nothing.
    since "6.14" fn get_announces_nothing() {
        let (watcher, client) = fixture();
        assert_eq!(client.ump_info(client.id.into(), 0), Err(Errno::ENODEV));
        assert_eq!(watcher.told(&[client.id]), []);
    }

    /// The version that a program declares does not matter, at either end.
    since "6.14" fn the_declared_version_does_not_matter() {
        let (watcher, client) = fixture();
        for version in [0, 0x01_00_03, 0x01_00_05] {
            client.declare_version(version);
            watcher.0.declare_version(version);
            assert_eq!(set(&client, 0), Ok(()));
            assert_eq!(watcher.told(&[client.id]).len(), 1, "{version:#x}");
        }
    }

    /// A UMP client gets the announcement as a legacy event of 32 bytes.
    since "6.14" fn a_ump_client_gets_the_announcement() {
        let (watcher, client) = fixture();
        watcher.0.need_ump();
        assert_eq!(watcher.0.set_midi(MIDI1), Ok(()));
        watcher.0.discard();
        assert_eq!(set(&client, 1), Ok(()));
        let got = watcher.0.ump_received();
        assert_eq!((got.len(), got[0].legacy().event_type), (1, EventType::UMP_BLOCK_CHANGE));
        assert_eq!(got[0].legacy().data.0[..2], [client.id, 0]);
    }

    /// The event filter can leave them out.
    since "6.14" fn the_event_filter_leaves_them_out() {
        let (watcher, client) = fixture();
        watcher.0.accept_only(&[EventType::UMP_BLOCK_CHANGE]);
        watcher.0.discard();
        assert_eq!(set(&client, 0), Ok(()));
        assert_eq!(set(&client, 1), Ok(()));
        assert_eq!(watcher.told(&[client.id]), [(EventType::UMP_BLOCK_CHANGE, [client.id, 0, 0, 0])]);
    }

    /// A program may send events of these types.
    since "6.14" fn a_program_may_send_these_types() {
        let client = Client::midi(MIDI2);
        for event_type in [EventType::UMP_EP_CHANGE, EventType::UMP_BLOCK_CHANGE] {
            let event = crate::client::legacy(client.port(0), event_type, aseqd_abi::event::EventData([5; 12]));
            assert_eq!(client.send(&event), Ok(EVENT_SIZE));
            assert_eq!(client.ump_received()[0].legacy().event_type, event_type);
        }
    }

    /// Before 6.14 nothing is announced about a description.
    until "6.14" fn a_description_is_not_announced() {
        let (watcher, client) = fixture();
        assert_eq!(set(&client, 0), Ok(()));
        assert_eq!(set(&client, 1), Ok(()));
        assert_eq!(watcher.told(&[client.id]), []);
    }
}
