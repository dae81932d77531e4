//! A run: sites are created, visitors come, settings change in the middle, copies follow, totals are written.

use crate::args::SimulateArgs;
use crate::check::compare;
use crate::definitions::suite::{self, Scope};
use crate::definitions::tally::Tally;
use crate::totals_file::TotalsFile;
use crate::visitors::crowd::{Batch, Crowd, Emit};
use crate::visitors::flood;
use crate::visitors::moments::{self, CLOSED_AFTER, Moments};
use crate::visitors::repeats::Repeats;
use crate::visitors::site::{Services, Site};
use crate::visitors::stories::{Narrator, Telling};
use crate::wire::client::Client;
use crate::wire::sender::Sender;
use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Of the sites, every so-manieth changes its settings in the middle of the run.
const CHANGES_EVERY: usize = 3;
/// History events per site and day, where they come on top of a paced run.
const HISTORY_PER_DAY: u64 = 20;

/// What a run did.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The seed, to repeat the run.
    pub seed: u64,
    /// Sites created.
    pub sites: usize,
    /// Distinct events, each of which had its 202.
    pub events: u64,
    /// Events that had a 202, copies included.
    pub posted: u64,
    /// Copies.
    pub duplicates: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.posted as f64 / self.took.as_secs_f64().max(0.001);
        write!(
            f,
            "{} events of {} sites acknowledged, {} sent twice, {} requests repeated, in {:.1?} ({rate:.0} events/s), seed {}",
            self.events, self.sites, self.duplicates, self.retries, self.took, self.seed
        )
    }
}

/// Runs `avow simulate`: sends, or with `--check` compares.
///
/// # Errors
/// Where an event did not get its 202, or the server differs from the totals file.
pub async fn run(args: SimulateArgs) -> anyhow::Result<Summary> {
    if let Some(file) = &args.check {
        let began = Instant::now();
        let comparison = compare(&args.url, &args.token, file).await?;
        ensure!(comparison.is_equal(), "the server shows other numbers\n{comparison}");
        let file = TotalsFile::read(file)?;
        eprintln!("{comparison}");
        return Ok(Summary {
            seed: file.seed,
            sites: 0,
            events: 0,
            posted: 0,
            duplicates: 0,
            retries: 0,
            took: began.elapsed(),
        });
    }
    let (run, crowd) = Run::prepare(args)?;
    run.go(crowd).await
}

/// What stays the same during a run.
struct Run {
    args: SimulateArgs,
    seed: u64,
    began: i64,
    sender: Arc<Sender>,
    /// Set when the user wants no more.
    stop: Arc<AtomicBool>,
}

/// How much of a phase, and how fast.
#[derive(Debug, Clone, Copy)]
struct Pace {
    events: u64,
    /// Events per second; none means as fast as the server takes them.
    rate: Option<f64>,
    until: Option<Instant>,
}

impl Run {
    fn prepare(args: SimulateArgs) -> anyhow::Result<(Self, Crowd)> {
        let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let began = moments::now();
        let crowd = crowd(&args, seed, began)?;
        let sender = Sender {
            client: Client::new(&args.url, &args.token, args.country_header.as_deref())?,
            sites: crowd.narrator.sites.iter().map(|site| Arc::clone(&site.name)).collect(),
            patience: args.patience,
            began: Instant::now(),
            progress: progress(args.events())?,
            acknowledged: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        };
        Ok((Self { args, seed, began, sender: Arc::new(sender), stop: Arc::new(AtomicBool::new(false)) }, crowd))
    }

