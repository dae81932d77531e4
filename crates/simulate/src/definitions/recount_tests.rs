//! The counters against the recount, for many seeds; and that each wrong definition would be noticed.

use super::query::Query;
use super::recount::{Recount, Wrong};
use super::suite::{self, Scope};
use crate::args::SimulateArgs;
use crate::run::crowd;
use crate::totals_file::ExpectedQuery;
use crate::visitors::crowd::{Batch, Crowd};
use crate::visitors::flood;
use crate::visitors::moments::CLOSED_AFTER;
use crate::vocabulary::Dimension;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-24T23:00:00Z: both clocks that history looks at changed in the weeks before.
const BEGAN: i64 = 1_795_561_200_000;

fn args(events: u64, sites: usize, days: u32) -> SimulateArgs {
    SimulateArgs {
        url: String::new(),
        token: String::new(),
        sites,
        site: None,
        events: Some(events),
        rate: None,
        duration: None,
        days: Some(days),
        seed: None,
        duplicates: 0.2,
        out: None,
        check: None,
        connections: 1,
        batch: Some(6),
        simple: false,
        under_faults: false,
        country_header: Some("CF-IPCountry".to_owned()),
        settle: Duration::ZERO,
        patience: Duration::ZERO,
    }
}

/// A run without a network: all requests in the order in which they are acknowledged, and the crowd with its counters.
fn rehearse(args: &SimulateArgs, seed: u64) -> (Vec<Batch>, Crowd) {
    let mut crowd = crowd(args, seed, BEGAN).unwrap();
    let mut batches = Vec::new();
    let events = args.events().unwrap();
    crowd
        .tell(events * 2 / 3, &mut |batch, _| {
            batches.push(batch);
            true
        })
        .unwrap();
    crowd.repeat(&mut |batch, _| {
        batches.push(batch);
        true
    });
    let changed = BEGAN + 40_000;
    for (index, site) in crowd.narrator.sites.iter_mut().enumerate() {
        let services = site.next_services(index);
        site.changed = Some((changed, services));
    }
    crowd.narrator.moments.changed = Some(changed);
    crowd
        .tell(events - events * 2 / 3, &mut |batch, _| {
            batches.push(batch);
            true
        })
        .unwrap();
    crowd.repeat(&mut |batch, _| {
        batches.push(batch);
        true
    });
    assert_eq!(crowd.events, events);
    assert_eq!(crowd.events + crowd.repeats.made, batches.iter().map(|batch| batch.events.len() as u64).sum::<u64>());
    (batches, crowd)
}

fn queries(crowd: &Crowd) -> Vec<Query> {
    let moments = &crowd.narrator.moments;
    suite::queries(&Scope {
        sites: crowd.narrator.sites.iter().map(|site| Arc::clone(&site.name)).collect(),
        span: moments.span(),
        clock_changes: moments.clock_changes.clone(),
    })
    .unwrap()
}

