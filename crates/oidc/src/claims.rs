//! What the provider says of somebody, in the ID token or at its user info endpoint.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Identity, Settings};

/// The claims that are no standard ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Further(Map<String, Value>);

impl AdditionalClaims for Further {}

/// What was said, however it came.
#[derive(Debug, Default)]
pub struct Said {
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    pub name: Option<String>,
    pub further: Further,
}

impl Said {
    /// Whether something is missing that the settings need.
    pub fn lacks(&self, settings: &Settings) -> bool {
        let role = settings.role_claim.as_ref();
        self.email.is_none() || self.name.is_none() || role.is_some_and(|claim| !self.further.0.contains_key(claim))
    }

    /// This, and what another source says of what is missing here. An address comes with what is said of it.
    pub fn or(mut self, other: Self) -> Self {
        if self.email.is_none() {
            self.email = other.email;
            self.email_verified = other.email_verified;
        }
        self.name = self.name.or(other.name);
        for (claim, value) in other.further.0 {
            self.further.0.entry(claim).or_insert(value);
        }
        self
    }

    pub fn identity(self, settings: &Settings, issuer: String, subject: String) -> Identity {
        let verified = match settings.verified_claim.as_str() {
            "email_verified" => self.email_verified == Some(true),
            claim => self.further.0.get(claim).is_some_and(is_true),
        };
        let groups = settings.role_claim.as_ref().and_then(|claim| self.further.0.get(claim)).map(texts);
        let email = self.email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
        Identity {
            issuer,
            subject,
            email_verified: verified && email.is_some(),
            email,
            name: self.name.filter(|name| !name.trim().is_empty()),
            groups: groups.unwrap_or_default(),
        }
    }
}

/// Providers write a truth value in several ways.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_i64() == Some(1),
        Value::String(text) => text == "true" || text == "1",
        _ => false,
    }
}

/// One text, or the texts of a list.
fn texts(value: &Value) -> Vec<String> {
    let all = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::tests::settings;

    fn said(email: &str, verified: Option<bool>, further: Value) -> Said {
        let further = serde_json::from_value(further).unwrap();
        Said { email: Some(email.to_owned()), email_verified: verified, name: None, further }
    }

    #[test]
    fn an_address_is_verified_by_the_claim_that_is_configured() {
        let of = |said: Said, settings: &Settings| said.identity(settings, "i".into(), "s".into());
        let ada = of(said(" Ada@Example.ORG", Some(true), json!({})), &settings());
        assert_eq!((ada.email.as_deref(), ada.email_verified), (Some("ada@example.org"), true));
        assert!(!of(said("ada@example.org", None, json!({})), &settings()).email_verified);
        assert!(!of(said("", Some(true), json!({})), &settings()).email_verified);
        let entra = Settings { verified_claim: "xms_edov".into(), ..settings() };
        for (value, verified) in
            [(json!(true), true), (json!("1"), true), (json!(1), true), (json!("0"), false), (json!([true]), false)]
        {
            let further = json!({"xms_edov": value});
            assert_eq!(of(said("ada@example.org", None, further), &entra).email_verified, verified, "{value}");
        }
        assert!(!of(said("ada@example.org", Some(true), json!({})), &entra).email_verified);
    }

    #[test]
    fn what_the_id_token_says_counts_before_the_rest() {
        let settings = Settings { role_claim: Some("groups".into()), ..settings() };
        let token = said("ada@example.org", None, json!({"groups": "one"}));
        assert!(token.lacks(&settings));
        let other =
            Said { name: Some("Ada".into()), ..said("eve@example.org", Some(true), json!({"groups": ["two"]})) };
        let both = token.or(other).identity(&settings, "i".into(), "s".into());
        assert_eq!((both.email.as_deref(), both.email_verified), (Some("ada@example.org"), false));
        assert_eq!((both.name.as_deref(), both.groups), (Some("Ada"), vec!["one".to_owned()]));
    }
}
