//! `avow catalog`: the service catalogue, and the operator's own entries in it.

mod diff;
mod gvl;
mod ocd;

use std::io::{IsTerminal as _, Read as _, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use avow_schemas::catalog::{Catalog, Service};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use self::diff::Diff;
use super::table;
use crate::cli::ServerArgs;
use crate::client::{Server, print_json};
use crate::config::Config;

/// What the server takes at once: so many entries, and of their JSON less than its 8 MiB.
const AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 4 << 20;
/// What shipped entries call themselves.
const SHIPPED: &str = "avow";

#[derive(Args)]
pub struct CatalogArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// All services of the running server; where none answers, those that this program ships.
    List {
        #[arg(long)]
        json: bool,
    },
    /// One service's whole entry, as JSON.
    Show {
        /// Its slug, such as chaport.
        slug: String,
        /// en, fr, de or es; all: the entry as it is kept, each text in all its languages.
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Puts entries of your own into the catalogue: a JSON object or a list of them (schemas/catalog/README.md says which fields).
    Add(FileArgs),
    /// Takes back what you said of a service; a shipped entry is in force again.
    Remove { slug: String },
    /// Brings in another list of services, with what would change to be looked at first.
    Import {
        #[command(subcommand)]
        list: List,
    },
}

#[derive(Subcommand)]
enum List {
    /// The IAB Global Vendor List (JSON, versions 2 and 3): each vendor becomes the service iab-<number>.
    Gvl(FileArgs),
    /// The Open Cookie Database (CSV or JSON): each platform becomes a service ocd-<name> with its cookies.
    Ocd(FileArgs),
}

#[derive(Args)]
struct FileArgs {
    /// The file; - for standard input.
    file: PathBuf,
    /// Says what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Does not ask.
    #[arg(long, short)]
    yes: bool,
    /// Takes back what came from the same list before and is not in the file any more.
    #[arg(long)]
    prune: bool,
}

pub async fn run(config: &Config, args: CatalogArgs) -> anyhow::Result<()> {
    match args.action {
        Action::List { json } => {
            list(&lines(config, &args.server).await?, json);
            Ok(())
        }
        Action::Show { slug, language } => show(config, &args.server, &slug, &language).await,
        Action::Add(file) => {
            let given: Value = serde_json::from_str(&read(&file.file)?).context("this is no JSON")?;
            let entries = if let Value::Array(entries) = given { entries } else { vec![given] };
            put(config, &args.server, "operator", entries, &file).await
        }
        Action::Remove { slug } => {
            Server::of(config, &args.server)?.send(Method::DELETE, &format!("/api/v1/services/{slug}"), None).await?;
            println!("{slug}: what you said of it is taken back");
            Ok(())
        }
        Action::Import { list: List::Gvl(file) } => {
            let entries = gvl::entries(&read(&file.file)?)?;
            put(config, &args.server, gvl::ORIGIN, entries, &file).await
        }
        Action::Import { list: List::Ocd(file) } => {
            let read = ocd::entries(&read(&file.file)?)?;
            for line in &read.left_out {
                eprintln!("left out: {line}");
            }
            put(config, &args.server, ocd::ORIGIN, read.entries, &file).await
        }
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        stdin().read_to_string(&mut text).context("reading standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

/// The lines of a running server; where none answers and none was named, of what this program ships.
async fn lines(config: &Config, args: &ServerArgs) -> anyhow::Result<Vec<Value>> {
    let asked = match Server::of(config, args) {
        Ok(server) => all(&server, "language=en").await,
        Err(error) => Err(error),
    };
    match asked {
        Err(_) if args.url.is_none() => {
            eprintln!("no server answers: these are the services that this program ships");
            let catalog = Catalog::builtin();
            let line = |service: &Service| {
                json!({
                    "slug": service.slug, "name": service.name, "category": service.category(), "origin": SHIPPED,
                    "operator": service.operator.as_ref().map(|operator| &operator.name),
                })
            };
            Ok(catalog.iter().map(line).collect())
        }
        asked => asked,
    }
}

/// Every line of `/api/v1/services`.
async fn all(server: &Server, more: &str) -> anyhow::Result<Vec<Value>> {
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = server.get(&format!("/api/v1/services?limit=1000&{more}{cursor}")).await?;
        if let Some(Value::Array(services)) = page.get_mut("services").map(Value::take) {
            lines.extend(services);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(lines),
        }
    }
}

fn list(lines: &[Value], as_json: bool) {
    if as_json {
        print_json(&json!({"services": lines}));
        return;
    }
    let mut table = table(["slug", "name", "category", "operator", "from"]);
    for line in lines {
        let text = |key: &str| line[key].as_str().unwrap_or("unknown").to_owned();
        table.add_row(["slug", "name", "category", "operator", "origin"].map(text));
    }
    println!("{table}");
}

async fn show(config: &Config, args: &ServerArgs, slug: &str, language: &str) -> anyhow::Result<()> {
    let asked = match Server::of(config, args) {
        Ok(server) => server.get(&format!("/api/v1/services/{slug}?language={language}")).await,
        Err(error) => Err(error),
    };
    let shipped = || Catalog::builtin().localized(slug, language);
    match asked {
        Ok(entry) => print_json(&entry),
        Err(error) if args.url.is_some() => return Err(error),
        Err(_) => match shipped() {
            Some(entry) => print_json(&entry),
            None => bail!("the catalogue has no service {slug:?}; `avow catalog list` shows all"),
        },
    }
    Ok(())
}

/// Puts entries of one origin, once what would change was looked at.
async fn put(
    config: &Config,
    args: &ServerArgs,
    origin: &str,
    entries: Vec<Value>,
    how: &FileArgs,
) -> anyhow::Result<()> {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    let parse = |entry: Value| Service::parse_brief(entry, today).map_err(anyhow::Error::from);
    let services = entries.into_iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    let server = Server::of(config, args)?;
    let known = all(&server, "entries=true").await?;
    let diff = Diff::between(&known, &services, origin)?;
    print!("{diff}");
    let gone = if how.prune { diff.gone.as_slice() } else { &[] };
    if how.dry_run || (diff.changing() == 0 && gone.is_empty()) {
        println!("nothing was changed");
        return Ok(());
    }
    if !how.yes && stdin().is_terminal() && !agreed(diff.changing() + gone.len())? {
        bail!("nothing was changed");
    }
    let changing = services.iter().filter(|service| diff.changes(service.slug.as_str()));
    let changing = changing.map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let mut done = 0;
    for some in batches(&changing) {
        let body = json!({"origin": origin, "entries": some});
        server.send(Method::POST, "/api/v1/services", Some(&body)).await?;
        done += some.len();
        if changing.len() > some.len() {
            eprintln!("{done} of {} entries put", changing.len());
        }
    }
    for slug in gone {
        server.send(Method::DELETE, &format!("/api/v1/services/{slug}"), None).await?;
    }
    println!("{} entries put, {} taken back", changing.len(), gone.len());
    Ok(())
}

/// The entries in requests that the server takes.
fn batches(entries: &[Value]) -> impl Iterator<Item = &[Value]> {
    let mut bytes = 0;
    let mut count = 0;
    entries.chunk_by(move |before, next| {
        (bytes, count) = (bytes + before.to_string().len(), count + 1);
        let together = count < AT_ONCE && bytes + next.to_string().len() <= BYTES_AT_ONCE;
        if !together {
            (bytes, count) = (0, 0);
        }
        together
    })
}

fn agreed(changes: usize) -> anyhow::Result<bool> {
    print!("Change {changes} entries? [y/N] ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_what_the_server_takes() {
        let sizes = |entries: &[Value]| batches(entries).map(<[Value]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&vec![json!(1); 2 * AT_ONCE + 1]), [AT_ONCE, AT_ONCE, 1]);
        let large = json!("x".repeat(BYTES_AT_ONCE / 3));
        assert_eq!(sizes(&[large.clone(), large.clone(), large, json!(1)]), [2, 2]);
        assert!(sizes(&[]).is_empty());
    }
}
