//! How much there can be of each thing: the bounds of Linux, and those that Linux leaves to its memory.

/// How many client numbers there are: 0 to 191.
#[doc(alias = "SNDRV_SEQ_MAX_CLIENTS")]
pub const MAX_CLIENTS: u8 = 192;
/// First number of user clients, and of kernel clients that have no number of their own.
pub const FIRST_DYNAMIC_CLIENT: u8 = 128;
/// How many clients Linux numbers at a time: those from [`FIRST_DYNAMIC_CLIENT`] on.
pub const DYNAMIC_CLIENTS: u8 = MAX_CLIENTS - FIRST_DYNAMIC_CLIENT;
/// How many numbers programs can have: all but those of System and Midi Through.
pub const MOST_CLIENTS: u8 = MAX_CLIENTS - 2;

/// Most ports of a client.
#[doc(alias = "SNDRV_SEQ_MAX_PORTS")]
pub const MAX_PORTS: usize = 254;

/// Most subscriptions in one direction that others can make at all ports of a user client together.
///
/// Linux has no such bound but its memory. A subscription takes 80 bytes at either end, so 192 clients
/// have at most 252 MB of them. Without the bound, clients could subscribe each pair of ports once for
/// every queue.
pub const MAX_SUBSCRIPTIONS_BY_OTHERS: usize = 4096;
/// Most subscriptions in one direction at a user client, with those that it makes itself.
///
/// The half that others cannot use means that they cannot keep a client from its own ports.
pub const MAX_SUBSCRIPTIONS: usize = 2 * MAX_SUBSCRIPTIONS_BY_OTHERS;

/// Cells of a new client's output pool.
#[doc(alias = "SNDRV_SEQ_DEFAULT_EVENTS")]
pub const DEFAULT_OUTPUT_CELLS: usize = 500;
/// Cells of a new client's input pool.
#[doc(alias = "SNDRV_SEQ_DEFAULT_CLIENT_EVENTS")]
pub const DEFAULT_INPUT_CELLS: usize = 200;
/// Most cells of a pool.
#[doc(alias = "SNDRV_SEQ_MAX_EVENTS")]
pub const MAX_CELLS: usize = 2000;

/// Most queues in the whole system.
#[doc(alias = "SNDRV_SEQ_MAX_QUEUES")]
pub const MAX_QUEUES: u8 = 32;

/// Most instances of a timer, linked slaves included.
pub const MAX_INSTANCES: usize = 1000;
/// Most instances of the high-resolution timer.
pub const MAX_HRTIMER_INSTANCES: usize = 100;
/// Most user-driven timers at a time.
pub const MAX_USER_TIMERS: u8 = 128;
