//! What the system lets this process have: open files, and memory. Each connection is an open file.

use std::fs;
use std::path::Path;

use tracing::warn;

/// Connections beyond those allowed that are open at a time, to be told that there is no room.
pub(super) const BEYOND: usize = 16;
/// Files for what is no connection: reading a configuration, looking at `/proc`, a log.
const SPARE: usize = 8;

/// Raises the limit of open files to what so many connections need, as far as that is allowed. How many connections fit.
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
            "`connections` is {connections}, but this process may open {allowed} files, so {fit} connections are taken: \
             set `connections` lower, or raise the hard limit to {needed} (systemd: LimitNOFILE, docker: --ulimit nofile, shell: ulimit -Hn)"
        );
    }
    fit
}

fn fit(connections: usize, besides: usize, allowed: usize) -> usize {
    connections.min(allowed.saturating_sub(besides)).max(1)
}

/// Files that this process has open, where the system tells.
pub(super) fn open() -> Option<u64> {
    let files = ["/proc/self/fd", "/dev/fd"].into_iter().find_map(|folder| fs::read_dir(Path::new(folder)).ok())?;
    u64::try_from(files.count()).ok()
}

/// How many it may open.
pub(super) fn most() -> Option<u64> {
    rlimit::Resource::NOFILE.get_soft().ok()
}

/// Its resident memory in bytes, where the system tells.
pub(super) fn resident_memory() -> Option<u64> {
    let kilobytes = status("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Whether whoever started this process had it ignore hangups, as `nohup` does.
#[must_use]
pub fn ignores_hangups() -> bool {
    /// Of the mask's bits the lowest is signal 1, which is SIGHUP.
    const HANGUP: u64 = 1;
    let mask = status("SigIgn:").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.is_some_and(|mask| mask & HANGUP != 0)
}

/// A line of `/proc/self/status`.
fn status(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_connections_fit_as_leave_room_for_what_is_none() {
        assert_eq!(fit(100, 30, 1000), 100);
        assert_eq!(fit(1000, 30, 1000), 970);
        assert_eq!(fit(100, 30, 20), 1, "one at least, or nothing would be served");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_memory_and_files() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 100_000));
        assert!(open().zip(most()).is_some_and(|(open, most)| open > 2 && open <= most));
    }
}
