//! Queues: flags, position, timers, creation and deletion.

use crate::explore::{Atomic, Lock, Plain, Ref, Slot, Users, World, call, may_sleep, within};

const LOCKED: u32 = 1;
const CHECKING: u32 = 2;

/// Two flags that two locks guard share a word.
pub(super) fn k2(world: &mut World, planted: bool) {
    let locked = Plain::new(0_u32);
    let checking = if planted { locked.clone() } else { Plain::new(0) };
    let (owner_lock, check_lock) = (Lock::spin("&q->owner_lock"), Lock::spin("&q->check_lock"));
    world.task("control", move || {
        call("set_queue_info", || {
            within("control_queue", || {
                let _held = owner_lock.lock_irqsave();
                locked.update(|flags| flags | LOCKED);
            });
        });
    });
    world.interrupt("check_queue", move || {
        let _held = check_lock.lock();
        checking.update(|flags| flags | CHECKING);
    });
}

/// The check of a queue reads its position through a pointer while the timer moves it.
pub(super) fn k3(world: &mut World, planted: bool) {
    let (tick, lock) = (Plain::new(0_u32), Lock::spin("&tmr->lock"));
    {
        let (tick, lock) = (tick.clone(), lock.clone());
        world.interrupt("timer_interrupt", move || {
            let _held = lock.lock();
            tick.update(|tick| tick + 1);
        });
    }
    world.task("write", move || {
        call("write", || {
            within("check_queue", || {
                let _held = (!planted).then(|| lock.lock_irqsave());
                let _due = tick.get();
            });
        });
    });
}

/// The text of a queue is read while its timer instance goes.
pub(super) fn k7(world: &mut World, planted: bool) {
    let instance = Slot::new(Some(Ref::new(Atomic::new(4_u32))));
    let lock = Lock::mutex("&q->timer_mutex");
    {
        let (instance, lock) = (instance.clone(), lock.clone());
        world.task("read", move || {
            call("read", || {
                within("info_timer_read", || {
                    let _held = (!planted).then(|| lock.lock());
                    if let Some(instance) = instance.get() {
                        let _resolution = instance.get().get();
                    }
                });
            });
        });
    }
    world.task("delete", move || {
        call("delete_queue", || {
            let _held = lock.lock();
            instance.swap(None).iter().for_each(Ref::free);
        });
    });
}

/// SET_QUEUE_CLIENT opens the timer of a queue that DELETE_QUEUE closes.
pub(super) fn k11(world: &mut World, planted: bool) {
    let instance = Slot::new(Some(Ref::new(Atomic::new(0_u32))));
    let lock = Lock::mutex("&q->timer_mutex");
    {
        let (instance, lock) = (instance.clone(), lock.clone());
        world.task("use", move || {
            call("set_queue_client", || {
                let _held = (!planted).then(|| lock.lock());
                if let Some(instance) = instance.get() {
                    instance.get().set(1);
                }
            });
        });
    }
    world.task("delete", move || {
        call("delete_queue", || {
            let _held = (!planted).then(|| lock.lock());
            instance.swap(None).iter().for_each(Ref::free);
        });
    });
}

struct Queue {
    users: Users,
    name: Atomic<u32>,
}

/// A queue is deleted by the number that it will get while CREATE_QUEUE still names it.
pub(super) fn k22(world: &mut World, planted: bool) {
    let (table, lock) = (Slot::new(None), Lock::spin("queue_list_lock"));
    {
        let (table, lock) = (table.clone(), lock.clone());
        world.task("create", move || {
            call("create_queue", || {
                let queue = Ref::new(Queue { users: Users::none(), name: Atomic::new(0) });
                if !planted {
                    queue.get().users.enter();
                }
                let held = lock.lock_irqsave();
                table.swap(Some(queue.clone()));
                drop(held);
                within("queue_alloc", || {
                    queue.get().name.set(1);
                    if !planted {
                        queue.get().users.leave();
                    }
                });
            });
        });
    }
    let left = table.clone();
    world.task("delete", move || {
        call("delete_queue", || {
            let held = lock.lock_irqsave();
            let queue: Option<Ref<Queue>> = table.swap(None);
            drop(held);
            if let Some(queue) = queue {
                queue.get().users.wait();
                queue.free();
            }
        });
    });
    world.at_end(move || left.swap(None).iter().for_each(Ref::free));
}

/// Two calls open the timer of one queue.
pub(super) fn k26(world: &mut World, planted: bool) {
    let (instance, lock) = (Slot::new(None), Lock::spin("&tmr->lock"));
    for _ in 0..2 {
        let (instance, lock) = (instance.clone(), lock.clone());
        world.task("set timer", move || {
            call("set_queue_timer", || {
                within("timer_open", || {
                    if instance.get().is_some() {
                        return;
                    }
                    may_sleep();
                    let new = Ref::new(());
                    let held = lock.lock_irqsave();
                    let lost = !planted && instance.get().is_some();
                    if !lost {
                        instance.swap(Some(new.clone()));
                    }
                    drop(held);
                    if lost {
                        new.free();
                    }
                });
            });
        });
    }
    world.at_end(move || {
        within("timer_close", || instance.swap(None).iter().for_each(Ref::free));
    });
}

/// The check of a queue begins again after it gave its reference back.
pub(super) fn k28(world: &mut World, planted: bool) {
    let table = Slot::new(Some(Ref::new(Queue { users: Users::none(), name: Atomic::new(0) })));
    let lock = Lock::spin("queue_list_lock");
    {
        let (table, lock) = (table.clone(), lock.clone());
        world.interrupt("check_queue", move || {
            let held = lock.lock();
            let found = table.get();
            if let Some(queue) = &found {
                queue.get().users.enter();
            }
            drop(held);
            let Some(queue) = found else { return };
            queue.get().name.set(1);
            if planted {
                queue.get().users.leave();
                queue.get().name.set(2);
            } else {
                queue.get().name.set(2);
                queue.get().users.leave();
            }
        });
    }
    world.task("delete", move || {
        call("delete_queue", || {
            let held = lock.lock_irqsave();
            let queue = table.swap(None);
            drop(held);
            if let Some(queue) = queue {
                queue.get().users.wait();
                queue.free();
            }
        });
    });
}
