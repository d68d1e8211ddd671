//! What servers that were killed leave behind, and what the next server makes of it.

use crate::common::*;
use crate::{USES, end, mounts, place, ready, serve_at};
use rustix::process::Signal;
use std::fs;
use std::path::Path;

fn kill(server: Process) {
    server.signal(Signal::KILL);
    server.wait();
}

#[test]
fn what_a_killed_server_leaves_is_taken_away_by_the_next() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let file = directory.join("seq");
    for how in USES {
        let server = ready(serve_at(&directory), &file);
        make_use(how, &directory);
        kill(server);
        let stale = fs::File::open(&file).expect_err("nobody serves it");
        assert_eq!(stale.raw_os_error(), Some(libc::ENOTCONN), "{how}");
        let server = ready(serve_at(&directory), &file);
        assert_eq!(mounts(&directory).len(), 1, "the old one is gone: {how}");
        fs::File::open(&file).expect("a client");
        end(server, Signal::TERM, &directory);
    }
}

#[test]
fn dead_mounts_on_top_of_each_other_are_all_taken_away() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let file = directory.join("seq");
    kill(ready(serve_at(&directory), &file));
    for number in 0..3 {
        let other = folder.path().join(format!("other{number}"));
        let server = ready(serve_at(&other), &other.join("seq"));
        make_use(USES[1], &other);
        rustix::mount::mount_bind(&other, &directory).expect("root may");
        chardev::unmount(&other).expect("root may");
        kill(server);
    }
    assert_eq!(mounts(&directory).len(), 4);
    let server = ready(serve_at(&directory), &file);
    assert_eq!(mounts(&directory).len(), 1);
    fs::File::open(&file).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn a_live_server_below_a_dead_mount_keeps_its_own() {
    let Some(folder) = place() else { return };
    let (directory, other) = (folder.path().join("seq"), folder.path().join("other"));
    let server = ready(serve_at(&directory), &directory.join("seq"));
    let dead = ready(serve_at(&other), &other.join("seq"));
    rustix::mount::mount_bind(&other, &directory).expect("root may");
    chardev::unmount(&other).expect("root may");
    kill(dead);
    let second = finish(serve_at(&directory), DEADLINE);
    assert_eq!(second.stderr, format!("aseqd: {} is served already\n", directory.display()));
    // Programs find the live server again.
    assert_eq!(mounts(&directory).len(), 1);
    fs::File::open(directory.join("seq")).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn a_server_that_does_not_answer_keeps_its_mount() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    let server = ready(serve_at(&directory), &directory.join("seq"));
    server.signal(Signal::STOP);
    let second = finish(serve_at(&directory), DEADLINE);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let wanted = format!(
        "aseqd: {} is served already, by a server that has not answered for 5 s: end it first\n",
        directory.display()
    );
    assert_eq!(second.stderr, wanted);
    assert_eq!(mounts(&directory).len(), 1);
    server.signal(Signal::CONT);
    fs::File::open(directory.join("seq")).expect("a client");
    end(server, Signal::TERM, &directory);
}

#[test]
fn of_servers_that_start_at_once_over_a_dead_mount_one_serves() {
    let Some(folder) = place() else { return };
    let directory = folder.path().join("seq");
    for _ in 0..5 {
        kill(ready(serve_at(&directory), &directory.join("seq")));
        let servers: Vec<_> = (0..4).map(|_| Process::start(serve_at(&directory))).collect();
        let (mut serving, mut refused) = (Vec::new(), 0);
        for mut server in servers {
            server.wait_until("a word", |server| {
                server.stdout().contains("serving") || server.stderr().contains("served already")
            });
            if server.stdout().contains("serving") {
                serving.push(server);
            } else {
                assert_eq!(server.wait().status.code(), Some(1));
                refused += 1;
            }
        }
        assert_eq!((serving.len(), refused), (1, 3));
        assert_eq!(mounts(&directory).len(), 1);
        fs::File::open(directory.join("seq")).expect("a client");
        serving.into_iter().for_each(|server| end(server, Signal::TERM, &directory));
    }
}

#[test]
fn what_is_mounted_over_a_server_is_left_when_it_ends() {
    let Some(folder) = place() else { return };
    let (directory, other) = (folder.path().join("seq"), folder.path().join("other"));
    let server = ready(serve_at(&directory), &directory.join("seq"));
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("file"), "theirs").expect("a file");
    rustix::mount::mount_bind(&other, &directory).expect("root may");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().status.code(), Some(0));
    assert_eq!(fs::read_to_string(directory.join("file")).expect("still there"), "theirs");
}

/// Uses a served folder in one of the ways of [`USES`].
fn make_use(how: &str, directory: &Path) {
    let mut command = shell(how);
    command.env("directory", directory).env("aseqd", ASEQD);
    finish(command, DEADLINE);
}
