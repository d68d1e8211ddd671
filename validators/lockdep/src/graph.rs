//! The graph of lock classes: which class was taken while which was held.
//!
//! An edge knows how both of its locks were taken. The first letter of its kind says whether the earlier lock was held
//! exclusively (E) or shared (S). The second letter says whether the later lock was taken by a recursive reader (R)
//! or not (N). A path is strong if each thread along it may end up waiting for the next. That is so unless some
//! lock is reached by a recursive reader and left as a shared one: such a reader does not wait there, and as a
//! shared holder it blocks only writers.

#![expect(clippy::disallowed_types, reason = "the validators' own lock, not on the fast path")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::class::{self, Key, Ladder, MAX_CLASSES, USAGE};
use crate::shared::{self, Named, Record, Shared};
use crate::state;
use crate::trace::Trace;
use crate::words::Mode;
use crate::words::Wait;

/// Size of the table of checked chains of held classes. A power of two.
const CHAINS: usize = 1 << 16;
const MAX_CHAINS: usize = CHAINS / 4 * 3;

static CHAIN_KEYS: [AtomicU64; CHAINS] = [const { AtomicU64::new(0) }; CHAINS];
static CHAINS_FILLED: AtomicUsize = AtomicUsize::new(0);
static GRAPH: LazyLock<Mutex<Graph>> = LazyLock::new(|| Mutex::new(Graph::new()));

/// The kinds of an edge, as bits of a set.
const SR: u8 = 1 << 0;
const ER: u8 = 1 << 1;
const SN: u8 = 1 << 2;
const EN: u8 = 1 << 3;

/// An edge to `to`, learnt at `trace`.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) to: u16,
    kinds: u8,
    pub(crate) trace: Trace,
}

/// Returns the rarely used part of a class.
pub(crate) struct Class {
    /// The name as printed, with version and subclass.
    pub(crate) name: String,
    wait: Wait,
    /// Whether so far only another process knows the class.
    foreign: bool,
    usage_traces: HashMap<u32, Trace>,
    forward: Vec<Edge>,
    backward: Vec<Edge>,
}

impl Class {
    /// Returns the class as other processes know it.
    fn named(&self) -> Named<'_> {
        Named { name: &self.name, wait: self.wait }
    }
}

/// A step of a path that a search found: the class, and where the edge to it was learnt.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) class: u16,
    pub(crate) trace: Option<Trace>,
}

