//! Everything that clients share: the sequencer, what is there, and who listens to it.

use crate::args::WebArgs;
use crate::graph::Graph;
use crate::look::graph_of;
use crate::patches::Patches;
use crate::player::{self, MAX_PLAYERS};
use crate::raw::{Changes, Raw};
use crate::recordings::Recordings;
use crate::rulebook::Rulebook;
use crate::sequencer::{Manner, Sequencer};
use crate::token::random;
use crate::watch::{Read, Watch};
use aseqd_abi::Address;
use aseqd_abi::seq::{CLIENT_SYSTEM, QuerySubs};
use aseqd_client::printable;
use aseqd_host::error::Fail;
use aseqd_rules::{Pair, Port};
use rustix::fs::inotify;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The version of the protocol.
pub(crate) const PROTOCOL: u64 = 1;

/// The time between two looks: a burst of changes becomes one message. It is a part of the 100 ms in which people call
/// something immediate.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// A look at thousands of connections takes longer than that: this many times as long passes before the next one.
const LOOK_SHARE: u32 = 3;
/// When to look again after an announcement, where names change without one.
const NAMING: [Duration; 4] = [
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(200),
    Duration::from_secs(1),
];
/// When to try to listen again, after there was no room for one more client.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);
/// How long to wait until rules no longer hold a link, to connect its ports without one.
const UNLINK_TIMEOUT: Duration = Duration::from_secs(5);

/// What clients share.
pub(crate) struct Hub {
    pub(crate) sequencer: Sequencer,
    pub(crate) rules: Rulebook,
    pub(crate) patches: Patches,
    pub(crate) recordings: Recordings,
    pub(crate) read_only: bool,
    pub(crate) graph: Graph,
    pub(crate) watch: Option<Watch>,
    /// The last message about each player, by its port.
    pub(crate) players: BTreeMap<Address, Rc<str>>,
    /// When to try to listen again, if it failed.
    listen_again: Option<Instant>,
    device: PathBuf,
    /// Tells clients whether this is the server that they have known.
    server: String,
    seq: u64,
    snapshot: Option<Rc<str>>,
    raw: Raw,
    /// What has changed in the sequencer since the last look.
    changes: Changes,
    /// Whether anything has changed since then.
    stale: bool,
    /// When a look may be next.
    look_at: Instant,
    looks: VecDeque<Instant>,
    /// The ports that cannot be listened to, and why.
    refused: BTreeMap<Address, String>,
    /// The files of rules, while somebody looks.
    files: Option<OwnedFd>,
    /// Ports that are connected once their link is gone.
    unlinked: Vec<(Pair, Instant)>,
}

impl Hub {
    pub(crate) fn open(args: &WebArgs) -> Result<Self, Fail> {
        let device = args.device.device.clone();
        Ok(Self {
            sequencer: Sequencer::open(&device)?,
            rules: Rulebook::new(&device, args.rules.as_deref(), args.read_only),
            patches: Patches::new(),
            recordings: Recordings { folder: args.recordings.clone() },
            read_only: args.read_only,
            graph: Graph::default(),
            watch: None,
            players: BTreeMap::new(),
            listen_again: None,
            device,
            server: random()?,
            seq: 0,
            snapshot: None,
            raw: Raw::default(),
            changes: Changes::everything(),
            stale: true,
            look_at: Instant::now(),
            looks: VecDeque::new(),
            refused: BTreeMap::new(),
            files: None,
            unlinked: Vec::new(),
        })
    }

    /// Begins to follow what happens, for the first client.
    pub(crate) fn begin(&mut self) -> Result<(), Fail> {
        if self.files.is_none() {
            self.sequencer.listen()?;
            self.files = follow(&self.rules.folders());
            self.changes = Changes::everything();
            self.look()?;
        }
        Ok(())
    }

    /// Follows nothing any more, after the last client.
    pub(crate) fn rest(&mut self) -> Result<(), Fail> {
        self.unwatch();
        self.listen_again = None;
        self.files = None;
        self.looks.clear();
        self.players.clear();
        self.snapshot = None;
        self.sequencer.rest()?;
        Ok(())
    }

    /// Returns what becomes readable when a file of rules changes.
    pub(crate) const fn files(&self) -> Option<&OwnedFd> {
        self.files.as_ref()
    }

