//! Timers and their instances: callbacks, closing, records.

use crate::explore::{
    Atomic, List, Lock, Plain, Ref, Slot, Users, World, call, expect, null, wait_until, within,
};

/// A callback stops its own instance, and the stop waits until no callback runs.
pub(super) fn k49(world: &mut World, planted: bool) {
    let (running, stopped) = (Atomic::new(true), Atomic::new(false));
    {
        let (running, stopped) = (running.clone(), stopped.clone());
        world.task("hrtimer_callback", move || {
            within("timer_stop", || {
                stopped.set(true);
                if planted {
                    within("hrtimer_cancel", || wait_until(|| !running.get()));
                }
            });
            running.set(false);
        });
    }
    world.task("close", move || {
        call("close", || within("hrtimer_cancel", || wait_until(|| !running.get())));
    });
}

/// A close waits for the callbacks of all instances of the timer, and one of them waits for the close.
pub(super) fn k50(world: &mut World, planted: bool) {
    let (own, other) = (Users::none(), Users::none());
    own.enter();
    other.enter();
    let closed = Atomic::new(false);
    {
        let own = own.clone();
        world.task("own callback", move || {
            own.leave();
        });
    }
    {
        let (other, closed) = (other.clone(), closed.clone());
        world.task("other callback", move || {
            within("process_callbacks", || wait_until(|| closed.get()));
            other.leave();
        });
    }
    world.task("close", move || {
        call("timer_close", || {
            own.wait();
            if planted {
                other.wait();
            }
            closed.set(true);
        });
    });
}

/// The tick calls an instance back under the lock of its file, and the callback starts another one.
pub(super) fn k54(world: &mut World, planted: bool) {
    let lock = Lock::spin("&tu->qlock");
    {
        let lock = lock.clone();
        world.task("start", move || call("timer_user_start", || drop(lock.lock_irqsave())));
    }
    world.interrupt("timer_interrupt", move || {
        let held = lock.lock();
        if !planted {
            drop(held);
            drop(lock.lock());
        } else {
            within("timer_user_tinterrupt", || drop(lock.lock()));
            drop(held);
        }
    });
}

/// Two reads of one file test how many records there are, and then take one.
pub(super) fn k69(world: &mut World, planted: bool) {
    let (count, lock) = (Atomic::new(1_i32), Lock::spin("&tu->qlock"));
    for _ in 0..2 {
        let (count, lock) = (count.clone(), lock.clone());
        world.task("read", move || {
            call("read", || {
                within("timer_user_read", || {
                    let held = (!planted).then(|| lock.lock_irqsave());
                    if count.get() > 0 {
                        let before = count.change(|count| count - 1);
                        expect(before > 0, "BUG: negative queue length");
                    }
                    drop(held);
                });
            });
        });
    }
}

/// Two reads of one file use the same place of the queue.
pub(super) fn k78(world: &mut World, planted: bool) {
    let (head, lock) = (Plain::new(0_usize), Lock::spin("&tu->qlock"));
    for _ in 0..2 {
        let (head, lock) = (head.clone(), lock.clone());
        world.task("read", move || {
            call("read", || {
                within("timer_user_read", || {
                    let held = lock.lock_irqsave();
                    if planted {
                        // The lock is dropped for the copy, and the place is taken afterwards.
                        drop(held);
                        head.update(|head| (head + 1) % 128);
                    } else {
                        head.update(|head| (head + 1) % 128);
                        drop(held);
                    }
                });
            });
        });
    }
}

#[derive(Debug)]
struct Instance {
    running: Atomic<bool>,
    users: Users,
}

fn instance() -> Ref<Instance> {
    Ref::new(Instance { running: Atomic::new(false), users: Users::none() })
}

/// TRIGGER from two threads queues an instance whose callback still runs.
pub(super) fn k84(world: &mut World, planted: bool) {
    let (due, lock) = (List::default(), Lock::spin("&timer->lock"));
    let target = instance();
    for _ in 0..2 {
        let (due, lock, target) = (due.clone(), lock.clone(), target.clone());
        world.task("trigger", move || {
            call("trigger", || {
                within("process_callbacks", || {
                    let held = lock.lock_irqsave();
                    if planted || !due.holds(&target) && !target.get().running.get() {
                        due.add(&target);
                    }
                    drop(held);
                    let held = lock.lock_irqsave();
                    let called: Option<Ref<Instance>> = due.first();
                    if let Some(called) = &called {
                        due.remove(called);
                        called.get().running.set(true);
                    }
                    drop(held);
                    if let Some(called) = called {
                        called.get().running.set(false);
                    }
                });
            });
        });
    }
    world.at_end(move || target.free());
}

