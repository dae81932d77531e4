//! From one log to the next, over Kafka (`avow migrate log`). The control topic stays and with it sites, tokens and people;
//! the events topic is deleted and created anew, or taken as somebody has recreated it.
//!
//! The order is what makes it safe to be killed anywhere: the old log, all of it derived, is *sealed*, so that nobody goes
//! on with it or starts on it; the topic is exchanged; the new identity is written, which the seal of the old one does not
//! concern. A run that finds a seal goes on from there: a topic with the old log's records is still the old one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::append::Appender;
use super::client::{CALL, blocking, failed};
use super::identity::{self, Known};
use super::read::{Readers, Target};
use super::{KafkaConfig, KafkaLog, Membership, SETTLE, admin, read_on, topics};
use crate::{Log as _, LogError, LogIdentity, Record, Topic};

/// A member that died without a word is in the group until its session ends (10 s).
const MEMBERS_LEAVE: Duration = Duration::from_secs(15);
const DELETED_WITHIN: Duration = Duration::from_secs(60);

/// What is there of a log that is to be migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// An earlier run has got as far as sealing it, to be followed by a log of so many partitions.
    pub sealed: Option<u32>,
    /// Partitions of the events topic as it is now; `None`: there is none.
    pub topic_partitions: Option<u32>,
}

impl KafkaLog {
    /// Opens the log in whatever state it is, sealed or without its events topic; `None` where there has never been one.
    /// It owns every partition ([`Membership::Alone`]) and does not notice that it is replaced.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if the brokers cannot be reached or the events topic is there and has no leader.
    pub async fn for_migration(config: KafkaConfig) -> Result<Option<(Arc<Self>, Standing)>, LogError> {
        let config = KafkaConfig { membership: Membership::Alone, ..config };
        let admin = admin(&config)?;
        let appender = Arc::new(Appender::new(&config)?);
        let control = Target { topic: Topic::Control, name: config.topic_name(Topic::Control), partition: 0 };
        let mut partitions = topics::existing(&admin, &config).await?;
        if !partitions.contains_key(&Topic::Control) {
            return match topics::present(&admin, &config, Topic::Control).await? {
                Some(_) => Err(LogError::Unavailable(format!("the topic {} has no leader", control.name))),
                None => Ok(None),
            };
        }
        let topic_partitions = partitions.get(&Topic::Events).copied();
        if topic_partitions.is_none() && topics::present(&admin, &config, Topic::Events).await?.is_some() {
            let text = format!("the topic {} has no leader: wait for its brokers", config.events_topic);
            return Err(LogError::Unavailable(text));
        }
        let readers = Arc::new(Readers::new(config.reader(), topic_partitions.unwrap_or(0) as usize + 4));
        let known = read_on(&appender, &readers, &control, Known::default(), CALL).await?;
        let Some(identity) = known.identity() else { return Ok(None) };
        if partitions.insert(Topic::Rejected, 1).is_none() {
            topics::create(&admin, &config, &[Topic::Rejected]).await?;
        }
        let standing = Standing { sealed: known.sealed(identity.log_id), topic_partitions };
        Ok(Some((Self::of(config, known, partitions, appender, readers)?, standing)))
    }

