//! The rows of the catalogue, in words.

use super::{Row, Section};

macro_rules! rows {
    ($($section:ident { $($number:literal $linux:literal $here:literal)* })*) => {
        &[$($(Row { number: $number, section: Section::$section, linux: $linux, here: $here }),*),*]
    };
}

/// All rows that concern aseqd.
pub const ROWS: &[Row] = rows! {
    Delivery {
        1
            "An event that falls due for a missing card's client looked the client up with interrupts off; the \
             look-up loaded a driver and took a mutex. Three reports follow from it (\"sleeping function called \
             from invalid context in snd_card_locked\"). 6.14-rc4, fixed by c9ce148ea753."
            "Delivery looks a client up in a table and drops the event."
        2
            "Two flags of a queue, guarded by two locks, shared a memory word: `snd_seq_check_queue` raced with \
             `snd_seq_control_queue`. Fixed by bb51e669fa49 and 4ebd47037027 (5.11)."
            "One thread owns the flags."
        3
            "The timer moved a queue's tick and time while the check of the queue read them through pointers. \
             Fixed by dc7497795e01."
            "The check takes a position by value. It never goes back."
        4
            "poll looked at the input FIFO without its lock while an event arrived. Fixed by 1f9fc89cbbe8."
            "Readiness and reads are calls of one thread: what poll calls readable can be read."
        5
            "poll for output read fields of a pool that SET_CLIENT_POOL changed (\"Improve data consistency at \
             polling\")."
            "As K04."
        6
            "Two look-ups of a missing client noted in one word which modules they had asked for (\"Fix data-race \
             at module auto-loading\")."
            "Nothing is loaded; a missing client is `ENOENT`."
        7
            "The status file of queues used a timer instance that DELETE_QUEUE had closed (\"Fix racy access for \
             queue timer in proc read\")."
            "A text is made in one call of the engine."
        10
            "REMOVE_EVENTS for the input of a client that was opened for writing used an input FIFO that does not \
             exist. CVE-2016-2543."
            "The FIFO is an `Option`; without one there is nothing to remove."
        11
            "SET_QUEUE_CLIENT or SET_QUEUE_TIMER opened the timer of a queue that DELETE_QUEUE closed. \
             CVE-2016-2544."
            "One call opens or closes it; a deleted queue is `EINVAL`."
        12
            "A port could be deleted by its predicted number while CREATE_PORT still used it. CVE-2017-15265."
            "A number that is not given out yet has nothing to delete."
        14
            "Two requests of one client changed it at the same time. CVE-2018-1000004."
            "The session takes calls one by one."
        15
            "The first write, which allocates the pool, raced with SET_CLIENT_POOL. CVE-2018-7566, fixed by \
             d15d662e89fc."
            "A pool is a count. A resize is refused while events of the client are queued."
        17
            "GET_CLIENT_POOL could read a pool that SET_CLIENT_POOL had freed. Fixed by 75545304eba6."
            "The answer is that of the pool after the change."
        18
            "A delivery could use a FIFO while it was resized (\"Fix race during FIFO resize\")."
            "Events after a resize go into the new FIFO."
        19
            "A reader that puts an event back could put a cell of the old pool into the new FIFO. CVE-2026-74261."
            "A resize empties the FIFO, including an event that was put back."
        20
            "Closing hung in `snd_seq_pool_done` while another thread still wrote (\"Fix racy cell insertions \
             during snd_seq_pool_done()\")."
            "Closing ends at once; a parked write is answered with an error."
        21
            "Closing stopped waiting for users of the client after a timeout, and freed it (\"Don't break \
             snd_use_lock_sync() loop by timeout\")."
            "No call is under way when another one closes."
        22
            "A queue could be deleted by its predicted number while CREATE_QUEUE still used it (\"Fix race at \
             creating a queue\")."
            "As K12."
        23
            "UNSUBSCRIBE_PORT changed list and use count in two steps, so that the deletion of the port could come \
             between. Fixed by 7c32ae35fbf9."
            "A connection is one entry; whichever call comes first ends it, and the next gets an error."
        24
            "A connection could be freed twice, by its end and by the end of a port. Fixed by 97367c97226a."
            "As K23."
        25
            "A port was taken off its list twice, by its own deletion and by its client's (\"Fix double port list \
             deletion\")."
            "The second deletion is `ENOENT`, and nothing is announced twice."
        26
            "Two calls opened the timer of one queue; one instance was lost. Fixed by 83e197a8414c."
            "A queue has one instance; SET_QUEUE_TIMER closes it first."
        27
            "A START that had found a queue before DELETE_QUEUE could open the timer of the deleted queue again. \
             CVE-2026-68202."
            "A deleted queue has no number; control of it is `EINVAL`."
        28
            "The check of a queue ran again after it had given up its reference (\"Fix possible UAF in \
             snd_seq_check_queue()\")."
            "A pass over a queue ends before the queue can be deleted."
        29
            "Closing freed a client's ports while the table still had the client (\"Clear client entry before \
             deleting else at closing\")."
            "The client leaves the table first."
        30
            "Two first writes both allocated the pool (\"Fix leak of pool buffer at concurrent writes\")."
            "A pool is a count."
        31
            "Write, close, REMOVE_EVENTS and queue deletion freed an event twice (`snd_seq_cell_alloc` and others)."
            "An event is owned by one list; its cells go back once."
        33
            "A kernel port was visible before it was filled in (\"Register kernel port with full information\")."
            "A port is announced after it is complete."
        34
            "The 32-bit form of SET_PORT_INFO did not take the client's mutex. CVE-2026-98742."
            "Both forms are the same handler."
        35
            "A read that could not copy an event put it back and corrupted an empty FIFO. Fixed by f3ac9f737603."
            "An event that was put back is read next, once."
        38
            "The System client was used although its ports could not be allocated (\"Do error checks at creating \
             system ports\")."
            "An engine is made whole or not at all."
        39
            "Closing a client waits for its events in a queue that it no longer marks as used, until they are due. \
             Seen on 6.1, 6.12 and 7.3.4 ([how](linux-findings.md)); no fix known."
            "Closing removes the client's events from every queue and returns."
        43
            "A build for one processor did not count users (\"Enable 'use' locking in all configurations\")."
            "No build counts users: ownership is checked when aseqd is compiled."
        118
            "A write whose data could be read only in part was queued with half of its data. Fixed by 2b7bd6f54829."
            "All of an event or nothing of it; `EINVAL`."
        119
            "A read of several events lost its result when a later one failed. Fixed by 7e1f297fcef8."
            "A read returns what it has read."
        120
            "A port was in the list before it was filled in. Fixed by f8e357ac28c3."
            "A port is complete when it is found."
        122
            "A client was looked up while it closed. Fixed by 8bd561f8a605."
            "A look-up is `ENOENT` or the client."
        123
            "CREATE_PORT with a number above all others used an iterator beyond the end of the list. Fixed by \
             92b62b7416af."
            "A place in the list is an index; the port is the last."
        125
            "Direction and group of a port were not converted for 32-bit programs. Fixed by 9d3e19c192b9."
            "Both forms agree."
        130
            "A direct event that fails at a port with time stamping is written with success. 6.18 to 7.3.4 \
             ([how](linux-findings.md))."
            "The write fails, as up to 6.17."
        131
            "Closing a client with many ports takes seconds, and an `open` elsewhere waits for it. 7.3 to 7.3.4 \
             ([how](linux-findings.md))."
            "Closing is one call of the engine."
        133
            "Reading `/proc/asound/seq/clients` waited for each client's request that was under way, such as \
             SET_CLIENT_POOL beside a sleeping read. 6.15 to 7.3.4, since ef749c8d9573."
            "A text waits for nobody."
    }
    Locks {
        36
            "`deliver_to_subscribers` kept a port's lock when it left early, so that DELETE_PORT hung (\"Fix port \
             lock leak in deliver_to_subscribers()\")."
            "Delivery holds no lock."
        40
            "A call copied from a program's memory under a spin lock (\"Fix copy_from_user() call inside lock\")."
            "The doors copy before and after the call of the engine; a bad address is `EFAULT`."
        41
            "An event with a pointer to user memory reached a delivery in atomic context. Fixed by 19b592dae895."
            "Such an event cannot be queued: `EINVAL`."
        42
            "The lock validator gave false reports for chains of subscriptions (\"Fix nested rwsem annotation for \
             lockdep splat\")."
            "Rings of ports deliver, and end."
        44
            "SUBSCRIBE_PORT from a to b and from b to a took two locks in opposite orders (\"Fix lockdep warnings \
             due to double mutex locks\")."
            "As K42."
        45
            "Timer requests copied to a program's memory under the registry's lock. CVE-2025-23134."
            "As K40."
        46
            "The last close of a timer whose card was gone took a mutex that it held. Fixed by a39331867335."
            "There is no mutex."
        47
            "A timer's interrupt sent a signal under the timer's lock, and the signal's lock was not safe there. \
             Fixed by 95cc637c1afd."
            "The kernel sends SIGIO for the descriptor, if the door can have it at all."
        48
            "F_SETFL changed the state of the deferred signal while it was sent (\"Fix potential data race at \
             fasync handling\")."
            "As K47."
        51
            "A driver was loaded under a lock that opening needs (\"task hung in snd_seq_kernel_client_ctl\")."
            "Nothing is loaded."
        54
            "A timer's interrupt took a spin lock twice (\"spinlock lockup in snd_timer_user_tinterrupt\")."
            "There is no spin lock."
    }
    Work {
        60
            "One write of 4 GiB of zeros, all due at once, stalled the machine in `snd_seq_check_queue` (\"rcu \
             detected stall in snd_seq_write\")."
            "One pass over a queue delivers a bounded number of events; other clients are served between."
        61
            "The write of K60 kept its client locked to the end."
            "A write is handled in slices of `WRITE_BATCH` events."
        62
            "A timer could be started with a period so short that its interrupts took a whole processor. \
             CVE-2024-38618."
            "START with less than 100 µs is `EINVAL`, except for slaves."
        63
            "PARAMS accepted periods of almost zero (\"timer: Reject user params with too small ticks\")."
            "Below 1 ms PARAMS is `EINVAL`."
        64
            "Thousands of instances on one timer made each interrupt long. Fixed by 9b7d869ee5a7."
            "1000 instances a timer, 100 on the high-resolution one, then `EBUSY`."
        65
            "As K64, with slaves (\"timer: Limit max amount of slave instances\")."
            "1000 slaves in all, then `EBUSY`."
        66
            "CONTINUE of an instance that was never started divided by zero. Fixed by 6b760bb2c63a, among others."
            "It is a fresh start; no tempo or skew divides by zero."
        67
            "The system timer, started again right after a stop, was armed while armed (\"timer: Use mod_timer() \
             for rearming the system timer\")."
            "Arming an armed timer sets it anew."
        69
            "Two readers of one timer descriptor made the length of its queue negative. Fixed by 3fa6993fef63."
            "Each record is read once, and the length ends at 0."
    }
    Leaks {
        75
            "Padding in timer records after PARAMS with EARLY_EVENT held bytes of the kernel's stack. \
             CVE-2016-4569."
            "Padding is zero."
        76
            "As K75, in the records of START, STOP and ticks. CVE-2016-4578."
            "As K75."
        77
            "A read of a timer raced with PARAMS or SELECT, which allocate its queue anew. CVE-2017-1000380."
            "These calls empty the queue; a reader finds only whole records of its format."
        78
            "Several readers of one timer descriptor raced for its records. CVE-2017-13167."
            "As K69."
        80
            "A bounced event carried an address of the kernel's memory, and a bounce could be bounced. Fixed by \
             efc86691e4d8 and 9420958c5151."
            "No event carries an address of the server; a bounce that fails is dropped."
        81
            "The pointer of a variable-length event reached the reader (\"Clear variable event pointer on read\")."
            "The pointer is zero."
    }
    Timers {
        49
            "A stop waited for the callback that it was called from. CVE-2016-2549."
            "Stopping waits for nothing."
        50
            "A close waited for callbacks of others (\"task hung in snd_timer_close\")."
            "Closing is one call of the engine."
        82
            "PARAMS used a timer that had gone away (`snd_timer_user_params`). CVE-2026-53192; since 7.3 timers \
             are counted objects, and PARAMS copies no memory under the registry's lock (ccd0db6671d2), which ends \
             K45 too."
            "It is `EBADFD`."
        83
            "A freed timer left instances with slaves behind. CVE-2026-53193."
            "A timer that goes closes its instances and frees their slaves."
        84
            "TRIGGER from two threads called an instance back while it was called back already. CVE-2026-68200."
            "One callback carries all ticks."
        85
            "A master closed while the callback of its slave ran. CVE-2026-68201."
            "Closing leaves no callback; the slave is told of the stop."
        86
            "A queue's timer whose open failed half way stayed marked as closing when it was opened again. \
             CVE-2026-74503."
            "The second open starts clean."
        87
            "A timer was freed while its deferred callback was queued. Fixed by 764e7ed16d2d."
            "A timer that has gone calls nobody back."
        88
            "A failed CREATE of a user timer gave back a number that it did not have. Fixed by 5003a65790ed."
            "A failed CREATE takes no number and gives none back."
        89
            "STOP of a one-shot instance that had just fired took it off its list twice. CVE-2016-2545."
            "The second STOP is `EBUSY`."
        90
            "Requests on one timer descriptor raced with each other. CVE-2016-2546."
            "SELECT ends what ran, and starts clean."
        91
            "Lists of slaves were changed without their master's lock. CVE-2016-2547, CVE-2016-2548."
            "Masters and slaves may come and go in any order."
        92
            "A SELECT that was refused, since the timer was held exclusively, freed the wrong instance \
             (`snd_timer_open`). CVE-2019-19807."
            "A refused SELECT changes nothing for the owner."
        93
            "Double START and double STOP corrupted the list of active instances (\"timer: Fix link corruption due \
             to double start or stop\")."
            "A second START succeeds, a second STOP is `EBUSY`; one link remains."
        94
            "STOP raced with the timer's interrupt (\"timer: Fix race between stop and interrupt\")."
            "As K93."
        95
            "The callback of a slave got another instance (\"timer: Fix wrong instance passed to slave \
             callbacks\")."
            "Each slave gets its own records."
        96
            "A closed instance stayed linked to its timer (\"timer: Fix leftover link at closing\")."
            "Nothing of it is left, and the timer stops when its last instance closes."
        97
            "Slaves were told of their master's changes in another order, or not at all (\"timer: Call notifier in \
             the same spinlock\")."
            "Slaves hear of each change, in order."
        98
            "An instance was called back before its callback was set (\"timer: Fix possible race at assigning a \
             timer instance\")."
            "An instance that is bound but not started gets no records."
        100
            "The read format changed after SELECT, and `snd_timer_user_read` used a null pointer."
            "It is `EBUSY` while a timer is bound."
        101
            "A process killed in a giant write left its queue's timer instance in use (`snd_seq_timer_interrupt`)."
            "The end of a process closes its queues and their timers."
        102
            "SET_QUEUE_TEMPO and SET_QUEUE_TIMER raced with the timer (\"Fix yet another races among ALSA timer \
             accesses\")."
            "Tempo and timer change between callbacks; ticks never go back."
        121
            "The start of a queue divided by a resolution of 0. Fixed by 21e196884334."
            "No timer has that resolution; CREATE with it is `EINVAL`."
        128
            "START read twice which timer its instance had, beside the end of the timer. Fixed by 100407f548ca."
            "An instance's timer is looked up once a call."
        129
            "A timer was looked up by its id while its last instance closed. Fixed by ccd0db6671ce."
            "A look-up is one call of the engine."
        132
            "A slave followed the first master in the order of timers, not the oldest one. Up to 7.0, fixed by 785639b5bf2a."
            "The oldest master is followed."
        134
            "CREATE of a user-driven timer was `ENOTTY` for 32-bit programs. 6.12."
            "Both forms of programs can make one."
    }
    Ump {
        79
            "A legacy event that a MIDI 2.0 client got unconverted had four bytes of memory behind it (\"Fix \
             uninitialised heap leak in snd_seq_event_dup()\")."
            "The record is made of zeros first."
        117
            "Event types filtered packets, and a change of the version changed the size of a read (\"Skip event \
             type filtering for UMP events\")."
            "Packets have no type; sizes follow the client's version."
        124
            "Group 16 could not be filtered. Fixed by 92429ca999db."
            "All 16 groups can, and packets without a group."
        126
            "A conversion to a short packet read beyond it. Fixed by 2b5ff4db5d7a."
            "The words that are not written are zero."
        127
            "Converters were freed twice after a failure. Fixed by 70c977815af0."
            "A client that does not become a UMP client is as it was."
    }
};
