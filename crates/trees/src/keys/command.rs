//! A program that holds a key: a hardware token's, a key service's. It is started once and goes on running; all it says and
//! hears are lines in base64. Its first line is its Ed25519 public key (32 bytes). Each line that it then reads is a message,
//! and it answers each with a line: the signature (RFC 8032, 64 bytes). What it writes to standard error is for people.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
pub(super) use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use crate::TreeError;

const SIGNATURE: &str = "a signature of 64 bytes";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running signer.
pub struct Command {
    command: Vec<String>,
    public: [u8; 32],
    /// None after it failed: the next message starts it again.
    running: Mutex<Option<Running>>,
}

struct Running {
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Ends with this.
    _child: Child,
}

impl Command {
    /// Starts it.
    ///
    /// # Errors
    /// Where it does not start, or does not say what its public key is.
    pub async fn start(command: Vec<String>) -> Result<Self, TreeError> {
        let (running, public) = Running::start(&command).await.map_err(|why| failed(&command, &why))?;
        Ok(Self { command, public, running: Mutex::new(Some(running)) })
    }

    /// Its public key.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Its signature of a message. One that has ended is started once more.
    ///
    /// # Errors
    /// Where it does not answer in time, or with something else.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], TreeError> {
        let mut place = self.running.lock().await;
        let kept = place.take();
        let was_running = kept.is_some();
        let mut answer = self.ask(kept, message).await;
        if was_running && answer.is_err() {
            answer = self.ask(None, message).await;
        }
        let (running, signature) = answer.map_err(|why| failed(&self.command, &why))?;
        *place = Some(running);
        Ok(signature)
    }

    async fn ask(&self, running: Option<Running>, message: &[u8]) -> Result<(Running, [u8; 64]), String> {
        let mut running = match running {
            Some(running) => running,
            None => self.start_again().await?,
        };
        let line = BASE64.encode(message) + "\n";
        let sent = running.stdin.write_all(line.as_bytes()).await;
        sent.map_err(|error| format!("it ended before it said {SIGNATURE}: {error}"))?;
        let signature = running.answer(SIGNATURE).await?;
        Ok((running, signature))
    }

    async fn start_again(&self) -> Result<Running, String> {
        let (running, public) = Running::start(&self.command).await?;
        if public == self.public { Ok(running) } else { Err("it has another key than before".to_owned()) }
    }
}

impl Running {
    async fn start(command: &[String]) -> Result<(Self, [u8; 32]), String> {
        let (program, arguments) = command.split_first().ok_or("no program is named")?;
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no standard input and output".to_owned());
        };
        let mut running = Self { stdin, answers: BufReader::new(stdout).lines(), _child: child };
        let public = running.answer("its public key of 32 bytes, as the first line").await?;
        Ok((running, public))
    }

    /// Its next line: so many bytes in base64.
    async fn answer<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.map_err(|_| format!("it has not said {what} within {} s", PATIENCE.as_secs()))?;
        let line = line.map_err(|error| error.to_string())?.ok_or_else(|| format!("it ended before it said {what}"))?;
        let bytes = BASE64.decode(line.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| format!("it has not said {what}, in base64"))
    }
}

fn failed(command: &[String], why: &str) -> TreeError {
    TreeError::Key(format!("the signer {}: {why}", command.first().map_or("", String::as_str)))
}
