//! What a UMP client writes: packets of 32 bytes, and legacy events of 28 bytes with their data.

use crate::Error;
use crate::contract::{Reply, WRITE_BATCH};
use crate::seq::Seq;
use crate::seq::fifo::Message;
use crate::seq::file::{parse, split_record};
use crate::seq::route::Stop;
use aseqd_abi::event::{EVENT_SIZE, EventFlags, EventLength, QUEUE_DIRECT};
use aseqd_abi::ump::UmpEvent;
use aseqd_abi::{Errno, Event};

/// The size of the word of a packet that does not fit into a legacy record.
const LAST_WORD: usize = size_of::<UmpEvent>() - EVENT_SIZE;

impl Seq {
    /// Handles a write of a UMP client, as [`write`](Self::write) does for others.
    #[inline(never)]
    pub(crate) fn write_ump(&mut self, number: u8, data: &[u8], nonblock: bool) -> Reply {
        let narrow = self.client(number).is_some_and(|client| client.convert32);
        let special = self.special_flags();
        let mut left = data;
        let stopped = |left: &[u8], error: Error| match data.len() - left.len() {
            0 => Reply::Failed(error),
            done => Reply::Done(done),
        };
        for _ in 0..WRITE_BATCH {
            let Some((mut event, rest)) = split_record(left) else { break };
            let (message, rest) = if event.flags.contains(EventFlags::UMP) {
                let Some((last_word, rest)) = rest.split_at_checked(LAST_WORD) else { break };
                if let Err(error) = check_packet(&event) {
                    return stopped(left, error);
                }
                event.source.client = number;
                (Message { event, data: last_word }, rest)
            } else {
                match parse(number, narrow, special, event, rest) {
                    Ok(Some(message)) => (message, &rest[message.data.len()..]),
                    Ok(None) => {
                        left = rest;
                        continue;
                    }
                    Err(error) => return stopped(left, error),
                }
            };
            match self.submit_special(number, message, nonblock) {
                Ok(()) => left = rest,
                Err(Stop::Sleep) => return Reply::Wait(data.len() - left.len()),
                Err(Stop::Error(error)) => return stopped(left, error),
            }
        }
        let done = data.len() - left.len();
        if done == 0 {
            return Reply::Failed(Error::new(Errno::EINVAL, "less than one event record"));
        }
        let more = split_record(left).is_some_and(|(event, rest)| {
            !event.flags.contains(EventFlags::UMP) || rest.len() >= LAST_WORD
        });
        if more { Reply::More(done) } else { Reply::Done(done) }
    }
}

/// Checks the length bits of a packet. Of its type only the kind of length is looked at.
///
/// # Errors
/// `EINVAL` for a variable length or type, and for a pointer in a queue.
#[inline]
fn check_packet(event: &Event) -> Result<(), Error> {
    if event.flags.length() == EventLength::FIXED && event.event_type.is_plain() {
        return Ok(());
    }
    match event.flags.length() {
        EventLength::VARIABLE => Err(Error::new(Errno::EINVAL, "a packet with a variable length")),
        EventLength::FIXED if event.event_type.is_variable() => {
            Err(Error::new(Errno::EINVAL, "a variable type with a fixed length"))
        }
        EventLength::VARUSR if event.queue != QUEUE_DIRECT => {
            Err(Error::new(Errno::EINVAL, "a pointer to user memory cannot be queued"))
        }
        _ => Ok(()),
    }
}
