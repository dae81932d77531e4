//! The fields of an event that its ledger leaf commits to, in the order that `schemas/leaf/v1.md` freezes.

use uuid::Uuid;

use crate::canonical::Canonical;
use crate::event::ConsentEvent;

/// Calls `field(name, value in canonical JSON)` for each field in order. The buffer is reused between fields.
pub fn each_field(event: &ConsentEvent, mut field: impl FnMut(&str, &[u8])) {
    let mut out = Canonical::default();
    let mut put = |name: &str, write: &dyn Fn(&mut Canonical)| {
        out.clear();
        write(&mut out);
        field(name, out.bytes());
    };
    fixed_fields(event, &mut put);
    let mut name = String::with_capacity(64);
    for (prefix, map) in [("categories/", &event.categories), ("services/", &event.services)] {
        for (key, value) in map {
            name.clear();
            name.push_str(prefix);
            name.push_str(key);
            put(&name, &|out| out.flag(*value));
        }
    }
}

fn text(value: Option<&str>) -> impl Fn(&mut Canonical) {
    move |out| out.or_null(value, Canonical::text)
}

fn number(value: Option<i64>) -> impl Fn(&mut Canonical) {
    move |out| out.or_null(value, Canonical::number)
}

fn id(value: Option<Uuid>) -> impl Fn(&mut Canonical) {
    move |out| out.or_null(value, |out, id| out.text(id.hyphenated().encode_lower(&mut Uuid::encode_buffer())))
}

