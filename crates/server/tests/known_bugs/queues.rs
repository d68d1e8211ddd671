//! Queues.

use super::*;
use aseqd_abi::seq::{QueueClient, QueueStatus, QueueTimer};
use aseqd_abi::timer::{CLASS_GLOBAL, GLOBAL_HRTIMER, GLOBAL_SYSTEM, TimerId};
use std::sync::atomic::AtomicU32;

fn status(file: &File) -> Result<QueueStatus, Errno> {
    ask(file, s::GET_QUEUE_STATUS, QueueStatus::default())
}

fn set_timer(file: &File, device: i32) -> Result<QueueTimer, Errno> {
    let id = TimerId { dev_class: CLASS_GLOBAL, dev_sclass: 0, card: -1, device, subdevice: 0 };
    ask(file, s::SET_QUEUE_TIMER, QueueTimer { id, ..QueueTimer::default() })
}

#[test]
fn known_k02_the_lock_of_a_queue_is_as_it_was_set() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let dest = port(&file).unwrap();
    create_queue(&file).unwrap();
    start(&file).unwrap();
    let owner = number(&file).into();
    race(&[
        &|| {
            [1, 0].into_iter().all(|locked| {
                let info = QueueInfo { owner, locked, ..QueueInfo::default() };
                ask(&file, s::SET_QUEUE_INFO, info).unwrap();
                let info = ask(&file, s::GET_QUEUE_INFO, QueueInfo::default()).unwrap();
                assert_eq!(info.locked, locked);
                true
            })
        },
        &|| {
            let _read = read(&file);
            file.write(note_at(dest, 0).as_bytes()).is_ok()
        },
    ]);
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k03_the_position_of_a_queue_never_goes_back() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let dest = port(&file).unwrap();
    create_queue(&file).unwrap();
    start(&file).unwrap();
    let last = AtomicU32::new(0);
    race(&[
        &|| {
            let status = status(&file).unwrap();
            let before = last.swap(status.tick, Ordering::SeqCst);
            assert!(status.tick >= before, "{} after {before}", status.tick);
            status.tick > 0
        },
        &|| {
            let _read = read(&file);
            file.write(note_at(dest, last.load(Ordering::SeqCst)).as_bytes()).is_ok()
        },
    ]);
    drop(file);
    assert_fresh(&sequencer);
}

#[test]
fn known_k11_use_of_a_queue_beside_its_deletion() {
    let sequencer = sequencer();
    let (owner, user) = (client(&sequencer), client(&sequencer));
    race(&[
        &|| create_queue(&owner).is_ok_and(|queue| delete_queue(&owner, queue).is_ok()),
        &|| {
            let info = QueueClient { used: 1, ..QueueClient::default() };
            match ask(&user, s::SET_QUEUE_CLIENT, info) {
                Ok(_) => true,
                Err(errno) => {
                    assert_eq!(errno, Errno::EINVAL);
                    false
                }
            }
        },
    ]);
    drop((owner, user));
    assert_fresh(&sequencer);
}

#[test]
fn known_k26_two_files_choose_the_timer_of_a_queue_beside_a_long_write() {
    let sequencer = sequencer();
    let (owner, other) = (client(&sequencer), client(&sequencer));
    create_queue(&owner).unwrap();
    let long = Event { queue: 0, ..note(Address::new(250, 0)) }.as_bytes().repeat(3000);
    race(&[
        &|| set_timer(&owner, GLOBAL_HRTIMER).is_ok(),
        &|| set_timer(&other, GLOBAL_SYSTEM).is_ok(),
        &|| owner.write(&long).is_ok(),
    ]);
    assert!(status(&owner).is_ok());
    drop((owner, other));
    assert_fresh(&sequencer);
}

#[test]
fn known_k28_due_events_beside_the_deletion_of_their_queue() {
    let sequencer = sequencer();
    let file = client(&sequencer);
    let dest = port(&file).unwrap();
    race(&[
        &|| {
            let Ok(queue) = create_queue(&file) else { return false };
            start(&file).is_ok() && delete_queue(&file, queue).is_ok()
        },
        &|| {
            let events = note_at(dest, 0).as_bytes().repeat(50);
            let written = file.write(&events).is_ok();
            let _read = read(&file);
            written
        },
    ]);
    drop(file);
    assert_fresh(&sequencer);
}
