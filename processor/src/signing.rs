//! The signer's rounds: which checkpoint is due when. It runs where the log's first partition is. What others say of the
//! operator log's checkpoints: [`witnesses`], [`stamps`].

mod post;
pub mod probe;
pub mod stamps;
pub mod witnesses;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use avow_control::ControlError;
use avow_schemas::control::MlDsaKey;
use avow_trees::TreeError;
use avow_trees::keys::{Keys, NoteSigner};
use avow_trees::sign::Signer;
use tokio_util::sync::CancellationToken;

use self::post::Poster;
use self::stamps::{Stamping, Stamps};
use self::witnesses::{Cosigning, Witnessing};
use crate::partition::Context;

const EVERY: Duration = Duration::from_secs(1);
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often it is looked how busy the ledgers are, and to which sites they belong.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// ... and where a ledger was met that was not there yet.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Between two checkpoints of a ledger, unless its site says otherwise.
const USUAL: Duration = Duration::from_secs(10);
/// Of a ledger with fewer leaves a day than [`QUIET_BELOW`]: a quick checkpoint would show a single person's act.
const QUIET: Duration = Duration::from_secs(3600);
const QUIET_BELOW: u64 = 1000;

/// With what is signed, and who is to say what of it.
#[derive(Debug, Clone)]
pub struct Signing {
    pub keys: Keys,
    /// None: checkpoints of the operator log are published as they are signed.
    pub witnessing: Option<Arc<Witnessing>>,
    /// None: nothing is stamped.
    pub stamping: Option<Stamping>,
}

/// Signs until `stop`, if there are keys, and they are the installation's.
pub(crate) async fn keep_signing(context: &Context, signing: Option<Signing>, stop: CancellationToken) {
    let Some(signing) = signing else { return };
    while !stop.is_cancelled() {
        let Err(error) = sign(context, &signing, &stop).await else { return };
        tracing::warn!(%error, "ledger.signing_failed");
        stop.run_until_cancelled(tokio::time::sleep(AFTER_ERROR)).await;
    }
}

async fn sign(context: &Context, signing: &Signing, stop: &CancellationToken) -> Result<(), TreeError> {
    let keys = &signing.keys;
    let mut signer = Signer::open(Arc::clone(&context.warehouse), note_signer(context, keys).await?).await?;
    let poster = Poster::new();
    let mut cosigning = signing.witnessing.clone().map(|witnessing| {
        signer.hold_operator();
        Cosigning::new(witnessing, poster.clone(), Arc::clone(&context.warehouse))
    });
    let mut stamps = match signing.stamping.clone() {
        Some(stamping) => Some(Stamps::open(stamping, poster, Arc::clone(&context.warehouse)).await?),
        None => None,
    };
    let mut intervals = Intervals::read(context).await?;
    let metrics = &context.metrics.ledger;
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if intervals.read_at.elapsed() >= if intervals.are_whole() { LOOK_EVERY } else { LOOK_AGAIN } {
            intervals = Intervals::read(context).await?;
        }
        let now = jiff::Timestamp::now().as_millisecond();
        let round = signer.round(|ledger| intervals.of(context, ledger), now).await?;
        metrics.signed.inc_by(round.signed as u64);
        metrics.refused.set(i64::try_from(round.refused).unwrap_or(i64::MAX));
        if let Some(cosigning) = &mut cosigning {
            cosigning.step(&mut signer, metrics, now).await?;
        }
        if let Some(stamps) = &mut stamps {
            stamps.step(metrics, now).await?;
        }
    }
    Ok(())
}

/// What signs here: the installation's key, and in an overlap its successor, which is published first.
async fn note_signer(context: &Context, keys: &Keys) -> Result<NoteSigner, TreeError> {
    let now = jiff::Timestamp::now().as_millisecond();
    let unpublished = |error: ControlError| TreeError::Key(error.to_string());
    let mut published = context.control.publish_ledger_key(keys.publication(now)).await.map_err(unpublished)?;
    if let Some(change) = keys.change(&published, now).await? {
        tracing::info!(origin = change.origin, public_key = change.public_key, "ledger.key_changes");
        published = context.control.publish_ledger_key(change).await.map_err(unpublished)?;
    }
    if let Some(signer) = keys.signer(&published) {
        if let Some(vkey) = signer.ml_dsa_vkey()? {
            let key = MlDsaKey { vkey, made_at: now };
            context.control.publish_ml_dsa_key(key).await.map_err(unpublished)?;
        }
        if keys.has_next() {
            // A crash may have left them out.
            context.control.write_key_change_leaves().await.map_err(unpublished)?;
        }
        return Ok(signer);
    }
    let in_force = published.last().map(|key| format!(", which signs as {} with {}", key.origin, key.public_key));
    Err(TreeError::Key(format!(
        "this process has another key than the installation{}: give every processor the same ledger.key_file \
         (AVOW_LEDGER__KEY_FILE) and ledger.origin",
        in_force.unwrap_or_default()
    )))
}

/// How long to wait between two checkpoints of each ledger.
pub(crate) struct Intervals {
    read_at: Instant,
    sites: HashMap<String, String>,
    leaves_a_day: HashMap<String, u64>,
    /// Whether a ledger was asked for that is newer than this.
    met_another: AtomicBool,
}

impl Intervals {
    pub(crate) async fn read(context: &Context) -> Result<Self, TreeError> {
        let ledgers = context.warehouse.ledgers().await?;
        let since = jiff::Timestamp::now().as_millisecond() - DAY_MS;
        let leaves_a_day = context.warehouse.stored_since(since).await?.into_iter().collect();
        let sites = ledgers.into_iter().map(|ledger| (ledger.name, ledger.site)).collect();
        Ok(Self { read_at: Instant::now(), sites, leaves_a_day, met_another: AtomicBool::new(false) })
    }

    fn are_whole(&self) -> bool {
        !self.met_another.load(Ordering::Relaxed)
    }

    /// The site of a ledger.
    pub(crate) fn site(&self, ledger: &str) -> Option<&str> {
        self.sites.get(ledger).map(String::as_str)
    }

    pub(crate) fn of(&self, context: &Context, ledger: &str) -> Duration {
        let directory = context.control.directory();
        if !self.sites.contains_key(ledger) {
            self.met_another.store(true, Ordering::Relaxed);
        }
        let site = self.sites.get(ledger).and_then(|site| directory.site(site));
        if let Some(seconds) = site.and_then(|site| site.current().settings.ledger.checkpoint_seconds) {
            return Duration::from_secs(seconds.into());
        }
        let is_quiet = self.leaves_a_day.get(ledger).is_none_or(|leaves| *leaves < QUIET_BELOW);
        if is_quiet { QUIET } else { USUAL }
    }
}
