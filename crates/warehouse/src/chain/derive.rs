//! What is derived from rows of `events_data`, whether staged or stored: both selections end with the row that carries the
//! watermark `{to:UInt64}`.

/// The hash of the idempotency key: the first 16 bytes of SHA-256(site || 0x00 || subject || id), UUIDs in their 16 bytes, a
/// subject that is none as zeros. `avow_warehouse::uniqueness::key_hash` is the same in Rust.
pub(crate) fn ids(source: &str, condition: &str) -> String {
    format!(
        "SELECT toFixedString(substring(SHA256(concat(site, char(0), UUIDStringToNum(toString(subject)), \
         UUIDStringToNum(toString(id)))), 1, 16), 16) AS hash, log_id, partition, position \
         FROM {source} WHERE kind IN ('event', 'control') AND {condition} \
         UNION ALL SELECT toFixedString('', 16), {{log:UUID}}, {{partition:UInt32}}, {{to:UInt64}}"
    )
}

/// The roll-up of `docs/metrics.md`, "Counts", twice: by quarters of an hour and every dimension, and by hours and the few
/// dimensions that [`BY_HOUR`] keeps.
pub fn rates(source: &str, condition: &str) -> String {
    let quarters = quarters(source, condition);
    let hours = hours(&quarters);
    format!(
        "{quarters} UNION ALL {hours} \
         UNION ALL SELECT '', '', toDateTime(0, 'UTC'), toString({{partition:UInt32}}), toString({{log:UUID}}), \
           '', '', '', '', '', '', '', '', '', '', '', '', '', \
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {{to:UInt64}}"
    )
}

/// An event is unfolded into its total, its services, its categories and its signals (a signal's name stands in `service`, what
/// it was found to be in `category`), and each of these is a row: the table's own merges
/// sum rows of one key. (Summing here too costs more than it saves: 100,000 simulated events unfold to 380,000 rows of 290,000
/// keys, of 145,000 even if all happen in one quarter of an hour.) Pairs of events that are no decisions are counted only
/// where they are withdrawals.
fn quarters(source: &str, condition: &str) -> String {
    format!(
        "SELECT site, unfolded.1 AS grain, quarter_of AS quarter, unfolded.2 AS service, unfolded.3 AS category, \
         country, region, device, browser, os, language_of AS language, banner_version_of AS banner_version, \
         variant_of AS variant, method, prompt, regime, source, bot_of AS bot, \
         grain = 'total' AND type = 'shown' AND prompt != 'user_opened' AS shown, \
         grain IN ('total', 'signal') AND decision = 1 AS decisions, \
         decisions AND method = 'accept_all' AS accept_all, \
         decisions AND method = 'reject_all' AS reject_all, \
         decisions AND method = 'save' AS custom, \
         grain = 'total' AND type = 'decided' AND method = 'dismiss' AND prompt != 'user_opened' AS dismissed, \
         grain = 'total' AND type = 'decided' AND method IN ('gpc', 'api') AS automatic, \
         type = 'withdrawn' AND (grain = 'total' OR unfolded.4 = 'withdrawn') AS withdrawals, \
         decisions AND opted_in_of = 1 AS opted_in, \
         decision = 1 AND unfolded.4 = 'granted' AS granted, \
         decision = 1 AND unfolded.4 = 'denied' AS denied, \
         decision = 1 AND unfolded.4 = 'partial' AS partial, \
         decision = 1 AND unfolded.4 = 'undecided' AS undecided, \
         decision = 1 AND unfolded.4 = 'not_disclosed' AS not_disclosed, \
         unfolded.4 = 'observed_without_consent' AS observed_without_consent, \
         grain = 'total' AND type = 'loaded' AS loaded, \
         loaded AND state IN ('granted', 'partial') AS loaded_with_consent, \
         0 AS upto \
         FROM (SELECT site, country, region, device, browser, os, method, prompt, regime, source, type, decision, state, \
           opted_in AS opted_in_of, toStartOfFifteenMinutes(toDateTime(occurred_at, 'UTC')) AS quarter_of, \
           if(bitAnd(overflow, 1) != 0, 'other', language) AS language_of, \
           if(bitAnd(overflow, 2) != 0, 'other', banner_version) AS banner_version_of, \
           if(bitAnd(overflow, 4) != 0, 'other', variant) AS variant_of, \
           if(bot = 'no', 'no', 'yes') AS bot_of, \
           arrayConcat([('total', '', '', '')], \
             arrayMap((s, c, st) -> ('service', s, c, st), pair_service, pair_category, pair_state), \
             arrayMap((c, st) -> ('category', '', c, st), category_name, category_state), \
             arrayMap((s, f) -> ('signal', s, f, ''), signal_name, signal_finding)) AS unfolding \
           FROM {source} WHERE kind = 'event' AND {condition}) \
         ARRAY JOIN unfolding AS unfolded \
         WHERE shown OR decisions OR dismissed OR automatic OR withdrawals OR granted OR denied OR partial OR undecided \
           OR not_disclosed OR observed_without_consent OR loaded"
    )
}

/// What a row of an hour is called: its grain, and this.
pub(crate) const BY_HOUR: &str = "_1h";

/// The roll-up's counts, in its order.
const COUNTS: [&str; 17] = [
    "shown",
    "decisions",
    "accept_all",
    "reject_all",
    "custom",
    "dismissed",
    "automatic",
    "withdrawals",
    "opted_in",
    "granted",
    "denied",
    "partial",
    "undecided",
    "not_disclosed",
    "observed_without_consent",
    "loaded",
    "loaded_with_consent",
];

/// The same counts for what is asked most, the rate of a site, service or category over time: rows of an hour, with the other
/// dimensions left empty. A range of the log has few of them, since it is of few hours, so they are summed here. A total has
/// the pairs of all its services besides, so that a rate over all of them takes no other rows.
fn hours(quarters: &str) -> String {
    let sums = COUNTS.map(|count| match count {
        // Of an event, not of its pairs.
        "withdrawals" => "sumIf(withdrawals, of = grain)".to_owned(),
        count => format!("sum({count})"),
    });
    format!(
        "SELECT site, concat(of, '{BY_HOUR}'), toStartOfHour(quarter), if(of = 'total', '', service) AS service_of, \
         if(of = 'total', '', category) AS category_of, '', '', '', '', '', '', banner_version, '', '', '', regime, '', bot, \
         {}, 0 FROM ({quarters}) ARRAY JOIN if(grain = 'service', ['service', 'total'], [grain]) AS of \
         GROUP BY site, of, toStartOfHour(quarter), service_of, category_of, banner_version, regime, bot",
        sums.join(", ")
    )
}
