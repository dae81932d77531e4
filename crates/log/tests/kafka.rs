//! What only the log over Kafka has: a group that shares partitions, an identity that many processes agree on, brokers
//! that die. Against real brokers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "only its tools are used here")]
mod suite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use avow_log::kafka::{KafkaConfig, KafkaLog, Membership};
use avow_log::{Assignment, Log, LogError, LogPosition, ReadLimit, Topic};
use avow_testkit::kafka::Kafka;
use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use suite::{read_all, record};
use tokio::sync::watch;

fn config(kafka: &Kafka) -> KafkaConfig {
    KafkaConfig { brokers: kafka.brokers(), partitions: 6, ..KafkaConfig::default() }
}

fn client(kafka: &Kafka) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", kafka.brokers());
    client
}

async fn member(kafka: &Kafka) -> (Arc<KafkaLog>, watch::Receiver<Assignment>) {
    let membership = Membership::Member { static_id: None };
    let log = KafkaLog::connect(KafkaConfig { membership, ..config(kafka) }).await.unwrap();
    let owned = log.assignments().await.unwrap();
    (log, owned)
}

/// Everybody agrees on which log it is, also those who begin it at the same moment; and nobody goes on without its events.
#[tokio::test(flavor = "multi_thread")]
async fn one_identity_for_all() {
    let kafka = Kafka::start().unwrap();
    let begin = (0..4).map(|_| tokio::spawn(KafkaLog::connect(config(&kafka))));
    let logs: Vec<_> = futures_in_order(begin.collect()).await;
    let identity = logs[0].identity().clone();
    assert!(logs.iter().all(|log| *log.identity() == identity));
    assert_eq!(identity.partitions, 6);
    let unread = logs[0].read(Topic::Control, 0, 0, ReadLimit { max_wait: Duration::ZERO, ..suite::LIMIT }).await;
    assert!(unread.unwrap().records.is_empty(), "the log's own records are nobody else's");
    for log in &logs {
        log.close().await;
    }
    let other = KafkaLog::connect(KafkaConfig { partitions: 12, ..config(&kafka) }).await.unwrap();
    assert_eq!(*other.identity(), identity, "a topic that exists keeps its partitions");
    assert!(matches!(other.assignments().await, Err(LogError::Misconfigured(_))), "it did not join the group");
    other.close().await;

    let admin: AdminClient<DefaultClientContext> = client(&kafka).create().unwrap();
    admin.delete_topics(&["consent.events"], &AdminOptions::new()).await.unwrap();
    let refused = loop {
        // Deleting takes the brokers a moment.
        match KafkaLog::connect(config(&kafka)).await {
            Ok(log) => log.close().await,
            Err(error) => break error,
        }
    };
    let named = |text: &str| text.contains("consent.events") && text.contains("avow migrate log");
    assert!(matches!(&refused, LogError::Misconfigured(text) if named(text)), "{refused}");
}

/// A reader that has seen the end of the control topic, and has lain idle since, finds what was appended meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_seen_before_hides_no_record() {
    let kafka = Kafka::start().unwrap();
    let (writer, reader) =
        (KafkaLog::connect(config(&kafka)).await.unwrap(), KafkaLog::connect(config(&kafka)).await.unwrap());
    let mut next = reader.end(Topic::Control, 0).await.unwrap();
    for round in 0..5 {
        let value = format!("round {round}");
        writer.append(Topic::Control, vec![record("key", &value)]).await.unwrap();
        let chunk = reader.read(Topic::Control, 0, next, suite::LIMIT).await.unwrap();
        assert_eq!(chunk.records.iter().map(|r| &r.value[..]).collect::<Vec<_>>(), [value.as_bytes()], "{round}");
        next = chunk.next;
        // The idle reader's consumer reports the end meanwhile; nothing shows when.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    writer.close().await;
    reader.close().await;
}

