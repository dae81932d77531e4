//! What a path of the page shows: its sites and its days, as `api/web/src/view/state.ts` reads them.

use avow_schemas::people::SharedPeriod;
use jiff::civil::Date;

use crate::problem::Problem;

/// The pages that show numbers, with what may follow.
const PAGES: &[&str] =
    &["/", "/segments", "/sites", "/services", "/experiments", "/fairness", "/bridge", "/promise", "/signals", "/live"];
const LONGEST: usize = 2_000;
/// What the page shows where its address names no period.
const PRESET: SharedPeriod = SharedPeriod::Last(28);

/// A view to be shared.
#[derive(Debug, PartialEq, Eq)]
pub struct View {
    /// As they are named; none: all.
    pub sites: Vec<String>,
    pub period: SharedPeriod,
}

/// Reads a path with its query string.
///
/// # Errors
/// 422 for what is no page that shows numbers.
pub fn read(path: &str) -> Result<View, Problem> {
    let no_view = |detail: &str| Problem::unprocessable("invalid_value", detail).at("/path");
    let (page, query) = path.split_once('?').unwrap_or((path, ""));
    let is_page = PAGES.contains(&page) || page.strip_prefix("/services/").is_some_and(|slug| !slug.contains('/'));
    if !is_page || path.len() > LONGEST || path.chars().any(|c| c.is_control() || c == '#' || c == '\\') {
        return Err(no_view("path must be that of a page that shows numbers, with its query string"));
    }
    let (mut sites, mut from, mut to, mut period) = (Vec::new(), None, None, None);
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "site" if !value.is_empty() && !sites.iter().any(|site| *site == value) => sites.push(value.into_owned()),
            "from" => from = from.or(day(&value)),
            "to" => to = to.or(day(&value)),
            "period" => period = period.or(preset(&value)),
            _ => {}
        }
    }
    let days = from.zip(to).map(|(from, to)| if from <= to { (from, to) } else { (to, from) });
    let days = days.map(|(from, to)| SharedPeriod::Days(from.to_string(), to.to_string()));
    Ok(View { sites, period: days.or(period).unwrap_or(PRESET) })
}

fn day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}

fn preset(name: &str) -> Option<SharedPeriod> {
    let days = match name {
        "today" => 1,
        "7d" => 7,
        "28d" => 28,
        "90d" => 90,
        "12m" => 366,
        _ => return None,
    };
    Some(SharedPeriod::Last(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_read_as_the_page_reads_it() {
        let days = |from: &str, to: &str| SharedPeriod::Days(from.into(), to.into());
        for (path, sites, period) in [
            ("/", &[][..], PRESET),
            ("/?site=b.example&site=a.example&site=b.example", &["b.example", "a.example"], PRESET),
            ("/?from=2026-11-01&to=2026-11-10&period=7d", &[], days("2026-11-01", "2026-11-10")),
            ("/services?from=2026-11-10&to=2026-11-01", &[], days("2026-11-01", "2026-11-10")),
            ("/services/chaport?from=2026-11-31&to=2026-11-01&period=90d", &[], SharedPeriod::Last(90)),
            ("/live?site=shop%2Eexample", &["shop.example"], PRESET),
        ] {
            let sites = sites.iter().map(|site| (*site).to_owned()).collect();
            assert_eq!(read(path).unwrap(), View { sites, period }, "{path}");
        }
        for path in
            ["", "/settings", "//evil.example", "https://evil.example/", "/services/a/b", "/?x#y", "/audit?site=a"]
        {
            assert!(read(path).is_err(), "{path}");
        }
    }
}
