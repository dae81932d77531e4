//! `consent_rate`: the consent rate of a block of hours lies outside of what is usual for that block of the week. Usual is the
//! median of the same blocks of the weeks before, and so many scaled median absolute deviations to each side; the rate is
//! outside only where its whole interval (Wilson, 95 %) is. Two blocks in a row on the same side open an alert; a block that
//! is back in two thirds of the band closes it. Opt-in alone, without bots.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use avow_schemas::alert::{ConsentRateRule, Rule, RuleSettings};
use avow_warehouse::query::wilson;
use avow_warehouse::watch::ConsentBlock;
use serde_json::{Value, json};

use super::statistics::{Band, Side, as_f64, side};
use super::{Look, Matter, Verdict, written};
use crate::ProcessorError;

/// How long after its end a block is judged, in seconds: what visitors did last is on its way.
const GRACE: i64 = 300;
/// A deviation of a week's rate that nobody wonders at.
const LEAST: f64 = 0.005;
/// After so many rounds a block is judged again: something may have come late.
const ROUNDS: u32 = 15;

/// What has been judged.
#[derive(Default)]
pub(super) struct Consent {
    /// By the length of blocks in hours and the weeks that are looked at: the end of the newest block, and the round.
    judged: HashMap<(u32, u32), (i64, u32)>,
    round: u32,
}

/// The counts of a block by week; 0 is the block itself.
type Weeks = BTreeMap<u32, ConsentBlock>;

/// What a block says.
struct Judged {
    side: Side,
    /// Whether it is back in the inner band.
    is_usual: bool,
    seen: Value,
    expected: Value,
}

impl Consent {
    pub(super) async fn look(&mut self, look: &Look<'_>) -> Result<Vec<(Matter, Verdict)>, ProcessorError> {
        self.round += 1;
        let mut verdicts = Vec::new();
        let directory = look.context.control.directory();
        let mut groups: BTreeMap<(u32, u32), Vec<(String, ConsentRateRule)>> = BTreeMap::new();
        for (site, _) in directory.sites() {
            let RuleSettings::ConsentRate(rule) = look.settings(Rule::ConsentRate, site.as_str()) else { continue };
            if rule.enabled {
                groups.entry((rule.block_hours, rule.weeks)).or_default().push((site.to_string(), rule));
            } else if look.open(&matter(site.as_str())).is_some() {
                verdicts.push((matter(site.as_str()), Verdict::Right { seen: json!({"enabled": false}) }));
            }
        }
        for ((hours, weeks), sites) in groups {
            let length = i64::from(hours) * 3600;
            let now = look.now / 1000 - GRACE;
            let end = now - now.rem_euclid(length);
            let is_judged = self
                .judged
                .get(&(hours, weeks))
                .is_some_and(|(upto, round)| *upto == end && self.round < round + ROUNDS);
            if !is_judged {
                verdicts.extend(judge_all(look, &sites, (end, length, weeks)).await?);
                self.judged.insert((hours, weeks), (end, self.round));
            }
        }
        Ok(verdicts)
    }
}

fn matter(site: &str) -> Matter {
    Matter { rule: Rule::ConsentRate, site: site.to_owned(), about: String::new() }
}

async fn judge_all(
    look: &Look<'_>,
    sites: &[(String, ConsentRateRule)],
    (end, length, weeks): (i64, i64, u32),
) -> Result<Vec<(Matter, Verdict)>, ProcessorError> {
    let names: BTreeSet<&str> = sites.iter().map(|(site, _)| site.as_str()).collect();
    let mut by_end: Vec<HashMap<String, Weeks>> = Vec::new();
    for end in [end, end - length] {
        let mut of_site: HashMap<String, Weeks> = HashMap::new();
        for block in look.context.warehouse.consent_blocks(end, length, weeks).await? {
            if names.contains(block.site.as_str()) {
                of_site.entry(block.site.clone()).or_default().insert(block.weeks_ago, block);
            }
        }
        by_end.push(of_site);
    }
    let mut verdicts = Vec::new();
    for (site, rule) in sites {
        let block = |place: usize, end: i64| judge(by_end[place].get(site)?, rule, (end - length, end));
        let Some(newest) = block(0, end) else { continue };
        let matter = matter(site);
        if let Some(alert) = look.open(&matter) {
            // Of what came after it opened alone.
            if newest.is_usual && (end - length) * 1000 > alert.since {
                verdicts.push((matter, Verdict::Right { seen: newest.seen }));
            }
        } else if newest.side != Side::Within
            && let Some(before) = block(1, end - length).filter(|before| before.side == newest.side)
        {
            let mut seen = newest.seen;
            seen["block_before"] = before.seen;
            let since = (end - 2 * length) * 1000;
            verdicts.push((matter, Verdict::Off { since, seen, expected: newest.expected }));
        }
    }
    Ok(verdicts)
}

