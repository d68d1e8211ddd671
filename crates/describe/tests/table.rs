//! The table beside the interface and the text of it.

use aseqd_describe::aseqd_abi::ioctl;
use aseqd_describe::syzlang::{Part, call, layout};
use aseqd_describe::{Caller, EVENT, REQUESTS, find, named, syzlang, text};
use std::collections::BTreeSet;

#[test]
fn every_request_of_both_devices_is_described() {
    let headers = [
        (Caller::Wide, ioctl::sequencer::ALL),
        (Caller::Narrow, ioctl::sequencer32::ALL),
        (Caller::Wide, ioctl::timers::ALL),
        (Caller::Wide, ioctl::timers_old::ALL),
        (Caller::Narrow, ioctl::timers32::ALL),
    ];
    for (caller, all) in headers {
        for (name, code) in all {
            let request = find(*code, caller).unwrap_or_else(|| panic!("{name} is missing"));
            assert!(name.contains(request.c_name), "{name} is described as {}", request.c_name);
        }
    }
}

#[test]
fn fields_lie_side_by_side_in_their_struct() {
    for request in REQUESTS {
        let mut end = 0;
        for field in request.fields {
            assert!(field.offset >= end, "{}: {}", request.name, field.name);
            end = field.offset + field.kind.size();
        }
        assert!(end <= ioctl::size(request.code), "{}", request.name);
        for name in request.reads {
            assert!(request.field(name).is_some(), "{} has no {name}", request.name);
        }
        assert_eq!(request.of.is_empty(), request.fields.is_empty(), "{}", request.name);
    }
    assert!(EVENT.iter().all(|field| field.offset + field.kind.size() <= 32));
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = REQUESTS.iter().map(|request| request.name).collect();
    assert_eq!(names.len(), REQUESTS.len());
    let calls: BTreeSet<_> = REQUESTS.iter().map(call).collect();
    assert_eq!(calls.len(), REQUESTS.len());
}

#[test]
fn requests_and_events_are_told_in_words() {
    let mut bytes = vec![0; ioctl::size(ioctl::sequencer::CREATE_PORT)];
    bytes[0] = 128;
    bytes[2..6].copy_from_slice(b"in 1");
    bytes[68] = 0x21;
    bytes[104] = 0x81;
    bytes[108] = 3;
    let request = named("create_port").expect("a request");
    let told = text::request(request, &bytes);
    let wanted = "CREATE_PORT client=128 name=\"in 1\" capability=READ|SUBS_READ flags=GIVEN_PORT|0x80 time_queue=3";
    assert_eq!(told, wanted);
    assert_eq!(text::request(request, &[]), "CREATE_PORT");
    let mut event = [0; 28];
    event[0] = 6;
    event[3] = 253;
    event[14..20].copy_from_slice(&[14, 1, 2, 60, 100, 0]);
    let told = "NOTEON queue=253 dest=14 dest_port=1 channel=2 note=60 velocity=100";
    assert_eq!(text::event(&event), told);
    assert_eq!(text::event(&event[..27]), "");
    let mut sysex = [0; 56];
    sysex[0] = 130;
    sysex[1] = 4;
    sysex[16] = 3;
    assert_eq!(text::events(&sysex, false), "[SYSEX flags=VARIABLE len=3]");
    assert_eq!(text::events(&sysex[..30], false), "[SYSEX flags=VARIABLE len=3]");
}

#[test]
fn negative_and_unknown_numbers_are_told_as_numbers() {
    let request = named("t_select").expect("a request");
    let mut bytes = vec![0; ioctl::size(request.code)];
    bytes[..4].copy_from_slice(&(-1_i32).to_le_bytes());
    bytes[12..16].copy_from_slice(&4242_i32.to_le_bytes());
    assert_eq!(text::request(request, &bytes), "SELECT class=NONE device=4242");
}

#[test]
fn descriptions_have_every_call_and_the_size_of_every_struct() {
    let text = syzlang::descriptions();
    for request in REQUESTS {
        let line = format!("{}(fd fd_snd", call(request));
        assert_eq!(text.matches(&line).count(), 1, "{}", request.name);
        let size: usize = layout(request.fields, ioctl::size(request.code))
            .into_iter()
            .map(|part| match part {
                Part::Field(field) => field.kind.size(),
                Part::Gap(len) => len,
            })
            .sum();
        assert_eq!(size, ioctl::size(request.code), "{}", request.name);
        if !request.of.is_empty() {
            assert!(text.contains(&format!("\n{} {{\n", request.of)), "{}", request.of);
        }
    }
    // Every name of flags that a struct uses is defined.
    for used in text.split("flags[").skip(1).filter_map(|rest| rest.split([',', ']']).next()) {
        assert!(used == "open_flags" || text.contains(&format!("\n{used} = ")), "{used}");
    }
}
