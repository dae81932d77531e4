//! `avow signals`: what a TC or GPP string says, and whether it is valid.

use std::io::{BufRead as _, BufWriter, Write as _, stdin, stdout};

use avow_signals::{Gpp, Tcf, TcfError};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Args)]
pub struct SignalsArgs {
    /// TC or GPP strings; without any, one per line of standard input. Each is answered by one line of JSON.
    strings: Vec<String>,
    /// When they were sent, RFC 3339: a TC string must not be younger. Now by default.
    #[arg(long)]
    at: Option<Timestamp>,
}

pub fn run(args: &SignalsArgs) -> anyhow::Result<()> {
    let at = args.at.unwrap_or_else(Timestamp::now).as_millisecond();
    let mut out = BufWriter::new(stdout().lock());
    for text in &args.strings {
        writeln!(out, "{}", said(text, at))?;
    }
    if args.strings.is_empty() {
        for line in stdin().lock().lines() {
            writeln!(out, "{}", said(line?.trim(), at))?;
        }
    }
    Ok(out.flush()?)
}

/// Only a GPP string has sections.
fn said(text: &str, at: i64) -> Value {
    if text.contains('~') { of_gpp(text, at) } else { of_tcf(text, at) }
}

fn of_tcf(text: &str, at: i64) -> Value {
    match Tcf::parse(text) {
        Err(error) => json!({
            "signal": "tcf",
            "finding": if error == TcfError::Outdated { "invalid" } else { "unreadable" },
            "why": error.to_string(),
        }),
        Ok(tcf) => {
            let why = tcf.is_invalid(at);
            json!({
                "signal": "tcf",
                "finding": if why.is_some() { "invalid" } else { "valid" },
                "why": why,
                "created": Timestamp::from_millisecond(tcf.created).ok().map(|created| created.to_string()),
                "cmp_id": tcf.cmp_id,
                "purposes": tcf.purposes,
                "legitimate_interests": tcf.legitimate_interests,
                "special_features": tcf.special_features,
                "vendors": tcf.vendors,
                "disclosed_vendors": tcf.disclosed_vendors,
                "restrictions": tcf.restrictions,
            })
        }
    }
}

fn of_gpp(text: &str, at: i64) -> Value {
    let Some(gpp) = Gpp::parse(text) else {
        return json!({"signal": "gpp", "finding": "unreadable", "why": "no header, or another number of sections than it says"});
    };
    let section = |(id, text): &(u16, &str)| {
        let fields = match Gpp::section(*id, text) {
            _ if *id == Gpp::TCF_EU => of_tcf(text, at),
            Some(Ok(fields)) => fields,
            Some(Err(())) => json!({"finding": "unreadable"}),
            None => Value::Null,
        };
        json!({"id": id, "text": text, "fields": fields})
    };
    let unreadable = gpp.sections.iter().any(|(id, text)| matches!(Gpp::section(*id, text), Some(Err(()))));
    json!({
        "signal": "gpp",
        "finding": if unreadable { "unreadable" } else { "valid" },
        "sections": gpp.sections.iter().map(section).collect::<Vec<_>>(),
    })
}