    async fn go(self, crowd: Crowd) -> anyhow::Result<Summary> {
        let stop = Arc::clone(&self.stop);
        let interrupt = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.store(true, Relaxed);
            }
        });
        put_sites(&self.sender.client, crowd.narrator.sites.iter().map(|site| (site, &site.services))).await?;
        let told = if self.args.is_paced() { self.paced(crowd).await } else { self.unpaced(crowd).await };
        interrupt.abort();
        let crowd = told?;
        self.sender.progress.finish_and_clear();
        let summary = Summary {
            seed: self.seed,
            sites: crowd.narrator.sites.len(),
            events: crowd.events,
            posted: self.sender.acknowledged.load(Relaxed),
            duplicates: crowd.repeats.made,
            retries: self.sender.retries.load(Relaxed),
            took: self.sender.began.elapsed(),
        };
        ensure!(summary.posted == crowd.events + crowd.repeats.made, "acknowledged is not what was told: {summary}");
        if let Some(out) = &self.args.out {
            let file = TotalsFile {
                seed: self.seed,
                began: Timestamp::from_millisecond(self.began)?.to_string(),
                events: summary.events,
                posted: summary.posted,
                duplicates: summary.duplicates,
                queries: Vec::new(),
            };
            file.write(out, crowd.tally.finish())?;
        }
        Ok(summary)
    }

    /// The site of the many variants, if there is one, before anything else.
    async fn flood(&self, crowd: Crowd) -> anyhow::Result<Crowd> {
        if !has_flood(&self.args) {
            return Ok(crowd);
        }
        let site = crowd.narrator.sites.len() - 1;
        self.send(crowd, 1, move |crowd, emit| crowd.flood(site, emit)).await
    }

    /// As fast as the server takes it: nine tenths, then the change of settings, then the rest.
    async fn unpaced(&self, crowd: Crowd) -> anyhow::Result<Crowd> {
        let mut crowd = self.flood(crowd).await?;
        crowd.narrator.telling = Telling::Everything;
        let events = self.args.events().unwrap_or(u64::MAX) - crowd.events;
        let all_at_once = Pace { events, rate: None, until: None };
        if self.args.simple {
            return self.phase(crowd, all_at_once).await;
        }
        let crowd = self.phase(crowd, Pace { events: events - events / 10, ..all_at_once }).await?;
        let crowd = self.change_settings(crowd).await?;
        self.phase(crowd, Pace { events: events / 10, ..all_at_once }).await
    }

    /// History first, then visitors as they come; the settings change half-way, if the way has an end.
    async fn paced(&self, mut crowd: Crowd) -> anyhow::Result<Crowd> {
        let mut events = self.args.events().unwrap_or(u64::MAX);
        if self.args.days() > 0 {
            crowd.narrator.telling = Telling::History;
            let days = u64::from(self.args.days()) * crowd.narrator.sites.len() as u64;
            let history = (days * HISTORY_PER_DAY).min(events / 2);
            crowd = self.phase(crowd, Pace { events: history, rate: None, until: None }).await?;
            events = events.saturating_sub(crowd.events);
        }
        crowd.narrator.telling = Telling::Present;
        let began = Instant::now();
        let until = |share: u32| self.args.duration.map(|duration| began + duration / 2 * share);
        let rate = self.args.rate;
        let ends = self.args.events.is_some() || self.args.duration.is_some();
        if self.args.simple || self.args.under_faults || !ends {
            return self.phase(crowd, Pace { events, rate, until: until(2) }).await;
        }
        let told = crowd.events;
        let mut crowd = self.phase(crowd, Pace { events: events / 2, rate, until: until(1) }).await?;
        if !self.stop.load(Relaxed) {
            crowd = self.change_settings(crowd).await?;
        }
        let left = events.saturating_sub(crowd.events - told);
        self.phase(crowd, Pace { events: left, rate, until: until(2) }).await
    }

    /// Tells and sends, then sends the copies that had to wait; returns when everything had its 202.
    async fn phase(&self, crowd: Crowd, pace: Pace) -> anyhow::Result<Crowd> {
        let stop = Arc::clone(&self.stop);
        let at_once = self.args.connections;
        let crowd = self
            .send(crowd, at_once, move |crowd, emit| {
                let began = Instant::now();
                let already = crowd.events;
                crowd.tell(pace.events, &mut |batch, events| {
                    let goes_on = emit(batch, events);
                    let due = pace.rate.map(|rate| began + Duration::from_secs_f64((events - already) as f64 / rate));
                    while let Some(left) = due.map(|due| due.saturating_duration_since(Instant::now()))
                        && !left.is_zero()
                        && !stop.load(Relaxed)
                    {
                        std::thread::sleep(left.min(Duration::from_millis(100)));
                    }
                    let over = pace.until.is_some_and(|until| Instant::now() >= until);
                    goes_on && !over && !stop.load(Relaxed)
                })
            })
            .await?;
        self.send(crowd, at_once, |crowd, emit| {
            crowd.repeat(emit);
            Ok(())
        })
        .await
    }

    /// Has the crowd told on a thread of its own, while what it emits is sent.
    async fn send(
        &self,
        mut crowd: Crowd,
        at_once: usize,
        work: impl FnOnce(&mut Crowd, &mut Emit<'_>) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<Crowd> {
        let (batches, received) = mpsc::channel::<Batch>(at_once.max(1) * 2);
        let telling = tokio::task::spawn_blocking(move || {
            work(&mut crowd, &mut |batch, _| batches.blocking_send(batch).is_ok())?;
            anyhow::Ok(crowd)
        });
        let sent = self.sender.send_all(received, at_once).await;
        let crowd = telling.await.context("the visitors' thread died")?;
        sent?;
        crowd
    }

    /// Puts the second version of some sites' settings in force. Nothing that was told lies after it, and nothing that will
    /// be told lies within seconds of it.
    async fn change_settings(&self, mut crowd: Crowd) -> anyhow::Result<Crowd> {
        if self.args.is_paced() {
            tokio::time::sleep(self.args.settle.max(Duration::from_secs(6))).await;
        }
        let sites = &crowd.narrator.sites;
        let next: Vec<(usize, Services)> =
            (0..sites.len()).step_by(CHANGES_EVERY).map(|index| (index, sites[index].next_services(index))).collect();
        put_sites(&self.sender.client, next.iter().map(|(index, services)| (&sites[*index], services))).await?;
        let changed = moments::now();
        for (index, services) in next {
            crowd.narrator.sites[index].changed = Some((changed, services));
        }
        crowd.narrator.moments.changed = Some(changed);
        tokio::time::sleep(self.args.settle).await;
        Ok(crowd)
    }
}

