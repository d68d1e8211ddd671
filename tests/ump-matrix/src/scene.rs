//! Who sends and who receives.

use crate::class::Class;

/// The form of a client's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Legacy events.
    Legacy,
    /// UMP packets of the MIDI 1.0 protocol.
    Midi1,
    /// UMP packets of the MIDI 2.0 protocol.
    Midi2,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Legacy, Self::Midi1, Self::Midi2];

    /// Returns its name in cells.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Midi1 => "midi1",
            Self::Midi2 => "midi2",
        }
    }

    /// Returns the `midi_version` of a client of this form.
    #[must_use]
    pub const fn midi_version(self) -> u32 {
        match self {
            Self::Legacy => 0,
            Self::Midi1 => 1,
            Self::Midi2 => 2,
        }
    }

    /// Returns whether such a client can send packets, and reads records of 32 bytes.
    #[must_use]
    pub const fn is_ump(self) -> bool {
        !matches!(self, Self::Legacy)
    }
}

/// How a port stamps the events that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Not at all.
    None,
    /// With ticks.
    Tick,
    /// With real time.
    Real,
}

/// A client that receives, with one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name in cells.
    pub name: &'static str,
    /// The form of its client.
    pub form: Form,
    /// The UMP group of its port, or 0.
    pub group: u8,
    /// Whether its port has the flag `IS_MIDI1`.
    pub is_midi1: bool,
    /// Whether its client has the filter `NO_CONVERT`.
    pub no_convert: bool,
    /// The groups that its client filters out, one bit each.
    pub group_filter: u32,
    /// The port of the sender that it is subscribed to.
    pub sender_port: u8,
    /// How its port stamps events, with a queue that stands still.
    pub stamp: Stamp,
}

impl Receiver {
    const fn new(name: &'static str, form: Form) -> Self {
        Self {
            name,
            form,
            group: 0,
            is_midi1: false,
            no_convert: false,
            group_filter: 0,
            sender_port: 0,
            stamp: Stamp::None,
        }
    }
}

/// A client that sends, and those that receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Its name in cells.
    pub name: &'static str,
    /// The form of the sender.
    pub sender: Form,
    /// The groups of the sender's ports, from port 0 on; the first is a UMP endpoint if there are more.
    pub ports: &'static [u8],
    /// The port that it sends from.
    pub from: u8,
    /// Whether the sender has the filter `NO_CONVERT` and filters all groups, which must not concern its receivers.
    pub has_filters: bool,
    /// Whether events go through a queue, in which they are due at once.
    pub is_queued: bool,
    /// Who is subscribed to the sender.
    pub receivers: Vec<Receiver>,
    /// Whether this scene is about the nine pairs of forms, and so gets every class in full.
    pub is_main: bool,
}

/// Maximum number of records of a class in a scene that is not about the nine pairs.
const FEWER: u32 = 2048;

impl Scene {
    /// Returns how many records of a class are sent here at most.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        if self.is_main { u32::MAX } else { FEWER }
    }

    /// Returns whether the sender can send a class.
    #[must_use]
    pub const fn can_send(&self, class: &Class) -> bool {
        self.sender.is_ump() || !class.has_packets
    }

    /// Returns the name of the cell of a class and a receiver.
    #[must_use]
    pub fn cell_name(&self, receiver: usize, class: &Class) -> String {
        let kind = if class.has_packets { "ump" } else { "event" };
        format!("{}>{}/{kind}-{}", self.name, self.receivers[receiver].name, class.name)
    }
}

