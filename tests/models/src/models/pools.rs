//! Memory pools, and the events that wait in them.

use crate::explore::{
    Atomic, List, Lock, Plain, Ref, Slot, Users, World, call, wait_until, within,
};

/// poll looks at the FIFO without its lock.
pub(super) fn k4(world: &mut World, planted: bool) {
    let (cells, lock) = (Plain::new(0_u32), Lock::spin("&fifo->lock"));
    {
        let (cells, lock) = (cells.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                within("fifo_event_in", || {
                    let _held = lock.lock_irqsave();
                    cells.update(|cells| cells + 1);
                });
            });
        });
    }
    world.task("poll", move || {
        call("poll", || {
            within("fifo_poll_wait", || {
                let _held = (!planted).then(|| lock.lock_irqsave());
                let _ready = cells.get() > 0;
            });
        });
    });
}

/// poll for output reads the size of a pool that SET_CLIENT_POOL changes.
pub(super) fn k5(world: &mut World, planted: bool) {
    let size = Plain::new(500_u32);
    let atomic = Atomic::new(500_u32);
    let lock = Lock::spin("&pool->lock");
    {
        let (size, atomic) = (size.clone(), atomic.clone());
        world.task("resize", move || {
            call("set_client_pool", || {
                let _held = lock.lock_irqsave();
                if planted { size.set(100) } else { atomic.set(100) }
            });
        });
    }
    world.task("poll", move || {
        call("poll", || {
            within("pool_poll_wait", || if planted { size.get() } else { atomic.get() });
        });
    });
}

/// The first write allocates the pool while SET_CLIENT_POOL frees and allocates it.
pub(super) fn k15(world: &mut World, planted: bool) {
    let (cells, lock) = (Slot::new(None), Lock::mutex("&client->ioctl_mutex"));
    {
        let (cells, lock) = (cells.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                let _held = (!planted).then(|| lock.lock());
                if cells.get().is_none() {
                    cells.swap(Some(Ref::new(Plain::new(500_u32)))).iter().for_each(Ref::free);
                }
                within("cell_alloc", || {
                    if let Some(cells) = cells.get() {
                        cells.get().update(|free| free - 1);
                    }
                });
            });
        });
    }
    let left = cells.clone();
    world.task("resize", move || {
        call("set_client_pool", || {
            let _held = (!planted).then(|| lock.lock());
            cells.swap(None).iter().for_each(Ref::free);
            cells.swap(Some(Ref::new(Plain::new(100)))).iter().for_each(Ref::free);
        });
    });
    world.at_end(move || left.swap(None).iter().for_each(Ref::free));
}

/// GET_CLIENT_POOL reads an input pool that SET_CLIENT_POOL frees.
pub(super) fn k17(world: &mut World, planted: bool) {
    let pool = Slot::new(Some(Ref::new(Atomic::new(200_u32))));
    let users = Users::none();
    let lock = Lock::spin("&fifo->lock");
    {
        let (pool, users, lock) = (pool.clone(), users.clone(), lock.clone());
        world.task("query", move || {
            call("get_client_pool", || {
                let held = lock.lock_irqsave();
                let found = pool.get();
                if !planted {
                    users.enter();
                }
                drop(held);
                if let Some(pool) = &found {
                    let _free = pool.get().get();
                }
                if !planted {
                    users.leave();
                }
            });
        });
    }
    resize(world, pool, users, lock, true);
}

/// An event arrives in the FIFO while SET_CLIENT_POOL exchanges its pool.
pub(super) fn k18(world: &mut World, planted: bool) {
    let pool = Slot::new(Some(Ref::new(Atomic::new(200_u32))));
    let users = Users::none();
    let lock = Lock::spin("&fifo->lock");
    {
        let (pool, users, lock) = (pool.clone(), users.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                within("fifo_event_in", || {
                    let held = lock.lock_irqsave();
                    let found = pool.get();
                    users.enter();
                    drop(held);
                    if let Some(pool) = found {
                        pool.get().change(|free| free - 1);
                    }
                    users.leave();
                });
            });
        });
    }
    resize(world, pool, users, lock, !planted);
}

fn resize(world: &mut World, pool: Slot<Atomic<u32>>, users: Users, lock: Lock, waits: bool) {
    let left = pool.clone();
    world.task("resize", move || {
        call("set_client_pool", || {
            let new = Ref::new(Atomic::new(10));
            let held = lock.lock_irqsave();
            let old = pool.swap(Some(new));
            drop(held);
            if waits {
                users.wait();
            }
            old.iter().for_each(Ref::free);
        });
    });
    world.at_end(move || left.swap(None).iter().for_each(Ref::free));
}

/// A close waits until the pool is empty while a writer of the same descriptor still fills it.
pub(super) fn k20(world: &mut World, planted: bool) {
    let (used, closing) = (Atomic::new(0_i32), Atomic::new(false));
    let lock = Lock::spin("&pool->lock");
    {
        let (used, closing, lock) = (used.clone(), closing.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                for _ in 0..3 {
                    within("cell_alloc", || {
                        let _held = lock.lock_irqsave();
                        if planted || !closing.get() {
                            used.change(|used| used + 1);
                        }
                    });
                }
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            let held = lock.lock_irqsave();
            closing.set(true);
            // The queues give back what they have.
            used.set(0);
            drop(held);
            within("pool_done", || {
                wait_until(|| used.get() == 0);
            });
        });
    });
}

/// Two first writes both allocate the pool.
pub(super) fn k30(world: &mut World, planted: bool) {
    let (cells, lock) = (Slot::new(None), Lock::spin("&pool->lock"));
    for _ in 0..2 {
        let (cells, lock) = (cells.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                within("pool_init", || {
                    if cells.get().is_some() {
                        return;
                    }
                    let new = Ref::new(());
                    let held = lock.lock_irqsave();
                    let loser = if cells.get().is_some() && !planted {
                        Some(new)
                    } else {
                        cells.swap(Some(new));
                        None
                    };
                    drop(held);
                    loser.iter().for_each(Ref::free);
                });
            });
        });
    }
    world.at_end(move || cells.swap(None).iter().for_each(Ref::free));
}

/// REMOVE_EVENTS and the timer both take the same cell out of a queue.
pub(super) fn k31(world: &mut World, planted: bool) {
    let (list, lock) = (List::default(), Lock::spin("&prioq->lock"));
    let cell = Ref::new(());
    list.add(&cell);
    {
        let (list, lock) = (list.clone(), lock.clone());
        world.interrupt("check_queue", move || {
            let held = lock.lock();
            let due = list.take_first();
            drop(held);
            due.iter().for_each(Ref::free);
        });
    }
    world.task("remove", move || {
        call("remove_events", || {
            let held = lock.lock_irqsave();
            let found: Option<Ref<()>> = if planted { list.first() } else { list.take_first() };
            drop(held);
            if let Some(cell) = found {
                if planted && list.holds(&cell) {
                    list.remove(&cell);
                }
                cell.free();
            }
        });
    });
}
