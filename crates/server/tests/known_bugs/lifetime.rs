//! Clients, ports, pools.

use super::*;
use aseqd_abi::seq::{ClientInfo, ClientPool, PortSubscribe, RemoveEvents, RemoveMode};

fn pool(file: &File, output_pool: i32, input_pool: i32) -> Result<ClientPool, Errno> {
    let client = number(file).into();
    ask(
        file,
        s::SET_CLIENT_POOL,
        ClientPool { client, output_pool, input_pool, ..ClientPool::default() },
    )
}

fn info(file: &File, client: u8) -> Result<ClientInfo, Errno> {
    ask(file, s::GET_CLIENT_INFO, ClientInfo { client: client.into(), ..ClientInfo::default() })
}

#[test]
fn known_k04_what_poll_calls_readable_can_be_read() {
    let sequencer = sequencer();
    let (writer, reader) = (client(&sequencer), client(&sequencer));
    let dest = port(&reader).unwrap();
    race(&[&|| writer.write(note(dest).as_bytes()).is_ok(), &|| {
        let readable = reader.poll().unwrap().readable;
        if readable {
            // Only this side reads. A FIFO that was full says so first.
            assert!(matches!(read(&reader), Ok(1..) | Err(Errno::ENOSPC)));
        }
        readable
    }]);
    drop((writer, reader));
    assert_fresh(&sequencer);
}

#[test]
fn known_k05_poll_for_output_beside_a_change_of_the_pool() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    race(&[&|| pool(&file, 10, 0).is_ok() && pool(&file, 2000, 0).is_ok(), &|| {
        file.poll().unwrap().writable
    }]);
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k06_look_ups_of_a_missing_client_of_a_card() {
    let sequencer = sequencer();
    let look_up = || {
        let file = client(&sequencer);
        (16..24).all(|missing| info(&file, missing) == Err(Errno::ENOENT))
    };
    race(&[&look_up, &look_up]);
    assert_fresh(&sequencer);
}

#[test]
fn known_k14_requests_of_one_file_change_it_one_after_the_other() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let rename = |letter: u8| {
        let mut changed = info(&file, number(&file)).unwrap();
        changed.name = [letter; 64];
        changed.name[63] = 0;
        ask(&file, s::SET_CLIENT_INFO, changed).unwrap();
        // A name is never half of one and half of another.
        let name = info(&file, number(&file)).unwrap().name;
        assert!(name[..63].iter().all(|byte| *byte == name[0]));
        name[0] == letter
    };
    race(&[&|| rename(b'a'), &|| rename(b'b'), &|| pool(&file, 100, 50).is_ok()]);
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k21_k29_a_client_closes_beside_deliveries_to_it() {
    let sequencer = sequencer();
    let writer = client(&sequencer);
    race(&[
        &|| {
            let reader = client(&sequencer);
            port(&reader).is_ok()
        },
        &|| {
            let event = note(Address::new(129, 0));
            match writer.write(event.as_bytes()) {
                Ok(28) => true,
                Err(Errno::ENOENT | Errno::EAGAIN) => false,
                other => panic!("{other:?}"),
            }
        },
    ]);
    drop(writer);
    assert_fresh(&sequencer);
}

#[test]
fn known_k30_two_first_writes_share_one_pool() {
    for _ in 0..20 {
        let sequencer = sequencer();
        let file = client(&sequencer);
        let dest = port(&file).unwrap();
        create_queue(&file).unwrap();
        let first = || file.write(note_at(dest, 1_000_000).as_bytes()).is_ok();
        let begin = Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    begin.wait();
                    assert!(first());
                });
            }
        });
        let client = number(&file).into();
        let pool = ask(&file, s::GET_CLIENT_POOL, ClientPool { client, ..ClientPool::default() });
        assert_eq!(pool.map(|pool| pool.output_free), Ok(498));
        drop(file);
        assert_fresh(&sequencer);
    }
}

#[test]
fn known_k31_writes_removals_and_deletions_share_the_events_of_a_queue() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let dest = port(&file).unwrap();
    race(&[
        &|| file.write(note_at(dest, 1_000_000).as_bytes()).is_ok(),
        &|| {
            let remove_mode = RemoveMode::OUTPUT.bits();
            ask(&file, s::REMOVE_EVENTS, RemoveEvents { remove_mode, ..RemoveEvents::default() })
                .is_ok()
        },
        &|| create_queue(&file).is_ok_and(|queue| delete_queue(&file, queue).is_ok()),
    ]);
    let client = number(&file).into();
    let pool = ask(&file, s::GET_CLIENT_POOL, ClientPool { client, ..ClientPool::default() });
    assert_eq!(pool.map(|pool| pool.output_free), Ok(500));
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k43_k122_a_client_is_looked_up_beside_its_close() {
    let sequencer = sequencer();
    let asking = client(&sequencer);
    race(&[
        &|| {
            let file = client(&sequencer);
            port(&file).is_ok()
        },
        &|| match info(&asking, 129) {
            Ok(info) => {
                assert_eq!(info.client, 129);
                true
            }
            Err(errno) => {
                assert_eq!(errno, Errno::ENOENT);
                false
            }
        },
    ]);
    drop(asking);
    assert_fresh(&sequencer);
}

#[test]
fn known_k51_opens_beside_subscriptions() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let own = port(&file).unwrap();
    race(&[&|| port(&client(&sequencer)).is_ok(), &|| {
        let pair = PortSubscribe { sender: own, dest: own, ..PortSubscribe::default() };
        ask(&file, s::SUBSCRIBE_PORT, pair).is_ok() && ask(&file, s::UNSUBSCRIBE_PORT, pair).is_ok()
    }]);
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k120_a_port_that_is_found_has_its_capabilities() {
    let sequencer = sequencer();
    let (maker, finder) = (client(&sequencer), client(&sequencer));
    let client = number(&maker);
    race(&[
        &|| {
            let made = port(&maker).unwrap();
            ask(&maker, s::DELETE_PORT, PortInfo { addr: made, ..PortInfo::default() }).is_ok()
        },
        &|| {
            let addr = Address::new(client, 0xff);
            let found = ask(&finder, s::QUERY_NEXT_PORT, PortInfo { addr, ..PortInfo::default() });
            found.is_ok_and(|info| {
                assert_ne!(info.capability, 0, "a port that is not complete");
                true
            })
        },
    ]);
    drop((maker, finder));
    assert_fresh(&sequencer);
}
