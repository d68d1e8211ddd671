//! Tests of MIDI code with an ALSA sequencer of their own. They need no sound card, kernel module, root or installed
//! program, and pass under plain `cargo test`, also in containers and on CI runners.
//!
//! There are two ways. [`Rig`] is a sequencer in the test's own process, for code that is written against
//! [`aseqd_client`]: its clock is virtual, so a test asserts exact times and takes none. [`macro@test`] gives a test a
//! real `/dev/snd/seq`, for code that uses `alsa`, `midir` or a C library:
//!
//! ```no_run
//! # #[cfg(target_os = "linux")]
//! #[aseqd_testing::test]
//! fn a_port_is_listed() -> aseqd_testing::aseqd_client::Result<()> {
//!     use aseqd_testing::aseqd_client::{Client, DEVICE};
//!     let client = Client::open(DEVICE, "test")?;
//!     assert!(client.look_for_port("Midi Through")?.is_some());
//!     Ok(())
//! }
//! ```
//!
//! On systems other than Linux the crate compiles, tests of this attribute are ignored, and there is no `Rig`.

#[cfg(target_os = "linux")]
mod device;
#[cfg(target_os = "linux")]
mod rig;

#[cfg(target_os = "linux")]
pub use aseqd_client;
#[cfg(target_os = "linux")]
pub use aseqd_engine::Config;
#[cfg(target_os = "linux")]
pub use aseqd_server::embedded;
#[cfg(target_os = "linux")]
pub use rig::{Expected, Received, Rig, TestClient, at, whenever};

/// Runs a test with a `/dev/snd/seq` and a `/dev/snd/timer` that no other program sees.
///
/// The test runs in a process of its own: the attribute starts the same test program once more for this test alone,
/// under `aseqd run`, and passes its output and its result on. So tests run in parallel without seeing each other, a test
/// that crashes fails alone, and the machine's own sequencer is never used. It costs about 10 ms of
/// CPU time a test.
///
/// ```no_run
/// #[aseqd_testing::test]
/// fn ports_are_found() {
///     // Code that opens /dev/snd/seq by itself, by alsa-lib or by midir.
/// }
/// ```
///
/// It replaces `#[test]`, and goes above the attribute of a runtime: `#[aseqd_testing::test] #[tokio::test] async fn ...`.
/// Without a runtime an async test does not compile:
///
/// ```compile_fail
/// #[aseqd_testing::test]
/// async fn has_no_runtime() {}
/// ```
///
/// `#[should_panic]`, `#[ignore]`, results, filters, `--nocapture`, `--test-threads` and nextest work as without it.
///
/// `#[aseqd_testing::test(options = "--card --clients 190")]` gives options of `aseqd run`.
///
/// `#[aseqd_testing::test(time = "virtual")]` gives the test and its sequencer a clock that jumps whenever all threads
/// sleep, so that a test that sleeps takes no time.
///
/// Three environment variables change how tests are run:
///
/// | variable | what it does |
/// | --- | --- |
/// | `ASEQD_TESTING=here` | runs tests in the test program itself, with the sequencer that it sees. To debug, and for a sequencer that tests share: `ASEQD_TESTING=here aseqd run -- cargo test` |
/// | `ASEQD` | uses this `aseqd` instead of the one that the test program carries |
/// | `ASEQD_VIA` | chooses the door, as for `aseqd run` |
///
/// The test program must have cargo's test harness, which can run one test by its name: not `harness = false`.
pub use aseqd_testing_macros::test;

/// What the attribute's code calls. Not an interface for programs.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_os = "linux")]
    pub use crate::device::enter;

    /// What a test is to do next.
    #[derive(Debug)]
    pub enum Entered {
        /// It has passed, in another process.
        Passed,
        /// It runs in this process, until this is dropped.
        Inside(Inside),
    }

    #[cfg(target_os = "linux")]
    pub use crate::device::Inside;

    /// On other systems nothing ends with a test.
    #[cfg(not(target_os = "linux"))]
    #[derive(Debug)]
    pub struct Inside(());

    /// On other systems tests are ignored. If they are run all the same, they find what there is.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn enter(_path: &str, _options: &str, _should_panic: bool) -> Entered {
        Entered::Inside(Inside(()))
    }

    /// What a test returns when it has passed.
    pub trait Passed {
        /// Returns that value.
        fn passed() -> Self;
    }

    impl Passed for () {
        fn passed() {}
    }

    impl Passed for std::process::ExitCode {
        fn passed() -> Self {
            Self::SUCCESS
        }
    }

    impl<T: Passed, E> Passed for Result<T, E> {
        fn passed() -> Self {
            Ok(T::passed())
        }
    }

    /// Returns what a test returns when it has passed.
    #[must_use]
    pub fn passed<T: Passed>() -> T {
        T::passed()
    }
}

#[cfg(all(doctest, target_os = "linux"))]
#[doc = include_str!("../README.md")]
struct Readme;