    /// Reads which files have changed, and looks later.
    pub(crate) fn files_changed(&mut self) {
        if let Some(files) = &self.files {
            let mut buffer = [const { MaybeUninit::uninit() }; 4096];
            let mut reader = inotify::Reader::new(files, &mut buffer);
            while reader.next().is_ok() {}
        }
        self.stale = true;
    }

    /// Reads announcements. Returns whether some were lost.
    pub(crate) fn hear(&mut self, now: Instant) -> Result<bool, Fail> {
        let listener = self.watch.as_ref().map(|watch| watch.port.client);
        let heard = self.sequencer.hear(listener)?;
        self.stale |= heard.anything;
        self.changes.add(heard.changes);
        if heard.anything && self.sequencer.must_look_for_names() {
            self.looks = NAMING.iter().map(|delay| now + *delay).collect();
        }
        Ok(heard.lost)
    }

    /// Starts or ends the listener, by what clients want. If it cannot start, such as when the sequencer has no room for one
    /// more client, this says why once, and tries again later: connections can be seen and made without it.
    pub(crate) fn listen(&mut self, wanted: bool, events: bool, now: Instant) -> Option<String> {
        if !wanted {
            self.listen_again = None;
            if self.watch.is_some() {
                self.unwatch();
                // Ports no longer say why they are not listened to.
                self.stale = true;
            }
            return None;
        }
        if self.watch.is_none() && self.listen_again.is_none_or(|due| due <= now) {
            let failed_before = self.listen_again.take().is_some();
            match Watch::start(&self.device) {
                Ok(watch) => {
                    self.watch = Some(watch);
                    self.look_at = now;
                    self.stale = true;
                }
                Err(why) => {
                    self.listen_again = Some(now + LISTEN_AGAIN);
                    return (!failed_before).then(|| format!("events cannot be seen: {why}"));
                }
            }
        }
        if let Some(watch) = &self.watch {
            watch.want_events(events);
        }
        None
    }

