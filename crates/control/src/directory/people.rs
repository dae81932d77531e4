//! People, their credentials, sessions and invitations, and shared views.

use std::collections::HashMap;
use std::sync::Arc;

use avow_schemas::control::ControlValue;
use avow_schemas::people::{
    Credential, IdentityRecord, InvitationRecord, PersonRecord, SeenRecord, SessionRecord, ShareRecord, SharedPeriod,
    identity_key,
};
use uuid::Uuid;

/// How long a session lasts, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without use.
    pub idle: i64,
    /// In all.
    pub absolute: i64,
}

/// What the control topic says of people.
#[derive(Debug, Clone, Default)]
pub struct People {
    persons: HashMap<Uuid, Arc<PersonRecord>>,
    credentials: HashMap<Uuid, Arc<Credential>>,
    /// By their key.
    identities: HashMap<String, Arc<IdentityRecord>>,
    sessions: HashMap<Uuid, Arc<SessionRecord>>,
    /// When each session was last used, in ms since 1970.
    seen: HashMap<Uuid, i64>,
    /// By person.
    invitations: HashMap<Uuid, Arc<InvitationRecord>>,
    shares: HashMap<Uuid, Arc<ShareRecord>>,
}

impl People {
    pub fn person(&self, id: Uuid) -> Option<&Arc<PersonRecord>> {
        self.persons.get(&id)
    }

    /// Those who count, oldest first.
    pub fn persons(&self) -> Vec<&Arc<PersonRecord>> {
        let mut all: Vec<_> = self.persons.values().filter(|person| self.counts(person)).collect();
        all.sort_by_key(|person| (person.made_at, person.id));
        all
    }

    /// Who has this address, in lower case. Where two processes have put it at the same time, the one made first.
    pub fn by_email(&self, email: &str) -> Option<&Arc<PersonRecord>> {
        let those = self.persons.values().filter(|person| person.email == email);
        those.min_by_key(|person| (person.made_at, person.id))
    }

    fn counts(&self, person: &PersonRecord) -> bool {
        self.by_email(&person.email).is_some_and(|first| first.id == person.id)
    }

    pub fn credential(&self, person: Uuid) -> Option<&Arc<Credential>> {
        self.credentials.get(&person)
    }

    /// As whom an issuer knows a person.
    pub fn identity_at(&self, person: Uuid, issuer: &str) -> Option<&Arc<IdentityRecord>> {
        let those = self.identities.values().filter(|one| one.person == person && one.issuer == issuer);
        those.min_by(|one, other| (one.made_at, &one.subject).cmp(&(other.made_at, &other.subject)))
    }

    /// Whom an issuer means by a subject.
    pub fn by_identity(&self, issuer: &str, subject: &str) -> Option<&Arc<PersonRecord>> {
        let identity = self.identities.get(&identity_key(issuer, subject))?;
        let first = self.identity_at(identity.person, issuer)?;
        self.person(identity.person).filter(|_| first.subject == subject)
    }

    /// The keys under which it stands as whom issuers know a person.
    pub(crate) fn identities_of(&self, person: Uuid) -> impl Iterator<Item = String> {
        self.identities.iter().filter(move |(_, one)| one.person == person).map(|(key, _)| key.clone())
    }

    /// Whether an issuer knows a person.
    pub fn has_identity(&self, person: Uuid) -> bool {
        self.identities.values().any(|one| one.person == person)
    }

    /// Whether there is anything with which a person signs in.
    pub(crate) fn has_means(&self, person: Uuid) -> bool {
        self.credential(person).is_some_and(|credential| credential.password.is_some()) || self.has_identity(person)
    }

    /// Whether a person could sign in now, given the password or their account at the provider.
    pub fn may_sign_in(&self, person: &PersonRecord) -> bool {
        person.disabled_at.is_none() && self.has_means(person.id) && self.counts(person)
    }

    /// The number that a person's open sessions have.
    pub fn epoch(&self, person: Uuid) -> u64 {
        self.credential(person).map_or(0, |credential| credential.epoch)
    }

    /// How many administer the whole installation and can sign in.
    pub(crate) fn whole_admins(&self) -> usize {
        let admins = self.persons.values().filter(|person| person.is_whole_admin());
        admins.filter(|person| self.may_sign_in(person)).count()
    }

    pub fn invitation(&self, person: Uuid) -> Option<&Arc<InvitationRecord>> {
        self.invitations.get(&person)
    }

    pub fn session(&self, id: Uuid) -> Option<&Arc<SessionRecord>> {
        self.sessions.get(&id)
    }

    /// When a session was last noted to be used, in ms since 1970.
    pub fn seen_at(&self, session: &SessionRecord) -> i64 {
        self.seen.get(&session.id).copied().unwrap_or(session.made_at).max(session.made_at)
    }

