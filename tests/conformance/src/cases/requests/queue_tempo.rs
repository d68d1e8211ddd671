//! `GET_QUEUE_TEMPO` and `SET_QUEUE_TEMPO`: what is taken and what is not.

use crate::case::cases;
use crate::client::{Client, patterned};
use aseqd_abi::Errno;
use aseqd_abi::ioctl::sequencer as s;
use aseqd_abi::seq::{QueueTempo, VERSION};

const SKEW_BASE: u32 = 0x1_0000;

fn tempo(queue: u8) -> QueueTempo {
    QueueTempo { queue: queue.into(), tempo: 400_000, ppq: 192, ..QueueTempo::default() }
}

fn set(client: &Client, tempo: QueueTempo) -> Result<(), Errno> {
    client.query(s::SET_QUEUE_TEMPO, tempo).map(drop)
}

cases! {
    /// A new queue has 120 beats a minute, 96 ticks a beat, and no skew.
    fn defaults() {
        let client = Client::open();
        let tempo = client.tempo(client.create_queue());
        assert_eq!((tempo.tempo, tempo.ppq), (500_000, 96));
        assert_eq!((tempo.skew_value, tempo.skew_base), (SKEW_BASE, SKEW_BASE));
    }

    /// GET_QUEUE_TEMPO zeroes what it does not fill.
    fn get_zeroes_the_rest() {
        let client = Client::open();
        let queue = client.create_queue().into();
        let tempo = client.query(s::GET_QUEUE_TEMPO, QueueTempo { queue, ..patterned() }).unwrap();
        assert_eq!((tempo.tempo_base, tempo.reserved), (0, [0; 22]));
    }

    /// GET_QUEUE_TEMPO of no queue is EINVAL.
    fn get_of_a_missing_queue_is_einval() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MAX] {
            let answer = client.query(s::GET_QUEUE_TEMPO, QueueTempo { queue, ..patterned() });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// Tempo and resolution come back as they were set.
    fn set_comes_back() {
        let client = Client::open();
        let queue = client.create_queue();
        for (tempo, ppq) in [(1, 1), (250_000, 480), (i32::MAX as u32, i32::MAX), (60_000_000, 24)]
        {
            assert_eq!(client.set_tempo(queue, tempo, ppq), Ok(()));
            assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (tempo, ppq));
        }
    }

    /// SET_QUEUE_TEMPO of no queue is EPERM.
    fn set_of_a_missing_queue_is_eperm() {
        let client = Client::open();
        for queue in [-1, 32, 255, i32::MAX] {
            assert_eq!(set(&client, QueueTempo { queue, ..tempo(0) }), Err(Errno::EPERM));
        }
    }

    /// SET_QUEUE_TEMPO of a queue that somebody else locked is EPERM, even with wrong values.
    fn set_of_a_locked_queue_is_eperm() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_locked_queue();
        assert_eq!(set(&other, tempo(queue)), Err(Errno::EPERM));
        assert_eq!(set(&other, QueueTempo { tempo: 0, ..tempo(queue) }), Err(Errno::EPERM));
        assert_eq!(set(&client, tempo(queue)), Ok(()));
    }

    /// Anybody may set the tempo of a queue that is not locked.
    fn set_by_another_client() {
        let (client, other) = (Client::open(), Client::open());
        let queue = client.create_queue();
        assert_eq!(set(&other, tempo(queue)), Ok(()));
        assert_eq!(client.tempo(queue).tempo, 400_000);
    }

    /// A tempo that is zero, or negative as a signed number, is EINVAL.
    fn set_of_a_wrong_tempo_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for wrong in [0, 0x8000_0000, u32::MAX] {
            let answer = set(&client, QueueTempo { tempo: wrong, ..tempo(queue) });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (500_000, 96));
    }

    /// A resolution that is zero or negative is EINVAL, and leaves the tempo too.
    fn set_of_a_wrong_resolution_is_einval() {
        let client = Client::open();
        let queue = client.create_queue();
        for wrong in [0, -1, i32::MIN] {
            let answer = set(&client, QueueTempo { ppq: wrong, ..tempo(queue) });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
        assert_eq!((client.tempo(queue).tempo, client.tempo(queue).ppq), (500_000, 96));
    }

    /// The resolution of a running queue cannot be changed: EBUSY; that it has may be set again.
    fn set_of_the_resolution_while_running_is_ebusy() {
        let client = Client::open();
        let queue = client.create_queue();
        client.start(queue);
        assert_eq!(client.set_tempo(queue, 400_000, 192), Err(Errno::EBUSY));
        assert_eq!(client.tempo(queue).tempo, 500_000);
        assert_eq!(client.set_tempo(queue, 400_000, 96), Ok(()));
    }

    /// Without skew base the skew value is ignored.
    fn set_without_skew_base_keeps_the_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        set(&client, QueueTempo { skew_value: 77, ..tempo(queue) }).unwrap();
        assert_eq!(client.tempo(queue).skew_value, SKEW_BASE);
    }

    /// With skew base 0x10000 any skew value is taken.
    fn set_takes_any_skew() {
        let client = Client::open();
        let queue = client.create_queue();
        for skew_value in [0, 1, SKEW_BASE / 2, u32::MAX] {
            let tempo = QueueTempo { skew_value, skew_base: SKEW_BASE, ..tempo(queue) };
            assert_eq!(set(&client, tempo), Ok(()));
            assert_eq!(client.tempo(queue).skew_value, skew_value);
        }
    }

    /// Another skew base is EINVAL, but tempo and resolution are changed already.
    fn set_with_a_wrong_skew_base_is_einval_too_late() {
        let client = Client::open();
        let queue = client.create_queue();
        for skew_base in [1, 0xffff, 0x1_0001, u32::MAX] {
            let answer = set(&client, QueueTempo { skew_value: 5, skew_base, ..tempo(queue) });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
        let tempo = client.tempo(queue);
        assert_eq!((tempo.tempo, tempo.ppq, tempo.skew_value), (400_000, 192, SKEW_BASE));
    }

    /// For a program that declares no version the tempo base is ignored and reported as 0.
    fn tempo_base_is_ignored_without_a_declared_version() {
        let client = Client::open();
        let queue = client.create_queue();
        for tempo_base in [10, 1, 999, u16::MAX] {
            assert_eq!(set(&client, QueueTempo { tempo_base, ..tempo(queue) }), Ok(()));
            assert_eq!(client.tempo(queue).tempo_base, 0);
        }
    }

    /// For a program that declares 1.0.4 the tempo base is 1000, or what it set.
    since "6.12" fn tempo_base_comes_back_from_1_0_4() {
        let client = Client::open();
        client.declare_version(VERSION);
        let queue = client.create_queue();
        assert_eq!(client.tempo(queue).tempo_base, 1000);
        for (tempo_base, kept) in [(10, 10), (1000, 1000), (10, 10), (0, 1000)] {
            set(&client, QueueTempo { tempo_base, ..tempo(queue) }).unwrap();
            assert_eq!(client.tempo(queue).tempo_base, kept);
        }
    }

    /// A tempo base that is not 0, 10 or 1000 is EINVAL for a program that declares 1.0.4.
    since "6.12" fn tempo_base_of_another_value_is_einval() {
        let client = Client::open();
        client.declare_version(VERSION);
        let queue = client.create_queue();
        for wrong in [1, 9, 11, 100, 999, 1001, u16::MAX] {
            let answer = set(&client, QueueTempo { tempo_base: wrong, ..tempo(queue) });
            assert_eq!(answer, Err(Errno::EINVAL));
        }
    }

    /// A tempo that an older program sets puts the base back to 1000.
    since "6.12" fn tempo_base_is_reset_by_an_older_program() {
        let (client, older) = (Client::open(), Client::open());
        client.declare_version(VERSION);
        let queue = client.create_queue();
        set(&client, QueueTempo { tempo_base: 10, ..tempo(queue) }).unwrap();
        set(&older, tempo(queue)).unwrap();
        assert_eq!(client.tempo(queue).tempo_base, 1000);
    }
}
