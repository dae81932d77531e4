//! Free ports, and whose they are.
//!
//! A port that was free may be somebody else's a moment later, so whoever starts a server on one asks [`held_by`]
//! afterwards, and starts again with another port if the answer is no.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};

/// A port of 127.0.0.1 that is free now.
///
/// # Errors
/// If there is none.
pub fn free() -> Result<u16> {
    Ok(several(1)?[0])
}

/// `count` different ports of 127.0.0.1 that are free now.
///
/// # Errors
/// If there are not so many.
pub fn several(count: usize) -> Result<Vec<u16>> {
    // All are held until the last is found, so that none is given twice.
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("no free port")?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Whether the process `pid` itself listens on `port`.
#[must_use]
pub fn held_by(pid: u32, port: u16) -> bool {
    let listening = listeners(port);
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|to| listening.iter().any(|inode| to.to_str() == Some(&format!("socket:[{inode}]"))))
}

/// The inodes of the sockets that listen on `port` (`/proc/net/tcp`: local address in column 2, state 0A, inode in 10).
fn listeners(port: u16) -> HashSet<String> {
    let ending = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| {
            let lines =
                table.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            lines.filter(|columns| columns.len() > 9).collect::<Vec<_>>()
        })
        .filter(|columns| columns[1].ends_with(&ending) && columns[3] == "0A")
        .map(|columns| columns[9].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_listener() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(held_by(std::process::id(), port));
        assert!(!held_by(1, port));
        drop(listener);
        assert!(!held_by(std::process::id(), port));
    }

    #[test]
    fn gives_no_port_twice() {
        let ports = several(20).unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 20);
    }
}
