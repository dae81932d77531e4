//! What an event says of services and purposes, as far as its opened fields tell, and whether a list of answers agrees with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

/// Of services in this category nobody is asked.
const NECESSARY: &str = "necessary";

/// The fields of an event on which its answers rest. Many events have the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Said {
    /// `decided` and so on.
    pub kind: String,
    pub method: Option<String>,
    pub prompt: String,
    pub categories: BTreeMap<String, bool>,
    pub services: BTreeMap<String, bool>,
    pub purposes: BTreeMap<String, bool>,
    pub config_version: i64,
    /// Whether it names the text that was shown.
    pub has_text: bool,
    /// Whether fields of it are withheld.
    pub is_cut: bool,
}

/// One of each.
#[derive(Default)]
pub struct Interned {
    numbers: HashMap<Said, u32>,
    all: Vec<Said>,
}

impl Interned {
    pub fn number(&mut self, said: Said) -> u32 {
        if let Some(number) = self.numbers.get(&said) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(said.clone());
        self.numbers.insert(said, number);
        number
    }

    pub fn get(&self, number: u32) -> Option<&Said> {
        self.all.get(usize::try_from(number).ok()?)
    }
}

/// What of a site's settings answers depend on: from the control record of a version, where it is opened.
#[derive(Debug, Default, Deserialize)]
pub struct Settings {
    #[serde(default)]
    pub services: BTreeMap<String, String>,
    #[serde(default)]
    pub dismiss_means: String,
    #[serde(default)]
    pub purposes: Vec<Purpose>,
}

#[derive(Debug, Deserialize)]
pub struct Purpose {
    pub id: String,
}

/// An answer as a file states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Granted,
    /// Refused, or withdrawn by refusing.
    Denied,
    NotDisclosed,
}

/// The answers that a file states of one event.
#[derive(Debug, Default)]
pub struct Answers<'a> {
    pub services: BTreeMap<&'a str, Answer>,
    /// A space in an id is written as an underscore.
    pub granted_purposes: BTreeSet<String>,
    pub denied_purposes: BTreeSet<String>,
}

impl Said {
    /// Whether these are the answers of the event, under the settings that it cites, if they are known; otherwise whether
    /// they can be.
    pub fn agrees(&self, answers: &Answers<'_>, settings: Option<&Settings>) -> bool {
        let answered = matches!(self.kind.as_str(), "decided" | "withdrawn");
        let dismissed = self.method.as_deref() == Some("dismiss");
        let no_choice = dismissed && settings.is_some_and(|settings| settings.dismiss_means == "no_choice");
        if !answered || no_choice {
            return answers.services.is_empty()
                && answers.granted_purposes.is_empty()
                && answers.denied_purposes.is_empty();
        }
        self.services_agree(answers, settings) && self.purposes_agree(answers, settings)
    }

    fn services_agree(&self, answers: &Answers<'_>, settings: Option<&Settings>) -> bool {
        let known = answers.services.iter().all(|(service, answer)| match self.services.get(*service) {
            Some(named) => self.answer(*named) == Some(*answer),
            None => match settings {
                Some(settings) => settings
                    .services
                    .get(*service)
                    .and_then(|category| self.inherited(category))
                    .is_some_and(|inherited| self.fits(inherited, *answer)),
                None => self.may_inherit(*answer),
            },
        });
        // In a cut export nobody can tell which services it is cut to.
        let Some(settings) = settings.filter(|_| !self.is_cut) else { return known };
        let asked = settings.services.iter().filter(|(_, category)| *category != NECESSARY);
        let complete = asked.into_iter().all(|(service, category)| {
            let answer = match self.services.get(service) {
                Some(named) => self.answer(*named),
                None => self.inherited(category),
            };
            answer.is_none() || answers.services.contains_key(service.as_str())
        });
        known && complete
    }

    /// What a yes or no means; a withdrawal takes back and never gives.
    fn answer(&self, yes: bool) -> Option<Answer> {
        match (self.kind == "withdrawn", yes) {
            (true, true) => None,
            (false, true) => Some(Answer::Granted),
            (_, false) => Some(Answer::Denied),
        }
    }

    /// What a service has from its category, or from an event that names nothing.
    fn inherited(&self, category: &str) -> Option<Answer> {
        if category == NECESSARY {
            return None;
        }
        match self.categories.get(category) {
            Some(yes) => self.answer(*yes),
            None => self.is_sweeping().then_some(Answer::Denied),
        }
    }

