//! Ids of imported events and subjects. They follow from what the vendor's file says, so that importing it again counts nothing twice,
//! and the vendor's own ids are not kept.

use serde_json::Value;
use uuid::Uuid;

use super::super::rows::Row;
use super::vendors::Vendor;

/// Of all ids made here (RFC 9562, section 5.5). Never changed: another one would count every import again.
const NAMESPACE: Uuid = Uuid::from_u128(0x5d1f_3c0a_8e47_4b52_9a6d_2f70_c1be_63d4);

/// What an id is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Event,
    Subject,
}

/// The id that the vendor's own stands for on this site.
pub fn derived(of: Of, vendor: Vendor, site: &str, theirs: &str) -> Uuid {
    let of = if of == Of::Event { "event" } else { "subject" };
    let name = [of, vendor.as_str(), site, theirs].join("\n");
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// A UUID as it is (the vendor's id of a visitor may be one), anything else derived.
pub fn subject(vendor: Vendor, site: &str, theirs: &str) -> Uuid {
    let own = Uuid::try_parse(theirs).ok().filter(|id| theirs.len() == 36 && !id.is_nil());
    own.unwrap_or_else(|| derived(Of::Subject, vendor, site, theirs))
}

/// What rows say, whatever the order of their columns: the id of an event to which the vendor gives none.
pub fn content(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let mut cells: Vec<String> =
            row.cells.iter().map(|(name, value)| format!("{name}={}", sorted(value))).collect();
        cells.sort_unstable();
        cells.join("\u{1f}")
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\u{1e}")
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), sorted(value)))
                .collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(cells: &Value) -> Row {
        Row { line: 1, cells: cells.as_object().unwrap().clone() }
    }

    #[test]
    fn ids_never_change() {
        let id = derived(Of::Event, Vendor::Didomi, "shop.example", "7");
        assert_eq!(id.to_string(), "6af5295c-8334-5ad0-8ac5-ccbada063188");
        assert_eq!(id.get_version_num(), 5);
        let others = [
            derived(Of::Subject, Vendor::Didomi, "shop.example", "7"),
            derived(Of::Event, Vendor::Onetrust, "shop.example", "7"),
            derived(Of::Event, Vendor::Didomi, "blog.example", "7"),
        ];
        assert!(!others.contains(&id));
    }

    #[test]
    fn a_subject_that_is_a_uuid_stays() {
        let own = "5b0c6a5e-6a0c-4e0e-a8f2-7a0f5f6d1c22";
        assert_eq!(subject(Vendor::Didomi, "shop.example", own).to_string(), own);
        for other in ["anna@example.org", "5b0c6a5e6a0c4e0ea8f27a0f5f6d1c22", "00000000-0000-0000-0000-000000000000"] {
            let derived = derived(Of::Subject, Vendor::Didomi, "shop.example", other);
            assert_eq!(subject(Vendor::Didomi, "shop.example", other), derived, "{other}");
        }
    }

    #[test]
    fn the_order_of_columns_makes_no_other_content() {
        let one = row(&json!({"a": "1", "b": {"c": [1, {"e": 2, "d": 3}]}}));
        let same = row(&json!({"b": {"c": [1, {"d": 3, "e": 2}]}, "a": "1"}));
        assert_eq!(content(std::slice::from_ref(&one)), content(&[same]));
        assert_ne!(content(std::slice::from_ref(&one)), content(&[one.clone(), one]));
        assert_ne!(content(&[row(&json!({"a": "1,b"}))]), content(&[row(&json!({"a": "1", "b": ""}))]));
    }
}
