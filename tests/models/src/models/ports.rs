//! Ports and connections.

use crate::explore::{
    Atomic, List, Lock, Plain, Ref, Users, World, call, expect, fail, point, within,
};
use crate::report::Checker;

struct Port {
    users: Users,
    capability: Plain<u32>,
    lock: Lock,
}

impl Port {
    fn new() -> Ref<Self> {
        Ref::new(Self {
            users: Users::none(),
            capability: Plain::new(0),
            lock: Lock::spin("&port->lock"),
        })
    }
}

/// A port is deleted by its number while CREATE_PORT still fills it in.
pub(super) fn k12(world: &mut World, planted: bool) {
    let (list, lock) = (List::default(), Lock::spin("&client->ports_lock"));
    {
        let (list, lock) = (list.clone(), lock.clone());
        world.task("create", move || {
            call("create_port", || {
                let port = Port::new();
                if !planted {
                    port.get().users.enter();
                }
                let held = lock.lock();
                list.add(&port);
                drop(held);
                let filled = port.get();
                let guard = filled.lock.lock();
                filled.capability.set(3);
                drop(guard);
                if !planted {
                    port.get().users.leave();
                }
            });
        });
    }
    let remaining = list.clone();
    world.task("delete", move || {
        call("delete_port", || {
            let held = lock.lock();
            let port: Option<Ref<Port>> = list.take_first();
            drop(held);
            if let Some(port) = port {
                port.get().users.wait();
                port.free();
            }
        });
    });
    world.at_end(move || remaining.all().iter().for_each(Ref::free));
}

/// UNSUBSCRIBE_PORT changes the list and the use count in two sections; DELETE_PORT comes between.
pub(super) fn k23(world: &mut World, planted: bool) {
    let connection = Ref::new(());
    let (list, count) = (List::default(), Plain::new(1_i32));
    list.add(&connection);
    let lock = Lock::mutex("&group->list_mutex");
    {
        let (list, count, lock) = (list.clone(), count.clone(), lock.clone());
        world.task("unsubscribe", move || {
            call("unsubscribe_port", || {
                let held = lock.lock();
                let found = list.take_first();
                if planted {
                    drop(held);
                    let held = lock.lock();
                    if found.is_some() {
                        count.update(|count| count - 1);
                    }
                    drop(held);
                } else {
                    if found.is_some() {
                        count.update(|count| count - 1);
                    }
                    drop(held);
                }
                found.iter().for_each(Ref::free);
            });
        });
    }
    world.task("delete", move || {
        call("delete_port", || {
            let _held = lock.lock();
            while let Some(connection) = list.take_first() {
                count.update(|count| count - 1);
                connection.free();
            }
            if count.get() != 0 {
                fail(Checker::Leak, "WARNING: use count is not 0");
            }
        });
    });
}

