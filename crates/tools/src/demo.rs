//! `aseqd demo`: plays a song through the sequencer and prints how late each event arrives.
//!
//! Two clients talk as two programs would. One plays into a queue; the other reads a port, and asks the queue for its
//! time whenever an event arrives.

use super::monitor::{HEADER, line_at, micros};
use super::play::{Passage, Player, Song, TempoMap, What};
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_abi::{Address, EventType};
use aseqd_client::Client;
use aseqd_console::DeviceArg;
use aseqd_host::error::{Context, Fail};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

const SONG: &[u8] = include_bytes!("../songs/etude.mid");

/// Play a short piece through the sequencer and show its events as they arrive
///
/// If the machine has no sequencer, the demo runs in one of its own, as with `aseqd run`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exit status: 0 if every event arrived, 1 if not.

Examples:
  aseqd demo
  aseqd run -- aseqd demo --quiet")]
pub struct DemoArgs {
    /// The sequencer
    #[command(flatten)]
    pub device: DeviceArg,

    /// Print only the summary
    #[arg(short, long)]
    pub quiet: bool,
}

/// Runs `aseqd demo`.
///
/// # Errors
/// A message if the device cannot be opened, standard output cannot be written, or an event did not arrive.
pub fn main(args: &DemoArgs) -> Result<(), Fail> {
    let mut listener = Listener::open(args)?;
    let mut player = Player::new(Client::open(&args.device.device, "aseqd demo: player")?)?;
    listener.queue = player.queue();
    player.connect(&[listener.port])?;
    let song = Song::parse(SONG).map_err(Fail::new)?;
    let (length, sent) = song.clone().measure();
    let seconds = length.as_secs();
    let (from, to, queue) = (player.port(), listener.port, player.queue());
    let mut out = anstream::stdout().lock();
    let intro = writeln!(
        out,
        "Port {from} plays {seconds} seconds of music through queue {queue} of {device}; port {to} \
         hears:\n\n{HEADER}",
        device = args.device.device.display(),
    );
    if !wanted(intro)? {
        return Ok(());
    }
    // The listener stops when it is disconnected. Until then it asks the player's queue for the time, so the thread
    // returns the player instead of dropping it.
    let playing = thread::spawn(move || {
        let played = player.play(&mut Passage::whole(song), None);
        player.disconnect();
        (player, played)
    });
    let heard = listener.listen(&mut out, args.quiet);
    // If the player still plays, it notices that its target has gone, and stops.
    drop(listener);
    let (_player, played) =
        playing.join().map_err(|_| Fail::new("the thread that plays has panicked"))?;
    if let Some(late) = heard? {
        played?;
        let missing = sent.saturating_sub(late.len() as u64);
        wanted(summary(&mut out, late, sent))?;
        if missing > 0 {
            return Err(Fail::new(format!("{missing} events did not arrive")));
        }
    }
    Ok(())
}

/// Returns whether more output is wanted. It is not once the reader has closed the pipe.
fn wanted(printed: io::Result<()>) -> Result<bool, Fail> {
    match printed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("standard output cannot be written"),
    }
}

struct Listener {
    client: Client,
    port: Address,
    queue: u8,
}

impl Listener {
    fn open(args: &DemoArgs) -> Result<Self, Fail> {
        let client = Client::open(&args.device.device, "aseqd demo: listener")?;
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("input", caps, port_type)?;
        Ok(Self { client, port, queue: 0 })
    }

    /// Prints events until the player disconnects. Returns how late each was, in nanoseconds, or `None` if the reader
    /// of the output has closed it.
    fn listen(&self, out: &mut impl Write, quiet: bool) -> Result<Option<Vec<i64>>, Fail> {
        let map = tempo_map()?;
        let mut late = Vec::new();
        loop {
            while let Some((event, data)) = self.client.read_event()? {
                match event.event_type {
                    EventType::PORT_UNSUBSCRIBED => return Ok(Some(late)),
                    EventType::PORT_SUBSCRIBED => continue,
                    _ => {}
                }
                let due = map.time_of(event.time.tick_or_sec);
                let now = self.now()?;
                late.push(nanoseconds_after(due, now));
                if quiet {
                    continue;
                }
                // Seconds from the start of the song.
                let seconds = format!("{:.3}", due.as_secs_f64());
                let text =
                    line_at(&event, &data, &seconds, Some(Some(nanoseconds_after(due, now))));
                let line = writeln!(out, "{text}");
                if !wanted(line)? {
                    return Ok(None);
                }
            }
            self.client.wait(None)?;
        }
    }

    /// Returns the time of the player's queue.
    fn now(&self) -> Result<Duration, Fail> {
        let status = self.client.queue_status(self.queue)?;
        let time = status.ok_or_else(|| Fail::new("the player's queue is gone"))?.time;
        Ok(Duration::new(time.tv_sec.into(), time.tv_nsec))
    }
}

/// Returns when each tick of the song is due, computed here from the song's tempo changes. The sequencer computes the
/// same by itself, so lateness shows its mistakes too.
fn tempo_map() -> Result<TempoMap, Fail> {
    let song = Song::parse(SONG).map_err(Fail::new)?;
    let mut map = TempoMap::new(song.timing());
    for timed in song {
        if let What::Tempo(tempo_us) = timed.what {
            map.change(timed.tick, tempo_us);
        }
    }
    Ok(map)
}

/// Returns how late an event came. Negative is early: a queue of the kernel's counts time in steps of its timer.
fn nanoseconds_after(due: Duration, now: Duration) -> i64 {
    let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    nanoseconds(now) - nanoseconds(due)
}

fn summary(out: &mut impl Write, mut late: Vec<i64>, sent: u64) -> io::Result<()> {
    late.sort_unstable();
    let at = |index: usize| micros(late.get(index).copied().unwrap_or(0));
    let (median, worst) = (at(late.len() / 2), at(late.len().saturating_sub(1)));
    let heard = late.len();
    writeln!(
        out,
        "\n{heard} of {sent} events arrived; lateness: median {median} us, most {worst} us"
    )
}
