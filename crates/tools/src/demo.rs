//! `aseqd demo`: a song through the sequencer and back, with the lateness of every event.
//!
//! Two clients meet here as two programs would: one plays into a queue, the other listens at a port
//! and asks the queue what time it is whenever something arrives.

use super::monitor::{HEADER, line_at, micros};
use super::play::{Player, Song, TempoMap, What};
use aseqd_abi::seq::{PortCaps, PortType};
use aseqd_abi::{Address, EventType};
use aseqd_client::{Client, DEVICE};
use aseqd_host::error::{Context, Fail};
use rustix::event::{PollFd, PollFlags};
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const SONG: &[u8] = include_bytes!("../songs/etude.mid");
/// Play a short piece through the sequencer and show its events as they arrive
///
/// Where there is no sequencer, it starts one of its own, as `aseqd run` does.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Exit status: 0 if every event arrived, 1 if not.

Examples:
  aseqd demo
  aseqd run -- aseqd demo --quiet")]
pub struct DemoArgs {
    /// The sequencer's device file
    #[arg(long, value_name = "PATH", default_value = DEVICE, env = "ASEQD_DEVICE")]
    pub device: PathBuf,

    /// Show the summary only
    #[arg(short, long)]
    pub quiet: bool,
}

/// Plays, listens, and prints.
///
/// # Errors
/// A sentence about the device, or about events that did not come.
pub fn main(args: &DemoArgs) -> Result<(), Fail> {
    let mut listener = Listener::open(args)?;
    let mut player = Player::new(Client::open(&args.device, "aseqd demo: player")?)?;
    listener.queue = player.queue();
    player.connect(&[listener.port])?;
    let mut song = Song::parse(SONG).map_err(Fail::new)?;
    let (length, sent) = song.clone().measure();
    let seconds = length.as_secs();
    let (from, to, queue) = (player.port(), listener.port, player.queue());
    let mut out = anstream::stdout().lock();
    let intro = writeln!(
        out,
        "Port {from} plays {seconds} seconds of music through queue {queue} of {device}; port {to} \
         hears:\n\n{HEADER}",
        device = args.device.display(),
    );
    if !wanted(intro)? {
        return Ok(());
    }
    // The listener stops when it is disconnected; until it has, the player's queue has to stay.
    let playing = thread::spawn(move || {
        let played = player.play(&mut song, None);
        player.disconnect();
        (player, played)
    });
    let heard = listener.listen(&mut out, args.quiet);
    // Without a listener a player that still plays gives up.
    drop(listener);
    let (_player, played) = playing.join().map_err(|_| Fail::new("the player has failed"))?;
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

/// Did printing work? False: the pipe is closed, somebody has seen enough.
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
        let client = Client::open(&args.device, "aseqd demo: listener")?;
        let caps = PortCaps::WRITE | PortCaps::SUBS_WRITE;
        let port_type = PortType::MIDI_GENERIC | PortType::APPLICATION;
        let port = client.create_port("input", caps, port_type)?;
        Ok(Self { client, port, queue: 0 })
    }

    /// Prints events until the player disconnects; how late each was, in nanoseconds. `None`:
    /// nobody reads the output.
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
                // The time of the music: seconds from its start.
                let seconds = format!("{:.3}", due.as_secs_f64());
                let text =
                    line_at(&event, &data, &seconds, Some(Some(nanoseconds_after(due, now))));
                let line = writeln!(out, "{text}");
                if !wanted(line)? {
                    return Ok(None);
                }
            }
            let mut fds = [PollFd::new(&self.client, PollFlags::IN)];
            match rustix::event::poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno).context("cannot wait for events"),
            }
        }
    }

    /// What time it is in the player's queue.
    fn now(&self) -> Result<Duration, Fail> {
        let status = self.client.queue_status(self.queue)?;
        let time = status.ok_or_else(|| Fail::new("the player's queue is gone"))?.time;
        Ok(Duration::new(time.tv_sec.into(), time.tv_nsec))
    }
}

/// When the song's ticks are, by its own tempo changes: the sequencer must come to the same.
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

/// Negative when it came early: a kernel's queue counts time in steps of its timer.
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
