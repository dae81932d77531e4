//! Which agents are no persons: the list of the npm package isbot (`bots/patterns.txt`, made by `bots/refresh.mjs`).

use avow_schemas::event::BotGrade;
use fancy_regex::Regex;

const PATTERNS: &str = include_str!("bots/patterns.txt");

/// The list does not compile; a test keeps that from happening.
#[derive(Debug, thiserror::Error)]
#[error("bot pattern {pattern:?}: {reason}")]
pub struct BadPattern {
    pattern: String,
    reason: String,
}

/// The compiled list.
pub struct Bots {
    /// What an agent calls itself: one expression for all without look-around, one each for the others.
    names: Vec<Regex>,
    /// The mere form of the text.
    shapes: Vec<Regex>,
}

impl Bots {
    pub fn new() -> Result<Self, BadPattern> {
        let of_grade = |grade: &'static str| {
            let lines = PATTERNS.lines().filter_map(move |line| line.split_once('\t'));
            lines.filter(move |(found, _)| *found == grade).map(|(_, pattern)| pattern)
        };
        Ok(Self { names: compile(of_grade("name"))?, shapes: compile(of_grade("shape"))? })
    }

    /// The grade of an agent. One without a name is suspected.
    pub fn grade(&self, agent: &str) -> BotGrade {
        // A match that gives up for its length is no match.
        let any = |list: &[Regex]| list.iter().any(|regex| regex.is_match(agent).unwrap_or(false));
        if any(&self.names) {
            BotGrade::Declared
        } else if agent.trim().is_empty() || any(&self.shapes) {
            BotGrade::Suspected
        } else {
            BotGrade::No
        }
    }
}

fn compile<'p>(patterns: impl Iterator<Item = &'p str>) -> Result<Vec<Regex>, BadPattern> {
    let looks_around = |pattern: &&str| ["(?!", "(?<!", "(?=", "(?<="].iter().any(|mark| pattern.contains(mark));
    let (special, plain): (Vec<_>, Vec<_>) = patterns.partition(looks_around);
    let one = plain.iter().map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|");
    let all = special.into_iter().map(str::to_owned).chain((!one.is_empty()).then_some(one));
    all.map(|pattern| {
        let bad = |e: fancy_regex::Error| BadPattern { pattern: pattern.clone(), reason: e.to_string() };
        Regex::new(&format!("(?i){pattern}")).map_err(bad)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades() {
        let bots = Bots::new().unwrap();
        for (agent, grade) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", BotGrade::Declared),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
                BotGrade::Declared,
            ),
            ("python-requests/2.31.0", BotGrade::Declared),
            ("curl/8.5.0", BotGrade::Declared),
            ("Foo/1.0", BotGrade::Suspected),
            ("", BotGrade::Suspected),
            (" ", BotGrade::Suspected),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                BotGrade::No,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
                BotGrade::No,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                BotGrade::No,
            ),
        ] {
            assert_eq!(bots.grade(agent), grade, "{agent}");
        }
    }
}