/// Returns the three scenes of the nine pairs of forms, and scenes with ports and clients that have options.
#[must_use]
pub fn scenes() -> Vec<Scene> {
    let plain = Form::ALL.map(|form| Receiver::new(form.name(), form));
    let mut scenes = Form::ALL
        .map(|sender| Scene {
            name: sender.name(),
            sender,
            ports: &[0],
            from: 0,
            has_filters: false,
            is_queued: false,
            receivers: plain.to_vec(),
            is_main: true,
        })
        .to_vec();
    let (legacy, midi1, midi2) = (
        |name| Receiver::new(name, Form::Legacy),
        |name| Receiver::new(name, Form::Midi1),
        |name| Receiver::new(name, Form::Midi2),
    );
    scenes.push(Scene {
        name: "midi2-options",
        sender: Form::Midi2,
        ports: &[0],
        from: 0,
        has_filters: false,
        is_queued: false,
        receivers: vec![
            Receiver { group: 5, ..legacy("legacy-group5") },
            Receiver { group: 5, ..midi1("midi1-group5") },
            Receiver { group: 5, ..midi2("midi2-group5") },
            Receiver { group: 16, ..midi2("midi2-group16") },
            Receiver { is_midi1: true, ..midi2("midi2-port1") },
            Receiver { is_midi1: true, group: 5, ..midi2("midi2-port1-group5") },
            Receiver { is_midi1: true, ..midi1("midi1-port1") },
            Receiver { no_convert: true, ..legacy("legacy-raw") },
            Receiver { no_convert: true, ..midi1("midi1-raw") },
            Receiver { no_convert: true, group: 5, ..midi2("midi2-raw-group5") },
            Receiver { group_filter: 0x0_aaab, ..legacy("legacy-filter") },
            Receiver { group_filter: 0x1_0f0e, ..midi1("midi1-filter") },
            Receiver { group_filter: 0x1_5554, group: 5, ..midi2("midi2-filter-group5") },
            Receiver { group_filter: 0x0_0020, group: 5, ..midi2("midi2-filter5-group5") },
            Receiver { group_filter: 0x0_0001, no_convert: true, ..midi2("midi2-raw-filter") },
        ],
        is_main: false,
    });
    for (name, sender) in [("midi2-queued", Form::Midi2), ("legacy-queued", Form::Legacy)] {
        scenes.push(Scene {
            name,
            sender,
            ports: &[0],
            from: 0,
            has_filters: false,
            is_queued: true,
            receivers: plain.to_vec(),
            is_main: false,
        });
    }
    scenes.push(Scene {
        name: "midi2-filters",
        sender: Form::Midi2,
        ports: &[5],
        from: 0,
        has_filters: true,
        is_queued: false,
        receivers: plain.to_vec(),
        is_main: false,
    });
    for (name, stamp) in [("midi2-tick", Stamp::Tick), ("midi2-real", Stamp::Real)] {
        scenes.push(Scene {
            name,
            sender: Form::Midi2,
            ports: &[0],
            from: 0,
            has_filters: false,
            is_queued: false,
            receivers: plain
                .iter()
                .map(|receiver| Receiver { stamp, ..receiver.clone() })
                .collect(),
            is_main: false,
        });
    }
    for (name, sender, from) in [
        ("midi2-endpoint", Form::Midi2, 0),
        ("midi1-endpoint", Form::Midi1, 0),
        ("legacy-endpoint", Form::Legacy, 0),
        ("midi2-group", Form::Midi2, 2),
        ("midi1-group", Form::Midi1, 2),
        ("legacy-group", Form::Legacy, 2),
    ] {
        let at = |sender_port, receiver| Receiver { sender_port, ..receiver };
        scenes.push(Scene {
            name,
            sender,
            ports: &[0, 1, 2, 3],
            from,
            has_filters: false,
            is_queued: false,
            receivers: vec![
                legacy("legacy"),
                midi2("midi2"),
                at(1, legacy("legacy-from1")),
                at(1, midi1("midi1-from1")),
                at(2, legacy("legacy-from2")),
                at(2, midi2("midi2-from2")),
                at(3, Receiver { group: 5, ..midi2("midi2-group5-from3") }),
            ],
            is_main: false,
        });
    }
    scenes
}