async fn refused(kafka: &Kafka) -> String {
    match KafkaLog::connect(config(kafka)).await {
        Err(LogError::Misconfigured(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the log was opened"),
    }
}

/// A log whose topic was altered is refused; while it is migrated it takes nothing, and the next one takes over.
#[tokio::test(flavor = "multi_thread")]
async fn one_log_follows_another() {
    let kafka = Kafka::start().unwrap();
    let quick = || KafkaConfig { append_timeout: Duration::from_millis(500), ..config(&kafka) };
    assert!(KafkaLog::for_migration(quick()).await.unwrap().is_none(), "there is none yet");
    let old = KafkaLog::connect(config(&kafka)).await.unwrap();
    old.append(Topic::Control, vec![record("site", "kept")]).await.unwrap();
    old.append(Topic::Events, vec![record("site", "old")]).await.unwrap();

    let admin: AdminClient<DefaultClientContext> = client(&kafka).create().unwrap();
    let more = NewPartitions::new("consent.events", 8);
    admin.create_partitions([&more], &AdminOptions::new()).await.unwrap();
    let text = loop {
        // The brokers take a moment to list them.
        match KafkaLog::connect(config(&kafka)).await {
            Ok(log) => log.close().await,
            Err(error) => break error.to_string(),
        }
    };
    assert!(text.contains("avow migrate log --partitions 8"), "{text}");

    let (log, standing) = KafkaLog::for_migration(quick()).await.unwrap().unwrap();
    assert_eq!((standing.sealed, standing.topic_partitions), (None, Some(8)));
    assert_eq!(log.identity(), old.identity());
    assert_eq!(*log.assignments().await.unwrap().borrow(), [0, 1, 2, 3, 4, 5]);
    log.without_members().await.unwrap();
    log.seal(3).await.unwrap();
    let text = refused(&kafka).await;
    assert!(text.contains("avow migrate log"), "{text}");
    log.lift_seal().await.unwrap();
    log.seal(3).await.unwrap();
    log.delete_events().await.unwrap();
    let (resumed, standing) = KafkaLog::for_migration(quick()).await.unwrap().unwrap();
    assert_eq!((standing.sealed, standing.topic_partitions), (Some(3), None));
    resumed.create_events(3).await.unwrap();
    let racer = log.begin_successor().await.unwrap();
    let identity = resumed.begin_successor().await.unwrap();
    assert_eq!((identity.partitions, identity.follows), (3, Some(old.identity().log_id)));
    assert_eq!(racer, identity, "two migrations agree");

    let late = old.append(Topic::Events, vec![record("site", "late")]).await;
    assert!(matches!(&late, Err(LogError::Superseded(_))), "{late:?}");
    assert!(!old.healthy());
    assert!(old.read(Topic::Events, 0, 0, suite::LIMIT).await.is_err(), "the new log's records are not the old one's");
    let new = KafkaLog::connect(config(&kafka)).await.unwrap();
    assert_eq!(*new.identity(), identity);
    let at = new.append(Topic::Events, vec![record("site", "new")]).await.unwrap()[0];
    assert_eq!(at.position, 0);
    let end = new.end(Topic::Control, 0).await.unwrap();
    let control = read_all(new.as_ref(), Topic::Control, 0, 0, end).await;
    assert!(control.iter().any(|r| r.value == "kept"));
    for log in [old, log, resumed, new] {
        log.close().await;
    }
}

async fn futures_in_order<T>(tasks: Vec<tokio::task::JoinHandle<Result<T, LogError>>>) -> Vec<T> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap().unwrap());
    }
    all
}

/// A partition changes hands only when who had it has said that the work on it has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_answered_before_it_takes_effect() {
    let kafka = Kafka::start().unwrap();
    let (first, mut firsts) = member(&kafka).await;
    firsts.wait_for(|owned| *owned == [0, 1, 2, 3, 4, 5]).await.unwrap();
    let (second, mut seconds) = member(&kafka).await;
    let kept = firsts.wait_for(|owned| owned.len() < 6).await.unwrap().clone();
    let revoked: Vec<_> = (0..6).filter(|p| !kept.contains(p)).collect();
    assert!(seconds.borrow().is_empty(), "not before it was released");
    first.released(&revoked).await;
    seconds.wait_for(|owned| *owned == revoked).await.unwrap();
    assert_eq!(*firsts.borrow(), kept);

    let at = first.append(Topic::Events, vec![record("site", "x")]).await.unwrap()[0];
    let owner = if kept.contains(&at.partition) { &first } else { &second };
    owner.processed(at.partition, at.position + 1).await.unwrap();
    let observer: BaseConsumer = client(&kafka).set("group.id", "avow-processor").create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition("consent.events", i32::try_from(at.partition).unwrap());
    let committed = Offset::Offset(i64::try_from(at.position).unwrap() + 1);
    while observer.committed_offsets(asked.clone(), Duration::from_secs(30)).unwrap().elements()[0].offset()
        != committed
    {
        tokio::task::yield_now().await;
    }

    first.close().await;
    seconds.wait_for(|owned| *owned == [0, 1, 2, 3, 4, 5]).await.unwrap();
    second.close().await;
}

