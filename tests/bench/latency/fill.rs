//! Very many decisions, written by the engine itself: a visitor of a number is the same on every run. A few sites have most
//! of the traffic, days have their shape, dimensions their usual shares. The roll-up is derived by the statement that
//! derives it in production. Prompts that nobody answered are a third of all; they, and whatever else is no decision, go into
//! the roll-up alone, since no question reads them from the events.

use std::time::Instant;

use anyhow::Result;
use avow_warehouse::chain::derive;

use crate::Engine;

pub const SITES: u64 = 200;
pub const DAYS: u64 = 395;
const LOG: &str = "6a1e0f52-7c55-4ba0-8a5e-1b2c00000001";
/// Decisions written at a time.
const CHUNK: u64 = 500_000;
/// One block of a table, whatever it holds.
const AT_ONCE: &str = "max_insert_threads=1&max_block_size=65536&min_insert_block_size_rows=4000000\
                       &min_insert_block_size_bytes=0&insert_deduplicate=0&async_insert=0&optimize_on_insert=0";

const COUNTRIES: &str =
    "['FR','DE','GB','ES','IT','NL','BE','US','PL','AT','CH','SE','PT','IE','DK','FI','NO','CZ','GR','RO']";
const LANGUAGES: &str =
    "['fr','de','en','es','it','nl','fr','en','pl','de','de','sv','pt','en','da','fi','nb','cs','el','ro']";
const SERVICES: &str = "['chaport','crisp','userlike','chatwoot','rocket-chat','11sight','42chat','8x8','acquire-live-chat',\
                         'activengage','ada','flowconsent']";
const CATEGORIES: &str = "['preferences','statistics','marketing','preferences']";

/// The name of a site, by its rank: number 0 has the most traffic.
pub fn site(rank: u64) -> String {
    format!("s{rank:03}.example")
}