/// What identifies a class within the process.
type Identity = (&'static str, u32, u32, &'static str, Option<&'static str>, usize);

/// All classes and edges.
pub(crate) struct Graph {
    classes: Vec<Class>,
    identities: HashMap<Identity, u16>,
    names: HashMap<String, u16>,
    shared: Option<Shared>,
}

/// Locks the graph for a look-up or a change.
pub(crate) fn lock() -> MutexGuard<'static, Graph> {
    GRAPH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many times everything was forgotten, plus one.
static EPOCH: AtomicU64 = AtomicU64::new(1);

/// Returns a key of a thread's irq state that is valid until everything is forgotten. It is never 0.
#[inline]
pub(crate) fn state_key(irq_word: u32) -> u64 {
    EPOCH.load(Ordering::Relaxed) << 32 | u64::from(irq_word)
}

/// Returns the hash of a chain with one class added.
#[inline]
pub(crate) fn chain_key(below: u64, class: u16, mode: Mode) -> u64 {
    let next = u64::from(class) << 2 | mode as u64;
    let key = (below ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (key ^ key >> 29) | 1
}

/// Returns the hash of everything that the checks of an acquisition depend on: the chain, the thread's irq state,
/// the place.
#[inline]
pub(crate) fn acquisition_key(chain: u64, irq_word: u32, place: usize) -> u64 {
    let key = chain ^ (place as u64).rotate_left(20) ^ u64::from(irq_word) << 44;
    key.wrapping_mul(0xd6e8_feb8_6659_fd93) | 1
}

/// Returns whether a chain or an acquisition was checked before.
#[inline]
pub(crate) fn is_chain_known(key: u64) -> bool {
    let mut index = chain_slot(key);
    loop {
        match CHAIN_KEYS[index].load(Ordering::Acquire) {
            0 => return false,
            found if found == key => return true,
            _ => index = (index + 1) % CHAINS,
        }
    }
}

#[inline]
fn chain_slot(key: u64) -> usize {
    usize::try_from(key >> 48).unwrap_or_default() % CHAINS
}

impl Graph {
    fn new() -> Self {
        let mut graph = Self {
            classes: Vec::new(),
            identities: HashMap::new(),
            names: HashMap::new(),
            shared: None,
        };
        // Class 0 means that a lock does not know its class yet.
        graph.add_class("none".to_owned(), Wait::Unchecked, false);
        graph.shared = Shared::from_environment();
        graph
    }

    /// Remembers that a chain was checked. The caller holds the graph, so there is one writer.
    pub(crate) fn remember_chain(&self, key: u64) {
        if CHAINS_FILLED.load(Ordering::Relaxed) >= MAX_CHAINS || is_chain_known(key) {
            return;
        }
        let mut index = chain_slot(key);
        while CHAIN_KEYS[index].load(Ordering::Relaxed) != 0 {
            index = (index + 1) % CHAINS;
        }
        CHAIN_KEYS[index].store(key, Ordering::Release);
        CHAINS_FILLED.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the class of a key and makes it if it is new. Returns `None` if there are too many.
    pub(crate) fn class_of(&mut self, key: &Key, subclass: usize) -> Option<u16> {
        let type_name = (key.type_name)();
        let at = key.init;
        if key.is_vague() {
            // Each of these locks is a class of its own, which it remembers.
            return self.stand_in(&default_name(key, type_name), subclass, key);
        }
        let identity = (at.file(), at.line(), at.column(), type_name, key.name, subclass);
        if let Some(&class) = self.identities.get(&identity) {
            return Some(class);
        }
        let base = key.name.map_or_else(|| default_name(key, type_name), str::to_owned);
        let class = self.stand_in(&base, subclass, key)?;
        self.identities.insert(identity, class);
        Some(class)
    }

    /// Makes the class of a key with this name.
    fn stand_in(&mut self, name: &str, subclass: usize, key: &Key) -> Option<u16> {
        let class = self.named_class(name, subclass, key.wait)?;
        if key.stands_in {
            Ladder::allow(class);
        }
        Some(class)
    }

    /// Makes the class of a name, such as one of a C program. Returns `None` if there are too many.
    pub(crate) fn named_class(&mut self, base: &str, subclass: usize, wait: Wait) -> Option<u16> {
        let suffix = if subclass == 0 { String::new() } else { format!("/{subclass}") };
        let mut name = format!("{base}{suffix}");
        let mut version = 1;
        // A class of this name is the same one if only another process knows it. Otherwise it is another one.
        while let Some(&class) = self.names.get(&name) {
            let known = &mut self.classes[usize::from(class)];
            if known.foreign {
                known.foreign = false;
                return Some(class);
            }
            version += 1;
            name = format!("{base}#{version}{suffix}");
        }
        self.add_class(name, wait, false)
    }

    fn add_class(&mut self, name: String, wait: Wait, foreign: bool) -> Option<u16> {
        let number = u16::try_from(self.classes.len()).ok()?;
        if usize::from(number) >= MAX_CLASSES {
            return None;
        }
        self.names.insert(name.clone(), number);
        let (usage_traces, forward, backward) = (HashMap::new(), Vec::new(), Vec::new());
        self.classes.push(Class { name, wait, foreign, usage_traces, forward, backward });
        class::set_wait(number, wait);
        Some(number)
    }

    /// Returns the class that another process named, and makes it if it is new. Returns `None` if there are too many.
    fn foreign_class(&mut self, class: &Named<'_>) -> Option<u16> {
        match self.names.get(class.name) {
            Some(&class) => Some(class),
            None => self.add_class(class.name.to_owned(), class.wait, true),
        }
    }

    /// Returns the rarely used part of a class.
    pub(crate) fn class(&self, class: u16) -> &Class {
        &self.classes[usize::from(class)]
    }

    /// Returns the name of a class as printed.
    pub(crate) fn name(&self, class: u16) -> &str {
        &self.class(class).name
    }

    /// Returns the stack at which a class got a usage bit.
    pub(crate) fn usage_trace(&self, class: u16, bit: u32) -> Option<&Trace> {
        self.class(class).usage_traces.get(&bit)
    }

    /// Adds usage bits that this process found, and tells other processes.
    pub(crate) fn mark(&mut self, class: u16, bits: u32, trace: &Trace) {
        self.mark_silently(class, bits, trace);
        if let Some(shared) = &mut self.shared {
            let class = self.classes[usize::from(class)].named();
            shared.tell(&Record::Usage { class, bits, trace: trace.clone() });
        }
    }

    /// Adds usage bits without telling other processes.
    fn mark_silently(&mut self, class: u16, bits: u32, trace: &Trace) {
        let new = bits & !USAGE[usize::from(class)].fetch_or(bits, Ordering::Relaxed);
        let traces = &mut self.classes[usize::from(class)].usage_traces;
        for bit in (0..u32::BITS).filter(|bit| new & 1 << bit != 0) {
            traces.insert(bit, trace.clone());
        }
    }

    /// Adds an edge that this process found, and tells other processes.
    pub(crate) fn connect(&mut self, from: (u16, Mode), to: (u16, Mode), trace: &Trace) {
        let kinds = kind(from.1 == Mode::Exclusive, to.1 != Mode::SharedRecursive);
        if self.connect_silently(from.0, to.0, kinds, trace)
            && let Some(shared) = &mut self.shared
        {
            let [from, to] = [from.0, to.0].map(|class| self.classes[usize::from(class)].named());
            shared.tell(&Record::Edge { from, to, kinds, trace: trace.clone() });
        }
    }

    /// Adds kinds to an edge without telling other processes. Returns whether any is new.
    fn connect_silently(&mut self, from: u16, to: u16, kinds: u8, at: &Trace) -> bool {
        let new = add_edge(&mut self.classes[usize::from(from)].forward, to, kinds, at);
        add_edge(&mut self.classes[usize::from(to)].backward, from, mirrored(kinds), at);
        new
    }

    /// Returns whether an edge of this kind is known.
    pub(crate) fn is_connected(&self, from: (u16, Mode), to: (u16, Mode)) -> bool {
        let kinds = kind(from.1 == Mode::Exclusive, to.1 != Mode::SharedRecursive);
        let edges = &self.class(from.0).forward;
        edges.iter().any(|edge| edge.to == to.0 && edge.kinds & kinds == kinds)
    }

    /// Returns the shortest strong path from a class to one that `hit` accepts. The start is its first step.
    /// `weak_start` says whether the start counts as reached by a recursive reader. The second argument of `hit` says
    /// the same of each class.
    pub(crate) fn path(
        &self,
        from: u16,
        weak_start: bool,
        way: Way,
        mut hit: impl FnMut(u16, bool) -> bool,
    ) -> Option<Vec<Step>> {
        let mut came_from: Vec<(usize, u16, Option<Trace>)> = vec![(0, from, None)];
        let mut seen = HashSet::from([(from, weak_start)]);
        let mut next = VecDeque::from([(0_usize, weak_start)]);
        while let Some((index, weak)) = next.pop_front() {
            let class = came_from[index].1;
            if hit(class, weak) {
                return Some(steps(&came_from, index));
            }
            let edges = match way {
                Way::Forward => &self.class(class).forward,
                Way::Backward => &self.class(class).backward,
            };
            for edge in edges {
                let usable = if weak { edge.kinds & (ER | EN) } else { edge.kinds };
                if usable == 0 {
                    continue;
                }
                let weak = usable & (SN | EN) == 0;
                if seen.insert((edge.to, weak)) {
                    came_from.push((index, edge.to, Some(edge.trace.clone())));
                    next.push_back((came_from.len() - 1, weak));
                }
            }
        }
        None
    }

    /// Takes in what other processes found since the last call.
    pub(crate) fn learn(&mut self) {
        let Some(shared) = &mut self.shared else { return };
        let news = shared.news();
        for record in shared::records(&news) {
            self.take_in(&record);
        }
    }

    /// Takes in what another process wrote. Returns `None` if there are too many classes.
    fn take_in(&mut self, record: &Record<'_>) -> Option<()> {
        match record {
            Record::Usage { class, bits, trace } => {
                let class = self.foreign_class(class)?;
                self.mark_silently(class, *bits, trace);
            }
            Record::Edge { from, to, kinds, trace } => {
                let from = self.foreign_class(from)?;
                let to = self.foreign_class(to)?;
                self.connect_silently(from, to, *kinds, trace);
            }
        }
        Some(())
    }

    /// Shares the graph with all processes that use the same file.
    pub(crate) fn share(&mut self, shared: Option<Shared>) {
        self.shared = shared;
    }

    /// Forgets all uses and edges. The classes keep their numbers.
    pub(crate) fn forget(&mut self) {
        for (class, usage) in self.classes.iter_mut().zip(&USAGE) {
            class.usage_traces.clear();
            class.forward.clear();
            class.backward.clear();
            usage.store(0, Ordering::Relaxed);
        }
        for key in &CHAIN_KEYS {
            key.store(0, Ordering::Relaxed);
        }
        CHAINS_FILLED.store(0, Ordering::Relaxed);
        Ladder::forget();
        EPOCH.fetch_add(1, Ordering::Relaxed);
    }
}

/// The direction of a search: to locks taken later, or to those held before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Forward,
    Backward,
}

fn kind(exclusive: bool, waits: bool) -> u8 {
    match (exclusive, waits) {
        (false, false) => SR,
        (true, false) => ER,
        (false, true) => SN,
        (true, true) => EN,
    }
}

/// Returns the kinds of the same edges walked backwards: the held and the awaited lock change places.
fn mirrored(kinds: u8) -> u8 {
    let both = kinds & (SR | EN);
    let er = if kinds & ER != 0 { SN } else { 0 };
    let sn = if kinds & SN != 0 { ER } else { 0 };
    both | er | sn
}

fn add_edge(edges: &mut Vec<Edge>, to: u16, kinds: u8, trace: &Trace) -> bool {
    let Some(edge) = edges.iter_mut().find(|edge| edge.to == to) else {
        edges.push(Edge { to, kinds, trace: trace.clone() });
        return true;
    };
    let new = kinds & !edge.kinds != 0;
    edge.kinds |= kinds;
    new
}

fn steps(came_from: &[(usize, u16, Option<Trace>)], mut index: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    loop {
        let (parent, class, trace) = &came_from[index];
        steps.push(Step { class: *class, trace: trace.clone() });
        if index == 0 {
            break;
        }
        index = *parent;
    }
    steps.reverse();
    steps
}

/// Returns `Type@file.rs:12`, the name of a lock without one.
fn default_name(key: &Key, type_name: &str) -> String {
    let short = kreport::print::name::function(type_name);
    let short = short.rsplit("::").next().unwrap_or(&short);
    let file = key.init.file().rsplit('/').next().unwrap_or_default();
    format!("{short}@{file}:{}", key.init.line())
}

/// Returns the usage bits of a class that count on a strong path. A class reached by a recursive reader counts only
/// as exclusively used.
pub(crate) fn visible_usage(class: u16, weak: bool) -> u32 {
    let usage = class::usage(class) & ((1 << state::CONTEXT_BITS) - 1);
    if weak { usage & state::WRITE_BITS } else { usage }
}