/// Judges a block; nothing where it, or the weeks before, say too little.
fn judge(weeks: &Weeks, rule: &ConsentRateRule, (from, to): (i64, i64)) -> Option<Judged> {
    let says = |block: &&ConsentBlock| block.decisions >= rule.min_decisions && block.granted + block.denied > 0;
    let own = weeks.get(&0).filter(says)?;
    let before: Vec<f64> = weeks.range(1..).map(|(_, block)| block).filter(says).map(rate).collect();
    if before.len() < usize::try_from(rule.min_weeks).ok()? {
        return None;
    }
    let band = Band::of(&before, rule.band, LEAST)?;
    let (own_rate, interval) = (rate(own), wilson(rate(own), own.decisions)?);
    let side = side(band, interval);
    let seen = json!({
        "consent_rate": own_rate, "low": interval.low, "high": interval.high, "decisions": own.decisions,
        "granted": own.granted, "denied": own.denied, "from": written(from * 1000), "to": written(to * 1000),
        "side": match side { Side::Below => "below", Side::Within => "within", Side::Above => "above" },
    });
    let expected = json!({
        "method": "same_block_median_mad", "median": band.middle, "low": band.low, "high": band.high.min(1.0),
        "weeks": before.len(), "rates": before,
        "threshold": {"band": rule.band, "block_hours": rule.block_hours, "min_decisions": rule.min_decisions},
    });
    Some(Judged { side, is_usual: side == Side::Within && band.inner().has(own_rate), seen, expected })
}

fn rate(block: &ConsentBlock) -> f64 {
    as_f64(block.granted) / as_f64(block.granted + block.denied)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(rates: &[(u64, u64)]) -> Weeks {
        let block = |(week, (granted, decisions)): (u32, &(u64, u64))| {
            let (granted, decisions) = (*granted, *decisions);
            let denied = decisions - granted;
            (week, ConsentBlock { site: "a".into(), weeks_ago: week, granted, denied, decisions })
        };
        (0..).zip(rates).map(block).collect()
    }

    fn judged(rates: &[(u64, u64)]) -> Option<Judged> {
        judge(&weeks(rates), &ConsentRateRule::default(), (0, 3600))
    }

    #[test]
    fn a_block_is_judged_by_the_same_block_of_the_weeks_before() {
        let usual = [(600, 1000), (610, 1000), (590, 1000), (605, 1000), (595, 1000)];
        let with = |own: (u64, u64)| [&[own], &usual[..]].concat();
        let below = judged(&with((400, 1000))).unwrap();
        assert!(below.side == Side::Below && !below.is_usual);
        assert_eq!(judged(&with((800, 1000))).unwrap().side, Side::Above);
        assert!(judged(&with((603, 1000))).unwrap().is_usual);
        // Not far enough out for so few decisions, and not back in the inner band either.
        let near = judged(&with((56, 100))).unwrap();
        assert!(near.side == Side::Within && !near.is_usual);
    }

    #[test]
    fn too_little_says_nothing() {
        let usual = [(600, 1000); 5];
        assert!(judged(&[&[(10, 99)], &usual[..]].concat()).is_none(), "few decisions");
        assert!(judged(&[(400, 1000), (600, 1000), (600, 1000), (600, 1000)]).is_none(), "three weeks");
        assert!(judged(&[&[(0, 0)], &usual[..]].concat()).is_none(), "none");
    }
}
