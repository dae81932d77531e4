//! `POST /v1/events`, and the event of `GET /v1/pixel.gif`: from a request to its answer. Head, body, events, log, answer: in this order, each with a file of
//! its own; this one only leads from one to the next.

use std::sync::Arc;
use std::time::Duration;

use avow_schemas::event::{Seed, Source};
use avow_schemas::fate::RejectedRecord;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use uuid::Uuid;

use crate::answer::{Accepted, Problem, RejectedEvent, Warning};
use crate::body;
use crate::decode::{Fields, Form, Piece, Split, split};
use crate::fates::Book;
use crate::ingest::Ingest;
use crate::pipeline::{Passed, Refused, Surroundings, run};
use crate::receipts::EventReceipt;
use crate::sender::{Sender, read as read_sender};

/// Warnings in one answer; the metric counts all.
const MOST_WARNINGS: usize = 100;

/// Handles `POST /v1/events`.
pub async fn post(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    ingest.counted(&parts, ingest.receive(&parts, body)).await
}

/// Counts a request as worked on until it is answered or its sender hangs up.
struct InFlight<'i>(&'i Ingest);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.ingest.in_flight.dec();
    }
}

/// What became of a request's events before the log is asked.
struct Judged<'f> {
    book: Book<'f>,
    events: usize,
    passed: Vec<Passed>,
    rejected: Vec<RejectedEvent>,
    refusals: Vec<RejectedRecord>,
    warnings: Vec<Warning>,
    forbidden: usize,
    wait: Option<Duration>,
}

impl Ingest {
    /// The answer to a request that carries events, counted while and after it is worked on.
    pub(crate) async fn counted<T: IntoResponse>(
        &self,
        parts: &Parts,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Response {
        let metrics = &self.metrics.ingest;
        metrics.in_flight.inc();
        let guard = InFlight(self);
        let mut response = work.await.into_response();
        drop(guard);
        metrics.requests.with_label_values(&[response.status().as_str()]).inc();
        self.origins.mark(&self.control.directory(), &parts.headers, response.headers_mut(), false);
        response
    }

    /// One event that came in an address.
    pub(crate) async fn receive_pixel(&self, parts: &Parts, event: &[u8]) -> Result<Accepted, Problem> {
        let Ok(_permit) = self.in_flight.try_acquire() else { return Err(Problem::busy()) };
        let sender = read_sender(parts, &self.control, &self.agents, &self.places)?;
        // A token, an import or a receipt means nothing to a picture.
        let sender = Sender { source: Source::Pixel, import: false, receipt: false, ..sender };
        let judged = self.judge(&sender, Form::Json, event)?;
        self.take(&sender, judged).await
    }

    async fn receive(&self, parts: &Parts, body: Body) -> Result<Accepted, Problem> {
        let Ok(_permit) = self.in_flight.try_acquire() else { return Err(Problem::busy()) };
        let sender = read_sender(parts, &self.control, &self.agents, &self.places)?;
        let kind = body::kind(&parts.headers)?;
        let whole = body::read(&self.body, &parts.headers, kind, body).await?;
        self.metrics.ingest.received_bytes.inc_by(whole.received as u64);
        self.metrics.ingest.decoded_bytes.inc_by(whole.bytes.len() as u64);
        let judged = self.judge(&sender, kind.form, &whole.bytes)?;
        drop(whole);
        self.take(&sender, judged).await
    }

    /// Makes durable what passed, and answers.
    async fn take(&self, sender: &Sender, mut judged: Judged<'_>) -> Result<Accepted, Problem> {
        let accepted = judged.passed.len();
        let receipts = if sender.receipt { Some(self.receipts_of(&mut judged).await) } else { None };
        if accepted > 0 {
            self.appender.append(std::mem::take(&mut judged.passed)).await?;
        }
        self.answer(judged, accepted, receipts)
    }

    /// Made before the events go to the log, and handed out once they are durable.
    async fn receipts_of(&self, judged: &mut Judged<'_>) -> Vec<EventReceipt> {
        let mut made = Vec::with_capacity(judged.passed.len());
        for passed in &judged.passed {
            made.extend(self.receipts.of(passed.index, &passed.event).await);
        }
        if made.len() < judged.passed.len() {
            self.warn(judged, None, None, "?receipt".to_owned(), NO_RECEIPTS);
        }
        made
    }

    /// Takes the body apart and each event through the pipeline.
    fn judge(&self, sender: &Sender, form: Form, body: &[u8]) -> Result<Judged<'_>, Problem> {
        let Split { pieces, beside } = split(form, body, self.max_events)?;
        if pieces.is_empty() {
            return Err(Problem::no_event());
        }
        let mut seeds = vec![0; 32 * pieces.len()];
        getrandom::fill(&mut seeds)
            .map_err(|_| Problem::unavailable("the system has no randomness", Duration::from_secs(5)))?;
        let mut judged = Judged {
            book: self.fates.book(pieces.len()),
            events: pieces.len(),
            passed: Vec::with_capacity(pieces.len()),
            rejected: Vec::new(),
            refusals: Vec::new(),
            warnings: Vec::new(),
            forbidden: 0,
            wait: None,
        };
        for name in beside {
            self.warn(&mut judged, None, None, format!("/{name}"), UNKNOWN);
        }
        let directory = self.control.directory();
        let at = Surroundings { sender, directory: &directory, clock: &self.clock, quotas: &self.quotas };
        let (seeds, _) = seeds.as_chunks::<32>();
        for (index, (piece, seed)) in pieces.into_iter().zip(seeds).enumerate() {
            self.judge_one(&mut judged, at, index, piece, Seed(*seed));
        }
        Ok(judged)
    }

