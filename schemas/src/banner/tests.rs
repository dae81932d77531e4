use serde_json::json;

use super::*;

fn whole() -> Value {
    json!({
        "language": "de-CH-1901", "version": "2026-11-01", "variant": "B",
        "layers": [
            {"title": "Ihre Wahl", "text": "Dürfen wir?", "buttons": [
                {"action": "accept_all", "label": "Ja"}, {"action": "reject_all", "label": "Nein"},
                {"action": "open_layer", "label": "Mehr"}]},
            {"text": "Im Einzelnen", "buttons": [{"action": "save", "label": "Speichern"}, {"action": "dismiss", "label": "×"}]},
        ],
        "services": ["chaport", "crisp"], "purposes": ["support"], "categories": ["functional"],
    })
}

/// The artefact after a change, which is then complained about at `at`.
fn refused(change: impl FnOnce(&mut Value), at: &str) {
    let mut artefact = whole();
    change(&mut artefact);
    let complaint = Artefact::of(&artefact).unwrap_err();
    assert_eq!(complaint.at, at, "{artefact}: {complaint}");
    assert!(!schema().is_valid(&artefact) || at == "/language" || at == "/categories/0", "the schema takes {artefact}");
}

struct Schema(boon::Schemas, boon::SchemaIndex);

impl Schema {
    fn is_valid(&self, artefact: &Value) -> bool {
        self.0.validate(artefact, self.1).is_ok()
    }
}

fn schema() -> Schema {
    let text = include_str!("../../json/banner-artefact.schema.json");
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("artefact.json", serde_json::from_str(text).unwrap()).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("artefact.json", &mut schemas).unwrap();
    Schema(schemas, index)
}

#[test]
fn the_known_fields_have_their_shape_and_others_are_let_be() {
    let mut artefact = whole();
    artefact["colour"] = json!({"primary": "#123"});
    artefact["layers"][0]["buttons"][0]["order"] = json!(1.50);
    let read = Artefact::of(&artefact).unwrap();
    assert_eq!((read.layers.len(), read.layers[0].buttons.len(), read.services.len()), (2, 3, 2));
    assert!(schema().is_valid(&artefact));
    let least = json!({"language": "x-klingon", "layers": [{"text": ""}]});
    assert!(Artefact::of(&least).is_ok() && schema().is_valid(&least));
}

#[test]
fn what_is_wrong_is_named() {
    refused(|a| *a = json!([]), "");
    refused(|a| drop(a.as_object_mut().unwrap().remove("language")), "/language");
    refused(|a| a["language"] = json!("not a language"), "/language");
    refused(|a| a["language"] = json!(7), "/language");
    refused(|a| a["version"] = json!("x".repeat(65)), "/version");
    refused(|a| a["variant"] = json!(true), "/variant");
    refused(|a| drop(a.as_object_mut().unwrap().remove("layers")), "/layers");
    refused(|a| a["layers"] = json!([]), "/layers");
    refused(|a| drop(a["layers"][1].as_object_mut().unwrap().remove("text")), "/layers/1/text");
    refused(|a| a["layers"][0] = json!([null, "text", []]), "/layers/0");
    refused(|a| a["layers"][0]["title"] = json!([]), "/layers/0/title");
    refused(|a| a["layers"][0]["buttons"][1]["action"] = json!("hide"), "/layers/0/buttons/1/action");
    refused(
        |a| drop(a["layers"][0]["buttons"][1].as_object_mut().unwrap().remove("label")),
        "/layers/0/buttons/1/label",
    );
    refused(|a| a["services"] = json!("chaport"), "/services");
    refused(|a| a["services"][1] = json!("No Slug"), "/services/1");
    refused(|a| a["services"][1] = json!("chaport"), "/services/1");
    refused(|a| a["purposes"] = json!(["ok", ""]), "/purposes/1");
    refused(|a| a["categories"] = json!(["é"]), "/categories/0");
}

#[test]
fn the_address_is_that_of_the_canonical_json() {
    // Members in UTF-16 order, numbers as ECMAScript writes them, no white space: RFC 8785.
    let artefact: Value = serde_json::from_str("{ \"text\" : \"\\u00e9\\n\", \"a\" : [1.0, 1e21, 0.10] }").unwrap();
    let (canonical, address) = addressed(&artefact).unwrap();
    assert_eq!(canonical, "{\"a\":[1,1e+21,0.1],\"text\":\"é\\n\"}");
    // printf '{"a":[1,1e+21,0.1],"text":"é\\n"}' | sha256sum
    assert_eq!(address, "sha256:888f36f77ec093c5c77aec8d4843951458cb0038510117bc98a56772d9c99054");
    assert_eq!(digest(&address).unwrap()[..], Sha256::digest(canonical.as_bytes())[..]);
    assert_eq!(digest(&address.to_uppercase().replace("SHA256", "sha256")), digest(&address));
    for other in ["", "sha256:", "sha256:0g", &address[1..], &format!("{address}0"), &address.replace("sha256:", "")] {
        assert_eq!(digest(other), None, "{other}");
    }
}

#[test]
fn a_description_has_no_text_and_a_listing_is_read_from_it() {
    let artefact = whole();
    let (_, text_hash) = addressed(&artefact).unwrap();
    let (site, read) = (SiteId::new("shop.example").unwrap(), Artefact::of(&artefact).unwrap());
    let evidence = Evidence { code_hash: Some(sha256(b"code")), ..Evidence::default() };
    let screenshots = BTreeMap::from([(Screen::Mobile, sha256(b"png"))]);
    let evidence = Evidence { screenshots, ..Evidence::default() }.over(&evidence);
    let body = serde_json_canonicalizer::to_string(&Description::of(&site, &text_hash, &read, &evidence)).unwrap();
    assert!(!body.contains("Dürfen"), "{body}");
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(said["buttons"][1][1], json!({"action": "dismiss", "label": "×"}));
    assert_eq!(
        (&said["code_hash"], &said["screenshots"]),
        (&json!(sha256(b"code")), &json!({"mobile": sha256(b"png")}))
    );
    assert!(said.get("html_hash").is_none());
    let listing: Listing = serde_json::from_str(&body).unwrap();
    assert_eq!(listing, Listing { text_hash, services: ["chaport", "crisp"].map(String::from).into() });
}