/// Whether there is one more site, of the many variants: only where it is a small part of the whole.
fn has_flood(args: &SimulateArgs) -> bool {
    let enough = args.events().is_some_and(|events| events >= 10 * flood::EVENTS);
    enough && args.site.is_none() && !args.simple && !args.is_paced()
}

/// The visitors that a seed gives, and empty counters for what must be seen of them.
pub(crate) fn crowd(args: &SimulateArgs, seed: u64, began: i64) -> anyhow::Result<Crowd> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut sites = args
        .site_names(seed)
        .iter()
        .enumerate()
        .map(|(index, name)| Site::invent(name, index, &mut rng))
        .collect::<Result<Vec<_>, _>>()?;
    if has_flood(args) {
        let mut site = Site::invent(&format!("many-{seed:x}.sim.example"), sites.len(), &mut rng)?;
        site.weight = 0;
        sites.push(site);
    }
    let moments = Moments::new(began, args.days(), args.is_paced())?;
    let scope = Scope {
        sites: sites.iter().map(|site| Arc::clone(&site.name)).collect(),
        span: moments.span(),
        clock_changes: moments.clock_changes.clone(),
    };
    let queries = suite::queries(&scope)?;
    let tally = Tally::new(queries, began - CLOSED_AFTER)?;
    let narrator = Narrator { rng, sites, moments, simple: args.simple, telling: Telling::Everything };
    let repeats = Repeats::new(args.duplicates, args.under_faults);
    Ok(Crowd::new(narrator, tally, args.country_header.is_some(), args.batch(), repeats))
}

async fn put_sites<'a>(client: &Client, sites: impl Iterator<Item = (&'a Site, &'a Services)>) -> anyhow::Result<()> {
    let puts: Vec<_> = sites.map(|(site, services)| client.put_site(site, services)).collect();
    futures::stream::iter(puts).buffer_unordered(8).try_collect::<()>().await
}

fn progress(events: Option<u64>) -> anyhow::Result<ProgressBar> {
    let (bar, template) = match events {
        Some(events) => (ProgressBar::new(events), "{bar:30} {human_pos}/{human_len} events, {per_sec}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} events, {per_sec}, {elapsed}"),
    };
    Ok(bar.with_style(ProgressStyle::with_template(template)?))
}
