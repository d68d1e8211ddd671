//! What a recording needs before it begins.

use super::take::{Item, Take};
use super::tempo::Tempo;
use super::time_code::TimeCode;
use super::timeline::{Clocked, Follower, Timeline};
use super::{Kind, RecordArgs};
use crate::complete::SENDER;
use crate::play::QueueTiming;
use crate::time_signature::TimeSignature;
use aseqd_abi::Address;
use aseqd_abi::seq::{PortCaps, PortFlags, PortInfo, PortType, QueueTempo};
use aseqd_abi::ump::CLIENT_UMP_MIDI_2_0;
use aseqd_client::{Client, Port, SYSTEM_TIMER, name_field};
use aseqd_host::error::{Context as _, Fail};
use aseqd_smf::{ClipWriter, Division, EventKind};
use std::fs::File;
use std::io;

/// Endings of the names of Standard MIDI Files, in lower case.
const SMF_ENDINGS: [&str; 4] = ["mid", "midi", "smf", "kar"];
/// The ending of the names of clip files.
const CLIP_ENDING: &str = "midi2";
/// The bytes of text that one packet has.
const TEXT_BYTES: usize = 12;

/// Finds the ports of the command line.
pub(super) fn find(client: &Client, wanted: &[String]) -> Result<Vec<Port>, Fail> {
    let mut found: Vec<Port> = Vec::new();
    for text in wanted {
        for port in crate::select::every_port(client, text, SENDER)? {
            if !found.contains(&port) {
                found.push(port);
            }
        }
    }
    Ok(found)
}

/// Returns the name of a port for people: that of its client and its own, if it does not begin with it.
pub(super) fn name(port: &Port) -> String {
    match port.name.strip_prefix(&port.client_name) {
        Some(_) => port.name.clone(),
        None => format!("{}: {}", port.client_name, port.name),
    }
}

/// Chooses the kind of file.
pub(super) fn kind(client: &Client, args: &RecordArgs, ports: &[Port]) -> Result<Kind, Fail> {
    if let Some(kind) = args.format {
        return Ok(kind);
    }
    let ending = args.file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some(CLIP_ENDING) => return Ok(Kind::Clip),
        Some(ending) if SMF_ENDINGS.contains(&ending) => return Ok(Kind::Smf),
        _ => {}
    }
    for port in ports {
        let info = client.info(port.address.client)?;
        if info.is_some_and(|info| info.midi_version == CLIENT_UMP_MIDI_2_0) {
            return Ok(Kind::Clip);
        }
    }
    Ok(Kind::Smf)
}

/// Begins the file.
pub(super) fn take(
    file: File,
    clip: bool,
    division: Division,
    signature: TimeSignature,
    ports: &[Port],
) -> io::Result<Take> {
    if !clip {
        let mut take = Take::track(file, division)?;
        take.push(0, None, Item::Event(EventKind::Meta(signature.meta())))?;
        return Ok(take);
    }
    let Division::Quarter(ticks) = division else {
        return Err(io::Error::other("the ticks of a clip file are parts of quarter notes"));
    };
    let mut writer = ClipWriter::new(ticks);
    let names: Vec<_> = ports.iter().map(name).collect();
    for packet in clip_name(names.join(", ").as_bytes()) {
        writer.configure(&packet)?;
    }
    let mut take = Take::clip(file, writer)?;
    let values = [signature.numerator, signature.denominator_power, 8, 0];
    take.push(0, None, Item::Packet([0xd010_0001, u32::from_be_bytes(values), 0, 0]))?;
    Ok(take)
}

