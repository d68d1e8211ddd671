//! `CREATE_PORT` and `DELETE_PORT`.

use crate::case::cases;
use crate::client::{Client, Mode, OPEN_PORT, name, note_on, text};
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo};
use aseqd_abi::{Address, Errno};

fn given(client: &Client, port: u8) -> Result<Address, Errno> {
    client.create_port_with(|info| {
        info.addr.port = port;
        info.flags = PortFlags::GIVEN_PORT.bits();
        info.capability = OPEN_PORT.bits();
    })
}

cases! {
    /// Ports get the lowest free numbers, from 0.
    fn create_takes_the_lowest_free_number() {
        let client = Client::open();
        for number in 0..4 {
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(number)));
        }
        client.delete_port(1).unwrap();
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(1)));
        assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(4)));
    }

    /// Without GIVEN_PORT the number that is passed in does not matter.
    fn create_ignores_a_number_that_is_not_given() {
        let client = Client::open();
        let made = client.create_port_with(|info| info.addr.port = 77);
        assert_eq!(made, Ok(client.port(0)));
    }

    /// With GIVEN_PORT the port gets that number.
    fn create_with_a_given_number() {
        let client = Client::open();
        for number in [5, 0, 252] {
            assert_eq!(given(&client, number), Ok(client.port(number)));
        }
        assert_eq!(client.info().num_ports, 3);
    }

    /// Numbers that follow fill the gaps around given ones.
    fn create_goes_around_given_numbers() {
        let client = Client::open();
        given(&client, 1).unwrap();
        let made = [0, 2, 3].map(|_| client.create_port(OPEN_PORT).unwrap().port);
        assert_eq!(made, [0, 2, 3]);
    }

    /// A given number that exists is EBUSY.
    since "6.12" fn create_of_an_existing_number_is_ebusy() {
        let client = Client::with_port();
        assert_eq!(given(&client, 0), Err(Errno::EBUSY));
        assert_eq!(client.info().num_ports, 1);
    }

    /// A given number that exists makes a second port of the same number.
    until "6.12" fn create_of_an_existing_number_makes_a_second_port() {
        let client = Client::with_port();
        assert_eq!(given(&client, 0), Ok(client.port(0)));
        assert_eq!(client.info().num_ports, 2);
    }

    /// Given numbers from 253 are EINVAL.
    since "6.12" fn create_of_number_253_is_einval() {
        let client = Client::open();
        for number in [253, 254, 255] {
            assert_eq!(given(&client, number), Err(Errno::EINVAL));
        }
    }

    /// Given numbers from 253 are taken.
    until "6.12" fn create_of_number_253_succeeds() {
        let client = Client::open();
        for number in [253, 254, 255] {
            assert_eq!(given(&client, number), Ok(client.port(number)));
        }
    }

    /// 254 ports can be made, the last one number 253; one more is EINVAL.
    since "6.12" fn create_of_port_255_is_einval() {
        let client = Client::open();
        for number in 0..254 {
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(number)));
        }
        assert_eq!(client.create_port(OPEN_PORT), Err(Errno::EINVAL));
        assert_eq!(client.info().num_ports, 254);
    }

    /// 254 ports can be made; one more is ENOMEM.
    until "6.12" fn create_of_port_255_is_enomem() {
        let client = Client::open();
        for number in 0..254 {
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(number)));
        }
        assert_eq!(client.create_port(OPEN_PORT), Err(Errno::ENOMEM));
    }

    /// A port for another client is EPERM.
    fn create_for_another_client_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        for number in [other.id, 0, 14, 250] {
            let made = client.create_port_with(|info| info.addr.client = number);
            assert_eq!(made, Err(Errno::EPERM));
        }
    }

    /// A pointer to kernel functions is EINVAL.
    fn create_with_a_kernel_pointer_is_einval() {
        let client = Client::open();
        assert_eq!(client.create_port_with(|info| info.kernel = 8), Err(Errno::EINVAL));
        assert_eq!(client.info().num_ports, 0);
    }

    /// The client is looked at before the pointer.
    fn create_looks_at_the_client_first() {
        let made = Client::open().create_port_with(|info| (info.addr.client, info.kernel) = (0, 8));
        assert_eq!(made, Err(Errno::EPERM));
    }

    /// A port without a name is called port-N.
    fn create_without_name_names_it_after_its_number() {
        let client = Client::open();
        given(&client, 42).unwrap();
        client.create_port(OPEN_PORT).unwrap();
        assert_eq!(text(&client.port_info(client.port(42)).unwrap().name), "port-42");
        assert_eq!(text(&client.port_info(client.port(0)).unwrap().name), "port-0");
    }

    /// Every attribute that is passed in is the new port's.
    fn create_takes_the_attributes() {
        let client = Client::open();
        let made = client.create_port_with(|info| {
            info.name = name("attributes");
            info.capability = OPEN_PORT.bits();
            info.port_type = 0x000a_0002;
            (info.midi_channels, info.midi_voices, info.synth_voices) = (16, 64, 32);
        });
        let info = client.port_info(made.unwrap()).unwrap();
        assert_eq!((text(&info.name), info.capability), ("attributes".into(), OPEN_PORT.bits()));
        assert_eq!((info.port_type, info.midi_channels), (0x000a_0002, 16));
        assert_eq!((info.midi_voices, info.synth_voices), (64, 32));
    }

    /// CREATE_PORT returns the struct that was passed in, with the address filled in.
    fn create_returns_the_struct_with_the_address() {
        let client = Client::open();
        let info = PortInfo {
            addr: client.port(9),
            capability: 0x1234_5067,
            read_use: 5,
            write_use: 6,
            time_queue: 3,
            reserved: [7; 57],
            ..PortInfo::default()
        };
        let answer = client.query(s::CREATE_PORT, info).unwrap();
        assert_eq!(answer, PortInfo { addr: client.port(0), ..info });
    }

    /// A CREATE_PORT that fails leaves the struct as it was.
    fn create_that_fails_changes_nothing() {
        let client = Client::open();
        let before = PortInfo { addr: client.port(3), kernel: 1, ..PortInfo::default() };
        let mut info = before;
        assert_eq!(client.ioctl(s::CREATE_PORT, &mut info), Err(Errno::EINVAL));
        assert_eq!(info, before);
    }

    /// A client has at most one port that is its UMP endpoint; a second is EBUSY.
    since "6.12" fn create_of_a_second_endpoint_is_ebusy() {
        let client = Client::open();
        let endpoint = OPEN_PORT | PortCaps::UMP_ENDPOINT;
        let first = client.create_port(endpoint).unwrap();
        assert_eq!(client.create_port(endpoint), Err(Errno::EBUSY));
        client.delete_port(first.port).unwrap();
        assert!(client.create_port(endpoint).is_ok());
    }

    /// Ports can be made and deleted in every access mode.
    fn create_and_delete_work_in_every_access_mode() {
        for mode in [Mode::Read, Mode::Write, Mode::ReadWrite] {
            let client = Client::open_as(mode);
            assert_eq!(client.create_port(OPEN_PORT), Ok(client.port(0)));
            assert_eq!(client.delete_port(0), Ok(()));
        }
    }

    /// A deleted port is no more.
    fn delete_removes_the_port() {
        let client = Client::with_port();
        client.delete_port(0).unwrap();
        assert_eq!(client.port_info(client.port(0)), Err(Errno::ENOENT));
        assert_eq!(client.send(&note_on(client.port(0), 1)), Err(Errno::ENOENT));
    }

    /// Deleting a port that does not exist is ENOENT.
    fn delete_of_a_missing_port_is_enoent() {
        let client = Client::with_port();
        for port in [1, 253, 255] {
            assert_eq!(client.delete_port(port), Err(Errno::ENOENT));
        }
        client.delete_port(0).unwrap();
        assert_eq!(client.delete_port(0), Err(Errno::ENOENT));
    }

    /// Deleting another client's port is EPERM.
    fn delete_of_another_clients_port_is_eperm() {
        let (client, other) = (Client::with_port(), Client::with_port());
        for addr in [other.port(0), other.port(9), Address::new(0, 0), Address::new(250, 0)] {
            let info = PortInfo { addr, ..PortInfo::default() };
            assert_eq!(client.query(s::DELETE_PORT, info), Err(Errno::EPERM));
        }
        assert!(client.port_info(other.port(0)).is_ok());
    }

    /// Deleting a port cuts its subscriptions in both directions.
    fn delete_cuts_subscriptions() {
        let (client, other) = (Client::with_port(), Client::with_port());
        client.subscribe(client.port(0), other.port(0)).unwrap();
        client.subscribe(other.port(0), client.port(0)).unwrap();
        client.delete_port(0).unwrap();
        let info = other.port_info(other.port(0)).unwrap();
        assert_eq!((info.read_use, info.write_use), (0, 0));
    }

    /// Events that were delivered to a port before it was deleted can still be read.
    fn delete_keeps_unread_events() {
        let client = Client::with_port();
        client.must_send(&note_on(client.port(0), 11));
        client.delete_port(0).unwrap();
        assert_eq!(client.events().len(), 1);
    }
}
