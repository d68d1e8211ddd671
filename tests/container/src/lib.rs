//! Runs a command as Docker's defaults would let it run, without Docker: for tests on machines that have
//! none.
//!
//! What is imitated: mount, PID, IPC, UTS and cgroup namespaces (a user namespace for a caller who is
//! not root, as in rootless containers; a network namespace if asked for); a root file system on which
//! nothing that is written stays (the machine's own for a user); Docker's `/dev`, without `/dev/fuse`;
//! `/proc` and `/sys` with its masked and read-only paths; its 14 capabilities; its filter of system
//! calls; its list of devices, where the machine has the device controller of cgroup 1. What is not:
//! images, AppArmor and SELinux, limits of resources, programs of the x32 kind.

pub mod bpf;
pub mod caps;
pub mod devices;
pub mod profile;
pub mod root;
pub mod sys;
