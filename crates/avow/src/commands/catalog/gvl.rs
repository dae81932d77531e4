//! The IAB Global Vendor List, versions 2 and 3 of its form, as entries of the catalogue. Names and texts of purposes are the
//! list's own, in the language of the file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use avow_schemas::catalog::is_url;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// What the import calls itself.
pub const ORIGIN: &str = "gvl";
const LIST: &str = "https://vendor-list.consensu.org/v3/vendor-list.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    /// Not there in version 1.
    gvl_specification_version: Option<u8>,
    vendor_list_version: u32,
    last_updated: String,
    purposes: BTreeMap<u16, Named>,
    #[serde(default)]
    special_purposes: BTreeMap<u16, Named>,
    #[serde(default)]
    features: BTreeMap<u16, Named>,
    #[serde(default)]
    special_features: BTreeMap<u16, Named>,
    #[serde(default)]
    data_categories: BTreeMap<u16, Named>,
    vendors: BTreeMap<u16, Vendor>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(deserialize_with = "one_line")]
    name: String,
}

/// The list has names that end with a line.
fn one_line<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vendor {
    id: u16,
    #[serde(deserialize_with = "one_line")]
    name: String,
    #[serde(default)]
    purposes: Vec<u16>,
    #[serde(default)]
    leg_int_purposes: Vec<u16>,
    #[serde(default)]
    special_purposes: Vec<u16>,
    #[serde(default)]
    features: Vec<u16>,
    #[serde(default)]
    special_features: Vec<u16>,
    /// Of version 3.
    #[serde(default)]
    data_declaration: Vec<u16>,
    data_retention: Option<Retention>,
    #[serde(default)]
    urls: Vec<Urls>,
    /// Of version 2.
    policy_url: Option<String>,
    deleted_date: Option<String>,
    uses_cookies: Option<bool>,
    uses_non_cookie_access: Option<bool>,
    device_storage_disclosure_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    std_retention: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Urls {
    lang_id: String,
    privacy: Option<String>,
}

/// The vendors of a list that are in force, as entries.
///
/// # Errors
/// What is no list of version 2 or 3, with where.
pub fn entries(text: &str) -> anyhow::Result<Vec<Value>> {
    let mut input = serde_json::Deserializer::from_str(text);
    let list: List = serde_path_to_error::deserialize(&mut input).context("this is no Global Vendor List")?;
    match list.gvl_specification_version {
        Some(2 | 3) => {}
        Some(other) => bail!("this list is of version {other} of the form; versions 2 and 3 are known"),
        None => bail!("this list is of version 1 of the form, which ended on 2020-08-15; versions 2 and 3 are known"),
    }
    let in_force = list.vendors.values().filter(|vendor| vendor.deleted_date.is_none());
    Ok(in_force.map(|vendor| entry(&list, vendor)).collect())
}

fn entry(list: &List, vendor: &Vendor) -> Value {
    let (id, version) = (vendor.id, list.vendor_list_version);
    // A TC string has room for no others.
    let purposes: BTreeSet<u16> = vendor.purposes.iter().copied().filter(|n| (1..=24).contains(n)).collect();
    let mut entry = json!({
        "slug": format!("iab-{id}"),
        "name": vendor.name,
        "category": category(vendor),
        "group": "iab-vendor",
        "tags": ["tcf"],
        "iab_vendor": id,
        "iab_purposes": purposes,
        "summary": {
            "en": format!("Vendor {id} of the IAB Global Vendor List, version {version}."),
            "fr": format!("Fournisseur {id} de la Global Vendor List de l’IAB, version {version}."),
            "de": format!("Anbieter {id} der Global Vendor List des IAB, Version {version}."),
            "es": format!("Proveedor {id} de la Global Vendor List del IAB, versión {version}."),
        },
        "what_it_does": what(list, vendor),
        "legal_basis": basis(vendor),
        "operator": vendor.name,
        "checked_on": list.last_updated.get(..10),
        "sources": sources(vendor, version),
    });
    let storage = [(vendor.uses_cookies, "cookies"), (vendor.uses_non_cookie_access, "non_cookie_access")];
    let techniques: Vec<&str> = storage.iter().filter(|(uses, _)| *uses == Some(true)).map(|(_, name)| *name).collect();
    // A vendor that says it stores nothing may read all the same: a person must look.
    entry["eprivacy"] = json!(if techniques.is_empty() { "conditional" } else { "consent" });
    let declared =
        if techniques.is_empty() { "declares no storage on the device" } else { "declares storage on the device" };
    entry["how_it_tracks"] =
        json!({"techniques": techniques, "text": {"en": format!("The vendor {declared} in the list.")}});
    entry["eprivacy_note"] = json!({"en": format!("The vendor {declared} in the list.")});
    let data = vendor.data_declaration.iter().filter_map(|id| Some((id, list.data_categories.get(id)?)));
    let data = data.map(|(id, named)| json!({"code": format!("iab_data_{id}"), "when": "on_load", "text": named.name}));
    entry["data_collected"] = data.collect();
    if let Some(days) = vendor.data_retention.as_ref().and_then(|retention| retention.std_retention) {
        entry["retention"] = json!({
            "en": format!("{days} days, where the list says nothing else of a purpose."),
            "fr": format!("{days} jours, sauf indication contraire de la liste pour une finalité."),
            "de": format!("{days} Tage, soweit die Liste zu einem Zweck nichts anderes sagt."),
            "es": format!("{days} días, salvo que la lista indique otra cosa para una finalidad."),
        });
    }
    if let Some(url) = policy(vendor) {
        entry["policy_url"] = json!(url);
    }
    entry
}

/// By what the vendor asks consent or claims a legitimate interest for: advertising before measuring before the rest.
fn category(vendor: &Vendor) -> &'static str {
    let any = |those: &[u16]| vendor.purposes.iter().chain(&vendor.leg_int_purposes).any(|id| those.contains(id));
    if any(&[2, 3, 4, 7]) {
        "marketing"
    } else if any(&[8, 9, 10]) {
        "statistics"
    } else if any(&[5, 6, 11]) {
        "preferences"
    } else {
        "unknown"
    }
}

