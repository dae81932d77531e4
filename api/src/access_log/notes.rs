//! Rows that are written a moment later, many at once.

use std::sync::Arc;
use std::time::Duration;

use avow_warehouse::Warehouse;
use avow_warehouse::access_log::Access;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Rows that wait at most: beyond that each waits for its own insert.
const MOST: usize = 10_000;
const AT_ONCE: usize = 1_000;
const GATHERED_FOR: Duration = Duration::from_secs(1);
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long whoever reads the log waits for what is not written yet.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

enum Note {
    Row(Box<Access>),
    /// Answered once everything before it is written.
    Written(oneshot::Sender<()>),
}

/// The way to the writer.
pub struct Notes {
    to_writer: mpsc::Sender<Note>,
}

impl Notes {
    /// Starts the writer, which ends with `shutdown` once what it has is written.
    pub fn start(warehouse: Arc<Warehouse>, shutdown: CancellationToken) -> Self {
        let (to_writer, notes) = mpsc::channel(MOST);
        tokio::spawn(write(warehouse, notes, shutdown));
        Self { to_writer }
    }

    /// Notes a request soon; at once where too many wait or the writer has ended.
    pub async fn soon(&self, warehouse: &Warehouse, row: Access) {
        let row = match self.to_writer.try_send(Note::Row(Box::new(row))) {
            Ok(()) => return,
            Err(TrySendError::Full(Note::Row(row)) | TrySendError::Closed(Note::Row(row))) => row,
            Err(_) => return,
        };
        if let Err(error) = warehouse.append_accesses(&[*row]).await {
            tracing::error!(%error, "api.access_not_noted");
        }
    }

    /// Returns once everything noted before is written, or after a while.
    pub async fn written(&self) {
        let (done, written) = oneshot::channel();
        if self.to_writer.send(Note::Written(done)).await.is_ok() {
            let _ = tokio::time::timeout(WRITTEN_WITHIN, written).await;
        }
    }
}

async fn write(warehouse: Arc<Warehouse>, mut notes: mpsc::Receiver<Note>, shutdown: CancellationToken) {
    let mut taken = Vec::with_capacity(AT_ONCE);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => notes.close(),
            _ = notes.recv_many(&mut taken, 1) => {}
        }
        let somebody_waits = taken.iter().any(|note| matches!(note, Note::Written(_)));
        if !somebody_waits && !notes.is_closed() {
            let _ = tokio::time::timeout(GATHERED_FOR, gather(&mut notes, &mut taken)).await;
        }
        while let Ok(note) = notes.try_recv() {
            taken.push(note);
        }
        if taken.is_empty() && notes.is_closed() {
            return;
        }
        let (rows, waiting) = split(&mut taken);
        store(&warehouse, rows, &shutdown).await;
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// Takes notes until somebody waits for them or there are enough for one insert.
async fn gather(notes: &mut mpsc::Receiver<Note>, taken: &mut Vec<Note>) {
    while taken.len() < AT_ONCE {
        let Some(note) = notes.recv().await else { return };
        let waits = matches!(note, Note::Written(_));
        taken.push(note);
        if waits {
            return;
        }
    }
}

fn split(taken: &mut Vec<Note>) -> (Vec<Access>, Vec<oneshot::Sender<()>>) {
    let (mut rows, mut waiting) = (Vec::new(), Vec::new());
    for note in taken.drain(..) {
        match note {
            Note::Row(row) => rows.push(*row),
            Note::Written(done) => waiting.push(done),
        }
    }
    (rows, waiting)
}

/// Writes rows, again until they are taken; once the process ends, once more only. Written twice a row is there twice, with
/// one id.
async fn store(warehouse: &Warehouse, rows: Vec<Access>, shutdown: &CancellationToken) {
    for rows in rows.chunks(AT_ONCE) {
        while let Err(error) = warehouse.append_accesses(rows).await {
            tracing::error!(%error, rows = rows.len(), "api.accesses_not_noted");
            if shutdown.is_cancelled() {
                break;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(AGAIN_AFTER) => {}
            }
        }
    }
}