/// Returns the packets of a text that names the clip: flex data, bank 1 (metadata), status 3 (MIDI clip name).
fn clip_name(text: &[u8]) -> Vec<[u32; 4]> {
    let last = text.chunks(TEXT_BYTES).count().saturating_sub(1);
    let packet = |(number, piece): (usize, &[u8])| {
        // Whole, first, middle or last part.
        let form: u32 = match number {
            0 if last == 0 => 0,
            0 => 1,
            _ if number < last => 2,
            _ => 3,
        };
        let mut words = [0xd010_0103 | form << 22, 0, 0, 0];
        for (word, bytes) in words[1..].iter_mut().zip(piece.chunks(4)) {
            let mut four = [0; 4];
            four[..bytes.len()].copy_from_slice(bytes);
            *word = u32::from_be_bytes(four);
        }
        words
    };
    text.chunks(TEXT_BYTES).enumerate().map(packet).collect()
}

/// Makes what gives ticks, and the queue of the recorder's own if it needs one. The tempo goes into the file.
pub(super) fn timeline(
    client: &Client,
    args: &RecordArgs,
    division: Division,
    take: &mut Take,
) -> Result<(Timeline, Option<u8>), Fail> {
    let timing = QueueTiming::of(division);
    let (timeline, tempo_us) = match args.tempo {
        Tempo::Queue(wanted) => {
            let follower = Follower::new(client, wanted, args.time_signature)?;
            return Ok((Timeline::Queue(follower), None));
        }
        Tempo::Clock => {
            let Division::Quarter(ticks) = division else {
                return Err(Fail::new("a MIDI clock counts quarter notes, not frames"));
            };
            (Timeline::Clock(Clocked::new(ticks)), timing.tempo_us)
        }
        // The length of a frame is constant.
        Tempo::Fixed(_) if matches!(division, Division::Frames { .. }) => {
            (Timeline::Own, timing.tempo_us)
        }
        Tempo::Fixed(tempo_us) => {
            take.tempo(0, tempo_us).context("the file cannot be written")?;
            (Timeline::Own, tempo_us)
        }
    };
    let timeline = match args.mtc {
        true => Timeline::TimeCode(Box::new(TimeCode::new(tempo_us, timing.ppq.unsigned_abs()))),
        false => timeline,
    };
    let queue = client.create_queue("aseqd record")?;
    client.set_queue_tempo(&QueueTempo {
        queue: queue.into(),
        tempo: tempo_us,
        ppq: timing.ppq,
        ..QueueTempo::default()
    })?;
    Ok((timeline, Some(queue)))
}

/// Makes the port that receives. A queue of the recorder's own stamps everything that arrives, with its time or its tick:
/// how late the recorder reads does not matter.
pub(super) fn port(client: &Client, queue: Option<u8>, real_time: bool) -> Result<Address, Fail> {
    let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
    let kind = PortType::MIDI_GENERIC | PortType::APPLICATION;
    let mut flags = PortFlags::empty();
    flags.set(PortFlags::TIMESTAMP, queue.is_some());
    flags.set(PortFlags::TIME_REAL, queue.is_some() && real_time);
    let info = PortInfo {
        name: name_field("record"),
        capability: caps.bits(),
        port_type: kind.bits(),
        midi_channels: 16,
        flags: flags.bits(),
        time_queue: queue.unwrap_or(0),
        ..PortInfo::default()
    };
    Ok(client.create_port_from(&info)?.addr)
}

/// Makes the port that receives what is done to queues.
pub(super) fn control(client: &Client) -> Result<Address, Fail> {
    let caps = PortCaps::WRITE | PortCaps::NO_EXPORT;
    let control = client.create_port("queues", caps, PortType::empty())?;
    client.connect(SYSTEM_TIMER, control).context("queues cannot be followed")?;
    Ok(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_length_is_packets() {
        assert_eq!(clip_name(b""), Vec::<[u32; 4]>::new());
        assert_eq!(clip_name(b"ABCDE"), [[0xd010_0103, 0x4142_4344, 0x4500_0000, 0]]);
        let forms = |len| -> Vec<u32> {
            clip_name(&vec![b'x'; len]).iter().map(|words| words[0] >> 22 & 3).collect()
        };
        assert_eq!((forms(12), forms(13), forms(30)), (vec![0], vec![1, 3], vec![1, 2, 3]));
    }
}