/// The end of a connection and the end of its port both free the connection.
pub(super) fn k24(world: &mut World, planted: bool) {
    let connection = Ref::new(Atomic::new(2_i32));
    let (sender, dest) = (List::default(), List::default());
    sender.add(&connection);
    dest.add(&connection);
    let locks = [Lock::mutex("&group->list_mutex"), Lock::mutex("&group->list_mutex/dest")];
    let end = |list: &List<Atomic<i32>>, lock: &Lock, connection: &Ref<Atomic<i32>>| {
        let _held = lock.lock();
        let linked = list.holds(connection);
        if linked {
            list.remove(connection);
        }
        linked
    };
    {
        let (sender, dest, connection) = (sender.clone(), dest.clone(), connection.clone());
        let locks = locks.clone();
        world.task("unsubscribe", move || {
            call("unsubscribe_port", || {
                if !planted {
                    // Linked in both, it is unlinked from the destination first, and only once.
                    if end(&dest, &locks[1], &connection) {
                        end(&sender, &locks[0], &connection);
                        connection.free();
                    }
                    return;
                }
                end(&sender, &locks[0], &connection);
                end(&dest, &locks[1], &connection);
                connection.free();
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            within("delete_and_unsubscribe_port", || {
                let linked = end(&dest, &locks[1], &connection);
                if linked {
                    end(&sender, &locks[0], &connection);
                    connection.free();
                }
            });
        });
    });
}

/// A port leaves its list by its own deletion and by its client's.
pub(super) fn k25(world: &mut World, planted: bool) {
    let port = Port::new();
    let list = List::default();
    list.add(&port);
    let lock = Lock::mutex("&client->ports_mutex");
    for name in ["delete_port", "delete_all_ports"] {
        let (list, lock, port) = (list.clone(), lock.clone(), port.clone());
        world.task(name, move || {
            call(name, || {
                let held = lock.lock();
                let linked = list.holds(&port);
                if planted && linked {
                    // Found, and unlinked in another section.
                    drop(held);
                    let held = lock.lock();
                    list.remove(&port);
                    drop(held);
                    port.free();
                } else if linked {
                    list.remove(&port);
                    drop(held);
                    port.free();
                }
            });
        });
    }
}

/// A port of a driver is in the list before it is filled in.
pub(super) fn k33(world: &mut World, planted: bool) {
    visible_before_complete(world, planted, "register_kernel_port");
}

/// CREATE_PORT puts the port into the list and then fills it in.
pub(super) fn k120(world: &mut World, planted: bool) {
    visible_before_complete(world, planted, "create_port");
}

fn visible_before_complete(world: &mut World, planted: bool, name: &'static str) {
    let (list, lock) = (List::default(), Lock::spin("&client->ports_lock"));
    {
        let (list, lock) = (list.clone(), lock.clone());
        world.task(name, move || {
            call(name, || {
                let port = Ref::new(Atomic::new(0_u32));
                if !planted {
                    port.get().set(3);
                }
                let held = lock.lock();
                list.add(&port);
                drop(held);
                if planted {
                    port.get().set(3);
                }
            });
        });
    }
    let all = list.clone();
    world.task("query", move || {
        call("query_next_port", || {
            let held = lock.lock();
            let port: Option<Ref<Atomic<u32>>> = list.first();
            drop(held);
            if let Some(port) = port {
                expect(port.get().get() == 3, "BUG: a port without its capabilities");
            }
        });
    });
    world.at_end(move || all.all().iter().for_each(Ref::free));
}

/// The 32-bit form of SET_PORT_INFO does not take the mutex.
pub(super) fn k34(world: &mut World, planted: bool) {
    let (flags, lock) = (Plain::new(0_u32), Lock::mutex("&client->ioctl_mutex"));
    for (name, locks) in [("set_port_info", true), ("set_port_info_compat", !planted)] {
        let (flags, lock) = (flags.clone(), lock.clone());
        world.task(name, move || {
            call(name, || {
                let _held = locks.then(|| lock.lock());
                flags.update(|flags| flags + 1);
            });
        });
    }
}

/// A delivery that fails leaves the port's lock taken.
pub(super) fn k36(world: &mut World, planted: bool) {
    let lock = Lock::mutex("&group->list_mutex");
    {
        let lock = lock.clone();
        world.task("write", move || {
            call("deliver_to_subscribers", || {
                let held = lock.lock();
                let too_many_hops = true;
                if planted && too_many_hops {
                    held.leak();
                }
            });
        });
    }
    world.task("delete", move || {
        call("delete_port", || drop(lock.lock()));
    });
}

/// Each hop of a delivery takes the lock of its port. All are one class.
pub(super) fn k42(world: &mut World, planted: bool) {
    let ports: Vec<_> = (0..4).map(|_| Lock::mutex("&group->list_mutex")).collect();
    world.task("write", move || {
        call("write", || {
            within("deliver_to_subscribers", || {
                let hops = ports.iter().enumerate();
                let held: Vec<_> = hops
                    .map(|(hop, port)| port.lock_nested(if planted { 0 } else { hop }))
                    .collect();
                point();
                // The last hop returns first.
                held.into_iter().rev().for_each(drop);
            });
        });
    });
}

/// Two connections between the same ports take both locks, each in its own order.
pub(super) fn k44(world: &mut World, planted: bool) {
    let groups = [Lock::mutex("&group->list_mutex"), Lock::mutex("&group->list_mutex")];
    for (from, to) in [(0, 1), (1, 0)] {
        let (mut first, mut second) = (groups[from].clone(), groups[to].clone());
        if !planted && first.order() > second.order() {
            std::mem::swap(&mut first, &mut second);
        }
        world.task("subscribe", move || {
            call("subscribe_port", || {
                let outer = first.lock();
                let inner = if planted { second.lock() } else { second.lock_nested(1) };
                point();
                drop(inner);
                drop(outer);
            });
        });
    }
}
