//! The signals that the demo's banners send: a TCF banner that was behind the rule of 2026-02-28 until its release of November
//! and now and then keeps an old string, a tag manager that is told too much by one site, and browsers with Global Privacy Control.

use crate::visitors::event::{Event, Kind, Method, Signals};

/// Core segments of TC strings in which every purpose is granted, or none, after their version and two times, which [`dated`] puts
/// before; and the segments of vendors disclosed and of the publisher's own purposes.
const GRANTED: &str = "EsABBENB4FoAP_gAEIAAAYgF5wAoAAgAEAvMAAAAAAA";
const REFUSED: &str = "EsABBENB4FgAAAAAAAAAAYgAAAAAAAA";
const DISCLOSED: &str = "IAEMEAAA.YAAAAAAAAAAA";

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A core segment created and updated at `at` (milliseconds since 1970): tenths of a second in 36 bits, six characters each.
fn dated(core: &str, at: i64) -> String {
    let tenths = at / 100;
    let time: String = (0..6).rev().map(|n| char::from(BASE64URL[(tenths >> (6 * n) & 63) as usize])).collect();
    format!("C{time}{time}{core}")
}

/// Puts the site's signals into a decision. They follow from it alone.
pub(super) fn put(event: &mut Event, host: &str) {
    let Kind::Decided(method) = event.kind else { return };
    // Bits of the id that nothing else depends on: of a hundred decisions, these.
    let of_hundred = |shift: u32| (event.id.as_u128() >> shift) as u32 % 1000 / 10;
    let grants = |category: &str| {
        let named = event.categories.iter().find(|(name, _)| *name == category).map(|(_, granted)| *granted);
        let is_of_it =
            |slug: &str| matches!((slug, category), ("ad-network", "marketing") | ("web-analytics", "statistics"));
        named.or_else(|| event.services.iter().find(|(slug, _)| is_of_it(slug)).map(|(_, granted)| *granted))
    };
    let mut signals = Signals { gpc: event.context.country == Some("US") && of_hundred(24) < 18, ..Signals::default() };
    let is_new = event.banner_version == Some("2026-11-01");
    if host == "news.example" {
        let is_stale = of_hundred(30) < if is_new { 1 } else { 6 };
        let granted = event.services.iter().any(|(_, granted)| *granted) || method == Method::AcceptAll;
        let core = dated(if granted != is_stale { GRANTED } else { REFUSED }, event.at / 86_400_000 * 86_400_000);
        signals.tcf = Some(if is_new { format!("{core}.{DISCLOSED}") } else { core });
    }
    if matches!(host, "news.example" | "travel.example") {
        let too_much = host == "travel.example" && of_hundred(36) < 4;
        let mode = |granted: Option<bool>| if granted == Some(true) { "granted" } else { "denied" };
        let ads = mode(grants("marketing").map(|granted| granted || too_much));
        signals.consent_mode = vec![
            ("ad_storage", ads),
            ("ad_user_data", ads),
            ("ad_personalization", ads),
            ("analytics_storage", mode(grants("statistics"))),
        ];
    }
    event.signals = signals;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_carries_its_day() {
        // 2026-11-01, as @iabtechlabtcf/core writes it.
        assert_eq!(dated(REFUSED, 1_793_491_200_000), "CQtAQoAQtAQoAEsABBENB4FgAAAAAAAAAAYgAAAAAAAA");
    }
}
