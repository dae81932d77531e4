//! `avow import history FILE...`: a file goes row by row through a map ([`mapping`]) and becomes events ([`event`]), which go to the
//! server in batches ([`send`]). Ids follow from what the file says ([`ids`]), so that nothing counts twice however often it is sent.

mod choices;
mod event;
mod file;
mod ids;
mod mapping;
mod marker;
mod refusal;
mod send;
mod summary;
#[cfg(test)]
mod tests;
mod time;
mod vendors;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use self::event::Maker;
use self::file::{File, To};
use self::mapping::Mapping;
use self::marker::Marker;
use self::vendors::Vendor;
use crate::client::Server;

#[derive(Args)]
pub struct HistoryArgs {
    /// CSV with a header, NDJSON, or a JSON array; also gzip.
    #[arg(required_unless_present = "show_map")]
    files: Vec<PathBuf>,
    /// Whose export it is.
    #[arg(long, value_enum, value_name = "VENDOR")]
    from: Vendor,
    /// The site; without it the rows name it.
    #[arg(long)]
    site: Option<String>,
    /// The IANA time zone of times without an offset.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// What of a row is what of an event, where the export is another than docs/import.md says (TOML).
    #[arg(long, value_name = "FILE.toml")]
    map: Option<PathBuf>,
    /// Prints the map that is known of this vendor's export, to begin one's own with.
    #[arg(long)]
    show_map: bool,
    /// Reads the files, shows what would be sent, and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Goes on where the same command was stopped, by the note that it leaves beside each file.
    #[arg(long, conflicts_with = "dry_run")]
    resume: bool,
    /// Ends well although lines were refused.
    #[arg(long)]
    allow_refused: bool,
}

pub async fn run(server: impl FnOnce() -> anyhow::Result<Server>, args: HistoryArgs) -> anyhow::Result<()> {
    if args.show_map {
        print!("{}", args.from.map());
        return Ok(());
    }
    let map = args.map.as_ref().map(|path| read(path)).transpose()?;
    let server = if args.dry_run { None } else { Some(server()?) };
    let mut refused = 0;
    for path in &args.files {
        let mapping = Mapping::of(args.from, map.as_deref());
        let mapping = mapping.with_context(|| match &args.map {
            Some(path) => format!("with the map {}", path.display()),
            None => format!("with what is known of {}", args.from.as_str()),
        })?;
        let maker = Maker::new(args.from, mapping, args.site.clone(), args.timezone.as_deref())?;
        let file = File::open(path, maker)?;
        let to = match &server {
            None => To::Nobody,
            Some(server) => To::Server { server, marker: marker(&args, map.as_deref(), path)? },
        };
        let summary = file.import(to).await?;
        summary.print(path);
        refused += summary.refused_in_all();
    }
    if args.dry_run {
        eprintln!("nothing was sent");
    }
    if refused > 0 && !args.allow_refused {
        bail!("{refused} refused; the rest is {}", if args.dry_run { "in order" } else { "imported" });
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// Where a file stands.
fn marker(args: &HistoryArgs, map: Option<&str>, path: &Path) -> anyhow::Result<Marker> {
    let size = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.len();
    let said = [map, args.site.as_deref(), args.timezone.as_deref()].map(Option::unwrap_or_default);
    let settings = [&[args.from.as_str(), args.from.map()][..], &said[..]].concat();
    let fresh = Marker::new(&settings, size);
    if args.resume { fresh.resume(path) } else { Ok(fresh) }
}