    /// When a session ends if it is not used any more, in ms since 1970.
    pub fn ends_at(&self, session: &SessionRecord, limits: SessionLimits) -> i64 {
        (session.made_at + limits.absolute).min(self.seen_at(session) + limits.idle)
    }

    /// Whose session it is, if it is open at a moment.
    pub fn holder(&self, session: &SessionRecord, limits: SessionLimits, now: i64) -> Option<&Arc<PersonRecord>> {
        let person = self.person(session.person).filter(|person| self.may_sign_in(person))?;
        (session.epoch == self.epoch(person.id) && now < self.ends_at(session, limits)).then_some(person)
    }

    /// A person's open sessions, oldest first.
    pub fn sessions_of(&self, person: Uuid, limits: SessionLimits, now: i64) -> Vec<&Arc<SessionRecord>> {
        let its = self.sessions.values().filter(|session| session.person == person);
        let mut open: Vec<_> = its.filter(|session| self.holder(session, limits, now).is_some()).collect();
        open.sort_by_key(|session| (session.made_at, session.id));
        open
    }

    /// The keys of what is left of sessions that have ended.
    pub(crate) fn ended(&self, limits: SessionLimits, now: i64) -> Vec<String> {
        let over = |session: &&Arc<SessionRecord>| self.holder(session, limits, now).is_none();
        let sessions = self.sessions.values().filter(over).map(|session| session.key());
        let open = |id: &Uuid| self.session(*id).is_some_and(|session| self.holder(session, limits, now).is_some());
        let seen = self.seen.iter().filter(|(id, _)| !open(id));
        sessions.chain(seen.map(|(id, at)| SeenRecord { session: *id, at: *at }.key())).collect()
    }

    pub fn share(&self, id: Uuid) -> Option<&Arc<ShareRecord>> {
        self.shares.get(&id)
    }

    /// Oldest first.
    pub fn shares(&self) -> Vec<&Arc<ShareRecord>> {
        let mut all: Vec<_> = self.shares.values().collect();
        all.sort_by_key(|share| (share.made_at, share.id));
        all
    }

    /// Takes one record of a person or of what is theirs.
    pub(super) fn apply(&mut self, value: ControlValue) {
        match value {
            ControlValue::Person(person) => {
                self.persons.insert(person.id, Arc::new(person));
            }
            ControlValue::Credential(credential) => {
                self.credentials.insert(credential.person, Arc::new(credential));
            }
            ControlValue::Identity(identity) => {
                self.identities.insert(identity.key(), Arc::new(identity));
            }
            ControlValue::Session(session) => {
                self.sessions.insert(session.id, Arc::new(session));
            }
            ControlValue::Seen(seen) => {
                self.seen.insert(seen.session, seen.at);
            }
            ControlValue::Invitation(invitation) => self.invited(invitation),
            ControlValue::Share(share) => {
                self.shares.insert(share.id, Arc::new(share));
            }
            _ => {}
        }
    }

    /// Of two redemptions of one invitation the first in the log counts.
    fn invited(&mut self, invitation: InvitationRecord) {
        let known = self.invitations.get(&invitation.person);
        let is_late = known.is_some_and(|known| known.redeemed.is_some() && known.hash == invitation.hash);
        if !is_late {
            self.invitations.insert(invitation.person, Arc::new(invitation));
        }
    }

    /// Takes away what lay under a key.
    pub(super) fn remove(&mut self, key: &str) {
        if self.identities.remove(key).is_some() {
            return;
        }
        let Some((kind, id)) = key.split_once('/') else { return };
        let Ok(id) = Uuid::try_parse(id) else { return };
        match kind {
            "person" => drop(self.persons.remove(&id)),
            "credential" => drop(self.credentials.remove(&id)),
            "session" => drop(self.sessions.remove(&id)),
            "seen" => drop(self.seen.remove(&id)),
            "invitation" => drop(self.invitations.remove(&id)),
            "share" => drop(self.shares.remove(&id)),
            _ => {}
        }
    }
}

