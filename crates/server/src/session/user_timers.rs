//! User-driven timers: a program creates one by a request on an open file of the timer device, and gets another file.

use super::outcome::{Done, Failure};
use super::{Error, FileId, Input, Node, Session, Time, engine};
use crate::door::{Answer, Door};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::timers::CREATE;
use aseqd_abi::timer::TimerUinfo;
use zerocopy::{FromBytes as _, IntoBytes as _};

impl<D: Door> Session<D> {
    /// Handles `CREATE`: the door gives the program a descriptor of the new timer's file, which counts as another
    /// timer file of the same user.
    pub(super) fn create_user_timer(
        &mut self,
        now: Time,
        (token, file, call): (D::Token, FileId, engine::Call<'_>),
        door: &mut D,
    ) {
        let created = self.try_create(now, (token, file, call), door);
        // Calls that it wakes use the buffer too, and the answer has a copy.
        self.settle(now, door);
        let (info, pid, user) = match created {
            Ok(created) => created,
            Err(error) => {
                return self.answer(door, token, Err(Failure::of_ioctl(CREATE, error)));
            }
        };
        let timer = FileId(info.fd.cast_unsigned());
        let state = self.poll(now, timer);
        if door.answer(token, Answer::Created { file: timer, state, info }) {
            self.files.insert(timer, Node::Timer, pid, user);
        } else {
            self.close(now, timer);
            self.files.dismiss(Node::Timer, user);
        }
    }

    /// Creates a timer. Returns it, with the process and the user of the file that the request was made on.
    fn try_create(
        &mut self,
        now: Time,
        (token, file, call): (D::Token, FileId, engine::Call<'_>),
        door: &D,
    ) -> Result<(TimerUinfo, i32, u32), Error> {
        if !door.gives_descriptors(token) {
            return Err(Error::new(Errno::ENOTTY, "this door cannot give a descriptor"));
        }
        let open = self.files.get(file).ok_or(Error::new(Errno::EBADF, "no such file is open"))?;
        let (pid, user) = (open.pid, open.user);
        self.files.admit(Node::Timer, user)?;
        let created = self.ask(now, Input::Call { file, call }).finish().and_then(|_| {
            TimerUinfo::read_from_bytes(&self.out)
                .map_err(|_| Error::new(Errno::EIO, "the answer has another size"))
        });
        if created.is_err() {
            self.files.dismiss(Node::Timer, user);
        }
        Ok((created?, pid, user))
    }

    /// Handles our own request that turns a timer file into a user-driven timer.
    pub(super) fn become_user_timer(
        &mut self,
        now: Time,
        file: FileId,
        argument: &[u8],
        door: &mut D,
    ) -> Result<Done, Failure> {
        let made = TimerUinfo::read_from_bytes(argument)
            .map_err(|_| Error::new(Errno::EFAULT, "the argument is not there"))
            .and_then(|mut info| {
                let TimerUinfo { resolution, .. } = info;
                let number = self.ask(now, Input::BecomeUserTimer { file, resolution }).finish()?;
                info.id = u32::try_from(number).unwrap_or(u32::MAX);
                Ok(info)
            });
        let info = made.map_err(Failure::of_user_timer)?;
        // A timer is always ready, and not to be read.
        self.ready(now, file, door);
        self.out.clear();
        self.out.extend_from_slice(info.as_bytes());
        Ok(Done::Ioctl(self.out.len()))
    }
}