/// The first difference between what was counted and what is recounted, in words.
fn difference(query: &Query, counted: &ExpectedQuery, recount: &Recount) -> Option<String> {
    let recounted = recount.rows(query);
    let rows = counted.rows.iter().map(|row| row.dimensions.values().map(str::to_owned).collect::<Vec<_>>());
    let keys: Vec<Vec<String>> = rows.collect();
    let wanted: Vec<&Vec<String>> = recounted.iter().map(|(key, _)| key).collect();
    if keys.iter().collect::<Vec<_>>() != wanted {
        return Some(format!("{}: rows {keys:?} and {wanted:?}", query.name));
    }
    for (row, (key, metrics)) in counted.rows.iter().zip(&recounted) {
        for (metric, value) in metrics {
            if row.metrics.get(metric) != Some(value) {
                return Some(format!("{}: {key:?} {metric} {:?} and {value}", query.name, row.metrics.get(metric)));
            }
        }
        assert_eq!(row.metrics.len(), metrics.len());
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn counters_agree_with_the_slow_recount(seed: u64, events in 60_u64..220, sites in 1_usize..6, history: bool) {
        let (batches, crowd) = rehearse(&args(events, sites, if history { 75 } else { 0 }), seed);
        let recount = Recount::new(&batches, &crowd.narrator.sites, BEGAN - CLOSED_AFTER, None);
        prop_assert_eq!(recount.len() as u64, events);
        for (query, counted) in queries(&crowd).iter().zip(crowd.tally.finish()) {
            let difference = difference(query, &counted, &recount);
            prop_assert!(difference.is_none(), "{}", difference.unwrap_or_default());
        }
    }
}

#[test]
fn every_wrong_definition_would_be_noticed() {
    let wrongs = [
        Wrong::UserOpenedDecisionsCount,
        Wrong::AutomaticDecisionsCount,
        Wrong::DismissIsAlwaysRefusal,
        Wrong::ServiceFollowsItsCategory,
        Wrong::NewestSettingsHold,
        Wrong::AliasesAreCategories,
        Wrong::ContradictionIsGrant,
        Wrong::NecessaryFormsPairs,
        Wrong::RepeatsCount,
        Wrong::LastRepeatWins,
        Wrong::KeyIgnoresSubject,
        Wrong::ClockIsNotCorrected,
        Wrong::UpperMedian,
        Wrong::EmptyWithdrawalWithdrawsNothing,
        Wrong::PairsAreTheTrials,
        Wrong::CohortsAreOpen,
        Wrong::RevokedForEver,
        Wrong::FilterChangesTheGrain,
        Wrong::DaysAreUtc,
        Wrong::WeeksBeginOnSunday,
        Wrong::PartialIsGranted,
        Wrong::ShownCountsUserOpened,
    ];
    let (batches, crowd) = rehearse(&args(1_500, 6, 75), 7);
    let counted: Vec<_> = crowd.tally.finish().collect();
    let queries = queries(&crowd);
    for wrong in wrongs {
        let recount = Recount::new(&batches, &crowd.narrator.sites, BEGAN - CLOSED_AFTER, Some(wrong));
        let noticed = queries.iter().zip(&counted).find_map(|(query, counted)| difference(query, counted, &recount));
        assert!(noticed.is_some(), "nobody would notice that {wrong:?}");
    }
}

#[test]
fn variants_beyond_the_thousandth_are_other() {
    let mut crowd = crowd(&args(10, 2, 0), 5, BEGAN).unwrap();
    let mut batches = Vec::new();
    let keep = &mut |batch: Batch, _| {
        batches.push(batch);
        true
    };
    crowd.flood(1, keep).unwrap();
    let recount = Recount::new(&batches, &crowd.narrator.sites, BEGAN - CLOSED_AFTER, None);
    assert_eq!(recount.len() as u64, flood::EVENTS);
    for (query, counted) in queries(&crowd).iter().zip(crowd.tally.finish()) {
        if query.dimensions == [Dimension::Variant] {
            assert_eq!(counted.rows.len(), 1001);
            assert_eq!(difference(query, &counted, &recount), None);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_visitors() {
    let lines = |seed| {
        let (_, crowd) = rehearse(&args(300, 3, 60), seed);
        crowd.tally.finish().map(|query| serde_json::to_string(&query).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(lines(11), lines(11));
    assert_ne!(lines(11), lines(12));
}

/// What the issue asks of the visitors, each at least once.
#[test]
fn nothing_that_matters_is_missing() {
    let (batches, crowd) = rehearse(&args(5_000, 5, 75), 3);
    let total = &crowd.tally.finish().next().unwrap().rows[0].metrics;
    for metric in ["dismissed", "automatic", "withdrawals", "undecided", "opted_in", "loaded_with_consent"] {
        if let Some(count) = total.get(metric) {
            assert!(count.as_u64() > Some(0), "no {metric}");
        }
    }
    assert!(total["revoked_rate_30d_denominator"].as_u64() > Some(20));
    let events: Vec<_> = batches.iter().flat_map(|batch| &batch.events).collect();
    let moments = &crowd.narrator.moments;
    for (zone, change) in &moments.clock_changes {
        let near = |at: i64| (at - change.as_millisecond()).abs() < 3 * 3_600_000;
        assert!(events.iter().filter(|event| near(event.at)).count() > 20, "nothing where the clock of {zone} changes");
    }
    let three_weeks = BEGAN - 21 * 86_400_000;
    assert!(events.iter().any(|event| event.at < three_weeks && !event.context.source.has_token()));
    assert!(events.iter().any(|event| event.clock_ahead > 3_600_000));
    assert!(events.iter().any(|event| event.clock_ahead < -3_600_000));
    assert!(batches.iter().all(|batch| batch.events.iter().all(|event| event.context == batch.context)));
    assert!(events.iter().all(|event| !(event.context.source.name() == "origin" && moments.needs_import(event.at))));
}
