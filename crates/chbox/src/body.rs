//! The body of a request, read where the engine is called: on a blocking thread, piece by piece.
//!
//! A task of the runtime forwards the frames of the body through a short channel; backpressure reaches the client. The
//! end of the body is a message of its own: a body that breaks off is an error, and the insert it carried is cancelled.

use std::io::{self, Cursor, Read};

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::block::BlockReader;
use crate::error::{EngineError, codes};
use crate::request::{Call, Coding};

/// How many frames wait between the client and the engine.
const FRAMES: usize = 4;

/// A request's longest SQL text, and all of a multipart body. ClickHouse's `max_query_size` is 256 KiB.
pub const SQL_LIMIT: usize = 1 << 20;

enum Message {
    Data(Bytes),
    End,
}

/// The raw body, to be read on a blocking thread.
pub(crate) struct RawBody {
    messages: mpsc::Receiver<Message>,
    current: Bytes,
    ended: bool,
}

impl RawBody {
    /// Starts forwarding `body`.
    pub(crate) fn forward(mut body: Incoming) -> Self {
        let (sender, messages) = mpsc::channel(FRAMES);
        tokio::spawn(async move {
            while let Some(frame) = body.frame().await {
                // A broken body ends without `End`.
                let Ok(frame) = frame else { return };
                if let Ok(data) = frame.into_data()
                    && sender.send(Message::Data(data)).await.is_err()
                {
                    return;
                }
            }
            // The reader may be gone already; then nobody waits for the end.
            let _gone = sender.send(Message::End).await;
        });
        Self { messages, current: Bytes::new(), ended: false }
    }
}

impl Read for RawBody {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.messages.blocking_recv() {
                Some(Message::Data(data)) => self.current = data,
                Some(Message::End) => self.ended = true,
                None => {
                    return Err(io::Error::other(EngineError::new(
                        codes::CANNOT_READ_ALL_DATA,
                        "CANNOT_READ_ALL_DATA",
                        "The request's body broke off",
                    )));
                }
            }
        }
        let n = out.len().min(self.current.len());
        self.current.copy_to_slice(&mut out[..n]);
        Ok(n)
    }
}

/// The body with its encodings undone.
pub(crate) fn decoded(raw: RawBody, call: &Call) -> io::Result<Box<dyn Read>> {
    let plain: Box<dyn Read> = match call.body_coding {
        Coding::Identity => Box::new(raw),
        Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Coding::Deflate => Box::new(flate2::read::ZlibDecoder::new(raw)),
        Coding::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(raw)),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(raw)?),
    };
    Ok(if call.blocks_in { Box::new(BlockReader::new(plain)) } else { plain })
}

/// A body that begins with what has been read of it already.
pub(crate) fn rejoined(start: Vec<u8>, rest: Box<dyn Read>) -> Box<dyn Read> {
    Box::new(Read::chain(Cursor::new(start), rest))
}

/// Reads at most `limit` bytes; the flag says whether the body ended there.
pub(crate) fn read_up_to(body: &mut dyn Read, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut start = Vec::new();
    body.take(limit as u64).read_to_end(&mut start)?;
    let ended = start.len() < limit;
    Ok((start, ended))
}

/// The error behind an I/O error of a body: ours if it is one of ours.
pub(crate) fn body_error(error: io::Error) -> EngineError {
    match error.downcast::<EngineError>() {
        Ok(error) => error,
        Err(error) => EngineError::new(
            codes::CANNOT_DECOMPRESS,
            "CANNOT_DECOMPRESS",
            format_args!("Cannot read the request's body: {error}"),
        ),
    }
}

/// Adds the fields of a multipart body to the call; each is as a parameter of the URL of that name.
pub async fn take_multipart(
    body: Bytes,
    boundary: &str,
    mut field: impl FnMut(&str, String) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let refuse = |reason: &dyn std::fmt::Display| {
        EngineError::new(
            codes::CANNOT_PARSE_TEXT,
            "CANNOT_PARSE_TEXT",
            format_args!("Cannot read the multipart body: {reason}"),
        )
    };
    let stream = futures::stream::once(std::future::ready(Ok::<_, io::Error>(body)));
    let mut form = multer::Multipart::new(stream, boundary);
    while let Some(part) = form.next_field().await.map_err(|error| refuse(&error))? {
        if part.file_name().is_some() {
            return Err(EngineError::new(
                codes::NOT_IMPLEMENTED,
                "NOT_IMPLEMENTED",
                "External data in a multipart body are not supported: insert them into a table",
            ));
        }
        let Some(name) = part.name().map(str::to_owned) else {
            return Err(refuse(&"a field has no name"));
        };
        let value = part.bytes().await.map_err(|error| refuse(&error))?;
        let value = String::from_utf8(value.into()).map_err(|error| refuse(&error))?;
        field(&name, value)?;
    }
    Ok(())
}
