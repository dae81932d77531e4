//! Canonical JSON (RFC 8785) written straight from values, for the hot path of commitments: by way of a value tree it
//! cost more than the hashing. Numbers past 2^53 are left to the library; property tests hold texts, numbers and maps equal to
//! what the library writes.

use std::collections::BTreeMap;

/// Integers beyond this are not exact in JSON's numbers.
const EXACT: i64 = 1 << 53;

/// A member of an object: its name, and what writes its value.
type Member<'a> = (&'a str, &'a dyn Fn(&mut Canonical));

/// A growing canonical text.
#[derive(Debug, Default)]
pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn null(&mut self) {
        self.0.extend_from_slice(b"null");
    }

    pub fn flag(&mut self, flag: bool) {
        self.0.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// RFC 8785 escapes as serde_json does (section 3.2.2.2): two-letter escapes where there are any, `\u00xx` below space.
    pub fn text(&mut self, text: &str) {
        // Writing text to memory does not fail.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    pub fn number(&mut self, number: i64) {
        let _ = if (-EXACT..=EXACT).contains(&number) {
            serde_json::to_writer(&mut self.0, &number)
        } else {
            serde_json_canonicalizer::to_writer(&number, &mut self.0)
        };
    }

    pub fn or_null<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    pub fn texts(&mut self, texts: &[String]) {
        self.0.push(b'[');
        for (index, text) in texts.iter().enumerate() {
            self.separate(index);
            self.text(text);
        }
        self.0.push(b']');
    }

    /// An object whose members come in the order of their names.
    pub fn object<const N: usize>(&mut self, members: [Member<'_>; N]) {
        debug_assert!(members.is_sorted_by_key(|(name, _)| *name));
        self.0.push(b'{');
        for (index, (name, write)) in members.into_iter().enumerate() {
            self.separate(index);
            self.text(name);
            self.0.push(b':');
            write(self);
        }
        self.0.push(b'}');
    }

    /// An object of any names.
    pub fn map<V>(&mut self, map: &BTreeMap<String, V>, write: impl Fn(&mut Self, &V)) {
        let mut members: Vec<(&String, &V)> = map.iter().collect();
        // The map sorts by code points; UTF-16 sorts the characters beyond its first plane before those from U+E000 on.
        if members.iter().any(|(name, _)| name.as_bytes().iter().any(|byte| *byte >= 0xee)) {
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        }
        self.0.push(b'{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            self.separate(index);
            self.text(name);
            self.0.push(b':');
            write(self, value);
        }
        self.0.push(b'}');
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.0.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the library writes it.
    fn canonical(value: &impl serde::Serialize) -> String {
        serde_json_canonicalizer::to_string(value).unwrap()
    }

    fn written(write: impl FnOnce(&mut Canonical)) -> String {
        let mut out = Canonical::default();
        write(&mut out);
        String::from_utf8(out.0).unwrap()
    }

    proptest! {
        #[test]
        fn any_text_is_as_the_library_writes_it(text in any::<String>()) {
            prop_assert_eq!(written(|out| out.text(&text)), canonical(&text));
        }

        #[test]
        fn any_number_is_as_the_library_writes_it(number in any::<i64>(), near in -3_i64..3) {
            for number in [number, i64::MIN, i64::MAX, EXACT + near, -EXACT + near, near] {
                prop_assert_eq!(written(|out| out.number(number)), canonical(&number));
            }
        }

        #[test]
        fn any_map_is_as_the_library_writes_it(map in prop::collection::btree_map(any::<String>(), any::<bool>(), 0..8)) {
            prop_assert_eq!(written(|out| out.map(&map, |out, flag| out.flag(*flag))), canonical(&map));
        }
    }

    #[test]
    fn names_are_sorted_by_utf_16() {
        let map = BTreeMap::from([("\u{fb33}".to_owned(), 1), ("\u{1f600}".to_owned(), 2), ("a".to_owned(), 3)]);
        let text = written(|out| out.map(&map, |out, n| out.number(*n)));
        assert_eq!(text, canonical(&map));
        assert_eq!(text, "{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn what_is_absent_is_null_and_lists_keep_their_order() {
        assert_eq!(written(|out| out.or_null(None::<i64>, Canonical::number)), "null");
        assert_eq!(written(|out| out.texts(&["b".into(), "a\n".into()])), r#"["b","a\n"]"#);
        assert_eq!(
            written(|out| out.object([("a", &Canonical::null), ("b", &|out| out.flag(true))])),
            r#"{"a":null,"b":true}"#
        );
    }
}
