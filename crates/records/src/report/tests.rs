use std::collections::BTreeSet;

use super::content::content;
use super::*;

const AT: i64 = 1_795_515_302_123;
const DAY: i64 = 86_400_000;

pub(super) fn report() -> Report {
    let summary = Summary {
        subject: "5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22".into(),
        at: AT,
        kind: EventType::Decided,
        method: Some(Method::Save),
        method_withheld: false,
        banner_version: Some("2026-11-01".into()),
        language: Some("de".into()),
        text_hash: Some(format!("sha256:{}", "0f".repeat(32))),
        granted: vec!["Chaport".into()],
        refused: vec!["Crisp".into()],
        withdrawn: vec![],
        not_disclosed: vec!["Userlike".into()],
        followed: vec![Followed { at: AT + DAY, status: Status::Withdrawn, name: "Chaport".into() }],
    };
    let withdrawal = Summary {
        at: AT + DAY,
        kind: EventType::Withdrawn,
        method: None,
        method_withheld: false,
        banner_version: None,
        language: None,
        text_hash: None,
        granted: vec![],
        refused: vec![],
        withdrawn: vec!["Chaport".into()],
        not_disclosed: vec![],
        followed: vec![],
        ..summary.clone()
    };
    let claims = ClaimTitle::ALL.into_iter().map(|title| Claim {
        title,
        verdict: match title {
            ClaimTitle::Witnesses => Verdict::NotConfigured,
            ClaimTitle::Time => Verdict::NotProven,
            _ => Verdict::Proven,
        },
        file: "logs/k7/checkpoint".into(),
        detail: if title == ClaimTitle::Inclusion { "12 / 12".into() } else { String::new() },
    });
    Report {
        site: "shop.example".into(),
        site_name: "The Shop".into(),
        from: AT - 30 * DAY,
        to: AT + 2 * DAY,
        controllers: vec![ReportParty {
            name: "Shop GmbH".into(),
            address: "Gasse 1, 1010 Wien".into(),
            contact: "privacy@shop.example".into(),
        }],
        made_by: "Ada Auditor".into(),
        made_at: AT + 3 * DAY,
        subject: None,
        services: vec!["Chaport".into()],
        counts: Counts {
            events: vec![(EventType::Shown, 1_234_567), (EventType::Decided, 12), (EventType::Withdrawn, 1)],
            decisions: 12,
            grants: 20,
            refusals: 4,
            withdrawals: 1,
            subjects: 11,
        },
        records: vec![summary, withdrawal],
        records_total: 13,
        texts: vec![],
        attached: vec![],
        claims: claims.collect(),
    }
}

/// The page without its style sheet, which is a file of its own.
fn body(page: &str) -> &str {
    page.split("</style>").nth(1).unwrap()
}

#[test]
fn the_page_in_english_and_in_french() {
    insta::assert_snapshot!("en", body(&html(&report(), Language::En)));
    insta::assert_snapshot!("fr", body(&html(&report(), Language::Fr)));
    insta::assert_snapshot!("readme_en", body(&readme(Language::En)));
}

const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror='a()'>&amp;{site}\u{202e}\u{0}</td></main>";

/// A report in which whatever others write is hostile.
pub(super) fn hostile() -> Report {
    let mut report = report();
    let bad = || HOSTILE.to_owned();
    report.site = bad();
    report.site_name = bad();
    report.controllers = vec![ReportParty { name: bad(), address: bad(), contact: bad() }];
    report.made_by = bad();
    report.subject = Some(bad());
    report.services = vec![bad()];
    for summary in &mut report.records {
        summary.subject = bad();
        summary.banner_version = Some(bad());
        summary.language = Some(bad());
        summary.text_hash = Some(bad());
        for names in [&mut summary.granted, &mut summary.refused, &mut summary.withdrawn, &mut summary.not_disclosed] {
            *names = vec![bad()];
        }
        summary.followed = vec![Followed { at: 0, status: Status::Given, name: bad() }];
    }
    report.texts =
        vec![ShownText { hash: bad(), version: Some(bad()), language: None, lines: vec![bad()], file: bad() }];
    report.attached = vec![Attached { title: bad(), issuer: bad(), date: bad(), file: bad() }];
    for claim in &mut report.claims {
        claim.file = bad();
        claim.detail = bad();
    }
    report
}