    fn judge_one(&self, judged: &mut Judged<'_>, at: Surroundings<'_>, index: usize, piece: Piece<'_>, seed: Seed) {
        let fields = match piece.read() {
            Ok(fields) => fields,
            Err(rejection) => return refuse(judged, at.sender, index, None, rejection.into()),
        };
        let id = fields.claimed_id();
        self.warn_of_unknown(judged, index, id, &fields);
        match run(at, seed, &fields) {
            Err(refused) => refuse(judged, at.sender, index, id, refused),
            Ok(passed) => {
                for field in &passed.misplaced {
                    self.warn(judged, Some(index), id, (*field).to_owned(), MISPLACED);
                }
                if passed.event.occurred_at_claimed.is_some() {
                    self.metrics.ingest.corrected_clocks.inc();
                }
                judged.passed.push(Passed { index, ..passed });
            }
        }
    }

    fn warn_of_unknown(&self, judged: &mut Judged<'_>, index: usize, id: Option<Uuid>, fields: &Fields<'_>) {
        for pointer in fields.unknown() {
            self.warn(judged, Some(index), id, pointer, UNKNOWN);
        }
    }

    fn warn(
        &self,
        judged: &mut Judged<'_>,
        index: Option<usize>,
        id: Option<Uuid>,
        field: String,
        detail: &'static str,
    ) {
        self.metrics.ingest.unknown_fields.inc();
        if judged.warnings.len() < MOST_WARNINGS {
            judged.warnings.push(Warning { index, id, field, detail });
        }
    }

    /// Closes the book of a request whose accepted events are durable.
    fn answer(
        &self,
        judged: Judged<'_>,
        accepted: usize,
        receipts: Option<Vec<EventReceipt>>,
    ) -> Result<Accepted, Problem> {
        let Judged { book, events, rejected, refusals, warnings, forbidden, wait, .. } = judged;
        book.accept_the_rest();
        for refusal in &refusals {
            self.refusals.offer(refusal);
        }
        if forbidden == events {
            return Err(Problem::sites_forbidden(rejected));
        }
        if accepted == 0 {
            return Err(Problem::none_acceptable(rejected, wait));
        }
        Ok(Accepted { accepted, rejected, warnings, receipts, retry_after: wait })
    }
}

const UNKNOWN: &str = "unknown field, left out";
const NO_RECEIPTS: &str = "this server has no key to sign receipts with";
const MISPLACED: &str = "means nothing on this type of event, left out";

fn refuse(judged: &mut Judged<'_>, sender: &Sender, index: usize, id: Option<Uuid>, refused: Refused) {
    let Refused { rejection, site, forbidden, wait } = refused;
    judged.book.refuse(rejection.code);
    judged.forbidden += usize::from(forbidden);
    judged.wait = judged.wait.max(wait);
    if let Some(site) = site
        && rejection.code.is_logged()
    {
        let (at_ms, id) = (sender.received_at, id.map(|id| id.to_string()));
        let (code, detail) = (rejection.code, rejection.detail.clone());
        judged.refusals.push(RejectedRecord::Refused { at_ms, site: site.to_string(), id, code, detail });
    }
    judged.rejected.push(RejectedEvent { index, id, code: rejection.code, detail: rejection.detail });
}
