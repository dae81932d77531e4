//! What is done to the machines, and how it is undone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use avow_testkit::child::Signal;
use avow_testkit::proxy::Mode;
use rand::RngExt;
use rand::rngs::StdRng;

use super::machines::Machines;
use crate::installation::Boxed;
use crate::scale;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillIngest,
    KillProcessor,
    KillEverything,
    KillBroker,
    KillBox,
    RestartBox,
    RestartProcessors,
    PauseIngest,
    PauseProcessor,
    PauseBroker,
    PauseBox,
    AllBrokersDown,
    BoxDiskFull,
    SpoolDiskFull,
    CutBox,
    DelayBox,
    SilentBox,
    LoseBoxAnswers,
    CutKafka,
    DelayKafka,
    SilentKafka,
    LoseKafkaAnswers,
    OwnedTwice,
}

/// A fault that is under way.
pub struct Held {
    pub lasts: Duration,
    /// Which of several machines.
    victim: usize,
}

fn seconds(rng: &mut StdRng, from: f64, to: f64) -> Duration {
    Duration::from_secs_f64(rng.random_range(from..to))
}

impl Fault {
    pub const ALL: &[Self] = &[
        Self::KillIngest,
        Self::KillProcessor,
        Self::KillEverything,
        Self::KillBroker,
        Self::KillBox,
        Self::RestartBox,
        Self::RestartProcessors,
        Self::PauseIngest,
        Self::PauseProcessor,
        Self::PauseBroker,
        Self::PauseBox,
        Self::AllBrokersDown,
        Self::BoxDiskFull,
        Self::SpoolDiskFull,
        Self::CutBox,
        Self::DelayBox,
        Self::SilentBox,
        Self::LoseBoxAnswers,
        Self::CutKafka,
        Self::DelayKafka,
        Self::SilentKafka,
        Self::LoseKafkaAnswers,
        Self::OwnedTwice,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::KillIngest => "kill -9 an ingest",
            Self::KillProcessor => "kill -9 a processor",
            Self::KillEverything => "kill -9 every avow",
            Self::KillBroker => "kill -9 a broker",
            Self::KillBox => "kill -9 the box",
            Self::RestartBox => "restart the box",
            Self::RestartProcessors => "restart every processor in turn",
            Self::PauseIngest => "pause an ingest",
            Self::PauseProcessor => "pause a processor",
            Self::PauseBroker => "pause a broker",
            Self::PauseBox => "pause the box",
            Self::AllBrokersDown => "all brokers down",
            Self::BoxDiskFull => "disk full: box",
            Self::SpoolDiskFull => "disk full: spool, brokers down",
            Self::CutBox => "connections cut: box",
            Self::DelayBox => "connections delayed: box",
            Self::SilentBox => "connections silent: box",
            Self::LoseBoxAnswers => "answers lost: box",
            Self::CutKafka => "connections cut: kafka",
            Self::DelayKafka => "connections delayed: kafka",
            Self::SilentKafka => "connections silent: kafka",
            Self::LoseKafkaAnswers => "answers lost: kafka",
            Self::OwnedTwice => "every partition owned twice",
        }
    }

    pub const fn fills_a_disk(self) -> bool {
        matches!(self, Self::BoxDiskFull | Self::SpoolDiskFull)
    }

    /// Does it, and says for how long it is to last.
    pub fn inject(self, machines: &mut Machines, rng: &mut StdRng) -> Result<Held> {
        let m = machines;
        let mut held = Held { lasts: Duration::ZERO, victim: 0 };
        match self {
            Self::KillIngest => m.ingests[rng.random_range(0..2)].kill9(),
            Self::KillProcessor => m.processors[rng.random_range(0..3)].kill9(),
            Self::KillEverything => {
                m.ingests.iter_mut().chain(&mut m.processors).chain([&mut m.api]).for_each(|process| process.kill9());
                m.boxed.take().context("the box is down")?.kill9();
            }
            Self::KillBroker => {
                held = Held { lasts: seconds(rng, 1.0, 8.0), victim: rng.random_range(0..3) };
                m.kafka.kill9(held.victim);
            }
            Self::KillBox => {
                m.boxed.take().context("the box is down")?.kill9();
                held.lasts = seconds(rng, 0.1, 5.0);
            }
            // Dropped, it ends in order.
            Self::RestartBox => drop(m.boxed.take()),
            Self::RestartProcessors => {
                for process in &mut m.processors {
                    let status = process.terminate()?;
                    ensure!(status.success(), "a processor ended with {status} on SIGTERM");
                    process.relaunch()?;
                }
            }
            Self::PauseIngest => {
                held = Held { lasts: seconds(rng, 2.0, 12.0), victim: rng.random_range(0..2) };
                m.ingests[held.victim].signal(Signal::STOP)?;
            }
            // Below and above the session's timeout of ten seconds: with and without another owner meanwhile.
            Self::PauseProcessor => {
                held = Held { lasts: seconds(rng, 4.0, 20.0), victim: rng.random_range(0..3) };
                m.processors[held.victim].signal(Signal::STOP)?;
            }
            Self::PauseBroker => {
                held = Held { lasts: seconds(rng, 3.0, 12.0), victim: rng.random_range(0..3) };
                m.kafka.sigstop(held.victim)?;
            }
            Self::PauseBox => {
                m.boxed.as_ref().context("the box is down")?.signal(Signal::STOP)?;
                held.lasts = seconds(rng, 3.0, 15.0);
            }
            Self::AllBrokersDown => {
                (0..m.kafka.size()).for_each(|broker| m.kafka.kill9(broker));
                held.lasts = Duration::from_secs(scale("AVOW_CHAOS_OUTAGE", 20));
            }
            Self::BoxDiskFull => {
                m.box_disk.fill()?;
                held.lasts = seconds(rng, 5.0, 15.0);
            }
            Self::SpoolDiskFull => {
                (0..m.kafka.size()).for_each(|broker| m.kafka.kill9(broker));
                m.hold(Duration::from_secs(3))?;
                m.spool_disks.iter().try_for_each(avow_testkit::disk::SmallDisk::fill)?;
                held.lasts = seconds(rng, 5.0, 10.0);
            }
            Self::CutBox | Self::DelayBox | Self::SilentBox | Self::LoseBoxAnswers => {
                m.box_proxy.set(self.mode());
                held.lasts = seconds(rng, 4.0, 12.0);
            }
            Self::CutKafka | Self::DelayKafka | Self::SilentKafka | Self::LoseKafkaAnswers => {
                m.kafka.proxies().for_each(|proxy| proxy.set(self.mode()));
                held.lasts = seconds(rng, 4.0, 12.0);
            }
            Self::OwnedTwice => {
                m.rogue = Some(m.rogue_settings().start()?);
                held.lasts = seconds(rng, 5.0, 15.0);
            }
        }
        Ok(held)
    }

    const fn mode(self) -> Mode {
        match self {
            Self::CutBox | Self::CutKafka => Mode::Cut,
            Self::DelayBox | Self::DelayKafka => Mode::Delay,
            Self::SilentBox | Self::SilentKafka => Mode::Silent,
            Self::LoseBoxAnswers | Self::LoseKafkaAnswers => Mode::LoseAnswers,
            _ => Mode::Pass,
        }
    }

    /// Undoes it.
    pub fn heal(self, machines: &mut Machines, held: Held) -> Result<()> {
        let m = machines;
        match self {
            Self::KillIngest | Self::KillProcessor | Self::RestartProcessors => {}
            Self::KillEverything | Self::KillBox | Self::RestartBox => {
                let boxed = Boxed::start_in(m.box_disk.path())?;
                m.box_proxy.point_at(boxed.port());
                m.boxed = Some(boxed);
            }
            Self::KillBroker => m.kafka.restart(held.victim)?,
            Self::PauseIngest => m.ingests[held.victim].signal(Signal::CONT)?,
            Self::PauseProcessor => m.processors[held.victim].signal(Signal::CONT)?,
            Self::PauseBroker => m.kafka.sigcont(held.victim)?,
            Self::PauseBox => m.boxed.as_ref().context("the box is down")?.signal(Signal::CONT)?,
            Self::AllBrokersDown => m.kafka.restart_all(&[0, 1, 2])?,
            Self::BoxDiskFull => m.box_disk.relieve()?,
            Self::SpoolDiskFull => {
                m.spool_disks.iter().try_for_each(avow_testkit::disk::SmallDisk::relieve)?;
                m.kafka.restart_all(&[0, 1, 2])?;
            }
            Self::CutBox | Self::DelayBox | Self::SilentBox | Self::LoseBoxAnswers => m.box_proxy.set(Mode::Pass),
            Self::CutKafka | Self::DelayKafka | Self::SilentKafka | Self::LoseKafkaAnswers => {
                m.kafka.proxies().for_each(|proxy| proxy.set(Mode::Pass));
            }
            Self::OwnedTwice => drop(m.rogue.take()),
        }
        m.supervise()
    }
}
