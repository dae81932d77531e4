//! Who sends: the simulator through the front, with copies; and writers of our own, straight to the ingests, that remember
//! what was promised in which window of time.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use avow_log::{Log, Record, Topic};
use avow_testkit::child::Child;
use avow_testkit::process::{ADMIN_TOKEN, binary, without_settings};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::machines::Machines;
use crate::installation::{COUNTRY_HEADER, Caller, decided};

pub const SITE: &str = "chaos.example";
pub const PROBES: &str = "probe.example";
/// So many keys that every partition has some.
const SHARDS: u32 = 64;
const WRITERS: usize = 4;
const BATCH: usize = 20;
const PAUSE: Duration = Duration::from_millis(150);
const PROBED: usize = 240;
const PATIENCE: Duration = Duration::from_secs(180);

/// What was sent between two moments.
#[derive(Default)]
pub struct Window {
    pub name: String,
    pub sent: Mutex<HashSet<Uuid>>,
    pub promised: Mutex<HashSet<Uuid>>,
    /// Requests by answer, and the slowest 202.
    pub answers: Mutex<Answers>,
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Answers {
    pub promised: u64,
    pub unavailable: u64,
    pub none: u64,
    pub slowest: Duration,
}

/// Everything, once it has ended.
pub struct Sent {
    pub windows: Vec<Arc<Window>>,
    /// Records that cannot be decoded: answered by the log, and tried.
    pub poison: (u64, u64),
    pub totals: tempfile::TempDir,
    pub probed: u64,
}

pub struct Load {
    current: Arc<RwLock<Arc<Window>>>,
    windows: Vec<Arc<Window>>,
    stop: Arc<AtomicBool>,
    poison: Arc<(AtomicU64, AtomicU64)>,
    tasks: Vec<JoinHandle<()>>,
    simulator: Child,
    totals: tempfile::TempDir,
    probed: u64,
}

impl Load {
    pub fn start(machines: &Machines, seed: u64, length: Duration) -> Result<Self> {
        let caller = Caller::of(machines.front.url());
        for site in [SITE, PROBES] {
            let settings = json!({"name": site, "services": {"chaport": "preferences"}, "ledger": {"shards": SHARDS}});
            machines.runtime.block_on(caller.put_site(site, settings))?;
        }
        let totals = tempfile::tempdir()?;
        let simulator = simulator(&machines.front.url(), seed, length, totals.path())?;
        let window = Arc::new(Window { name: "w0".into(), ..Window::default() });
        let current = Arc::new(RwLock::new(Arc::clone(&window)));
        let stop = Arc::new(AtomicBool::new(false));
        let poison = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let urls: Vec<String> = machines.ingests.iter().map(|ingest| ingest.url()).collect();
        // Settings reach every ingest within five seconds; the first events wait for that.
        std::thread::sleep(Duration::from_secs(5));
        let mut tasks = Vec::new();
        for n in 0..WRITERS as u64 {
            let rng = StdRng::seed_from_u64(seed ^ (n << 32));
            let writing = write(urls.clone(), Arc::clone(&current), Arc::clone(&stop), rng);
            tasks.push(machines.runtime.spawn(writing));
        }
        let (log, stopped) = (Arc::clone(&machines.log) as Arc<dyn Log>, Arc::clone(&stop));
        tasks.push(machines.runtime.spawn(spoil(log, Arc::clone(&poison), stopped)));
        Ok(Self { current, windows: vec![window], stop, poison, tasks, simulator, totals, probed: 0 })
    }

    /// Ends the window and begins another; answers once nothing of the old one is under way.
    pub fn next_window(&mut self) -> Arc<Window> {
        let next = Arc::new(Window { name: format!("w{}", self.windows.len()), ..Window::default() });
        let old = std::mem::replace(&mut *self.current.write().unwrap(), Arc::clone(&next));
        self.windows.push(next);
        // Two are ours: this one, and that of the list.
        while Arc::strong_count(&old) > 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
        old
    }

