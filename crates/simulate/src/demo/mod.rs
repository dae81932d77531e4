//! The visitors of `avow demo`: four sites with a believable history and live traffic, which differ by country, by variant
//! and by service. All of it is marked: the sites are called simulated, and history has the source `import`.
//!
//! A day's history follows from the site and the date alone, ids included, so importing it again changes nothing.

mod signals;
mod visits;

use crate::visitors::context::{Context, Source};
use crate::visitors::crowd::{Batch, LARGEST_BATCH};
use crate::visitors::event::Event;
use crate::visitors::moments::{self, DAY};
use crate::wire::body;
use crate::wire::client::{Answer, Client};
use crate::wire::sender::Sender;
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Days of history at most on the near side: what is this young is left to live traffic.
const LIVE_FROM: i64 = 60_000;

/// The header that names a visitor's country; the server of a demo must trust it.
pub const COUNTRY_HEADER: &str = "CF-IPCountry";

/// One site of the demo.
struct DemoSite {
    host: &'static str,
    /// What the page calls it.
    title: &'static str,
    /// An IANA name.
    timezone: &'static str,
    /// Visits on an ordinary day.
    visits_per_day: u32,
    /// Slug and category.
    services: &'static [(&'static str, &'static str)],
    /// Country, language, and how many of a hundred visitors come from there.
    countries: &'static [(&'static str, &'static str, u32)],
    /// How much more, or less, its visitors accept.
    charm: f64,
    /// How often a scan of a page sees Chaport before it was granted.
    leaks: f64,
}

/// The sites of the demo.
fn sites() -> Vec<DemoSite> {
    vec![
        DemoSite {
            host: "shop.example",
            title: "Shop (simulated)",
            timezone: "Europe/Paris",
            visits_per_day: 220,
            services: &[
                ("chaport", "preferences"),
                ("crisp", "preferences"),
                ("flowconsent", "necessary"),
                ("web-analytics", "statistics"),
                ("ad-network", "marketing"),
            ],
            countries: &[("FR", "fr", 55), ("DE", "de", 20), ("ES", "es", 15), ("GB", "en", 10)],
            charm: 0.0,
            leaks: 0.0,
        },
        DemoSite {
            host: "news.example",
            title: "News (simulated)",
            timezone: "Europe/Berlin",
            visits_per_day: 180,
            services: &[
                ("chaport", "preferences"),
                ("userlike", "preferences"),
                ("flowconsent", "necessary"),
                ("web-analytics", "statistics"),
                ("ad-network", "marketing"),
            ],
            countries: &[("DE", "de", 70), ("FR", "fr", 10), ("US", "en", 20)],
            charm: 0.03,
            leaks: 0.6,
        },
        DemoSite {
            host: "travel.example",
            title: "Travel (simulated)",
            timezone: "Europe/Madrid",
            visits_per_day: 140,
            services: &[
                ("chaport", "preferences"),
                ("chatwoot", "preferences"),
                ("flowconsent", "necessary"),
                ("web-analytics", "statistics"),
                ("ad-network", "marketing"),
            ],
            countries: &[("ES", "es", 60), ("FR", "fr", 25), ("GB", "en", 15)],
            charm: 0.02,
            leaks: 0.0,
        },
        DemoSite {
            host: "help.example",
            title: "Help centre (simulated)",
            timezone: "Europe/London",
            visits_per_day: 60,
            services: &[
                ("chaport", "preferences"),
                ("rocket-chat", "preferences"),
                ("ada", "preferences"),
                ("flowconsent", "necessary"),
            ],
            countries: &[("GB", "en", 60), ("US", "en", 30), ("DE", "de", 10)],
            charm: 0.05,
            leaks: 0.05,
        },
    ]
}

/// Creates those of the demo's sites that the server does not have yet.
async fn create_sites(client: &Client, sites: &[DemoSite]) -> anyhow::Result<()> {
    for site in sites {
        if client.has_site(site.host).await? {
            continue;
        }
        let settings = json!({
            "name": site.title,
            "origins": [format!("https://{}", site.host)],
            "services": site.services.iter().copied().collect::<BTreeMap<_, _>>(),
            "timezone": site.timezone,
            "dismiss_means": "refusal",
        });
        client.put_settings(site.host, &settings).await?;
    }
    Ok(())
}

