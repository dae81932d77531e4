//! One file on its way to the server, row by row.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

use super::super::rows::{Row, Rows};
use super::event::{Made, Maker};
use super::marker::Marker;
use super::refusal::Refusal;
use super::send::{Batch, Item, send};
use super::summary::Summary;
use crate::client::Server;

/// Events that a dry run shows.
const SHOWN: u64 = 5;

/// Where events go.
pub enum To<'s> {
    /// A dry run: the first are printed.
    Nobody,
    Server {
        server: &'s Server,
        marker: Marker,
    },
}

/// A file that is open.
pub struct File {
    path: PathBuf,
    rows: Rows,
    maker: Maker,
    progress: ProgressBar,
    summary: Summary,
}

fn rows(path: &Path, source: impl Read + 'static) -> anyhow::Result<Rows> {
    Rows::open(source).map_err(|bad| anyhow!("{}: {bad}", path.display()))
}

impl File {
    pub fn open(path: &Path, maker: Maker) -> anyhow::Result<Self> {
        let reading = || format!("reading {}", path.display());
        let file = std::fs::File::open(path).with_context(reading)?;
        if !maker.mapping().group_by.is_empty() {
            let rows = rows(path, std::fs::File::open(path).with_context(reading)?)?;
            if let Some(line) = maker.torn(rows.flatten()) {
                let by = maker.mapping().group_by.join(", ");
                bail!(
                    "{}: line {line}: goes on with an event that other rows have interrupted; sort the file by {by}",
                    path.display()
                );
            }
        }
        let progress = ProgressBar::new(file.metadata().with_context(reading)?.len());
        let style = ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes}, {eta} left")?;
        let progress = progress.with_style(style).with_message(path.display().to_string());
        let rows = rows(path, progress.wrap_read(file))?;
        let unread = rows.header().iter().filter(|column| !maker.mapping().reads(column)).cloned().collect();
        Ok(Self { path: path.to_owned(), rows, maker, progress, summary: Summary::new(unread) })
    }

    /// Sends the whole file.
    ///
    /// # Errors
    /// Where the file cannot be read on, or the server takes no more. What was sent until then stays.
    pub async fn import(mut self, mut to: To<'_>) -> anyhow::Result<Summary> {
        if let To::Server { marker, .. } = &to {
            self.summary.answered(marker);
        }
        let (mut group, mut batch, mut broken) = (Vec::new(), Batch::default(), None);
        // Rows that were read, and those of them whose events are made.
        let (mut read, mut made) = (0_u64, 0_u64);
        while let Some(next) = self.rows.next() {
            let is_more = next.as_ref().is_ok_and(|row| self.maker.continues(&group, row));
            if !is_more {
                self.make(&group, made, &to, &mut batch)?;
                made += group.len() as u64;
                group.clear();
                if batch.is_full() {
                    self.flush(&mut batch, made, &mut to).await?;
                }
            }
            read += 1;
            match next {
                Ok(row) => group.push(row),
                Err(bad) => {
                    self.refuse(&Refusal::from(&bad));
                    broken = bad.is_the_end.then_some(bad);
                    made += 1;
                }
            }
        }
        self.make(&group, made, &to, &mut batch)?;
        self.flush(&mut batch, read, &mut to).await?;
        self.summary.rows = read;
        self.progress.finish_and_clear();
        if let Some(bad) = broken {
            self.summary.print(&self.path);
            return Err(anyhow!("{}: {bad}; what follows was not read", self.path.display()));
        }
        if matches!(to, To::Server { .. }) {
            Marker::forget(&self.path)?;
        }
        Ok(self.summary)
    }

    /// Makes the event of rows that belong together, of which `before` others were there before.
    fn make(&mut self, rows: &[Row], before: u64, to: &To<'_>, batch: &mut Batch) -> anyhow::Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        match self.maker.make(rows) {
            Err(refusal) => self.refuse(&refusal),
            Ok(Made::Skipped(why)) => self.summary.skip(why),
            Ok(Made::Event(event)) => {
                self.summary.count(&event);
                match to {
                    To::Nobody => self.show(event)?,
                    // Its event was sent before this run.
                    To::Server { marker, .. } if before < marker.rows => {}
                    To::Server { .. } => {
                        batch.push(Item { line: first.line, json: Value::Object(event).to_string() });
                    }
                }
            }
        }
        Ok(())
    }

    fn show(&self, event: Map<String, Value>) -> anyhow::Result<()> {
        if self.summary.events <= SHOWN {
            let text = serde_json::to_string_pretty(&Value::Object(event))?;
            self.progress.suspend(|| println!("{text}"));
        }
        Ok(())
    }

    /// Sends what is there, and remembers that `rows` are through.
    async fn flush(&mut self, batch: &mut Batch, rows: u64, to: &mut To<'_>) -> anyhow::Result<()> {
        let To::Server { server, marker } = to else { return Ok(()) };
        if batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(batch);
        marker.sent += batch.len();
        let answer = send(server, batch).await.with_context(|| self.path.display().to_string())?;
        marker.accepted += answer.accepted;
        for refusal in &answer.refused {
            self.say(refusal);
            *marker.refused.entry(refusal.code.as_str().to_owned()).or_default() += 1;
        }
        for (field, events) in answer.left_out {
            *marker.left_out.entry(field).or_default() += events;
        }
        marker.rows = rows;
        self.summary.answered(marker);
        marker.keep(&self.path)
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.say(refusal);
        self.summary.refuse(refusal);
    }

    fn say(&self, refusal: &Refusal) {
        self.progress.suspend(|| eprintln!("{}: {refusal}", self.path.display()));
    }
}
