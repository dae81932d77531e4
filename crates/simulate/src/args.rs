//! The arguments of `avow simulate`.

use jiff::SignedDuration;
use std::path::PathBuf;
use std::time::Duration;

/// Sends realistic visitors to a running server, and says exactly what its dashboard must show then.
#[derive(Debug, Clone, clap::Args)]
pub struct SimulateArgs {
    /// Address of the server.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// A token of scope `admin`: the sites are created, and history is imported, with it.
    #[arg(long, env = "AVOW_ADMIN_TOKEN", hide_env_values = true)]
    pub token: String,
    /// How many sites to create; their names follow from the seed.
    #[arg(long, default_value_t = 1, conflicts_with = "site")]
    pub sites: usize,
    /// One site of this name, created or replaced. The totals are right only if it has no events yet.
    #[arg(long)]
    pub site: Option<String>,
    /// Distinct events in all. Default: 10,000, or without end where a rate or a duration is given.
    #[arg(long)]
    pub events: Option<u64>,
    /// Events per second, as they happen. Default: as fast as the server takes them, spread over the last weeks.
    #[arg(long)]
    pub rate: Option<f64>,
    /// How long to go on, such as `90s` or `2h`.
    #[arg(long, value_parser = duration)]
    pub duration: Option<Duration>,
    /// Days of history, sent as an import. Default: 60, or none where a rate or a duration is given.
    #[arg(long)]
    pub days: Option<u32>,
    /// Where the visitors come from; the same seed gives the same visitors. Default: another one each time.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Share of the events that are sent again under the same key, such as 0.02.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub duplicates: f64,
    /// Where to write the totals that the server must show, as JSON.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Sends nothing: asks the server for everything in this totals file and lists what differs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "events", "rate", "duration"])]
    pub check: Option<PathBuf>,
    /// Requests on their way at once.
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// Events per request, about; at most 500. Default: by the number of events.
    #[arg(long)]
    pub batch: Option<usize>,
    /// Only plain visits: no withdrawals, wrong clocks, late events, changes of settings and the like.
    #[arg(long)]
    pub simple: bool,
    /// For servers under faults, which may learn late of new settings and bring what waits in a spool late into the log: no
    /// change of settings half-way, and only copies that are the same in everything.
    #[arg(long)]
    pub under_faults: bool,
    /// The header that the server trusts for the visitor's country (its `AVOW_INGEST__COUNTRY_HEADER`), such as
    /// `CF-IPCountry`. Default: every country is unknown.
    #[arg(long)]
    pub country_header: Option<String>,
    /// How long a change of settings takes until every process knows it; `0s` is enough for `avow serve`.
    #[arg(long, default_value = "6s", value_parser = duration)]
    pub settle: Duration,
    /// How long a request is repeated before the run fails.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub patience: Duration,
}

impl SimulateArgs {
    /// Whether events are sent as they happen, rather than as fast as possible.
    pub(crate) fn is_paced(&self) -> bool {
        self.rate.is_some() || self.duration.is_some()
    }

    /// Days of history, with the default.
    pub(crate) fn days(&self) -> u32 {
        self.days.unwrap_or(if self.is_paced() { 0 } else { 60 })
    }

    /// Distinct events, with the default; nothing means without end.
    pub(crate) fn events(&self) -> Option<u64> {
        self.events.or(if self.is_paced() { None } else { Some(10_000) })
    }

    /// Events per request, with the default: enough requests for variety, large enough requests for speed.
    pub(crate) fn batch(&self) -> usize {
        self.batch.unwrap_or_else(|| match self.events() {
            Some(events) if !self.is_paced() => usize::try_from(events / 1500).unwrap_or(400).clamp(8, 400),
            _ => 4,
        })
    }

    /// The names of the sites.
    pub(crate) fn site_names(&self, seed: u64) -> Vec<String> {
        match &self.site {
            Some(site) => vec![site.clone()],
            None => (0..self.sites.max(1)).map(|index| format!("s{index}-{seed:x}.sim.example")).collect(),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let signed: SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(signed).map_err(|error| format!("{error}"))
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share lies between 0 and 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn parse(line: &str) -> Result<SimulateArgs, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|line| line.args)
    }

    #[test]
    fn the_documented_line_parses() {
        let args = parse(
            "x --url http://h --token t --sites 50 --events 1000000 --rate 10 --duration 90s --days 90 --seed 7 \
             --duplicates 0.02 --out f",
        )
        .unwrap();
        assert_eq!((args.sites, args.duration, args.days()), (50, Some(Duration::from_secs(90)), 90));
        assert_eq!(args.site_names(255)[49], "s49-ff.sim.example");
        assert!(parse("x --token t --sites 2 --site a.example").is_err());
        assert!(parse("x --token t --duplicates 2").is_err());
        assert_eq!(parse("x --token t --site a.example").unwrap().site_names(1), ["a.example"]);
    }
}
