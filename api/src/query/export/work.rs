//! Writing an answer's rows to a file. Where rows are by time and nothing else orders them, the question is asked in slices of
//! time, so that memory holds one of them.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use avow_control::Control;
use avow_log::Log;
use avow_schemas::ids::SiteId;
use avow_warehouse::Warehouse;
use avow_warehouse::query::{Dimension, Limits, QueryError, QuerySpec, Row, run};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::job::{Job, OfExport};
use crate::jobs::queue::Task;
use crate::query::ask::{Question, freshness_of};
use crate::query::render::{Form, Sheet};
use crate::query::resolve::{check, suppression};

/// Intervals of the first slice; fewer where they have too many rows.
const SLICE: usize = 31;

/// What the job works with.
pub struct Writing {
    pub warehouse: Arc<Warehouse>,
    pub log: Arc<dyn Log>,
    pub control: Arc<Control>,
    pub limits: Limits,
    /// For so long after they happened events are taken.
    pub taken_for: Duration,
    /// Turns at the warehouse.
    pub queries: Arc<Semaphore>,
}

/// The name of the file in the job's folder.
pub(super) fn file_name(form: Form) -> String {
    format!("rows.{}", form.as_str())
}

impl Task for Writing {
    const NAME: &'static str = "export of numbers";
    type Of = OfExport;

    async fn run(&self, job: &Job, folder: &Path, progress: impl Fn(f64) + Send + Sync) -> Result<OfExport, String> {
        let form = Form::parse(&job.of.format).ok_or("the form is none")?;
        let path = folder.join(file_name(form));
        let aside = path.with_extension("new");
        let mut done = self.write(job, form, &aside, progress).await?;
        let sealed = tokio::task::spawn_blocking(move || seal(&aside, &path)).await.map_err(|e| e.to_string())?;
        let (size_bytes, sha256) = sealed.map_err(|error| error.to_string())?;
        (done.size_bytes, done.sha256) = (Some(size_bytes), Some(sha256));
        Ok(done)
    }
}

impl Writing {
    async fn write(
        &self,
        job: &Job,
        form: Form,
        to: &Path,
        progress: impl Fn(f64) + Send + Sync,
    ) -> Result<OfExport, String> {
        let fresh = freshness_of(&*self.log, &self.warehouse).await.map_err(|error| error.to_string())?;
        let mut spec = Question::of(self.resolve(job)?, &fresh, self.taken_for).spec;
        (spec.limit, spec.offset) = (self.limits.rows, 0);
        let mut slices = slices(&mut spec, job.of.sees_all);
        let all = spec.calendar.intervals();
        let mut sheet = sheet(&spec, form, to).map_err(|error| error.to_string())?;
        let (mut rows, mut suppressed, mut written) = (0, 0, 0);
        while let Some(slice) = slices.pop() {
            let turn = self.queries.acquire().await.map_err(|error| error.to_string())?;
            let answer = match run(self.warehouse.client(), &slice, fresh.counted_to).await {
                Err(QueryError::TooManyRows(_)) if slice.calendar.intervals() > 1 => {
                    let halves = slice.slices(slice.calendar.intervals().div_ceil(2));
                    slices.extend(halves.into_iter().rev());
                    continue;
                }
                answer => answer.map_err(|error| error.to_string())?,
            };
            drop(turn);
            rows += answer.rows.len() as u64;
            suppressed += answer.suppressed as u64;
            sheet = put(sheet, slice.clone(), answer.rows).await.map_err(|error| error.to_string())?;
            written += slice.calendar.intervals();
            progress(share(written, all));
        }
        let finished = tokio::task::spawn_blocking(move || sheet.finish()?.into_inner()?.sync_all()).await;
        finished.map_err(|error| error.to_string())?.map_err(|error: io::Error| error.to_string())?;
        let freshness = fresh.counted_to;
        Ok(OfExport { rows: Some(rows), suppressed: Some(suppressed), freshness, ..job.of.clone() })
    }

    fn resolve(&self, job: &Job) -> Result<crate::query::resolve::Resolved, String> {
        let directory = self.control.directory();
        let named = job.of.request.sites.as_deref().unwrap_or_default();
        let sites: Vec<SiteId> = named.iter().filter_map(|site| SiteId::new(site).ok()).collect();
        let withheld = suppression(&sites, job.of.sees_all, &directory);
        check(&job.of.request, sites, withheld, self.limits).map_err(|problem| problem.detail)
    }
}

/// The parts that the question is asked in, the last one first. Which small cells are withheld with others depends on all the
/// rows, and a counterpart on its number: such a question stays whole.
fn slices(spec: &mut QuerySpec, sees_all: bool) -> Vec<QuerySpec> {
    let is_plain = spec.order.is_empty() && spec.compare.is_none() && spec.has(Dimension::Time);
    if !(is_plain && sees_all) {
        return vec![spec.clone()];
    }
    let mut slices = spec.slices(SLICE);
    slices.reverse();
    slices
}

type Out = BufWriter<File>;

fn sheet(spec: &QuerySpec, form: Form, to: &Path) -> io::Result<Sheet<Out>> {
    Sheet::new(spec, form, BufWriter::new(File::create(to)?))
}

async fn put(mut sheet: Sheet<Out>, spec: QuerySpec, rows: Vec<Row>) -> io::Result<Sheet<Out>> {
    let written = tokio::task::spawn_blocking(move || sheet.write(&spec, &rows).map(|()| sheet));
    written.await.map_err(io::Error::other)?
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand intervals")]
fn share(written: usize, all: usize) -> f64 {
    written as f64 / all.max(1) as f64
}

/// Gives the file its name; its size and SHA-256.
fn seal(aside: &Path, path: &PathBuf) -> io::Result<(u64, String)> {
    let mut file = BufReader::new(File::open(aside)?);
    let (mut size, mut sha256, mut buffer) = (0, Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        sha256.update(&buffer[..read]);
    }
    fs::rename(aside, path)?;
    let digest = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((size, digest))
}
