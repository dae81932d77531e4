//! The SQL of questions, as snapshots.

use avow_schemas::ids::SiteId;
use jiff::civil::date;

use super::filter::Test as Compare;
use super::*;

pub(super) fn question(dimensions: &[Dimension], metrics: &[Metric], interval: Option<Interval>) -> QuerySpec {
    QuerySpec {
        sites: vec![SiteId::new("shop.example").unwrap()],
        calendar: Calendar::new(date(2026, 11, 1), date(2026, 11, 2), "Europe/Paris", interval).unwrap(),
        compare: None,
        dimensions: dimensions.to_vec(),
        metrics: metrics.to_vec(),
        filters: Vec::new(),
        pair_filters: Vec::new(),
        order: Vec::new(),
        limit: 100,
        offset: 0,
        suppression: None,
        limits: Limits::default(),
    }
}

fn is(dimension: Dimension, values: &[&str]) -> Filter {
    Filter::Compare(Compare::Is, dimension, values.iter().map(ToString::to_string).collect())
}

#[test]
fn totals_read_the_total_grain_alone() {
    let spec = question(&[], &[Metric::Decisions], None);
    insta::assert_snapshot!(rollup::statement(&spec, rollup::With::default()).to_string());
}

fn beyond_whole_hours(interval: Option<Interval>) -> Calendar {
    Calendar::new(date(2026, 11, 1), date(2026, 11, 2), "Asia/Kathmandu", interval).unwrap()
}

#[test]
fn what_hours_cannot_say_is_read_from_quarters() {
    let plain = || question(&[Dimension::Time, Dimension::Service], &[Metric::ConsentRate], Some(Interval::Day));
    let sql = |spec: &QuerySpec| rollup::statement(spec, rollup::With::default()).to_string();
    assert!(sql(&plain()).contains("(grain = 'total_1h' OR (grain = 'service_1h'))"));
    let all = QuerySpec { dimensions: vec![Dimension::Time], ..plain() };
    assert!(
        rollup::statement(&all, rollup::With { pairs: true, marks: false })
            .to_string()
            .contains("(grain = 'total_1h')")
    );
    let open = QuerySpec { calendar: plain().calendar.until(1_793_621_700), ..plain() };
    insta::assert_snapshot!(sql(&open));
    for spec in [
        QuerySpec { dimensions: vec![Dimension::Country], ..plain() },
        QuerySpec { filters: vec![Filter::Not(Box::new(is(Dimension::Device, &["mobile"])))], ..plain() },
        QuerySpec { calendar: beyond_whole_hours(None), ..plain() },
        QuerySpec { calendar: beyond_whole_hours(Some(Interval::Hour)), ..plain() },
    ] {
        assert!(!sql(&spec).contains("_1h"), "{}", sql(&spec));
    }
}

#[test]
fn rows_by_service_come_with_the_totals_they_repeat() {
    let mut spec = question(
        &[Dimension::Time, Dimension::Country, Dimension::Service],
        &[Metric::ConsentRate],
        Some(Interval::Day),
    );
    spec.pair_filters = vec![is(Dimension::Category, &["preferences"])];
    spec.filters = vec![
        Filter::Compare(Compare::IsNot, Dimension::Bot, vec!["yes".into()]),
        Filter::Or(vec![
            is(Dimension::Device, &["mobile"]),
            Filter::Compare(Compare::Contains, Dimension::Language, vec!["d".into(), "'; DROP TABLE x".into()]),
        ]),
    ];
    insta::assert_snapshot!(rollup::statement(&spec, rollup::With { pairs: true, marks: true }).to_string());
}

#[test]
fn people_are_read_from_the_events() {
    let dimensions =
        [Dimension::Language, Dimension::BannerVersion, Dimension::Variant, Dimension::Bot, Dimension::Time];
    let mut spec = question(&dimensions, &[Metric::Visitors, Metric::MedianSecondsToDecide], Some(Interval::Hour));
    spec.calendar =
        Calendar::new(date(2026, 11, 1), date(2026, 11, 1), "Asia/Kathmandu", Some(Interval::Week)).unwrap();
    let marks = [("0199b0a0-0000-7000-8000-000000000000".to_owned(), [(0, 7), (2, 9)].into())].into();
    insta::assert_snapshot!(people::statement(&spec, true, &marks).to_string());
    assert!(people::statement(&spec, false, &marks).to_string().contains("uniqCombined64If(17)"));
}

#[test]
fn cohorts_are_followed_by_what_rows_are_of() {
    let metrics = [Metric::RevokedRate30d];
    let anything = question(&[Dimension::Site], &metrics, None);
    insta::assert_snapshot!("revoked_anything", revoked::statement(&anything, 0).to_string());
    let mut service = question(&[Dimension::Service, Dimension::Category], &metrics, None);
    service.pair_filters = vec![is(Dimension::Category, &["preferences"])];
    insta::assert_snapshot!("revoked_service", revoked::statement(&service, 0).to_string());
    let category = question(&[Dimension::Category], &metrics, None);
    insta::assert_snapshot!("revoked_category", revoked::statement(&category, 0).to_string());
    let by_country = question(&[Dimension::Country], &[Metric::RepromptedRate6m], None);
    insta::assert_snapshot!("reprompted", reprompted::statement(&by_country).to_string());
}