/// Fills the tables with `decisions` that end where `end` (seconds since 1970) begins, and waits for the engine to have
/// merged what it wants to merge.
pub async fn fill(engine: &Engine, decisions: u64, end: u64) -> Result<()> {
    let begun = Instant::now();
    engine.run("DROP TABLE IF EXISTS bench_chunk", "").await?;
    engine.run("CREATE TABLE bench_chunk ENGINE = Memory AS SELECT * FROM events_data LIMIT 0", "").await?;
    for from in (0..decisions).step_by(usize::try_from(CHUNK)?) {
        let to = decisions.min(from + CHUNK);
        engine.run("TRUNCATE TABLE bench_chunk", "").await?;
        engine.run(&chunk(from, to, decisions, end), "max_threads=2").await?;
        let marks = format!("{AT_ONCE}&param_log={LOG}&param_partition=0&param_to={to}");
        let rates = derive::rates("bench_chunk", "1");
        engine.run(&format!("INSERT INTO rates_15m_data SELECT * FROM ({rates})"), &marks).await?;
        engine.run("INSERT INTO events_data SELECT * FROM bench_chunk WHERE type = 'decided'", AT_ONCE).await?;
        if to.is_multiple_of(10 * CHUNK) || to == decisions {
            println!("  {to} decisions after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    engine.run("DROP TABLE bench_chunk", "").await?;
    while engine.run("SELECT count() FROM system.merges", "").await?.trim() != "0" {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    println!("  merged after {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn chunk(from: u64, to: u64, decisions: u64, end: u64) -> String {
    let span = DAYS * 86_400;
    let begin = end - span;
    let rows = to - from;
    // u(k) is the visitor's k-th number in [0, 1).
    let u = |k: u32| format!("(cityHash64(number, {k}) % 1000003 / 1000003)");
    let pick = |k: u32, shares: &[(u32, &str)]| {
        let mut sum = 0;
        let arms: Vec<String> = shares
            .iter()
            .map(|(share, value)| {
                sum += share;
                format!("{} * 100 < {sum}, '{value}'", u(k))
            })
            .collect();
        format!("multiIf({}, '{}')", arms.join(", "), shares.last().map_or("", |(_, value)| value))
    };
    let (site_at, days_at) = (u(1), u(2));
    let (home, other) = (u(3), u(4));
    let device = pick(5, &[(42, "desktop"), (52, "mobile"), (6, "tablet")]);
    let browser = pick(6, &[(55, "Chrome"), (25, "Safari"), (8, "Firefox"), (8, "Edge"), (4, "Samsung Internet")]);
    let desktop = pick(7, &[(70, "Windows"), (20, "macOS"), (10, "Linux")]);
    let mobile = pick(7, &[(60, "Android"), (40, "iOS")]);
    let bot = pick(8, &[(97, "no"), (2, "suspected"), (1, "declared")]);
    let method = format!(
        "multiIf({u9} < 0.4 + 0.05 * (rank % 6), 'accept_all', {u9} < 0.72 + 0.02 * (rank % 6), 'reject_all', 'save')",
        u9 = u(9)
    );
    format!(
        "INSERT INTO bench_chunk (site, subject, occurred_at, id, kind, type, log_id, partition, position, logged_at, \
         received_at, source, banner_version, language, variant, regime, method, country, region, device, browser, os, bot, \
         prompt, effort_ms, decision, opted_in, pair_service, pair_category, pair_state, pair_disclosure, category_name, \
         category_state, config_version) \
         WITH \
           {SERVICES} AS all_services, {CATEGORIES} AS all_categories, \
           toUInt32(floor(pow({SITES} + 1, {site_at})) - 1) AS rank, \
           (number + {days_at}) / {decisions} * {DAYS} AS day_at, \
           day_at - floor(day_at) AS of_day, \
           {begin} + 86400 * (floor(day_at) + least(0.999999, greatest(0, of_day + 0.12 * sin(2 * pi() * of_day)))) AS at, \
           toUInt32(if({home} < 0.7, rank % 8, floor(20 * {other} * {other}))) AS place, \
           {method} AS method_of, {device} AS device_of, \
           arrayMap(j -> (rank * 5 + j * 7) % 12 + 1, range(3 + rank % 6)) AS chosen, \
           arrayMap(j -> all_services[j], chosen) AS services_of, \
           arrayMap(j -> all_categories[(j - 1) % 4 + 1], chosen) AS categories_of, \
           arrayMap(j -> multiIf(method_of = 'accept_all', 'granted', method_of = 'reject_all', 'denied', \
             bitTest(cityHash64(number, 10), j), 'granted', 'denied'), chosen) AS states_of, \
           arrayDistinct(categories_of) AS names_of, \
           arrayMap(name -> arrayDistinct(arrayFilter((state, of) -> of = name, states_of, categories_of)), names_of) AS said, \
           arrayJoin(multiIf(number % 100 < 52, ['shown', 'decided'], number % 100 < 99, ['shown', 'decided', 'shown'], \
             ['shown', 'decided', 'withdrawn'])) AS what, \
           what = 'decided' AS is_decided \
         SELECT concat('s', leftPad(toString(rank), 3, '0'), '.example'), \
           UUIDNumToString(toFixedString(MD5(toString(number)), 16)), fromUnixTimestamp64Milli(toInt64(at * 1000), 'UTC'), \
           generateUUIDv4(), 'event', what, '{LOG}', 0, number, fromUnixTimestamp64Milli(toInt64(at * 1000), 'UTC'), \
           fromUnixTimestamp64Milli(toInt64(at * 1000), 'UTC'), 'beacon', \
           concat('v', toString(intDiv(toUInt32(floor(day_at)) + rank * 7, 45))), \
           {LANGUAGES}[place + 1], if(rank % 3 = 0, if(number % 2 = 0, 'A', 'B'), ''), if(place = 7, 'opt_out', 'opt_in'), \
           if(is_decided, method_of, ''), {COUNTRIES}[place + 1], 'unknown', device_of, {browser}, \
           if(device_of = 'desktop', {desktop}, {mobile}), {bot}, 'first', if(is_decided, 800 + cityHash64(number, 11) % 9000, NULL), \
           is_decided, is_decided AND has(states_of, 'granted'), \
           if(what = 'shown', [], services_of), if(what = 'shown', [], categories_of), \
           multiIf(what = 'shown', [], is_decided, states_of, arrayMap(j -> 'withdrawn', chosen)), \
           if(what = 'shown', [], arrayMap(j -> 'named', chosen)), \
           if(what = 'shown', [], names_of), \
           multiIf(what = 'shown', [], is_decided, arrayMap(of -> if(length(of) > 1, 'partial', of[1]), said), \
             arrayMap(name -> 'withdrawn', names_of)), 1 \
         FROM numbers({from}, {rows})"
    )
}
