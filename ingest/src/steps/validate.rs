//! Step 9: what was sent is what its type of event requires, each value within its limits. CONTRACT "Events in" lists what
//! is required; whatever else is absent stays unknown (a `decided` without `method` is a decision of no known method).
//!
//! A field that is known but has no meaning on this type of event is left out and named in a warning, like an unknown
//! one. Only a subject on `loaded` costs the event: that is promised never to be recorded.

use avow_schemas::category;
use avow_schemas::event::{EventType, LoadState, Method, Objections, Observed, Prompt, Regime};
use avow_schemas::fate::{RejectCode, Rejection};
use avow_schemas::ids::{EventId, ServiceId, SubjectId};
use std::collections::BTreeMap;

use crate::decode::field::{MOST_NAME_CHARS, is_name, member};
use crate::decode::{Fields, Name};

/// Characters of a language, a banner version, a variant, a view.
const MOST_LABEL_CHARS: usize = 64;
/// Characters of a cookie's name.
const MOST_COOKIE_CHARS: usize = 256;
const MOST_LAYER: i64 = 1_000;
const MOST_CLICKS: i64 = 1_000_000;
/// A year: nobody takes longer over a banner.
const MOST_EFFORT_MS: i64 = 366 * 24 * 60 * 60 * 1_000;

const CATEGORY_RULE: &str = "1 to 64 of a-z 0-9 _";
const SERVICE_RULE: &str = "1 to 64 of a-z 0-9 . - _, beginning with a letter or digit";
const NAME_RULE: &str = "1 to 64 characters, none of them a control character";

/// What the sender said, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub id: EventId,
    pub kind: EventType,
    pub subject: Option<SubjectId>,
    pub view: Option<String>,
    pub prompt: Prompt,
    pub layer: Option<i32>,
    pub banner: Banner,
    pub regime: Regime,
    pub method: Option<Method>,
    pub choice: Choice,
    pub effort_clicks: Option<i32>,
    pub effort_ms: Option<i64>,
    pub expires_at: Option<i64>,
    pub previous: Option<EventId>,
    pub state: Option<LoadState>,
    pub observed: Option<Observed>,
    /// Pointers of known fields that have no meaning on this type.
    pub misplaced: Vec<&'static str>,
}

/// Which banner it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Banner {
    pub version: Option<String>,
    pub language: Option<String>,
    pub variant: Option<String>,
    pub text_hash: Option<String>,
}

/// What was granted, denied, objected to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    pub categories: BTreeMap<String, bool>,
    pub services: BTreeMap<String, bool>,
    pub purposes: BTreeMap<String, bool>,
    pub objections: Option<Objections>,
}

impl Choice {
    fn names_nothing(&self) -> bool {
        self.categories.is_empty() && self.services.is_empty() && self.purposes.is_empty()
    }
}

/// Checks the event.
///
/// # Errors
/// `missing_field`, `invalid_value`.
pub fn checked(fields: &Fields<'_>) -> Result<Content, Rejection> {
    let id_field = fields.field(Name::Id);
    let id = EventId(id_field.uuid()?.ok_or_else(|| id_field.missing())?);
    let kind_field = fields.field(Name::Type);
    let kind = kind_field.word(EventType::parse, EventType::ALL, EventType::as_str)?;
    let kind = kind.ok_or_else(|| kind_field.missing())?;
    let subject = subject(fields, kind)?;
    let mut misplaced = Vec::new();
    let method = fields.field(Name::Method).word(Method::parse, Method::ALL, Method::as_str)?;
    let state = fields.field(Name::State).word(LoadState::parse, LoadState::ALL, LoadState::as_str)?;
    let method = only_on(EventType::Decided, kind, method, Name::Method, &mut misplaced);
    let state = only_on(EventType::Loaded, kind, state, Name::State, &mut misplaced);
    let observed = only_on(EventType::Observed, kind, observed(fields)?, Name::Observed, &mut misplaced);
    let choice = choice(fields)?;
    if kind == EventType::Decided && method != Some(Method::Dismiss) && choice.names_nothing() {
        let detail = "a decision must name /categories, /services or /purposes";
        return Err(Rejection::new(RejectCode::MissingField, detail));
    }
    let effort = fields.field(Name::Effort).object()?;
    let clicks = member(effort, "clicks", "/effort/clicks").whole(0..=MOST_CLICKS)?;
    Ok(Content {
        id,
        kind,
        subject,
        view: fields.field(Name::View).text(MOST_LABEL_CHARS)?.map(str::to_owned),
        prompt: fields.field(Name::Prompt).word(Prompt::parse, Prompt::ALL, Prompt::as_str)?.unwrap_or(Prompt::First),
        layer: small(fields.field(Name::Layer).whole(0..=MOST_LAYER)?),
        banner: banner(fields)?,
        regime: fields.field(Name::Regime).word(Regime::parse, Regime::ALL, Regime::as_str)?.unwrap_or(Regime::OptIn),
        method,
        choice,
        effort_clicks: small(clicks),
        effort_ms: member(effort, "ms", "/effort/ms").whole(0..=MOST_EFFORT_MS)?,
        expires_at: fields.field(Name::ExpiresAt).time()?,
        previous: fields.field(Name::Previous).uuid()?.map(EventId),
        state,
        observed,
        misplaced,
    })
}