/// Two processes with one static id: the later one has the partitions, the earlier one lets go of all and says that it is not well.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_with_one_static_id_the_later_stays() {
    let kafka = Kafka::start().unwrap();
    let join = || async {
        let membership = Membership::Member { static_id: Some("processor-1".to_owned()) };
        let log = KafkaLog::connect(KafkaConfig { membership, ..config(&kafka) }).await.unwrap();
        let owned = log.assignments().await.unwrap();
        (log, owned)
    };
    let (first, mut firsts) = join().await;
    firsts.wait_for(|owned| *owned == [0, 1, 2, 3, 4, 5]).await.unwrap();
    assert!(first.healthy());
    let (second, mut seconds) = join().await;
    seconds.wait_for(|owned| *owned == [0, 1, 2, 3, 4, 5]).await.unwrap();
    firsts.wait_for(|owned| owned.is_empty()).await.unwrap();
    assert!(!first.healthy() && second.healthy());
    first.close().await;
    assert_eq!(*seconds.borrow(), [0, 1, 2, 3, 4, 5]);
    second.close().await;
}

/// Our choice of partition is that of librdkafka's `murmur2_random`.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_producers_choose_the_same_partition() {
    let kafka = Kafka::start().unwrap();
    let log = KafkaLog::connect(config(&kafka)).await.unwrap();
    let foreign: FutureProducer = client(&kafka).set("partitioner", "murmur2_random").create().unwrap();
    for i in 0..50 {
        let key = format!("site-{i}.example#{}", i % 3);
        let theirs = FutureRecord::to("consent.events").key(&key).payload("theirs");
        let theirs = foreign.send(theirs, Duration::from_secs(30)).await.unwrap();
        let ours = log.append(Topic::Events, vec![record(&key, "ours")]).await.unwrap()[0];
        assert_eq!(i64::from(theirs.partition), i64::from(ours.partition), "{key}");
    }
    log.close().await;
}

/// One broker: while it is frozen or dead appends fail and health says so; afterwards all is well without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_and_comes_back() {
    let mut kafka = Kafka::start().unwrap();
    let log =
        KafkaLog::connect(KafkaConfig { append_timeout: Duration::from_secs(2), ..config(&kafka) }).await.unwrap();
    let before = log.append(Topic::Events, vec![record("site", "before")]).await.unwrap()[0];
    assert!(log.healthy());
    for kill in [false, true] {
        if kill {
            kafka.kill9(0);
        } else {
            kafka.sigstop(0).unwrap();
        }
        let failed = log.append(Topic::Events, vec![record("site", "not promised")]).await;
        assert!(matches!(failed, Err(LogError::Unavailable(_))), "{failed:?}");
        assert!(!log.healthy());
        if kill {
            kafka.restart(0).unwrap();
        } else {
            kafka.sigcont(0).unwrap();
        }
        // Without an append of ours: readiness keeps the traffic away that would show it.
        while !log.healthy() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        log.append(Topic::Events, vec![record("site", "after")]).await.unwrap();
    }
    let end = log.end(Topic::Events, before.partition).await.unwrap();
    let all = read_all(log.as_ref(), Topic::Events, before.partition, before.position, end).await;
    assert_eq!(all[0].value, "before");
    assert!(all.iter().filter(|r| r.value == "after").count() == 2, "each acknowledged append once");
    log.close().await;
}

/// Three brokers, one killed under load: what was acknowledged is where it was said to be. It may be there a second time
/// ([`Log::append`]).
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_loses_a_broker_and_no_record() {
    let mut kafka = Kafka::start_cluster(3).unwrap();
    let log = KafkaLog::connect(KafkaConfig { replication: Some(3), ..config(&kafka) }).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (log, stopped) = (Arc::clone(&log), stopped.clone());
            tokio::spawn(async move {
                let mut acknowledged = BTreeMap::new();
                let mut after_stop = 0;
                for i in 0.. {
                    let value = format!("{task}/{i}");
                    let batch = vec![record(&format!("site-{task}-{}", i % 7), &value)];
                    if let Ok(at) = log.append(Topic::Events, batch).await {
                        acknowledged.insert(value, at[0]);
                        after_stop += usize::from(*stopped.borrow());
                    }
                    if after_stop > 20 {
                        break;
                    }
                }
                acknowledged
            })
        })
        .collect();
    log.append(Topic::Events, vec![record("warm", "up")]).await.unwrap();
    kafka.kill9(1);
    stop.send(true).unwrap();
    let mut acknowledged: BTreeMap<Bytes, LogPosition> = BTreeMap::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap().into_iter().map(|(value, at)| (Bytes::from(value), at)));
    }
    let mut found: BTreeMap<Bytes, Vec<LogPosition>> = BTreeMap::new();
    for partition in 0..6 {
        let end = log.end(Topic::Events, partition).await.unwrap();
        for r in read_all(log.as_ref(), Topic::Events, partition, 0, end).await {
            found.entry(r.value).or_default().push(LogPosition { partition, position: r.position });
        }
    }
    for (value, at) in acknowledged {
        assert!(found.get(&value).is_some_and(|all| all.contains(&at)), "{value:?} at {at:?}: {:?}", found.get(&value));
    }
    log.close().await;
}