/// Whether two days (`2026-11-24`), both included, lie within what a shared view shows, in whichever time zone today is.
pub(crate) fn shows(period: &SharedPeriod, (from, to): (&str, &str), now: jiff::Timestamp) -> bool {
    match period {
        // Days as they are written sort as they follow.
        SharedPeriod::Days(first, last) => from >= first.as_str() && to <= last.as_str(),
        SharedPeriod::Last(days) => {
            // The earliest zone in which a day begins is 14 hours ahead, the latest 12 behind.
            let (Ok(from), Ok(to)) = (from.parse::<jiff::civil::Date>(), to.parse::<jiff::civil::Date>()) else {
                return false;
            };
            let day = |hours: i8| jiff::tz::Offset::constant(hours).to_datetime(now).date();
            let first = day(-12).checked_sub(jiff::ToSpan::days(i64::from(*days) - 1));
            first.is_ok_and(|first| from >= first) && to <= day(14)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use avow_schemas::people::Role;

    const LIMITS: SessionLimits = SessionLimits { idle: 100, absolute: 1000 };

    fn person(id: u128, email: &str, made_at: i64) -> PersonRecord {
        PersonRecord {
            id: Uuid::from_u128(id),
            name: "Ada".into(),
            email: email.into(),
            role: Role::Admin,
            sites: None,
            made_at,
            disabled_at: None,
        }
    }

    fn credential(id: u128, epoch: u64) -> Credential {
        Credential { person: Uuid::from_u128(id), password: Some("$argon2id$".into()), epoch, made_at: 0 }
    }

    #[test]
    fn of_two_persons_with_one_address_the_first_counts_in_whatever_order_they_are_read() {
        for order in [[1, 2], [2, 1]] {
            let mut people = People::default();
            for id in order {
                people.apply(ControlValue::Person(person(id, "a@example.org", i64::try_from(id).unwrap())));
                people.apply(ControlValue::Credential(credential(id, 0)));
            }
            assert_eq!(people.by_email("a@example.org").unwrap().id, Uuid::from_u128(1));
            assert_eq!((people.persons().len(), people.whole_admins()), (1, 1));
        }
    }

    #[test]
    fn a_session_ends_by_time_and_with_its_person() {
        let mut people = People::default();
        people.apply(ControlValue::Person(person(1, "a@example.org", 0)));
        people.apply(ControlValue::Credential(credential(1, 3)));
        let session = SessionRecord {
            id: Uuid::from_u128(9),
            person: Uuid::from_u128(1),
            hash: "00".into(),
            epoch: 3,
            made_at: 0,
        };
        people.apply(ControlValue::Session(session.clone()));
        let open = |people: &People, at| people.holder(&session, LIMITS, at).is_some();
        assert!(open(&people, 99) && !open(&people, 100), "idle");
        let seen = |at| ControlValue::Seen(SeenRecord { session: session.id, at });
        people.apply(seen(95));
        assert!(open(&people, 194) && !open(&people, 195));
        people.apply(seen(990));
        assert!(open(&people, 999) && !open(&people, 1000), "absolute");
        assert_eq!(people.ended(LIMITS, 1000).len(), 2);
        people.apply(ControlValue::Credential(credential(1, 4)));
        assert!(!open(&people, 991), "the password has changed");
        people.apply(ControlValue::Credential(credential(1, 3)));
        people.apply(ControlValue::Person(PersonRecord { disabled_at: Some(5), ..person(1, "a@example.org", 0) }));
        assert!(!open(&people, 991), "disabled");
        people.remove(&session.key());
        assert_eq!(people.ended(LIMITS, 991).len(), 1, "that it was seen");
    }

    #[test]
    fn of_two_accounts_of_one_person_the_first_counts_and_one_account_is_one_person() {
        let identity = |id: u128, issuer: &str, subject: &str, made_at| {
            let (issuer, subject) = (issuer.into(), subject.into());
            IdentityRecord { person: Uuid::from_u128(id), issuer, subject, made_at }
        };
        let mut all = [identity(1, "i", "late", 7), identity(1, "i", "first", 5), identity(2, "i", "other", 6)];
        for _ in 0..2 {
            all.reverse();
            let mut people = People::default();
            people.apply(ControlValue::Person(person(1, "a@example.org", 0)));
            people.apply(ControlValue::Person(person(2, "b@example.org", 0)));
            assert_eq!(people.whole_admins(), 0);
            all.iter().for_each(|one| people.apply(ControlValue::Identity(one.clone())));
            assert_eq!(people.whole_admins(), 2, "who can sign in by the provider can sign in");
            let found = |issuer: &str, subject: &str| people.by_identity(issuer, subject).map(|one| one.id.as_u128());
            assert_eq!((found("i", "first"), found("i", "late"), found("i", "other")), (Some(1), None, Some(2)));
            assert_eq!((found("j", "first"), found("i", "FIRST")), (None, None));
            people.remove(&all[0].key());
            assert!(people.by_identity("i", &all[0].subject).is_none());
        }
    }

    #[test]
    fn a_shared_view_shows_its_days_alone() {
        let now: jiff::Timestamp = "2026-11-24T23:30:00Z".parse().unwrap();
        let days = SharedPeriod::Days("2026-11-01".into(), "2026-11-10".into());
        assert!(shows(&days, ("2026-11-01", "2026-11-10"), now));
        assert!(!shows(&days, ("2026-10-31", "2026-11-10"), now) && !shows(&days, ("2026-11-01", "2026-11-11"), now));
        let last = SharedPeriod::Last(7);
        assert!(shows(&last, ("2026-11-18", "2026-11-25"), now), "in Kiribati it is the 25th");
        assert!(!shows(&last, ("2026-11-17", "2026-11-24"), now) && !shows(&last, ("2026-11-20", "2026-11-26"), now));
        assert!(!shows(&last, ("x", "2026-11-24"), now));
    }
}