/// A number that its range has already made small.
fn small(number: Option<i64>) -> Option<i32> {
    number.and_then(|number| i32::try_from(number).ok())
}

fn only_on<T>(
    wanted: EventType,
    kind: EventType,
    value: Option<T>,
    name: Name,
    misplaced: &mut Vec<&'static str>,
) -> Option<T> {
    if kind != wanted && value.is_some() {
        misplaced.push(name.pointer());
        return None;
    }
    value
}

fn subject(fields: &Fields<'_>, kind: EventType) -> Result<Option<SubjectId>, Rejection> {
    let field = fields.field(Name::Subject);
    match (kind, field.uuid()?) {
        (EventType::Decided | EventType::Withdrawn, None) => Err(field.missing()),
        (EventType::Loaded, Some(_)) => Err(field.refuse("is never sent with a loaded event")),
        (_, subject) => Ok(subject.map(SubjectId)),
    }
}

fn banner(fields: &Fields<'_>) -> Result<Banner, Rejection> {
    let banner = fields.field(Name::Banner).object()?;
    let label = |name, pointer| Ok(member(banner, name, pointer).text(MOST_LABEL_CHARS)?.map(str::to_owned));
    let hash = member(banner, "text_hash", "/banner/text_hash");
    let text_hash = match hash.text(MOST_COOKIE_CHARS)? {
        None => None,
        Some(text) => Some(sha256(text).ok_or_else(|| hash.refuse("must be sha256: and 64 hexadecimal digits"))?),
    };
    Ok(Banner {
        version: label("version", "/banner/version")?,
        language: label("language", "/banner/language")?,
        variant: label("variant", "/banner/variant")?,
        text_hash,
    })
}

/// `sha256:` and 64 hexadecimal digits, in lower case.
fn sha256(text: &str) -> Option<String> {
    let digits = text.strip_prefix("sha256:")?;
    (digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn choice(fields: &Fields<'_>) -> Result<Choice, Rejection> {
    let category = |name: &str| category::canonical(name).map(std::borrow::Cow::into_owned);
    let service = |name: &str| ServiceId::new(name).ok().map(|_| name.to_owned());
    let purpose = |name: &str| is_name(name, MOST_NAME_CHARS).then(|| name.to_owned());
    let objections = fields.field(Name::Objections).object()?;
    Ok(Choice {
        categories: fields.field(Name::Categories).flags(CATEGORY_RULE, category)?,
        services: fields.field(Name::Services).flags(SERVICE_RULE, service)?,
        purposes: fields.field(Name::Purposes).flags(NAME_RULE, purpose)?,
        objections: match objections {
            None => None,
            some => Some(Objections {
                purposes: member(some, "purposes", "/objections/purposes")
                    .names(NAME_RULE, |name| is_name(name, MOST_NAME_CHARS))?,
                services: member(some, "services", "/objections/services")
                    .names(SERVICE_RULE, |name| ServiceId::new(name).is_ok())?,
            }),
        },
    })
}

fn observed(fields: &Fields<'_>) -> Result<Option<Observed>, Rejection> {
    let Some(observed) = fields.field(Name::Observed).object()? else { return Ok(None) };
    let some = Some(observed);
    Ok(Some(Observed {
        cookies: member(some, "cookies", "/observed/cookies")
            .names("1 to 256 characters", |name| is_name(name, MOST_COOKIE_CHARS))?,
        domains: member(some, "domains", "/observed/domains")
            .names("1 to 253 characters", |name| is_name(name, 253))?,
        others: member(some, "others", "/observed/others").whole(0..=1_000_000)?.unwrap_or(0),
        state: member(some, "state", "/observed/state")
            .flags(NAME_RULE, |name| is_name(name, MOST_NAME_CHARS).then(|| name.to_owned()))?,
    }))
}