fn fixed_fields(event: &ConsentEvent, put: &mut impl FnMut(&str, &dyn Fn(&mut Canonical))) {
    put("id", &id(Some(event.id.0)));
    put("site", &text(Some(event.site.as_str())));
    put("type", &text(Some(event.kind.as_str())));
    put("subject", &id(event.subject.map(|subject| subject.0)));
    put("occurred_at", &number(Some(event.occurred_at)));
    put("received_at", &number(Some(event.received_at)));
    put("clock", &|out| {
        out.object([("occurred_at", &number(event.occurred_at_claimed)), ("sent_at", &number(event.sent_at))]);
    });
    put("source", &text(Some(event.source.as_str())));
    put("prompt", &|out| {
        out.object([
            ("layer", &number(event.layer.map(i64::from))),
            ("prompt", &text(Some(event.prompt.as_str()))),
            ("view", &text(event.view.as_deref())),
        ]);
    });
    put("banner", &|out| {
        out.object([
            ("language", &text(event.language.as_deref())),
            ("text_hash", &text(event.text_hash.as_deref())),
            ("variant", &text(event.variant.as_deref())),
            ("version", &text(event.banner_version.as_deref())),
        ]);
    });
    put("regime", &text(Some(event.regime.as_str())));
    put("method", &text(event.method.map(|method| method.as_str())));
    put("purposes", &|out| out.map(&event.purposes, |out, flag| out.flag(*flag)));
    put("objections", &|out| {
        out.or_null(event.objections.as_ref(), |out, objections| {
            out.object([
                ("purposes", &|out| out.texts(&objections.purposes)),
                ("services", &|out| out.texts(&objections.services)),
            ]);
        });
    });
    put("signals", &|out| {
        out.object([
            ("consent_mode", &|out| out.map(&event.consent_mode, |out, value| out.text(value))),
            ("gpc", &|out| out.or_null(event.gpc, Canonical::flag)),
            ("gpp", &text(event.gpp.as_deref())),
            ("tcf", &text(event.tcf.as_deref())),
        ]);
    });
    put("page", &|out| out.object([("host", &text(event.host.as_deref())), ("path", &text(event.path.as_deref()))]));
    put("effort", &|out| {
        out.object([("clicks", &number(event.effort_clicks.map(i64::from))), ("ms", &number(event.effort_ms))]);
    });
    put("expires_at", &number(event.expires_at));
    put("previous", &id(event.previous.map(|previous| previous.0)));
    put("state", &text(event.state.map(|state| state.as_str())));
    put("observed", &|out| {
        out.or_null(event.observed.as_ref(), |out, observed| {
            out.object([
                ("cookies", &|out| out.texts(&observed.cookies)),
                ("domains", &|out| out.texts(&observed.domains)),
                ("others", &number(Some(observed.others))),
                ("state", &|out| out.map(&observed.state, |out, flag| out.flag(*flag))),
            ]);
        });
    });
    put("place", &|out| {
        out.object([("country", &text(event.country.as_deref())), ("region", &text(event.region.as_deref()))]);
    });
    put("client", &|out| {
        out.object([
            ("bot", &text(Some(event.bot.as_str()))),
            ("browser", &text(event.browser.as_deref())),
            ("device", &text(event.device.as_deref())),
            ("os", &text(event.os.as_deref())),
        ]);
    });
    put("config_version", &number(Some(event.config_version.0)));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::Observed;
    use crate::record::tests::event;

    /// The fields as `schemas/leaf/v1.md` lists them, by way of a value tree and the library's canonical form.
    fn by_definition(event: &ConsentEvent) -> Vec<(String, String)> {
        let text = |value: Option<&'static str>| value.map_or(Value::Null, Value::from);
        let fixed = [
            ("id", json!(event.id)),
            ("site", json!(event.site)),
            ("type", event.kind.as_str().into()),
            ("subject", json!(event.subject)),
            ("occurred_at", event.occurred_at.into()),
            ("received_at", event.received_at.into()),
            ("clock", json!({"occurred_at": event.occurred_at_claimed, "sent_at": event.sent_at})),
            ("source", event.source.as_str().into()),
            ("prompt", json!({"layer": event.layer, "prompt": event.prompt.as_str(), "view": event.view})),
            (
                "banner",
                json!({"language": event.language, "text_hash": event.text_hash, "variant": event.variant,
                       "version": event.banner_version}),
            ),
            ("regime", event.regime.as_str().into()),
            ("method", text(event.method.map(|m| m.as_str()))),
            ("purposes", json!(event.purposes)),
            ("objections", json!(event.objections)),
            (
                "signals",
                json!({"consent_mode": event.consent_mode, "gpc": event.gpc, "gpp": event.gpp, "tcf": event.tcf}),
            ),
            ("page", json!({"host": event.host, "path": event.path})),
            ("effort", json!({"clicks": event.effort_clicks, "ms": event.effort_ms})),
            ("expires_at", json!(event.expires_at)),
            ("previous", json!(event.previous)),
            ("state", text(event.state.map(|s| s.as_str()))),
            ("observed", json!(event.observed)),
            ("place", json!({"country": event.country, "region": event.region})),
            (
                "client",
                json!({"bot": event.bot.as_str(), "browser": event.browser, "device": event.device, "os": event.os}),
            ),
            ("config_version", event.config_version.0.into()),
        ];
        let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
        let named = |prefix: &'static str, map: &std::collections::BTreeMap<String, bool>| {
            map.iter().map(|(name, flag)| (format!("{prefix}/{name}"), Value::from(*flag))).collect::<Vec<_>>()
        };
        fixed
            .chain(named("categories", &event.categories))
            .chain(named("services", &event.services))
            .map(|(name, value)| (name, serde_json_canonicalizer::to_string(&value).unwrap()))
            .collect()
    }

    fn written(event: &ConsentEvent) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        each_field(event, |name, value| fields.push((name.to_owned(), String::from_utf8(value.to_vec()).unwrap())));
        fields
    }

    #[test]
    fn the_fields_are_those_of_version_1() {
        let full = event();
        assert_eq!(written(&full), by_definition(&full));
        let bare = ConsentEvent {
            subject: None,
            view: None,
            layer: None,
            sent_at: None,
            method: None,
            objections: None,
            gpc: None,
            host: None,
            effort_clicks: None,
            effort_ms: None,
            previous: None,
            state: None,
            observed: None,
            ..event()
        };
        assert_eq!(written(&bare), by_definition(&bare));
        let odd = ConsentEvent {
            view: Some("\"\u{7f}\u{1}\u{2028}\u{1f600}\\".into()),
            purposes: [("\u{fb33}".to_owned(), true), ("\u{1f600}".to_owned(), false)].into(),
            effort_ms: Some(i64::MAX),
            observed: Some(Observed { others: i64::MIN + 1, ..Observed::default() }),
            ..event()
        };
        assert_eq!(written(&odd), by_definition(&odd));
    }
}
