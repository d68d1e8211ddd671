//! `QUERY_NEXT_CLIENT`.

use crate::case::cases;
use crate::client::{Client, name, patterned, text};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::ClientInfo;

fn next(client: &Client, after: i32) -> Result<ClientInfo, Errno> {
    client.query(s::QUERY_NEXT_CLIENT, ClientInfo { client: after, ..patterned() })
}

cases! {
    /// The first client is the system client.
    fn the_first_client_is_the_system() {
        assert_eq!(next(&Client::open(), -1).unwrap().client, 0);
    }

    /// Every negative number stands before the first client.
    fn every_negative_number_is_the_start() {
        let client = Client::open();
        for start in [-2, -100, i32::MIN] {
            assert_eq!(next(&client, start).unwrap().client, 0);
        }
    }

    /// Clients come in ascending order, kernel clients and the caller among them.
    fn clients_ascend() {
        let (client, other) = (Client::open(), Client::open());
        let mut found = vec![-1];
        while let Ok(info) = next(&client, found[found.len() - 1]) {
            found.push(info.client);
        }
        assert!(found.is_sorted());
        for expected in [0, 14, client.id, other.id] {
            assert!(found.contains(&expected.into()));
        }
    }

    /// After the last client comes ENOENT, and the struct stays as it was.
    fn after_the_last_comes_enoent() {
        let client = Client::open();
        for after in [191, 192, 255, 1000, i32::MAX] {
            let before = ClientInfo { client: after, ..patterned() };
            let mut info = before;
            assert_eq!(client.ioctl(s::QUERY_NEXT_CLIENT, &mut info), Err(Errno::ENOENT));
            assert_eq!(info, before);
        }
    }

    /// A number without client may be the start.
    fn a_missing_client_may_be_the_start() {
        assert_eq!(next(&Client::open(), 1).unwrap().client, 14);
    }

    /// QUERY_NEXT_CLIENT fills in what GET_CLIENT_INFO does, and leaves the multicast filter.
    fn the_client_is_described() {
        let client = Client::open();
        client.set_info(|info| info.name = name("described")).unwrap();
        let info = next(&client, i32::from(client.id) - 1).unwrap();
        assert_eq!(text(&info.name), "described");
        let own = ClientInfo { multicast_filter: [0xa5; 8], ..client.info() };
        assert_eq!(ClientInfo { name: own.name, ..info }, own);
    }

    /// The bytes behind the end of the name are left as they were passed in.
    fn the_bytes_behind_the_name_are_left() {
        let client = Client::open();
        client.set_info(|info| info.name = name("described")).unwrap();
        let info = next(&client, i32::from(client.id) - 1).unwrap();
        assert_eq!((info.name[9], info.name[10..].to_vec()), (0, vec![0xa5; 54]));
    }
}