#[test]
fn what_the_banners_said_is_read_of_their_artefacts() {
    let artefact = serde_json::json!({"language": "de", "layers": [
        {"title": "Ihre Wahl", "text": "Dürfen wir Chaport nutzen?", "buttons": [{"label": "Ja"}, {"label": "Nein"}, {"action": "close"}]},
        {"text": "Mehr dazu."}, 7]});
    let shown = ShownText::of("sha256:0f", &artefact);
    assert_eq!(shown.lines, ["Ihre Wahl", "Dürfen wir Chaport nutzen?", "[Ja] [Nein]", "Mehr dazu."]);
    assert_eq!((shown.version.as_deref(), shown.language.as_deref()), (None, Some("de")));
    let page = html(&Report { texts: vec![shown], ..report() }, Language::En);
    for said in ["What the banners said", "Dürfen wir Chaport nutzen?", "[Ja] [Nein]", "artefacts/0f.json"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(ShownText::of("x", &serde_json::Value::Null).lines.is_empty());
}

#[test]
fn what_others_write_stays_text() {
    let page = html(&hostile(), Language::De);
    let tags: BTreeSet<&str> = page
        .split('<')
        .skip(1)
        .map(|rest| rest.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap())
        .collect();
    let known = [
        "", "body", "caption", "code", "col", "colgroup", "dd", "div", "dl", "dt", "footer", "h1", "h2", "head",
        "html", "li", "main", "meta", "p", "section", "span", "strong", "style", "table", "tbody", "td", "th", "thead",
        "title", "tr", "ul",
    ];
    assert!(tags.is_subset(&known.into()), "{tags:?}");
    assert!(!page.contains(['\u{202e}', '\u{0}']));
    assert_eq!(page.matches("<main>").count(), 1);
    assert_eq!(page.matches("</main>").count(), 1);
    // A value that looks like a placeholder is not filled in.
    assert!(page.contains("{site}"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    for language in Language::ALL {
        for page in [html(&report(), language), readme(language)] {
            assert!(page.contains(&format!("<html lang=\"{}\">", language.code())));
            for word in ["<script", "href=", "src=", "url(", "@import", "<link"] {
                assert!(!page.contains(word), "{word}");
            }
            assert_eq!(page.matches("<section>").count(), page.matches("</section>").count());
            assert_eq!(page.matches("<h1>").count(), 1);
            // Each row of each table has its heading.
            assert_eq!(page.matches("<tr><th scope=").count(), page.matches("<tr>").count());
        }
    }
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn all_languages_say_all_of_it_in_their_own_words() {
    let english = Language::En.messages();
    assert!(english.len() > 100);
    for language in Language::ALL {
        let own = language.messages();
        assert!(own.keys().eq(english.keys()), "{language:?}");
        for (key, text) in own {
            assert_eq!(placeholders(text), placeholders(&english[key]), "{language:?} {key}");
            let is_prose = text.contains(' ');
            let same = Language::ALL.iter().filter(|other| other.messages()[key] == *text).count();
            assert!(!is_prose || same == 1, "{language:?} {key}: {text}");
            // Where French puts a space before a mark, the line must not break there.
            assert!(![" :", " ;", " »", "« "].iter().any(|loose| text.contains(loose)), "{language:?} {key}");
        }
    }
}

#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let sources = [
        include_str!("../report.rs"),
        include_str!("content.rs"),
        include_str!("html.rs"),
        include_str!("overview.rs"),
        include_str!("readme.rs"),
        include_str!("pdf/layout.rs"),
    ];
    let used: BTreeSet<&str> = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2)).collect();
    for key in Language::En.messages().keys() {
        assert!(used.contains(key.as_str()), "{key} is not used");
    }
    let families: BTreeSet<&str> = Language::En.messages().keys().filter_map(|key| key.split('.').next()).collect();
    let files = ["html", "pdf", "csv", "jsonld"];
    for text in used {
        let Some((family, rest)) = text.split_once('.') else { continue };
        let is_key = families.contains(family) && rest.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b));
        if is_key && !files.contains(&rest) {
            assert!(Language::En.messages().contains_key(text), "{text} is nowhere");
        }
    }
}

#[test]
fn a_report_without_anything_says_so() {
    let mut bare = report();
    bare.controllers.clear();
    bare.records.clear();
    bare.claims.clear();
    let page = html(&bare, Language::Es);
    for key in ["report.controllers.none", "records.none", "claims.none"] {
        assert!(page.contains(Language::Es.text(key)), "{key}");
    }
    assert!(content(&bare, Language::Es).len() > 10);
}

#[test]
fn languages_and_numbers() {
    assert_eq!(Language::parse("fr-CA"), Some(Language::Fr));
    assert_eq!(Language::parse("DE"), Some(Language::De));
    assert_eq!(Language::parse("it"), None);
    assert_eq!(Language::En.number(1_234_567), "1,234,567");
    assert_eq!(Language::De.number(1000), "1.000");
    assert_eq!(Language::Es.number(999), "999");
    assert_eq!(Language::En.fill("page", &[("page", "{pages}"), ("pages", "2")]), "Page {pages} of 2");
}
