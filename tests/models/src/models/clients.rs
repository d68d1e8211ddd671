//! Clients: tables, look-ups, constructors, closing.

use crate::explore::{
    Atomic, Lock, Plain, Ref, Slot, Users, World, call, expect_at_end, may_sleep, null, wait_until,
    within,
};

/// Two opens note in one word which modules were asked for.
pub(super) fn k6(world: &mut World, planted: bool) {
    let (plain, atomic) = (Plain::new(0_u32), Atomic::new(0_u32));
    for bit in [1, 2] {
        let (plain, atomic) = (plain.clone(), atomic.clone());
        world.task("open", move || {
            call("client_load", || {
                if planted {
                    plain.update(|asked| asked | bit);
                } else {
                    atomic.change(|asked| asked | bit);
                }
                may_sleep();
            });
        });
    }
}

/// Two requests change one client, each a part of it.
pub(super) fn k14(world: &mut World, planted: bool) {
    let (filter, lock) = (Plain::new(0_u32), Lock::mutex("&client->ioctl_mutex"));
    for (name, bit) in [("set_client_info", 1), ("set_client_filter", 2)] {
        let (filter, lock) = (filter.clone(), lock.clone());
        world.task(name, move || {
            call(name, || {
                let _held = (!planted).then(|| lock.lock());
                filter.update(|bits| bits | bit);
            });
        });
    }
    world.at_end(move || expect_at_end(filter.get() == 3, "BUG: a change was lost"));
}

/// A close waits for users of the client, but not for long enough.
pub(super) fn k21(world: &mut World, planted: bool) {
    let client = Ref::new(Plain::new(0_u32));
    let (table, users) = (Slot::new(Some(client)), Users::none());
    let lock = Lock::spin("clients_lock");
    {
        let (table, users, lock) = (table.clone(), users.clone(), lock.clone());
        world.task("deliver", move || {
            call("write", || {
                let held = lock.lock();
                let found = table.get();
                if found.is_some() {
                    users.enter();
                }
                drop(held);
                if let Some(client) = found {
                    within("deliver_event", || {
                        for _ in 0..6 {
                            let _value = client.get().get();
                        }
                    });
                    users.leave();
                }
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            let held = lock.lock();
            let client = table.swap(None);
            drop(held);
            if planted {
                // The wait times out.
                for _ in 0..3 {
                    if users.count() == 0 {
                        break;
                    }
                }
            } else {
                users.wait();
            }
            client.iter().for_each(Ref::free);
        });
    });
}

struct Client {
    /// What a delivery needs of the client.
    ports: Slot<Plain<u32>>,
}

/// A close frees the ports while the table still has the client.
pub(super) fn k29(world: &mut World, planted: bool) {
    let ports = Ref::new(Plain::new(1_u32));
    let client = Ref::new(Client { ports: Slot::new(Some(ports)) });
    let (table, users) = (Slot::new(Some(client)), Users::none());
    let lock = Lock::spin("clients_lock");
    {
        let (table, users, lock) = (table.clone(), users.clone(), lock.clone());
        world.task("deliver", move || {
            call("write", || {
                let held = lock.lock();
                let found = table.get();
                if found.is_some() {
                    users.enter();
                }
                drop(held);
                if let Some(client) = found {
                    within("deliver_event", || {
                        if let Some(ports) = client.get().ports.get() {
                            let _number = ports.get().get();
                        }
                    });
                    users.leave();
                }
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            let free_ports = |client: &Ref<Client>| {
                within("delete_all_ports", || {
                    client.get().ports.swap(None).iter().for_each(Ref::free);
                });
            };
            if planted && let Some(client) = table.get() {
                free_ports(&client);
            }
            let held = lock.lock();
            let client = table.swap(None);
            drop(held);
            users.wait();
            if let Some(client) = client {
                free_ports(&client);
                client.free();
            }
        });
    });
}

/// The system client is used although its port could not be allocated.
pub(super) fn k38(world: &mut World, planted: bool) {
    // The third allocation fails.
    let allocate = |number: u32| (number != 3).then(|| Ref::new(Plain::new(number)));
    let made: Vec<_> = (1..=3).map(allocate).collect();
    let complete = made.iter().all(Option::is_some);
    let registered = planted || complete;
    let parts: Vec<Slot<Plain<u32>>> = if registered {
        made.into_iter().map(Slot::new).collect()
    } else {
        made.iter().flatten().for_each(Ref::free);
        Vec::new()
    };
    let used = parts.clone();
    world.task("subscribe", move || {
        call("subscribe_port", || {
            if let Some(announce) = used.last() {
                match announce.get() {
                    Some(port) => {
                        let _number = port.get().get();
                    }
                    None => null(),
                }
            }
        });
    });
    world.at_end(move || {
        for part in parts {
            part.get().iter().for_each(Ref::free);
        }
    });
}

/// Objects are used without being counted, as in a build for one processor.
pub(super) fn k43(world: &mut World, planted: bool) {
    look_up_beside_close(world, !planted);
}

/// A look-up does not hold on to the client that it found.
pub(super) fn k122(world: &mut World, planted: bool) {
    look_up_beside_close(world, !planted);
}

fn look_up_beside_close(world: &mut World, counts: bool) {
    let table = Slot::new(Some(Ref::new(Plain::new(7_u32))));
    let (users, lock) = (Users::none(), Lock::spin("clients_lock"));
    {
        let (table, users, lock) = (table.clone(), users.clone(), lock.clone());
        world.task("query", move || {
            call("get_client_info", || {
                let held = lock.lock();
                let found = table.get();
                if counts && found.is_some() {
                    users.enter();
                }
                drop(held);
                if let Some(client) = found {
                    let _name = client.get().get();
                    if counts {
                        users.leave();
                    }
                }
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            let held = lock.lock();
            let client = table.swap(None);
            drop(held);
            users.wait();
            client.iter().for_each(Ref::free);
        });
    });
}

/// The converters of a UMP client are freed where making them failed, and again by the close.
pub(super) fn k127(world: &mut World, planted: bool) {
    let converters = Slot::new(None);
    world.task("ump", move || {
        let made = call("set_client_info", || {
            let first = Ref::new(Plain::new(0_u32));
            converters.swap(Some(first.clone()));
            // The second one cannot be allocated.
            first.free();
            if !planted {
                converters.swap(None);
            }
            false
        });
        call("close", || {
            if !made && let Some(converter) = converters.swap(None) {
                converter.free();
            }
        });
    });
}

/// A text takes the mutex of each client, and a request waits for a reader under that mutex. The event that would end the
/// read comes from the program that reads the text.
pub(super) fn k133(world: &mut World, planted: bool) {
    let (arrived, read) = (Atomic::new(false), Atomic::new(false));
    let lock = Lock::mutex("&client->ioctl_mutex");
    {
        let (arrived, read) = (arrived.clone(), read.clone());
        world.task("read", move || {
            call("read", || wait_until(|| arrived.get()));
            read.set(true);
        });
    }
    {
        let lock = lock.clone();
        world.task("resize", move || {
            call("set_client_pool", || {
                let _held = lock.lock();
                wait_until(|| read.get());
            });
        });
    }
    world.task("monitor", move || {
        call("info_clients_read", || {
            if planted {
                drop(lock.lock());
            }
        });
        call("write", || arrived.set(true));
    });
}
