//! A TCP proxy that breaks connections on request: delays them, cuts them, keeps silent, or loses the answers to work that
//! was done.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How soon a change of mode is noticed by a connection on which nothing moves.
const POLL: Duration = Duration::from_millis(50);
const DELAY: Duration = Duration::from_millis(200);

/// What the proxy does to its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Passes everything on.
    Pass,
    /// Passes everything on, each piece 200 ms late.
    Delay,
    /// Closes what is open and accepts nothing.
    Cut,
    /// Holds everything back for as long as it lasts.
    Silent,
    /// Passes requests on; closes the connection instead of passing an answer back.
    LoseAnswers,
}

impl Mode {
    const ALL: [Self; 5] = [Self::Pass, Self::Delay, Self::Cut, Self::Silent, Self::LoseAnswers];
}

#[derive(Debug)]
struct State {
    target: AtomicU16,
    mode: AtomicU8,
}

impl State {
    fn mode(&self) -> Mode {
        Mode::ALL[usize::from(self.mode.load(Ordering::Acquire))]
    }
}

/// A proxy on a port of its own, in front of a port of 127.0.0.1.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// Starts one in front of `target`. Its thread lives as long as the process.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State { target: target.into(), mode: (Mode::Pass as u8).into() });
        let shared = Arc::clone(&state);
        spawn(move || {
            for client in listener.incoming().flatten() {
                connect(client, &shared);
            }
        });
        Ok(Self { port, state })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections go there.
    pub fn point_at(&self, target: u16) {
        self.state.target.store(target, Ordering::Release);
    }

    pub fn set(&self, mode: Mode) {
        self.state.mode.store(mode as u8, Ordering::Release);
    }
}

fn connect(client: TcpStream, state: &Arc<State>) {
    if state.mode() == Mode::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, state.target.load(Ordering::Acquire))) else { return };
    let pair = |from: &TcpStream, to: &TcpStream| Some((from.try_clone().ok()?, to.try_clone().ok()?));
    let (Some(there), Some(back)) = (pair(&client, &server), pair(&server, &client)) else { return };
    let (first, second) = (Arc::clone(state), Arc::clone(state));
    spawn(move || copy(there, &first, false));
    spawn(move || copy(back, &second, true));
}

/// Copies one direction until either end closes, or the mode says so.
fn copy((mut from, mut to): (TcpStream, TcpStream), state: &State, answers: bool) {
    let _ = from.set_nodelay(true);
    let _ = from.set_read_timeout(Some(POLL));
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut buffer);
        while state.mode() == Mode::Silent {
            sleep(POLL);
        }
        let mode = state.mode();
        if mode == Mode::Cut {
            break;
        }
        match read {
            Ok(0) => break,
            Ok(_) if mode == Mode::LoseAnswers && answers => break,
            Ok(length) => {
                if mode == Mode::Delay {
                    sleep(DELAY);
                }
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each byte with the next one.
    fn server() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        spawn(move || {
            for mut client in listener.incoming().flatten() {
                spawn(move || {
                    let mut byte = [0];
                    while client.read_exact(&mut byte).is_ok() {
                        byte[0] += 1;
                        let _ = client.write_all(&byte);
                    }
                });
            }
        });
        port
    }

    fn ask(stream: &mut TcpStream, byte: u8) -> Option<u8> {
        let mut answer = [0];
        stream.write_all(&[byte]).ok()?;
        stream.read_exact(&mut answer).ok()?;
        Some(answer[0])
    }

    #[test]
    fn passes_breaks_and_passes_again() {
        let proxy = Proxy::start(server()).unwrap();
        let open = || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        let mut stream = open();
        assert_eq!(ask(&mut stream, 1), Some(2));
        proxy.set(Mode::Delay);
        assert_eq!(ask(&mut stream, 2), Some(3));
        proxy.set(Mode::LoseAnswers);
        assert_eq!(ask(&mut stream, 3), None);
        proxy.set(Mode::Cut);
        assert_eq!(ask(&mut open(), 4), None);
        proxy.set(Mode::Pass);
        assert_eq!(ask(&mut open(), 5), Some(6));
        proxy.point_at(server());
        assert_eq!(ask(&mut open(), 6), Some(7));
    }
}
