//! Whether threads sleep, as Linux tells in `/proc`.

use std::fs;

/// Returns whether all threads of a process sleep, but for one that is left out. Nobody knows it of a process that is gone.
pub(crate) fn sleep(process: u32, but: Option<u32>) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    let number = |task: &fs::DirEntry| task.file_name().to_str()?.parse::<u32>().ok();
    tasks.flatten().filter(|task| but.is_none() || number(task) != but).all(|task| {
        // A thread may end while it is looked at.
        fs::read_to_string(task.path().join("stat")).map_or(true, |stat| is_asleep(&stat))
    })
}

/// Returns a process and all that descend from it.
pub(crate) fn tree(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(process) = all.get(at) {
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        at += 1;
    }
    all
}

/// Returns the number of the calling thread.
pub(crate) fn own() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Returns whether the text of `/proc/.../stat` is that of a thread that sleeps, or has ended.
fn is_asleep(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['S', 'D', 'I', 'Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn a_process_sleeps_that_waits_for_its_input_and_not_one_that_works() {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let began = Instant::now();
        while !sleep(cat.id(), None) {
            assert!(began.elapsed() < Duration::from_secs(60), "cat waits for input");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(tree(std::process::id()).contains(&cat.id()));
        let own = (std::process::id(), own());
        assert!(!sleep(own.0, None), "this thread does not");
        drop(cat.stdin.take());
        cat.wait().expect("it ends with its input");
        assert!(!sleep(cat.id(), None), "nobody knows");
        assert!(!is_asleep("12 (a) b) R 1") && is_asleep("12 (a) b) S 1"));
    }
}
