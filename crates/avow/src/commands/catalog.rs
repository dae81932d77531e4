//! `avow catalog`: the service catalogue that this program ships.

use anyhow::bail;
use avow_schemas::catalog::Catalog;
use clap::{Args, Subcommand};

use super::table;
use crate::client::print_json;

#[derive(Args)]
pub struct CatalogArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// All services.
    List {
        #[arg(long)]
        json: bool,
    },
    /// One service's whole entry, as JSON.
    Show {
        /// Its slug, such as chaport.
        slug: String,
        /// en, fr, de or es.
        #[arg(long, default_value = "en")]
        language: String,
    },
}

pub fn run(args: CatalogArgs) -> anyhow::Result<()> {
    let catalog = Catalog::builtin();
    match args.action {
        Action::List { json } => {
            let mut table = table(["slug", "name", "category", "operator"]);
            let mut lines = Vec::new();
            for service in catalog.iter() {
                let operator = service.operator.as_ref().map_or("unknown", |operator| &operator.name);
                table.add_row([service.slug.as_str(), &service.name, service.category(), operator]);
                lines.push(
                    serde_json::json!({"slug": service.slug, "name": service.name, "category": service.category()}),
                );
            }
            if json {
                print_json(&serde_json::json!({"services": lines}));
            } else {
                println!("{table}");
            }
            Ok(())
        }
        Action::Show { slug, language } => match catalog.localized(&slug, &language) {
            Some(entry) => {
                print_json(&entry);
                Ok(())
            }
            None => bail!("the catalogue has no service {slug:?}; `avow catalog list` shows all"),
        },
    }
}
