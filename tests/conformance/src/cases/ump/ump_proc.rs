//! What `/proc/asound/seq/clients` says of UMP clients.

use crate::case::{cases, skip};
use crate::client::{Client, LEGACY, MIDI1, MIDI2, OPEN_PORT, name};
use aseqd_abi::seq::PortCaps;
use aseqd_abi::ump::{UmpBlockInfo, UmpEndpointInfo};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// Returns the lines about a client. Skips the case if there is no such file.
fn lines(client: &Client) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string("/proc/asound/seq/clients") else {
        skip("there is no /proc/asound/seq")
    };
    let head = format!("Client {:3} :", client.id);
    let lines = text.lines().skip_while(|line| !line.starts_with(&head));
    let rest: Vec<_> = lines.map(str::to_owned).collect();
    let end = rest
        .iter()
        .skip(1)
        .position(|line| line.starts_with("Client "))
        .map_or(rest.len(), |at| at + 1);
    rest[..end].to_vec()
}

/// Returns a client of a version with a name and one port, without announcements of itself.
fn named(version: u32) -> Client {
    let client = Client::midi(version);
    client.set_info(|info| info.name = name("conformance")).unwrap();
    client.set_port(0, |info| info.name = name("port"));
    client
}

/// Returns the bytes of a text with zeros behind it.
fn long_name(text: &str) -> [u8; 128] {
    let mut name = [0; 128];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

/// Sets the endpoint's description, which says how many blocks there are.
fn describe(client: &Client, num_blocks: u32) {
    let mut endpoint = UmpEndpointInfo::new_zeroed();
    endpoint.name = long_name("Synth");
    endpoint.num_blocks = num_blocks;
    assert_eq!(client.set_ump_info(client.id.into(), 0, endpoint.as_bytes()), Ok(()));
}

/// Sets the description of a block.
fn block(client: &Client, number: u8, change: impl FnOnce(&mut UmpBlockInfo)) {
    let mut block = UmpBlockInfo::new_zeroed();
    block.block_id = number;
    block.name = long_name("Block");
    block.direction = 3;
    block.active = 1;
    block.first_group = 2;
    block.num_groups = 1;
    change(&mut block);
    let set = client.set_ump_info(client.id.into(), i32::from(number) + 1, block.as_bytes());
    assert_eq!(set, Ok(()));
}

cases! {
    /// The client's line tells its MIDI version.
    fn the_line_tells_the_version() {
        for (version, kind) in [(LEGACY, "User Legacy"), (MIDI1, "User UMP MIDI1"), (MIDI2, "User UMP MIDI2")] {
            let client = named(version);
            assert_eq!(lines(&client)[0], format!("Client {:3} : \"conformance\" [{kind}]", client.id));
        }
    }

    /// A port's line tells its direction and the mark of MIDI 1.0, but not its group.
    fn a_ports_line() {
        let client = named(MIDI2);
        client.set_port(0, |info| {
            info.ump_group = 5;
            info.direction = 1;
            info.flags = 8;
        });
        assert_eq!(lines(&client)[1], "  Port   0 : \"port\" (RWe-) [In] [MIDI1]");
    }

    /// The endpoint port has no mark.
    fn the_endpoint_ports_line() {
        let client = named(MIDI2);
        let port = client.create_port(OPEN_PORT | PortCaps::UMP_ENDPOINT).unwrap();
        client.set_port(port.port, |info| info.name = name("endpoint"));
        assert_eq!(lines(&client)[2], "  Port   1 : \"endpoint\" (RWe-) [In/Out]");
    }

    /// A direction that is none of the three is told as invalid.
    fn directions_of_a_port() {
        let client = named(MIDI1);
        for (direction, text) in [(1, "[In]"), (2, "[Out]"), (3, "[In/Out]"), (4, "[Invalid]"), (5, "[Invalid]"), (255, "[Invalid]")] {
            client.set_port(0, |info| info.direction = direction);
            assert_eq!(lines(&client)[1], format!("  Port   0 : \"port\" (RWe-) {text}"));
        }
    }

    /// An endpoint and its blocks have lines between those of the client and its ports.
    fn the_description_has_lines() {
        let client = named(MIDI2);
        describe(&client, 2);
        block(&client, 0, |block| block.num_groups = 3);
        block(&client, 1, |block| {
            block.direction = 1;
            block.active = 0;
            block.first_group = 15;
        });
        let expected = [
            "  UMP Endpoint: \"Synth\"",
            "  UMP Block 0: \"Block\" [Active]",
            "    Groups: 3-5",
            "  UMP Block 1: \"Block\" [Inactive]",
            "    Groups: 16-16",
        ];
        assert_eq!(lines(&client)[1..6], expected);
        assert!(lines(&client)[6].starts_with("  Port   0 :"));
    }

    /// Blocks have lines whatever number of blocks the endpoint says.
    fn the_number_of_blocks_does_not_matter() {
        let client = named(MIDI2);
        describe(&client, 0);
        block(&client, 1, |_| {});
        assert_eq!(lines(&client)[2], "  UMP Block 1: \"Block\" [Active]");
    }

    /// A block that was not set has no lines, and the next one has.
    fn a_missing_block_has_no_lines() {
        let client = named(MIDI2);
        describe(&client, 3);
        block(&client, 2, |_| {});
        assert_eq!(lines(&client)[2], "  UMP Block 2: \"Block\" [Active]");
        assert!(lines(&client)[4].starts_with("  Port   0 :"));
    }

    /// A block without an endpoint has lines.
    fn a_block_without_an_endpoint_has_lines() {
        let client = named(MIDI2);
        block(&client, 0, |_| {});
        assert_eq!(lines(&client)[1], "  UMP Block 0: \"Block\" [Active]");
        assert!(lines(&client)[3].starts_with("  Port   0 :"));
    }

    /// The numbers in lines are the place of a block and what it says, unchecked.
    fn numbers_of_blocks_are_not_checked() {
        let client = named(MIDI2);
        describe(&client, 32);
        block(&client, 31, |block| {
            block.block_id = 5;
            block.first_group = 250;
            block.num_groups = 200;
        });
        assert_eq!(lines(&client)[2..4], ["  UMP Block 31: \"Block\" [Active]", "    Groups: 251-450"]);
    }

    /// A client that has become legacy again keeps these lines.
    fn a_legacy_client_keeps_its_description() {
        let client = named(MIDI2);
        describe(&client, 0);
        assert_eq!(client.set_midi(LEGACY), Ok(()));
        assert_eq!(lines(&client)[0], format!("Client {:3} : \"conformance\" [User Legacy]", client.id));
        assert_eq!(lines(&client)[1], "  UMP Endpoint: \"Synth\"");
    }
}