/// The master is closed while a callback of its slave runs.
pub(super) fn k85(world: &mut World, planted: bool) {
    let (slave, lock) = (instance(), Lock::spin("&timer->lock"));
    let linked = Atomic::new(true);
    {
        let (slave, lock, linked) = (slave.clone(), lock.clone(), linked.clone());
        world.task("timer_work", move || {
            within("process_callbacks", || {
                let held = lock.lock_irqsave();
                let called = linked.get();
                if called {
                    slave.get().users.enter();
                }
                drop(held);
                if called {
                    within("slave callback", || slave.get().running.set(true));
                    slave.get().users.leave();
                }
            });
        });
    }
    world.task("close", move || {
        call("timer_close", || {
            let held = lock.lock_irqsave();
            linked.set(false);
            drop(held);
            if !planted {
                slave.get().users.wait();
            }
            // Without a master the slave is closed by its own file.
            slave.free();
        });
    });
}

/// A timer is freed while its work item is queued.
pub(super) fn k87(world: &mut World, planted: bool) {
    let (timer, queued) = (instance(), Atomic::new(true));
    let running = Users::none();
    {
        let (timer, queued, running) = (timer.clone(), queued.clone(), running.clone());
        world.task("worker", move || {
            running.enter();
            if queued.change(|_| false) {
                within("timer_work", || timer.get().running.set(true));
            }
            running.leave();
        });
    }
    world.task("close", move || {
        call("close", || {
            within("timer_free", || {
                if !planted {
                    queued.set(false);
                    running.wait();
                }
                timer.free();
            });
        });
    });
}

/// A slave stops while its master starts, and the list of active slaves changes under two locks.
pub(super) fn k91(world: &mut World, planted: bool) {
    let (active, slave) = (List::default(), instance());
    let master_lock = Lock::spin("&timer->lock");
    let slave_lock = if planted { Lock::spin("slave_active_lock") } else { master_lock.clone() };
    active.add(&slave);
    for (name, lock) in [("timer_stop_slave", slave_lock), ("timer_close", master_lock)] {
        let (active, slave) = (active.clone(), slave.clone());
        world.task(name, move || {
            call(name, || {
                let _held = lock.lock_irqsave();
                if active.holds(&slave) {
                    active.remove(&slave);
                }
            });
        });
    }
    world.at_end(move || slave.free());
}

/// STOP changes the counters of an instance without the lock under which the tick counts.
pub(super) fn k94(world: &mut World, planted: bool) {
    let (ticks, lock) = (Plain::new(10_u32), Lock::spin("&timer->lock"));
    {
        let (ticks, lock) = (ticks.clone(), lock.clone());
        world.interrupt("timer_interrupt", move || {
            let _held = lock.lock();
            ticks.update(|ticks| ticks - 1);
        });
    }
    world.task("stop", move || {
        call("timer_stop", || {
            let _held = (!planted).then(|| lock.lock_irqsave());
            ticks.set(10);
        });
    });
}

/// An instance is linked to a ticking timer before its callback is set.
pub(super) fn k98(world: &mut World, planted: bool) {
    let (linked, callback) = (Atomic::new(false), Slot::new(None));
    let lock = Lock::spin("&timer->lock");
    {
        let (linked, callback, lock) = (linked.clone(), callback.clone(), lock.clone());
        world.interrupt("timer_interrupt", move || {
            let _held = lock.lock();
            if linked.get() && callback.get().is_none() {
                null();
            }
        });
    }
    let left = callback.clone();
    world.task("open", move || {
        call("timer_open", || {
            let set = || drop(callback.swap(Some(Ref::new(()))));
            if !planted {
                set();
            }
            let held = lock.lock_irqsave();
            linked.set(true);
            drop(held);
            if planted {
                set();
            }
        });
    });
    world.at_end(move || left.swap(None).iter().for_each(Ref::free));
}

/// START tests whether its instance has a timer, and reads it again.
pub(super) fn k128(world: &mut World, planted: bool) {
    let timer = Slot::new(Some(instance()));
    let lock = Lock::spin("timer_binding_lock");
    {
        let (timer, lock) = (timer.clone(), lock.clone());
        world.task("start", move || {
            call("timer_start", || {
                let _held = (!planted).then(|| lock.lock_irqsave());
                if timer.get().is_some() {
                    match timer.get() {
                        Some(timer) => timer.get().running.set(true),
                        None => null(),
                    }
                }
            });
        });
    }
    world.task("disconnect", move || {
        within("timer_dev_disconnect", || {
            let held = lock.lock_irqsave();
            let gone = timer.swap(None);
            drop(held);
            gone.iter().for_each(Ref::free);
        });
    });
}

/// A timer is looked up by its id while its last instance closes.
pub(super) fn k129(world: &mut World, planted: bool) {
    let table = Slot::new(Some(instance()));
    let lock = Lock::mutex("register_mutex");
    {
        let (table, lock) = (table.clone(), lock.clone());
        world.task("query", move || {
            call("ginfo", || {
                let held = lock.lock();
                let found = table.get();
                if !planted && let Some(timer) = &found {
                    timer.get().users.enter();
                }
                drop(held);
                if let Some(timer) = found {
                    let _running = timer.get().running.get();
                    if !planted {
                        timer.get().users.leave();
                    }
                }
            });
        });
    }
    world.task("close", move || {
        call("close", || {
            let held = lock.lock();
            let timer = table.swap(None);
            drop(held);
            if let Some(timer) = timer {
                timer.get().users.wait();
                timer.free();
            }
        });
    });
}