    /// Returns once nobody is in the processors' group.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] naming the hosts of those who do not leave.
    pub async fn without_members(&self) -> Result<(), LogError> {
        let until = Instant::now() + MEMBERS_LEAVE;
        loop {
            let hosts = self.members().await?;
            if hosts.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(LogError::Misconfigured(format!(
                    "processors of the group {} are running ({}): stop them, and every other role",
                    self.config.group,
                    hosts.join(", ")
                )));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn members(&self) -> Result<Vec<String>, LogError> {
        let (admin, group) = (admin(&self.config)?, self.config.group.clone());
        blocking(move || {
            let groups = admin.inner().fetch_group_list(Some(&group), Duration::from_secs(10));
            let groups = groups.map_err(|e| failed("listing the group's members", &e))?;
            let members = groups.groups().iter().filter(|g| g.name() == group).flat_map(|g| g.members());
            Ok(members.map(|m| format!("{} at {}", m.client_id(), m.client_host())).collect())
        })
        .await
    }

    /// Where each partition of the events topic ends now, those that the log does not have included.
    ///
    /// # Errors
    /// The brokers'.
    pub async fn topic_ends(&self) -> Result<Vec<u64>, LogError> {
        let until = Instant::now() + SETTLE;
        loop {
            // A client of its own: another one may remember the topic that was there before. And right after its creation
            // a topic's leaders may not know yet that they are.
            let (admin, config) = (admin(&self.config)?, self.config.clone());
            let count = topics::present(&admin, &config, Topic::Events).await?.unwrap_or(0);
            let asked = blocking(move || {
                let end = |partition: u32| {
                    let number = i32::try_from(partition).unwrap_or(-1);
                    admin.inner().fetch_watermarks(&config.events_topic, number, CALL)
                };
                let ends: Result<Vec<_>, _> = (0..count).map(end).collect();
                let ends = ends.map_err(|e| failed(&format!("the ends of {}", config.events_topic), &e))?;
                Ok(ends.into_iter().map(|(_, high)| u64::try_from(high).unwrap_or(0)).collect())
            });
            match asked.await {
                Ok(ends) => return Ok(ends),
                Err(error) if Instant::now() > until => return Err(error),
                Err(error) => tracing::debug!(%error, "the topic is not ready"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Closes the log to everybody, to be followed by one of so many partitions. Returns once whoever has it open has
    /// noticed and what they had under way is there or refused.
    ///
    /// # Errors
    /// The brokers'.
    pub async fn seal(&self, followed_by: u32) -> Result<(), LogError> {
        self.put(vec![identity::seal(self.identity.log_id, Some(followed_by))?]).await?;
        tokio::time::sleep(self.look_holds() + 2 * self.config.append_timeout).await;
        Ok(())
    }

    /// Opens a sealed log again.
    ///
    /// # Errors
    /// The brokers'.
    pub async fn lift_seal(&self) -> Result<(), LogError> {
        self.put(vec![identity::seal(self.identity.log_id, None)?]).await
    }

    async fn put(&self, records: Vec<Record>) -> Result<(), LogError> {
        self.append(Topic::Control, records).await.map(drop)
    }

    /// Deletes the events topic, if it is there.
    ///
    /// # Errors
    /// The brokers', who may forbid it.
    pub async fn delete_events(&self) -> Result<(), LogError> {
        topics::delete(&admin(&self.config)?, &self.config, Topic::Events, DELETED_WITHIN).await
    }

    /// Creates the events topic, and returns once it is there, led and empty.
    ///
    /// # Errors
    /// The brokers'; [`LogError::Misconfigured`] if what is there then is not what was asked for.
    pub async fn create_events(&self, partitions: u32) -> Result<(), LogError> {
        let (admin, config) = (admin(&self.config)?, KafkaConfig { partitions, ..self.config.clone() });
        let until = Instant::now() + SETTLE;
        // What was just deleted may still be in the way for a moment.
        while topics::present(&admin, &config, Topic::Events).await?.is_none() {
            if Instant::now() > until {
                return Err(LogError::Unavailable(format!("the topic {} is not created", config.events_topic)));
            }
            topics::create(&admin, &config, &[Topic::Events]).await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let found = topics::settled(&admin, &config, SETTLE).await?;
        let ends = self.topic_ends().await?;
        if found.get(&Topic::Events) != Some(&partitions) || ends.iter().any(|end| *end > 0) {
            return Err(LogError::Misconfigured(format!(
                "the topic {} has {} partitions that end at {ends:?}, where {partitions} empty ones were asked for: \
                 somebody else creates it or writes to it; stop that, and run this again",
                config.events_topic,
                ends.len()
            )));
        }
        Ok(())
    }

    /// Writes the identity of the log that takes over the events topic as it is, and answers with the one in force: that
    /// of another migration, if one was faster.
    ///
    /// # Errors
    /// The brokers'.
    pub async fn begin_successor(&self) -> Result<LogIdentity, LogError> {
        let partitions = u32::try_from(self.topic_ends().await?.len()).unwrap_or(u32::MAX);
        let known = self.look().await?;
        if known.identity().is_some_and(|newest| newest.log_id == self.identity.log_id) {
            self.put(vec![known.successor(partitions)?]).await?;
        }
        let newest = self.look().await?.identity();
        let gone = || LogError::Unavailable("the new log's identity was written and is not there".to_owned());
        newest.filter(|newest| newest.log_id != self.identity.log_id).ok_or_else(gone)
    }
}