fn what(list: &List, vendor: &Vendor) -> Value {
    let names = |ids: &[u16], of: &BTreeMap<u16, Named>| {
        let names = ids.iter().map(|id| of.get(id).map_or_else(|| format!("no. {id}"), |named| named.name.clone()));
        names.collect::<Vec<_>>().join("; ")
    };
    let parts = [
        ("Purposes with consent", names(&vendor.purposes, &list.purposes)),
        ("Purposes with a legitimate interest", names(&vendor.leg_int_purposes, &list.purposes)),
        ("Special purposes", names(&vendor.special_purposes, &list.special_purposes)),
        ("Features", names(&vendor.features, &list.features)),
        ("Special features", names(&vendor.special_features, &list.special_features)),
    ];
    let said = parts.iter().filter(|(_, names)| !names.is_empty());
    let said: Vec<String> = said.map(|(what, names)| format!("{what}: {names}.")).collect();
    let said = if said.is_empty() { "The list declares no purpose.".to_owned() } else { said.join(" ") };
    json!({"en": said})
}

fn basis(vendor: &Vendor) -> Value {
    let note = json!({"en": "As the vendor declares it in the list, purpose by purpose."});
    let consent = json!({"gdpr_basis": "consent", "article": "Art. 6(1)(a) GDPR", "note": note});
    let interest = json!({"gdpr_basis": "legitimate_interest", "article": "Art. 6(1)(f) GDPR", "note": note});
    match (vendor.purposes.is_empty(), vendor.leg_int_purposes.is_empty()) {
        (false, true) => consent,
        (false, false) => {
            let mut both = consent;
            both["others"] = json!([interest]);
            both
        }
        (true, false) => interest,
        (true, true) => json!({"gdpr_basis": "unknown", "article": "", "note": note}),
    }
}

/// In English, or else the first.
fn policy(vendor: &Vendor) -> Option<&str> {
    let english = vendor.urls.iter().find(|urls| urls.lang_id == "en").or(vendor.urls.first());
    let url = english.and_then(|urls| urls.privacy.as_deref()).or(vendor.policy_url.as_deref())?.trim();
    is_url(url).then_some(url)
}

fn sources(vendor: &Vendor, version: u32) -> Value {
    let list = json!({"title": format!("IAB Europe, Global Vendor List, version {version}"), "url": LIST});
    let storage = vendor.device_storage_disclosure_url.as_deref().map(str::trim).filter(|url| is_url(url));
    let storage = storage.map(|url| json!({"title": "The vendor's device storage disclosure", "url": url}));
    std::iter::once(list).chain(storage).collect()
}

#[cfg(test)]
mod tests {
    use avow_schemas::catalog::{EprivacyRule, GdprBasis, Service};

    use proptest::prelude::*;

    use super::*;

