//! How much there can be of each thing: the bounds of Linux, and bounds where Linux has only its
//! memory.

/// Number of client numbers: 0 to 191.
#[doc(alias = "SNDRV_SEQ_MAX_CLIENTS")]
pub const MAX_CLIENTS: u8 = 192;
/// The first number of user clients, and of kernel clients without a number of their own.
pub const FIRST_DYNAMIC_CLIENT: u8 = 128;
/// Number of clients that Linux allows at a time: those from [`FIRST_DYNAMIC_CLIENT`] on.
pub const DYNAMIC_CLIENTS: u8 = MAX_CLIENTS - FIRST_DYNAMIC_CLIENT;
/// Maximum number of clients of programs: all numbers but those of System and Midi Through.
pub const MOST_CLIENTS: u8 = MAX_CLIENTS - 2;

/// Maximum number of ports of a client.
#[doc(alias = "SNDRV_SEQ_MAX_PORTS")]
pub const MAX_PORTS: usize = 254;

/// Maximum number of subscriptions in one direction that others can make at all ports of a user
/// client together.
///
/// Linux is bounded by its memory only. A subscription takes 80 bytes at either end, so 192 clients
/// have at most 252 MB of them. Without the bound, clients could subscribe each pair of ports once
/// for every queue.
pub const MAX_SUBSCRIPTIONS_BY_OTHERS: usize = 4096;
/// Maximum number of subscriptions in one direction at a user client, with those that it makes
/// itself.
///
/// Others can use half of it only, so they cannot keep a client from its own ports.
pub const MAX_SUBSCRIPTIONS: usize = 2 * MAX_SUBSCRIPTIONS_BY_OTHERS;

/// The cells of a new client's output pool.
#[doc(alias = "SNDRV_SEQ_DEFAULT_EVENTS")]
pub const DEFAULT_OUTPUT_CELLS: usize = 500;
/// The cells of a new client's input pool.
#[doc(alias = "SNDRV_SEQ_DEFAULT_CLIENT_EVENTS")]
pub const DEFAULT_INPUT_CELLS: usize = 200;
/// Maximum number of cells of a pool.
#[doc(alias = "SNDRV_SEQ_MAX_EVENTS")]
pub const MAX_CELLS: usize = 2000;

/// Maximum number of function blocks that a UMP client describes, as on Linux. All that it describes
/// takes 6 KiB.
#[doc(alias = "SNDRV_UMP_MAX_BLOCKS")]
pub const MAX_UMP_BLOCKS: usize = 32;

/// Maximum number of queues in the whole system.
#[doc(alias = "SNDRV_SEQ_MAX_QUEUES")]
pub const MAX_QUEUES: u8 = 32;

/// Maximum number of instances of a timer, linked slaves included.
pub const MAX_INSTANCES: usize = 1000;
/// Maximum number of instances of the high-resolution timer.
pub const MAX_HRTIMER_INSTANCES: usize = 100;
/// Maximum number of user-driven timers at a time, as on Linux.
pub const MAX_USER_TIMERS: u8 = 128;
