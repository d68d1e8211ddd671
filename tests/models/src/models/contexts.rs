//! Locks and contexts: what may wait where.

use crate::explore::{
    Atomic, Lock, Plain, Ref, Slot, World, call, may_sleep, point, wait_until, within,
};

/// A due event is addressed to a card's client that does not exist, and delivery loads the card's driver.
pub(super) fn k1(world: &mut World, planted: bool) {
    let (timer, cards) = (Lock::spin("&timer->lock"), Lock::mutex("snd_card_mutex"));
    {
        let timer = timer.clone();
        world.interrupt("hrtimer_callback", move || drop(timer.lock()));
    }
    world.task("timer_work", move || {
        call("trigger", || {
            drop(timer.lock_irqsave());
            let flags = lockdep::irqsave();
            within("deliver_event", || {
                if planted {
                    drop(cards.lock());
                }
            });
            flags.restore();
        });
    });
}

/// A call copies from a program's memory while it holds a spin lock.
pub(super) fn k40(world: &mut World, planted: bool) {
    let lock = Lock::spin("&client->ports_lock");
    world.task("ioctl", move || {
        call("set_port_info", || {
            if !planted {
                copy_from_user();
            }
            let _held = lock.lock();
            if planted {
                copy_from_user();
            }
        });
    });
}

fn copy_from_user() {
    within("copy_from_user", may_sleep);
}

/// An event whose data is still in the program's memory is delivered by the timer.
pub(super) fn k41(world: &mut World, planted: bool) {
    let (queued, lock) = (Atomic::new(None), Lock::spin("&prioq->lock"));
    {
        let (queued, lock) = (queued.clone(), lock.clone());
        world.task("write", move || {
            call("write", || {
                let user_pointer = true;
                // The fix refuses such an event before it is queued.
                if planted || !user_pointer {
                    let _held = lock.lock_irqsave();
                    queued.set(Some(user_pointer));
                }
            });
        });
    }
    world.interrupt("check_queue", move || {
        for _ in 0..3 {
            let held = lock.lock();
            let due = queued.change(|_| None);
            drop(held);
            if due == Some(true) {
                within("expand_var_event", copy_from_user);
            }
        }
    });
}

/// A request copies to a program's memory under the lock of the registry; elsewhere the memory's lock comes first.
pub(super) fn k45(world: &mut World, planted: bool) {
    let (registry, memory) = (Lock::mutex("register_mutex"), Lock::mutex("&mm->mmap_lock"));
    {
        let (registry, memory) = (registry.clone(), memory.clone());
        world.task("query", move || {
            call("next_device", || {
                let held = registry.lock();
                let held = if planted {
                    Some(held)
                } else {
                    drop(held);
                    None
                };
                // A page fault takes the memory's lock.
                within("copy_to_user", || drop(memory.lock()));
                drop(held);
            });
        });
    }
    world.task("mmap", move || {
        call("mmap", || {
            let _held = memory.lock();
            within("open_timer", || drop(registry.lock()));
        });
    });
}

/// The last close of a timer releases its card, which frees the timer, which takes the same lock again.
pub(super) fn k46(world: &mut World, planted: bool) {
    let registry = Lock::mutex("register_mutex");
    world.task("close", move || {
        call("close", || {
            let release = || within("timer_free", || drop(registry.lock()));
            let held = registry.lock();
            if planted {
                // One class: lockdep reports before the task hangs.
                release();
                drop(held);
            } else {
                drop(held);
                release();
            }
        });
    });
}

/// The tick sends a signal under the timer's lock. The lock of the signal's list is taken with interrupts on elsewhere.
pub(super) fn k47(world: &mut World, planted: bool) {
    let (timer, fasync) = (Lock::spin("&timer->lock"), Lock::spin("&f->f_owner.lock"));
    {
        let fasync = fasync.clone();
        world.task("fcntl", move || {
            call("fcntl", || drop(fasync.lock()));
        });
    }
    let deferred = Atomic::new(false);
    {
        let deferred = deferred.clone();
        let fasync = fasync.clone();
        world.interrupt("timer_interrupt", move || {
            let _held = timer.lock();
            if planted {
                within("kill_fasync", || drop(fasync.lock()));
            } else {
                deferred.set(true);
            }
        });
    }
    if !planted {
        world.task("fasync_work", move || {
            wait_until(|| deferred.get());
            within("kill_fasync", || drop(fasync.lock()));
        });
    }
}

/// F_SETFL changes the list of signals while the deferred helper looks at it.
pub(super) fn k48(world: &mut World, planted: bool) {
    let (poll, lock) = (Plain::new(0_u32), Lock::spin("snd_fasync_lock"));
    {
        let (poll, lock) = (poll.clone(), lock.clone());
        world.task("fcntl", move || {
            call("fcntl", || {
                let _held = (!planted).then(|| lock.lock_irqsave());
                poll.set(1);
            });
        });
    }
    world.interrupt("kill_fasync", move || {
        let _held = lock.lock();
        let _on = poll.get();
    });
}

/// A driver is loaded under a lock that opening a device needs, and the driver opens one.
pub(super) fn k51(world: &mut World, planted: bool) {
    let (register, loaded) = (Lock::mutex("register_mutex"), Slot::new(None));
    {
        let (register, loaded) = (register.clone(), loaded.clone());
        world.task("open", move || {
            call("open", || {
                let held = register.lock();
                let held = if planted {
                    Some(held)
                } else {
                    drop(held);
                    None
                };
                within("request_module", || {
                    may_sleep();
                    wait_until(|| loaded.get().is_some());
                });
                drop(held);
            });
        });
    }
    let left = loaded.clone();
    world.task("modprobe", move || {
        within("kernel_client_ctl", || {
            let held = register.lock();
            point();
            drop(held);
            loaded.swap(Some(Ref::new(())));
        });
    });
    world.at_end(move || left.swap(None).iter().for_each(Ref::free));
}
