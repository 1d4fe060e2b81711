//! The system's figures of a process: CPU, memory, open files. If the system gives none, there is no figure.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// `/proc/…/stat` counts CPU in hundredths of a second on every Linux that programs see.
const TICK: Duration = Duration::from_millis(10);

/// Returns the CPU that a process has used, in user code and in the kernel. It adds up the threads, which the system
/// counts to the nanosecond, or else reads the whole.
pub(super) fn cpu(process: u32) -> Option<Duration> {
    by_threads(process).or_else(|| by_ticks(process))
}

fn by_threads(process: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    threads.map(|thread| nanoseconds(&thread.ok()?.path().join("schedstat"))).sum()
}

fn nanoseconds(schedstat: &Path) -> Option<Duration> {
    let text = fs::read_to_string(schedstat).ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn by_ticks(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (ticks()? + ticks()?))
}

/// Returns the resident memory of a process, in bytes.
pub(super) fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Returns how many files this process may open.
pub(super) fn open_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_does_not_exist() {
        let own = std::process::id();
        assert!(
            cpu(own).is_some()
                && by_ticks(own).is_some()
                && memory(own).is_some_and(|bytes| bytes > 100_000)
                && open_files().is_some()
        );
        assert!(cpu(u32::MAX).is_none() && memory(u32::MAX).is_none());
    }
}
