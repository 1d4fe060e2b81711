//! Open files and memory: how much this process uses, and how much the system allows. Each connection is an open file.

use std::fs;
use std::path::Path;

use tracing::warn;

/// The maximum number of connections beyond the limit that are open at a time. They only receive a refusal.
pub(super) const BEYOND: usize = 16;
/// Open files that are not connections: a configuration, `/proc`, a log.
const SPARE: usize = 8;

/// Raises the limit of open files for so many connections, as far as the system allows that. Returns how many
/// connections fit.
pub(super) fn make_room(connections: usize) -> usize {
    let used = open().and_then(|used| usize::try_from(used).ok()).unwrap_or(SPARE);
    let besides = used + SPARE + BEYOND;
    let needed = connections.saturating_add(besides);
    let allowed = match rlimit::increase_nofile_limit(needed as u64) {
        Ok(allowed) => usize::try_from(allowed).unwrap_or(usize::MAX),
        Err(error) => {
            warn!(%error, "the limit of open files is not known");
            return connections;
        }
    };
    let fit = fit(connections, besides, allowed);
    if fit < connections {
        warn!(
            "`limits.connections` is {connections}, but this process may open {allowed} files, so the gateway accepts {fit} connections: \
             set `limits.connections` lower, or raise the hard limit to {needed} (systemd: LimitNOFILE, docker: --ulimit nofile, shell: ulimit -Hn)"
        );
    }
    fit
}

fn fit(connections: usize, besides: usize, allowed: usize) -> usize {
    connections.min(allowed.saturating_sub(besides)).max(1)
}

/// Returns the number of files that this process has open, if the system reports it.
pub(super) fn open() -> Option<u64> {
    let files = ["/proc/self/fd", "/dev/fd"].into_iter().find_map(|folder| fs::read_dir(Path::new(folder)).ok())?;
    u64::try_from(files.count()).ok()
}

/// Returns the number of files that this process may open.
pub(super) fn most() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

/// Returns the resident memory of this process in bytes, if the system reports it.
pub(super) fn resident_memory() -> Option<u64> {
    let kilobytes = status("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Returns true if this process was started to ignore hangups, as by `nohup`.
#[must_use]
pub fn ignores_hangups() -> bool {
    /// The lowest bit of the mask stands for signal 1, SIGHUP.
    const HANGUP: u64 = 1;
    let mask = status("SigIgn:").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.is_some_and(|mask| mask & HANGUP != 0)
}

/// Returns the value of a line of `/proc/self/status`.
fn status(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_other_files() {
        assert_eq!(fit(100, 30, 1000), 100);
        assert_eq!(fit(1000, 30, 1000), 970);
        assert_eq!(fit(100, 30, 20), 1, "at least one, or the gateway would serve nothing");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_reports_memory_and_files() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 100_000));
        assert!(open().zip(most()).is_some_and(|(open, most)| open > 2 && open <= most));
    }
}
