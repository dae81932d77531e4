//! A child process that cannot outlive its test: killed when dropped, and by a watchdog if the test itself is killed.

use std::process::{Child as Process, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// How often a process is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(10);

/// A running (or ended) process of ours.
#[derive(Debug)]
pub struct Child {
    process: Process,
    /// A shell that waits on a pipe which ends when this process does, and then kills the child.
    watchdog: Process,
}

impl Child {
    /// Starts `command`.
    ///
    /// # Errors
    /// If it, or `sh`, cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
        let watchdog = Command::new("sh")
            .args(["-c", "cat >/dev/null; kill -9 \"$0\" 2>/dev/null", &process.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self { process, watchdog }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error).context("starting sh")
            }
        }
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends `signal`. After [`Signal::STOP`] no thread of it runs any more: the kernel stops them one by one, and until
    /// then a broker still answers.
    ///
    /// # Errors
    /// If the process has ended and was waited for; if it does not stop within a minute.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("sending {signal:?} to {pid:?}"))?;
        let until = Instant::now() + Duration::from_secs(60);
        while signal == Signal::STOP && !self.is_stopped() {
            if Instant::now() > until {
                bail!("process {} has not stopped", self.pid());
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// Whether no thread of it runs: all are stopped, or it has ended.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.pid())) else { return true };
        // The state follows the name, which is in parentheses and may hold any others (proc_pid_stat(5)).
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok()).all(|stat| {
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            matches!(state, Some('T' | 't' | 'Z' | 'X'))
        })
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// If it has not ended within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait(limit)
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill9(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Waits for the process to end.
    ///
    /// # Errors
    /// If it has not ended within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > until {
                bail!("process {} has not ended within {limit:?}", self.pid());
            }
            sleep(POLL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The watchdog first: the child's number may be given to somebody else once it is gone.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        self.kill9();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_its_owner() {
        let child = Child::spawn(Command::new("sleep").arg("1000")).unwrap();
        let pid = child.pid();
        drop(child);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn stands_still_once_it_is_stopped() {
        let child = Child::spawn(Command::new("sh").args(["-c", "while :; do :; done"])).unwrap();
        assert!(!child.is_stopped());
        child.signal(Signal::STOP).unwrap();
        assert!(child.is_stopped());
        child.signal(Signal::CONT).unwrap();
        assert!(!child.is_stopped());
    }

    #[test]
    fn says_how_it_ended() {
        let mut child = Child::spawn(Command::new("sh").args(["-c", "exit 3"])).unwrap();
        assert_eq!(child.wait(Duration::from_secs(60)).unwrap().code(), Some(3));
        let mut child = Child::spawn(Command::new("sleep").arg("1000")).unwrap();
        child.signal(Signal::TERM).unwrap();
        assert!(!child.wait(Duration::from_secs(60)).unwrap().success());
    }
}