    /// Returns when a look is due.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let planned = self.looks.front().copied();
        let stale = self.stale.then_some(self.look_at);
        planned.into_iter().chain(stale).chain(self.listen_again).min()
    }

    /// Looks, if that is due. Returns the message about what has changed.
    pub(crate) fn settle(&mut self, now: Instant) -> Result<Option<Rc<str>>, Fail> {
        let is_planned = self.looks.front().is_some_and(|due| *due <= now);
        let is_due = is_planned || self.stale && self.look_at <= now;
        if !is_due {
            return Ok(None);
        }
        while self.looks.front().is_some_and(|due| *due <= now) {
            self.looks.pop_front();
            self.changes.add(Changes::everything());
        }
        let before = self.graph.clone();
        self.look()?;
        let delta = self.graph.delta(&before, self.seq + 1);
        if delta.is_some() {
            self.seq += 1;
            self.snapshot = None;
        }
        Ok(delta.map(Rc::from))
    }

    fn look(&mut self) -> Result<(), Fail> {
        let start = Instant::now();
        self.stale = false;
        if let Some(files) = &self.files {
            // A folder may have been made meanwhile. The others stay as they are.
            add_all(files, &self.rules.folders());
        }
        self.rules.refresh();
        self.rules.is_started();
        let listener = self.watch.as_ref().map(|watch| watch.port);
        let client = &self.sequencer.client;
        self.raw.read(client, &std::mem::take(&mut self.changes))?;
        let mut graph = graph_of(&self.raw, client.id(), listener, &self.refused, &self.rules);
        if let Some(listener) = listener {
            self.watch_all(&mut graph, listener)?;
        }
        self.graph = graph;
        let graph = &self.graph;
        self.players.retain(|port, _| graph.port(*port).is_some());
        self.snapshot = None;
        self.connect_unlinked(start);
        self.look_at = start + LOOK_INTERVAL.max(start.elapsed() * LOOK_SHARE);
        Ok(())
    }

    fn unwatch(&mut self) {
        if let Some(watch) = self.watch.take() {
            self.raw.forget(watch.port.client);
        }
        self.refused.clear();
    }

    /// Listens to all ports that are not listened to.
    fn watch_all(&mut self, graph: &mut Graph, listener: Address) -> Result<(), Fail> {
        self.refused.retain(|port, _| graph.port(*port).is_some());
        for (number, client) in &mut graph.clients {
            if *number == CLIENT_SYSTEM {
                continue;
            }
            for entry in client.ports.values_mut().filter(|entry| entry.port.sends()) {
                let port = entry.port.address;
                if self.raw.pairs.contains_key(&(port, listener)) {
                    self.refused.remove(&port);
                    entry.unwatched = None;
                    continue;
                }
                entry.unwatched = self.sequencer.watch(port, listener)?.err();
                match &entry.unwatched {
                    Some(why) => self.refused.insert(port, why.clone()),
                    None => {
                        self.raw.pairs.insert((port, listener), QuerySubs::default());
                        self.refused.remove(&port)
                    }
                };
            }
        }
        Ok(())
    }

    /// Connects these ports once rules no longer hold their link, which would cut the connection.
    pub(crate) fn connect_later(&mut self, pair: Pair) {
        self.unlinked.push((pair, Instant::now() + UNLINK_TIMEOUT));
        self.stale = true;
    }

    fn connect_unlinked(&mut self, now: Instant) {
        let linked = |pair: &Pair| {
            self.graph.connections.get(pair).is_some_and(|cable| cable.link.is_some())
        };
        let (wait, go): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unlinked).into_iter().partition(|(pair, _)| linked(pair));
        for (pair, _) in go {
            // It is no error if it is connected already, or if a port is gone.
            let _done = self.sequencer.connect(pair, Manner::default());
        }
        self.unlinked = wait.into_iter().filter(|(_, until)| *until > now).collect();
    }

    /// Returns the message with everything.
    pub(crate) fn snapshot(&mut self) -> Rc<str> {
        let seq = self.seq;
        let graph = &self.graph;
        Rc::clone(self.snapshot.get_or_insert_with(|| graph.snapshot(seq).into()))
    }

    /// Looks now, so that the next command sees what this one has done.
    pub(crate) fn look_soon(&mut self) {
        self.stale = true;
    }

    /// Returns the answer to `hello`.
    pub(crate) fn hello(&self) -> String {
        json!({
            "type": "hello",
            "protocol": PROTOCOL,
            "version": env!("CARGO_PKG_VERSION"),
            "server": self.server,
            "read_only": self.read_only,
            "own": self.sequencer.client.id(),
            "keyboard": self.sequencer.keyboard.to_string(),
            "recordings": self.recordings.folder.is_some(),
            "device": printable(&self.device.display().to_string()),
            "limits": { "message": crate::connection::MAX_MESSAGE, "rate": crate::limit::RATE },
        })
        .to_string()
    }

    /// Returns the ports as rules see them.
    pub(crate) fn ports(&self) -> Vec<Port> {
        self.graph.ports().map(|entry| entry.port.clone()).collect()
    }

    /// Takes what a player tells. Returns the message about it.
    pub(crate) fn told(&mut self, port: Address, data: &[u8]) -> Option<Rc<str>> {
        let has_room = self.players.len() < MAX_PLAYERS || self.players.contains_key(&port);
        let text = player::message(port, data).filter(|_| has_room)?;
        self.players.insert(port, Rc::clone(&text));
        Some(text)
    }

    /// Takes what the listener has read.
    pub(crate) fn read(&self) -> Option<Read> {
        self.watch.as_ref().map(Watch::take)
    }

    /// Returns which of these ports cannot be listened to, or of all.
    pub(crate) fn unwatched(&self, ports: Option<&BTreeSet<Address>>) -> Value {
        let wanted = |port: &&Address| ports.is_none_or(|ports| ports.contains(port));
        self.refused.keys().filter(wanted).map(|port| json!(port.to_string())).collect()
    }
}

/// Follows changes of files. Without that, they are seen when something else changes.
fn follow(folders: &[PathBuf]) -> Option<OwnedFd> {
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let files = inotify::init(flags).ok()?;
    add_all(&files, folders);
    Some(files)
}

fn add_all(files: &OwnedFd, folders: &[PathBuf]) {
    let changes = inotify::WatchFlags::CLOSE_WRITE
        | inotify::WatchFlags::MOVED_TO
        | inotify::WatchFlags::MOVED_FROM
        | inotify::WatchFlags::DELETE;
    for folder in folders {
        let _missing = inotify::add_watch(files, folder, changes);
    }
}