    /// A withdrawal of everything, or a banner that was closed.
    fn is_sweeping(&self) -> bool {
        let names_nothing = self.categories.is_empty() && self.services.is_empty() && self.purposes.is_empty();
        (self.kind == "withdrawn" && (names_nothing || self.is_cut))
            || (self.kind == "decided" && (self.method.as_deref() == Some("dismiss") || self.is_cut))
    }

    /// A banner that does not list a service leaves it open, whatever its category.
    fn fits(&self, inherited: Answer, stated: Answer) -> bool {
        stated == inherited || (stated == Answer::NotDisclosed && self.has_text && self.kind == "decided")
    }

    fn may_inherit(&self, stated: Answer) -> bool {
        let of_category = self.categories.values().filter_map(|yes| self.answer(*yes));
        let sweeping = self.is_sweeping().then_some(Answer::Denied);
        of_category.chain(sweeping).any(|inherited| self.fits(inherited, stated))
    }

    fn purposes_agree(&self, answers: &Answers<'_>, settings: Option<&Settings>) -> bool {
        let written = |id: &String| id.replace(' ', "_");
        let of = |yes: bool| -> BTreeSet<String> {
            self.purposes.iter().filter(|(_, said)| **said == yes).map(|(id, _)| written(id)).collect()
        };
        let withdraws = self.kind == "withdrawn";
        let granted = if withdraws { BTreeSet::new() } else { of(true) };
        let mut denied = of(false);
        let names_nothing = self.categories.is_empty() && self.services.is_empty() && self.purposes.is_empty();
        if withdraws && names_nothing && !self.is_cut {
            match settings {
                Some(settings) => denied.extend(settings.purposes.iter().map(|purpose| written(&purpose.id))),
                None => return answers.granted_purposes.is_empty(),
            }
        }
        answers.granted_purposes == granted && answers.denied_purposes == denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, categories: &[(&str, bool)], services: &[(&str, bool)]) -> Said {
        let map = |pairs: &[(&str, bool)]| pairs.iter().map(|(name, yes)| ((*name).to_owned(), *yes)).collect();
        Said { kind: kind.into(), categories: map(categories), services: map(services), ..Said::default() }
    }

    fn answers<'a>(services: &[(&'a str, Answer)]) -> Answers<'a> {
        Answers { services: services.iter().copied().collect(), ..Answers::default() }
    }

    #[test]
    fn answers_are_those_of_the_event() {
        let settings = Settings {
            services: [("chaport", "preferences"), ("crisp", "preferences"), ("own", "necessary")]
                .map(|(service, category)| (service.to_owned(), category.to_owned()))
                .into(),
            ..Settings::default()
        };
        let (yes, no, open) = (Answer::Granted, Answer::Denied, Answer::NotDisclosed);
        let mut event = said("decided", &[("preferences", true)], &[("crisp", false)]);
        let right = answers(&[("chaport", yes), ("crisp", no)]);
        assert!(event.agrees(&right, Some(&settings)) && event.agrees(&right, None));
        for wrong in [
            answers(&[("chaport", yes), ("crisp", yes)]),
            answers(&[("chaport", no), ("crisp", no)]),
            answers(&[("chaport", yes)]),
            answers(&[("chaport", yes), ("crisp", no), ("own", yes)]),
            answers(&[("chaport", open), ("crisp", no)]),
        ] {
            assert!(!event.agrees(&wrong, Some(&settings)), "{wrong:?}");
        }
        event.has_text = true;
        assert!(event.agrees(&answers(&[("chaport", open), ("crisp", no)]), Some(&settings)));
        let all = said("withdrawn", &[], &[]);
        assert!(all.agrees(&answers(&[("chaport", no), ("crisp", no)]), Some(&settings)));
        assert!(!all.agrees(&answers(&[]), Some(&settings)));
        assert!(said("shown", &[], &[]).agrees(&answers(&[]), Some(&settings)));
    }

    #[test]
    fn purposes_are_those_of_the_event() {
        let mut event = said("decided", &[], &[]);
        event.purposes = [("a b".to_owned(), true), ("c".to_owned(), false)].into();
        let mut stated = Answers {
            granted_purposes: ["a_b".to_owned()].into(),
            denied_purposes: ["c".to_owned()].into(),
            ..Answers::default()
        };
        assert!(event.agrees(&stated, None));
        stated.denied_purposes.clear();
        assert!(!event.agrees(&stated, None));
    }
}
