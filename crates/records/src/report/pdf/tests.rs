use super::super::tests::{hostile, report};
use super::*;

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// With `AVOW_REPORTS=<folder>` the reports are left there to be looked at.
#[test]
fn a_report_is_pdf_a_in_every_language() {
    for language in Language::ALL {
        let bytes = pdf(&report(), language).unwrap();
        assert!(bytes.starts_with(b"%PDF-1.7"));
        let text = words(&bytes);
        assert!(text.contains("<pdfaid:part>3</pdfaid:part>") && text.contains("<pdfaid:conformance>A</"));
        assert!(text.contains("<pdfuaid:part>1</pdfuaid:part>"));
        assert!(text.contains(&format!("/Lang({})", language.code())) || text.contains("/Lang ("), "{language:?}");
        assert_eq!(bytes, pdf(&report(), language).unwrap());
        if let Some(dir) = std::env::var_os("AVOW_REPORTS") {
            let dir = std::path::PathBuf::from(dir);
            std::fs::write(dir.join(format!("report.{}.pdf", language.code())), bytes).unwrap();
            let page = crate::report::html(&report(), language);
            std::fs::write(dir.join(format!("report.{}.html", language.code())), page).unwrap();
        }
    }
}

#[test]
fn what_others_write_makes_no_invalid_pdf() {
    let mut report = hostile();
    report.site_name = "日本語 \u{1f600} \u{feff} \u{e000}".into();
    // One cell that is longer than a page.
    report.records[0].granted = vec!["x".repeat(20_000), "y ".repeat(5_000)];
    let bytes = pdf(&report, Language::Fr).unwrap();
    assert!(bytes.len() > 10_000);
}

#[test]
fn many_records_run_over_many_pages() {
    let mut report = report();
    report.records = report.records.iter().cycle().take(300).cloned().collect();
    let fonts = Fonts::load().unwrap();
    let flow = layout::flow(&content(&report, Language::De), &fonts, Language::De);
    assert!(flow.pages.len() > 10);
    for page in &flow.pages {
        for op in &page.ops {
            let (x, y) = match op {
                Op::Line { x, y, style, text, .. } => (x + fonts.width(text, style.weight, style.size), *y),
                Op::Box { x, y, width, height, .. } => (x + width, y + height),
            };
            assert!(x <= PAGE_WIDTH - layout::MARGIN + 0.5 && y <= PAGE_HEIGHT - 28.0, "{x} {y}");
        }
    }
    assert!(pdf(&report, Language::De).unwrap().len() > 50_000);
}
