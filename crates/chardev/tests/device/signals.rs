//! Signals: interrupts reach the server, and no program is stuck.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use chardev::Operation;

use super::echo::*;
use super::sys::signal_thread;

#[test]
fn a_signal_interrupts_a_read_even_if_calls_are_to_be_restarted() {
    for restart in [false, true] {
        let Some(device) = Mounted::start() else { return };
        let mut file = device.open();
        let reading = Calling::start(move || file.read(&mut [0; 4]));
        let token = device.wait_for_read().token;
        signal_thread(reading.thread, restart);
        assert_eq!(errno(reading.result()), EINTR);
        let interrupt =
            device.wait_for("interrupt", |it| matches!(it.operation, Operation::Interrupt { .. }));
        assert_eq!(interrupt.operation, Operation::Interrupt { target: token });
    }
}

#[test]
fn a_signal_interrupts_a_write() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let writing = Calling::start(move || file.write(b"hold"));
    device.wait_for_write();
    signal_thread(writing.thread, false);
    assert_eq!(errno(writing.result()), EINTR);
    assert_eq!(device.ask(Echo::let_go), 0);
}

#[test]
fn an_interrupt_that_is_not_obeyed_leaves_the_call_waiting() {
    let Some(device) = Mounted::start() else { return };
    device.ask(|echo| echo.deaf = true);
    let mut file = device.open();
    let reading = Calling::start(move || file.read(&mut [0; 4]));
    let handle = device.wait_for_read().handle;
    signal_thread(reading.thread, false);
    device.wait_for("interrupt", |it| matches!(it.operation, Operation::Interrupt { .. }));
    reading.assert_blocked();
    device.ask(move |echo| echo.push(handle, b"data".into()));
    assert_eq!(reading.result().unwrap(), 4);
}

#[test]
fn an_interrupt_may_be_answered_late_and_twice() {
    let Some(device) = Mounted::start() else { return };
    let mut file = device.open();
    let reading = Calling::start(move || file.read(&mut [0; 4]));
    let token = device.wait_for_read().token;
    device.ask(move |echo| echo.interrupt(token));
    assert_eq!(errno(reading.result()), EINTR);
    let again = device.ask(move |echo| echo.device.reply_error(token, EINTR));
    assert_eq!(again, chardev::Delivery::Gone);
}

#[test]
fn a_killed_reader_is_released() {
    let Some(device) = Mounted::start() else { return };
    let stdin = Stdio::from(OwnedFd::from(device.open()));
    let mut child = Command::new("cat").stdin(stdin).stdout(Stdio::null()).spawn().unwrap();
    let handle = device.wait_for_read().handle;
    child.kill().unwrap();
    let waiting = Calling::start(move || child.wait().unwrap());
    assert_eq!(waiting.result().signal(), Some(libc::SIGKILL));
    assert_eq!(device.wait_for_release().handle, handle);
    // Nothing is wedged.
    let mut file = device.open();
    file.write_all(b"x").unwrap();
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 1);
}

#[test]
fn a_killed_writer_is_released() {
    let Some(device) = Mounted::start() else { return };
    let mut child = Command::new("sh")
        .arg("-c")
        .arg("printf hold; printf never")
        .stdout(Stdio::from(OwnedFd::from(device.open())))
        .spawn()
        .unwrap();
    device.wait_for_write();
    child.kill().unwrap();
    let waiting = Calling::start(move || child.wait().unwrap());
    assert_eq!(waiting.result().signal(), Some(libc::SIGKILL));
    device.wait_for_release();
    assert_eq!(device.ask(Echo::let_go), 0);
}
