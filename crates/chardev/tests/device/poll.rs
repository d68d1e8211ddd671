//! poll and epoll: states, and waking.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use chardev::Operation;
use rustix::event::{PollFd, PollFlags, Timespec, epoll};

use super::echo::*;

const NOW: Option<&Timespec> = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });

fn poll(file: &File, events: PollFlags, timeout: Option<&Timespec>) -> PollFlags {
    let mut set = [PollFd::new(file, events)];
    rustix::event::poll(&mut set, timeout).unwrap();
    set[0].revents()
}

fn is_waiting_poll(request: &Seen) -> bool {
    matches!(request.operation, Operation::Poll { notify: Some(_), .. })
}

#[test]
fn states_follow_the_server() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let both = PollFlags::IN | PollFlags::OUT;
    assert_eq!(poll(&file, both, NOW), PollFlags::OUT);
    assert_eq!(poll(&file, PollFlags::IN, NOW), PollFlags::empty());
    file.write_all(b"x").unwrap();
    assert_eq!(poll(&file, both, NOW), both);
    file.read_exact(&mut [0]).unwrap();
    assert_eq!(poll(&file, both, NOW), PollFlags::OUT);
}

#[test]
fn a_notification_wakes_a_poll() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let waiting = Calling::start(move || poll(&file, PollFlags::IN, None));
    let handle = device.wait_for("poll", is_waiting_poll).handle;
    device.ask(move |echo| echo.push(handle, b"x".into()));
    assert_eq!(waiting.result(), PollFlags::IN);
}

#[test]
fn a_spurious_notification_wakes_nobody() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let waiting = Calling::start(move || poll(&file, PollFlags::IN, None));
    let request = device.wait_for("poll", is_waiting_poll);
    let Operation::Poll { notify: Some(notify), .. } = request.operation else { panic!() };
    device.ask(move |echo| echo.device.notify_poll(notify));
    // It asks again, and goes on waiting.
    device.wait_for("second poll", |request| matches!(request.operation, Operation::Poll { .. }));
    waiting.assert_blocked();
    let handle = request.handle;
    device.ask(move |echo| echo.push(handle, b"x".into()));
    waiting.result();
}

#[test]
fn a_notification_for_a_released_file_is_harmless() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let waiting = Calling::start(move || poll(&file, PollFlags::IN, None));
    let request = device.wait_for("poll", is_waiting_poll);
    let Operation::Poll { notify: Some(notify), .. } = request.operation else { panic!() };
    let handle = request.handle;
    device.ask(move |echo| echo.push(handle, b"x".into()));
    waiting.result();
    device.wait_for_release();
    device.ask(move |echo| echo.device.notify_poll(notify));
}

fn epoll_of(file: &File, flags: epoll::EventFlags) -> std::os::fd::OwnedFd {
    let set = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    epoll::add(&set, file, epoll::EventData::new_u64(1), flags).unwrap();
    set
}

fn epoll_wait(set: impl AsFd, timeout: Option<&Timespec>) -> Vec<epoll::EventFlags> {
    let mut events = Vec::with_capacity(4);
    epoll::wait(set, rustix::buffer::spare_capacity(&mut events), timeout).unwrap();
    events.iter().map(|event| event.flags).collect()
}

#[test]
fn a_notification_wakes_an_epoll_again_and_again() {
    for edge in [epoll::EventFlags::empty(), epoll::EventFlags::ET] {
        let Some(device) = Mounted::start() else { return };
        let mut file = device.open_with(libc::O_NONBLOCK);
        let set = epoll_of(&file, epoll::EventFlags::IN | edge);
        assert!(epoll_wait(&set, NOW).is_empty());
        let handle = device.wait_for("poll", is_waiting_poll).handle;
        for _ in 0..3 {
            let waiting = Calling::start({
                let set = set.try_clone().unwrap();
                move || epoll_wait(&set, None)
            });
            waiting.assert_blocked();
            device.ask(move |echo| echo.push(handle, b"x".into()));
            assert_eq!(waiting.result(), [epoll::EventFlags::IN]);
            // The poll that found the packet was not a waiting one: reading on until EAGAIN, as
            // edge-triggered programs do, must arm the next notification.
            file.read_exact(&mut [0]).unwrap();
            assert_eq!(errno(file.read(&mut [0])), EAGAIN);
        }
        assert!(epoll_wait(&set, NOW).is_empty());
    }
}

#[test]
fn a_poll_is_not_stopped_by_a_blocked_read_of_the_same_file() {
    let Some(device) = Mounted::start() else { return };
    let file = device.open();
    let mut copy = file.try_clone().unwrap();
    let reading = Calling::start(move || copy.read(&mut [0; 4]));
    let handle = device.wait_for_read().handle;
    assert_eq!(poll(&file, PollFlags::OUT, NOW), PollFlags::OUT);
    device.ask(move |echo| echo.push(handle, b"x".into()));
    reading.result().unwrap();
}

#[test]
fn an_error_is_pollerr() {
    let Some(mut device) = Mounted::start() else { return };
    let file = device.open();
    device.stop();
    assert_eq!(poll(&file, PollFlags::IN, NOW), PollFlags::ERR);
}