/// Creates the demo's sites where they are missing, and imports their last days up to now, with a token of scope `admin`;
/// returns how many events that were. Shows a progress bar on a terminal.
///
/// # Errors
/// Where an event is refused, or the server cannot be reached for minutes.
pub async fn history(url: &str, token: &str, days: u32) -> anyhow::Result<u64> {
    let sites = sites();
    let client = Client::new(url, token, Some(COUNTRY_HEADER))?;
    create_sites(&client, &sites).await?;
    let sender = Sender {
        client,
        sites: hosts(&sites),
        patience: Duration::from_secs(180),
        began: Instant::now(),
        progress: bar(&sites, days)?,
        acknowledged: AtomicU64::new(0),
        retries: AtomicU64::new(0),
    };
    let (batches, received) = mpsc::channel(8);
    let telling = tokio::task::spawn_blocking(move || tell_history(&sites, days, moments::now(), &batches));
    let sent = sender.send_all(received, 4).await;
    telling.await.context("the thread that tells history died")??;
    sent?;
    sender.progress.finish_and_clear();
    Ok(sender.acknowledged.load(Relaxed))
}

fn bar(sites: &[DemoSite], days: u32) -> anyhow::Result<ProgressBar> {
    let visits: u32 = sites.iter().map(|site| site.visits_per_day).sum();
    let about = f64::from(visits * days) * visits::EVENTS_PER_VISIT;
    let style = ProgressStyle::with_template("history {bar:30} {human_pos} events, {per_sec}")?;
    Ok(ProgressBar::new(about as u64).with_style(style))
}

/// Emits the days before `now`, oldest first, in requests by country.
fn tell_history(sites: &[DemoSite], days: u32, now: i64, batches: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    let today = now.div_euclid(DAY);
    for day in today - i64::from(days)..=today {
        let mut by_context: HashMap<Context, Vec<Event>> = HashMap::new();
        for (index, site) in sites.iter().enumerate() {
            for mut event in visits::of_day(site, index, day)? {
                if event.at > now - LIVE_FROM {
                    continue;
                }
                event.context = Context::token(true, event.context.country);
                by_context.entry(event.context).or_default().push(event);
            }
        }
        for (context, mut events) in by_context {
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(LARGEST_BATCH));
                if batches.blocking_send(Batch { context, events }).is_err() {
                    return Ok(());
                }
                events = rest;
            }
        }
    }
    Ok(())
}

/// Sends visitors as they come, about `rate` events a second over all sites, until it is cancelled. The sites must be there:
/// see [`history`]. What the server does not take is repeated a few times and then let go: nothing is promised about live
/// traffic.
///
/// # Errors
/// Where the HTTP client cannot be set up.
pub async fn traffic(url: &str, token: &str, rate: f64, cancel: CancellationToken) -> anyhow::Result<()> {
    let client = Client::new(url, token, Some(COUNTRY_HEADER))?;
    let sites = &sites()[..];
    let hosts = hosts(sites);
    let mut rng = StdRng::seed_from_u64(rand::random());
    let mut due: BTreeMap<(i64, u64), Event> = BTreeMap::new();
    let mut next_visit = moments::now();
    let mut told = 0;
    loop {
        let now = moments::now();
        while next_visit <= now {
            let index = visits::draw_site(sites, &mut rng);
            for mut event in visits::visit(&sites[index], index, next_visit, &mut rng) {
                // A withdrawal comes days later in history, and minutes later here.
                event.at = event.at.min(next_visit + 300_000);
                told += 1;
                due.insert((event.at, told), event);
            }
            let mean = visits::EVENTS_PER_VISIT / rate.max(0.01) * 1000.0;
            let pause = (-mean * (1.0 - rng.random::<f64>()).ln()).clamp(1.0, 60_000.0);
            next_visit += pause as i64;
        }
        while let Some(first) = due.first_entry()
            && first.key().0 <= now
        {
            deliver(&client, &hosts, first.remove()).await;
        }
        let next = due.keys().next().map_or(next_visit, |(at, _)| next_visit.min(*at));
        let pause = Duration::from_millis(u64::try_from(next - moments::now()).unwrap_or(0).clamp(1, 1000));
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One beacon, repeated a few times where the server asks for it.
async fn deliver(client: &Client, hosts: &body::SiteNames, event: Event) {
    for attempt in 0..4 {
        let Ok(body) = body::write(&[&event], hosts, moments::now()) else { return };
        let origin = (event.context.source == Source::Origin).then(|| &*hosts[event.site]);
        match client.post(&event.context, origin, &body, 1).await {
            Answer::Read(_) | Answer::Never(_) => return,
            Answer::Later { after, .. } => {
                let pause = after.unwrap_or(Duration::from_millis(200 << attempt));
                tokio::time::sleep(pause.min(Duration::from_secs(2))).await;
            }
        }
    }
}

fn hosts(sites: &[DemoSite]) -> body::SiteNames {
    sites.iter().map(|site| Arc::from(site.host)).collect()
}

impl DemoSite {
    fn zone(&self) -> Result<TimeZone, jiff::Error> {
        TimeZone::get(self.timezone)
    }
}