    /// Posts events to every partition until each has its 202, and waits until all are in the warehouse; the answer is how
    /// long that took.
    pub fn probe(&mut self, machines: &mut Machines) -> Result<Duration> {
        let begun = Instant::now();
        let caller = Caller::of(machines.front.url());
        let name = format!("p{}", self.windows.len());
        for _ in 0..PROBED / BATCH {
            let events = batch(PROBES, &name, &(0..BATCH).map(|_| Uuid::new_v4()).collect::<Vec<_>>());
            while machines.runtime.block_on(caller.post(&events)) != Some(202) {
                ensure!(begun.elapsed() < PATIENCE, "no 202 for a probe");
                machines.hold(Duration::from_millis(100))?;
            }
        }
        self.probed += PROBED as u64;
        let count = format!("SELECT count() FROM events_data WHERE site = '{PROBES}' AND banner_version = '{name}'");
        while machines.sql(&count)?.trim() != PROBED.to_string() {
            ensure!(begun.elapsed() < PATIENCE, "{} of {PROBED} probes are there", machines.sql(&count)?.trim());
            machines.hold(Duration::from_millis(50))?;
        }
        Ok(begun.elapsed())
    }

    pub fn stop(mut self, machines: &mut Machines) -> Result<Sent> {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.simulator.try_wait()? {
                break status;
            }
            ensure!(begun.elapsed() < Duration::from_secs(900), "the simulator does not end");
            machines.hold(Duration::from_millis(200))?;
        };
        let said = std::fs::read_to_string(self.totals.path().join("said")).unwrap_or_default();
        ensure!(status.success(), "the simulator: {said}");
        println!("{}", said.lines().last().unwrap_or_default());
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            machines.runtime.block_on(task)?;
        }
        let poison = (self.poison.0.load(Ordering::Relaxed), self.poison.1.load(Ordering::Relaxed));
        Ok(Sent { windows: self.windows, poison, totals: self.totals, probed: self.probed })
    }
}

fn simulator(url: &str, seed: u64, length: Duration, dir: &Path) -> Result<Child> {
    let (out, said) = (dir.join("totals.json"), std::fs::File::create(dir.join("said"))?);
    let mut command = Command::new(binary()?);
    without_settings(&mut command)
        .args(["simulate", "--url", url, "--token", ADMIN_TOKEN, "--sites", "20", "--rate", "120"])
        .args(["--duplicates", "0.05", "--under-faults", "--country-header", COUNTRY_HEADER])
        .args(["--duration", &format!("{}s", length.as_secs()), "--seed", &seed.to_string(), "--out"])
        .arg(out)
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said);
    Child::spawn(&mut command).context("the simulator")
}

/// Events that carry a name where it can be asked for.
fn batch(site: &str, name: &str, ids: &[Uuid]) -> Vec<Value> {
    let event = |id: &Uuid| {
        let mut event = decided(site, *id);
        event["banner"] = json!({"version": name});
        event
    };
    ids.iter().map(event).collect()
}

/// Writes until told to stop. A batch without a 202 is sent again, as a beacon would, or given up; some that have one are
/// sent once more, to whoever is next.
async fn write(urls: Vec<String>, current: Arc<RwLock<Arc<Window>>>, stop: Arc<AtomicBool>, mut rng: StdRng) {
    let callers: Vec<Caller> = urls.into_iter().map(Caller::of).collect();
    while !stop.load(Ordering::Relaxed) {
        let window = Arc::clone(&current.read().unwrap());
        let ids: Vec<Uuid> = (0..BATCH).map(|_| Uuid::from_u128(rng.random())).collect();
        let events = batch(SITE, &window.name, &ids);
        window.sent.lock().unwrap().extend(&ids);
        for attempt in 0..3 {
            let caller = &callers[rng.random_range(0..callers.len())];
            let begun = Instant::now();
            let answer = caller.post(&events).await;
            let promised = answer == Some(202);
            {
                let mut answers = window.answers.lock().unwrap();
                match answer {
                    Some(202) => {
                        answers.promised += 1;
                        answers.slowest = answers.slowest.max(begun.elapsed());
                    }
                    Some(_) => answers.unavailable += 1,
                    None => answers.none += 1,
                }
            }
            if promised {
                window.promised.lock().unwrap().extend(&ids);
                if attempt == 0 && rng.random_ratio(1, 10) {
                    let _ = callers[rng.random_range(0..callers.len())].post(&events).await;
                }
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        drop(window);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Appends a record now and then that nobody can decode.
async fn spoil(log: Arc<dyn Log>, count: Arc<(AtomicU64, AtomicU64)>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let n = count.1.fetch_add(1, Ordering::Relaxed);
        let record = Record { key: format!("{SITE}#{}", n % 64).into(), value: format!("poison {n}").into() };
        if log.append(Topic::Events, vec![record]).await.is_ok() {
            count.0.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}
