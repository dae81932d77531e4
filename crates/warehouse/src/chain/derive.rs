//! What is derived from rows of `events_data`, whether staged or stored: both selections end with the row that carries the
//! watermark `{to:UInt64}`.

/// The hash of the idempotency key: the first 16 bytes of SHA-256(site || 0x00 || subject || id), UUIDs in their 16 bytes, a
/// subject that is none as zeros. `avow_warehouse::uniqueness::key_hash` is the same in Rust.
pub(super) fn ids(source: &str, condition: &str) -> String {
    format!(
        "SELECT toFixedString(substring(SHA256(concat(site, char(0), UUIDStringToNum(toString(subject)), \
         UUIDStringToNum(toString(id)))), 1, 16), 16) AS hash, log_id, partition, position \
         FROM {source} WHERE kind != 'range' AND {condition} \
         UNION ALL SELECT toFixedString('', 16), {{log:UUID}}, {{partition:UInt32}}, {{to:UInt64}}"
    )
}

/// The roll-up of `docs/metrics.md`, "Counts". A row is unfolded into its total, its services and its categories; pairs of
/// events that are no decisions are counted only where they are withdrawals.
pub(super) fn rates(source: &str, condition: &str) -> String {
    format!(
        "SELECT site, unfolded.1 AS grain, toStartOfFifteenMinutes(toDateTime(occurred_at, 'UTC')) AS quarter, \
         unfolded.2 AS service, unfolded.3 AS category, country, region, device, browser, os, \
         if(bitAnd(overflow, 1) != 0, 'other', language) AS language, \
         if(bitAnd(overflow, 2) != 0, 'other', banner_version) AS banner_version, \
         if(bitAnd(overflow, 4) != 0, 'other', variant) AS variant, \
         method, prompt, regime, source, if(bot = 'no', 'no', 'yes') AS bot, \
         countIf(grain = 'total' AND type = 'shown' AND prompt != 'user_opened') AS shown, \
         countIf(grain = 'total' AND decision = 1) AS decisions, \
         countIf(grain = 'total' AND decision = 1 AND method = 'accept_all') AS accept_all, \
         countIf(grain = 'total' AND decision = 1 AND method = 'reject_all') AS reject_all, \
         countIf(grain = 'total' AND decision = 1 AND method = 'save') AS custom, \
         countIf(grain = 'total' AND type = 'decided' AND method = 'dismiss' AND prompt != 'user_opened') AS dismissed, \
         countIf(grain = 'total' AND type = 'decided' AND method IN ('gpc', 'api')) AS automatic, \
         countIf(type = 'withdrawn' AND (grain = 'total' OR unfolded.4 = 'withdrawn')) AS withdrawals, \
         countIf(grain = 'total' AND decision = 1 AND opted_in = 1) AS opted_in, \
         countIf(decision = 1 AND unfolded.4 = 'granted') AS granted, \
         countIf(decision = 1 AND unfolded.4 = 'denied') AS denied, \
         countIf(decision = 1 AND unfolded.4 = 'partial') AS partial, \
         countIf(decision = 1 AND unfolded.4 = 'undecided') AS undecided, \
         countIf(decision = 1 AND unfolded.4 = 'not_disclosed') AS not_disclosed, \
         toUInt64(0) AS observed_without_consent, \
         countIf(grain = 'total' AND type = 'loaded') AS loaded, \
         countIf(grain = 'total' AND type = 'loaded' AND state IN ('granted', 'partial')) AS loaded_with_consent, \
         toUInt64(0) AS upto \
         FROM {source} \
         ARRAY JOIN arrayConcat([('total', '', '', '')], \
           arrayMap((s, c, st) -> ('service', toString(s), toString(c), toString(st)), pair_service, pair_category, pair_state), \
           arrayMap((c, st) -> ('category', '', toString(c), toString(st)), category_name, category_state)) AS unfolded \
         WHERE kind = 'event' AND {condition} \
         GROUP BY site, grain, quarter, service, category, country, region, device, browser, os, language, banner_version, \
           variant, method, prompt, regime, source, bot \
         HAVING shown + decisions + dismissed + automatic + withdrawals + granted + denied + partial + undecided \
           + not_disclosed + loaded > 0 \
         UNION ALL SELECT '', '', toDateTime(0, 'UTC'), toString({{partition:UInt32}}), toString({{log:UUID}}), \
           '', '', '', '', '', '', '', '', '', '', '', '', '', \
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {{to:UInt64}}"
    )
}