    fn list(form: Option<u8>, vendor: Value) -> String {
        let mut list = json!({
            "vendorListVersion": 312, "tcfPolicyVersion": 5, "lastUpdated": "2026-11-19T16:00:28Z",
            "purposes": {"1": {"id": 1, "name": "Store"}, "8": {"id": 8, "name": "Measure content"}, "2": {"id": 2, "name": "Select\n ads\n"}},
            "specialPurposes": {"1": {"id": 1, "name": "Security"}},
            "dataCategories": {"3": {"id": 3, "name": "Device identifiers"}},
            "vendors": {"755": vendor},
        });
        if let Some(form) = form {
            list["gvlSpecificationVersion"] = json!(form);
        }
        list.to_string()
    }

    fn read(text: &str) -> Service {
        let entry = entries(text).unwrap().remove(0);
        Service::parse_brief(entry, jiff::civil::date(2026, 11, 26)).unwrap()
    }

    #[test]
    fn both_forms_become_entries_of_the_same_kind() {
        let third = read(&list(
            Some(3),
            json!({"id": 755, "name": " Example Ads ", "purposes": [1, 2], "legIntPurposes": [8], "specialPurposes": [1],
                "dataDeclaration": [3], "dataRetention": {"stdRetention": 90, "purposes": {}}, "usesCookies": true,
                "urls": [{"langId": "fr", "privacy": "https://ads.example/fr"}, {"langId": "en", "privacy": "https://ads.example/en"}],
                "deviceStorageDisclosureUrl": "https://ads.example/storage.json"}),
        ));
        assert_eq!(
            (third.slug.as_str(), third.name.as_str(), third.category()),
            ("iab-755", "Example Ads", "marketing")
        );
        assert_eq!((third.iab_vendor, third.eprivacy), (Some(755), EprivacyRule::Consent));
        assert_eq!(third.iab_purposes, Some(vec![1, 2]));
        assert_eq!(third.policy_url.as_deref(), Some("https://ads.example/en"));
        assert_eq!(third.legal_basis.gdpr_basis, GdprBasis::Consent);
        assert_eq!(third.legal_basis.others[0].gdpr_basis, GdprBasis::LegitimateInterest);
        assert!(third.what_it_does.english().contains("Purposes with consent: Store; Select ads."));
        assert_eq!(
            third.retention.as_ref().unwrap().english(),
            "90 days, where the list says nothing else of a purpose."
        );
        assert_eq!((third.data_collected.len(), third.sources.len()), (1, 2));
        assert_eq!(third.checked_on, jiff::civil::date(2026, 11, 19));
        assert!(third.unknown.iter().any(|field| field == "cookies"));

        let second = read(&list(
            Some(2),
            json!({"id": 755, "name": "Example", "purposes": [], "legIntPurposes": [8], "policyUrl": "no address"}),
        ));
        assert_eq!((second.category(), second.eprivacy), ("statistics", EprivacyRule::Conditional));
        assert_eq!((second.policy_url, second.legal_basis.gdpr_basis), (None, GdprBasis::LegitimateInterest));
    }

    proptest! {
        #[test]
        fn any_vendor_is_an_entry_that_holds(
            name in "[ -~é]{1,20}", purposes: Vec<u16>, interests in prop::collection::vec(1_u16..12, 0..4),
            policy in "(https://)?[a-z. ]{0,12}", days: Option<u32>, cookies: Option<bool>,
        ) {
            prop_assume!(!name.trim().is_empty());
            let vendor = json!({"id": 755, "name": name, "purposes": purposes, "legIntPurposes": interests, "policyUrl": policy,
                "dataRetention": {"stdRetention": days}, "usesCookies": cookies});
            for entry in entries(&list(Some(3), vendor)).unwrap() {
                let entry = Service::parse_brief(entry, jiff::civil::date(2026, 11, 26));
                prop_assert!(entry.is_ok(), "{:?}", entry.err());
            }
        }
    }

    #[test]
    fn a_vendor_that_left_is_left_out_and_what_is_no_list_is_said() {
        let left = json!({"id": 755, "name": "Example", "deletedDate": "2025-01-01T00:00:00Z"});
        assert!(entries(&list(Some(3), left)).unwrap().is_empty());
        let vendor = json!({"id": 755, "name": "Example"});
        let told = |text: &str| format!("{:#}", entries(text).unwrap_err());
        assert!(told(&list(None, vendor.clone())).contains("version 1"));
        assert!(told(&list(Some(9), vendor)).contains("version 9"));
        assert!(told(&list(Some(3), json!({"id": 755}))).contains("vendors.755: missing field `name`"));
        assert!(told("[]").contains("no Global Vendor List"));
    }
}
