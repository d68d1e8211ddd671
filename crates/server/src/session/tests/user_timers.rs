//! Files that become user-driven timers.

use super::*;
use aseqd_abi::timer::TimerUinfo;

#[test]
fn a_user_timer_is_a_timer_file_of_its_user() {
    let mut stage = Stage::new();
    stage.session = Session::new(
        aseqd_engine::Config { user_timers: true, ..aseqd_engine::Config::default() },
        false,
    );
    let create = |stage: &mut Stage, file, request| {
        let arg = TimerUinfo { resolution: 1_000_000, ..TimerUinfo::default() };
        let call = engine::Call::Ioctl { request, compat: false, arg: arg.as_bytes() };
        stage.call(CallKind::on(file, call));
        stage.told().pop().expect("an answer")
    };
    let device = stage.open(Node::Timer, 1).expect("a file");
    assert_eq!(create(&mut stage, device, CREATE), Told::Failed(1 + 1, Errno::ENOTTY));
    stage.door.gives = true;
    let Told::Created(_, first, 0) = create(&mut stage, device, CREATE) else { panic!("a timer") };
    assert_ne!(first, device);
    let client = stage.open(Node::Sequencer, 1).expect("a client");
    assert_eq!(create(&mut stage, client, CREATE), Told::Failed(5, Errno::ENOTTY));
    // One that nobody takes is gone, and so is one that is closed.
    stage.door.gone = true;
    assert!(matches!(create(&mut stage, device, CREATE), Told::Created(_, _, 1)));
    stage.door.gone = false;
    stage.call(CallKind::Close { file: first });
    assert!(matches!(create(&mut stage, device, CREATE), Told::Created(_, _, 0)));
    let Told::Controlled(_, out) = create(&mut stage, device, BECOME_USER_TIMER) else {
        panic!("the file becomes a timer")
    };
    assert_eq!(TimerUinfo::read_from_bytes(&out).map(|info| info.id), Ok(1));
    assert!(matches!(create(&mut stage, device, CREATE), Told::Failed(_, Errno::ENOTTY)));
    // A client, two timers of which one was the device: the bound is for timer files.
    let bound = u32::try_from(budget::TIMER_FILES.per_user).expect("a small number");
    let files: Vec<_> = (2..bound).map(|_| stage.open(Node::Timer, 1).expect("a file")).collect();
    assert!(matches!(create(&mut stage, files[0], CREATE), Told::Failed(_, Errno::ENOMEM)));
}

#[test]
fn a_file_that_becomes_a_user_timer_wakes_those_who_poll_it() {
    let mut stage = Stage::new();
    let config = aseqd_engine::Config { user_timers: true, ..aseqd_engine::Config::default() };
    stage.session = Session::new(config, false);
    let file = stage.open(Node::Timer, 1).expect("a file");
    let read = stage.read(file);
    let poll = engine::Call::Poll;
    stage.call(CallKind::File { file, call: poll, out_size: 0, wakeup: Some('p') });
    assert!(matches!(stage.told()[..], [Told::Polled(_, false, false)]), "nothing is there");
    let arg = TimerUinfo { resolution: 1_000_000, ..TimerUinfo::default() };
    let request = BECOME_USER_TIMER;
    stage.call(CallKind::on(
        file,
        engine::Call::Ioctl { request, compat: false, arg: arg.as_bytes() },
    ));
    let told = stage.told();
    assert!(told.contains(&Told::Woken('p')), "{told:?}");
    assert!(told.contains(&Told::Failed(read, Errno::EINVAL)), "it is not to be read: {told:?}");
    assert!(matches!(told.last(), Some(Told::Controlled(..))), "{told:?}");
}
