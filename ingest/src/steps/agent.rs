//! Step 6: of the user agent three words are kept (device class, browser family, system family) and whether it is a bot.
//! The text itself is read once per request, before the body, and goes no further than this file.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use avow_schemas::event::BotGrade;
use http::HeaderMap;
use http::header::USER_AGENT;
use moka::sync::Cache;
use woothee::parser::{Parser, WootheeResult};

use super::bots::{BadPattern, Bots};

/// Agents remembered by a keyed hash of their text; the text is not kept.
const REMEMBERED: u64 = 20_000;
/// Only this much of an agent is looked at.
const MOST_BYTES: usize = 512;

/// What is kept of a user agent. `None`: unknown, as everything is for a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// `desktop`, `mobile`, `tablet`, `tv`, `console`.
    pub device: Option<&'static str>,
    pub browser: Option<&'static str>,
    pub os: Option<&'static str>,
    pub bot: BotGrade,
}

impl Agent {
    /// Of a request with a token, which speaks for others.
    pub const UNSEEN: Self = Self { device: None, browser: None, os: None, bot: BotGrade::No };
}

/// Reduces user agents.
pub struct Agents {
    bots: Bots,
    key: RandomState,
    known: Cache<u64, Agent>,
}

impl Agents {
    /// # Errors
    /// Where the bot list does not compile.
    pub fn new() -> Result<Self, BadPattern> {
        Ok(Self { bots: Bots::new()?, key: RandomState::new(), known: Cache::new(REMEMBERED) })
    }

    /// Reduces a request's user agent.
    pub fn reduced(&self, headers: &HeaderMap) -> Agent {
        let raw = headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
        let raw = &raw[..raw.len().min(MOST_BYTES)];
        let key = self.key.hash_one(raw);
        if let Some(agent) = self.known.get(&key) {
            return agent;
        }
        let agent = self.classified(&String::from_utf8_lossy(raw));
        self.known.insert(key, agent);
        agent
    }

    fn classified(&self, text: &str) -> Agent {
        let bot = self.bots.grade(text);
        if bot != BotGrade::No {
            return Agent { bot, ..Agent::UNSEEN };
        }
        let parsed = Parser::new().parse(text).unwrap_or_default();
        if parsed.category == "crawler" {
            return Agent { bot: BotGrade::Declared, ..Agent::UNSEEN };
        }
        let os = os(text, &parsed);
        Agent { device: device(text, &parsed, os), browser: browser(text, &parsed), os, bot }
    }
}

/// The first word of a table that the text holds.
fn told_by(text: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table.iter().find(|(mark, _)| text.contains(mark)).map(|(_, word)| *word)
}

/// Browsers that are built on another one and name both, before those that they are built on.
fn browser(text: &str, parsed: &WootheeResult<'_>) -> Option<&'static str> {
    const MARKS: &[(&str, &str)] = &[
        ("SamsungBrowser/", "Samsung Internet"),
        ("EdgiOS/", "Edge"),
        ("EdgA/", "Edge"),
        ("Edg/", "Edge"),
        ("Edge/", "Edge"),
        ("OPR/", "Opera"),
        ("OPT/", "Opera"),
        ("OPX/", "Opera"),
        ("Opera", "Opera"),
        ("Vivaldi/", "Vivaldi"),
        ("YaBrowser/", "Yandex Browser"),
        ("DuckDuckGo/", "DuckDuckGo"),
        ("Ddg/", "DuckDuckGo"),
        ("UCBrowser/", "UC Browser"),
        ("HuaweiBrowser/", "Huawei Browser"),
        ("MiuiBrowser/", "Mi Browser"),
        ("Silk/", "Silk"),
        ("GSA/", "Google App"),
        ("FxiOS/", "Firefox"),
        ("Focus/", "Firefox"),
        ("CriOS/", "Chrome"),
    ];
    told_by(text, MARKS).or(match parsed.name {
        "Chrome" => Some("Chrome"),
        "Firefox" => Some("Firefox"),
        "Safari" => Some("Safari"),
        "Edge" => Some("Edge"),
        "Opera" => Some("Opera"),
        "Vivaldi" => Some("Vivaldi"),
        "Yandex Browser" => Some("Yandex Browser"),
        "SamsungBrowser" => Some("Samsung Internet"),
        "Internet Explorer" => Some("Internet Explorer"),
        "Google Search App" => Some("Google App"),
        "Sleipnir" => Some("Sleipnir"),
        "Webview" => Some("Webview"),
        _ => None,
    })
}

fn os(text: &str, parsed: &WootheeResult<'_>) -> Option<&'static str> {
    const MARKS: &[(&str, &str)] = &[
        ("Windows Phone", "Windows Phone"),
        ("Tizen", "Tizen"),
        ("Web0S", "webOS"),
        ("webOS", "webOS"),
        ("CrOS", "ChromeOS"),
        ("HarmonyOS", "HarmonyOS"),
        ("KAIOS", "KaiOS"),
        ("AppleTV", "tvOS"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("iPod", "iOS"),
        ("Android", "Android"),
        ("PlayStation", "PlayStation"),
        ("PLAYSTATION", "PlayStation"),
        ("Nintendo", "Nintendo"),
        ("Windows", "Windows"),
        ("Macintosh", "macOS"),
        ("FreeBSD", "BSD"),
        ("OpenBSD", "BSD"),
        ("NetBSD", "BSD"),
        ("Linux", "Linux"),
        ("X11", "Linux"),
    ];
    told_by(text, MARKS).or(match parsed.os {
        "Mac OSX" | "Mac OS Classic" => Some("macOS"),
        "iOS" => Some("iOS"),
        "Linux" => Some("Linux"),
        "BSD" => Some("BSD"),
        "BlackBerry" | "BlackBerry 10" => Some("BlackBerry"),
        _ => None,
    })
}

fn device(text: &str, parsed: &WootheeResult<'_>, os: Option<&'static str>) -> Option<&'static str> {
    const MARKS: &[(&str, &str)] = &[
        ("PlayStation", "console"),
        ("PLAYSTATION", "console"),
        ("Xbox", "console"),
        ("Nintendo", "console"),
        ("SmartTV", "tv"),
        ("SMART-TV", "tv"),
        ("Smart TV", "tv"),
        ("Web0S", "tv"),
        ("AppleTV", "tv"),
        ("GoogleTV", "tv"),
        ("Android TV", "tv"),
        ("BRAVIA", "tv"),
        ("HbbTV", "tv"),
        ("CrKey", "tv"),
        ("Roku", "tv"),
        ("; AFT", "tv"),
        ("iPad", "tablet"),
        ("Tablet", "tablet"),
        ("tablet", "tablet"),
        ("Kindle", "tablet"),
        ("PlayBook", "tablet"),
        ("Silk/", "tablet"),
        ("iPhone", "mobile"),
        ("iPod", "mobile"),
        ("Mobile", "mobile"),
        ("Mobi", "mobile"),
    ];
    // Android tells a phone by "Mobile"; without it, it is a tablet (Chrome's and Firefox's own documentation).
    told_by(text, MARKS).or(match (os, parsed.category) {
        (Some("Android"), _) => Some("tablet"),
        (_, "smartphone" | "mobilephone") => Some("mobile"),
        (Some("Tizen" | "webOS" | "tvOS"), _) => Some("tv"),
        (Some("Windows" | "macOS" | "Linux" | "ChromeOS" | "BSD"), _) | (_, "pc") => Some("desktop"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Agent, device, browser, system; words separated by commas.
    const AGENTS: &str = include_str!("agent/agents.txt");

    #[test]
    fn agents_are_reduced_to_three_words() {
        let agents = Agents::new().unwrap();
        let mut tried = 0;
        for line in AGENTS.lines().filter(|line| !line.starts_with('#')) {
            let (words, text) = line.split_once('\t').unwrap();
            let agent = agents.classified(text);
            let unknown = |word: Option<&'static str>| word.unwrap_or("unknown");
            let found = [unknown(agent.device), unknown(agent.browser), unknown(agent.os), agent.bot.as_str()];
            assert_eq!(found.join(","), words, "{text}");
            tried += 1;
        }
        assert!(tried > 30, "{tried}");
    }

    #[test]
    fn an_absent_agent_is_suspected_and_long_ones_are_cut() {
        let agents = Agents::new().unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(agents.reduced(&headers), Agent { bot: BotGrade::Suspected, ..Agent::UNSEEN });
        let long = "\u{e9}(".repeat(30_000);
        headers.insert(USER_AGENT, http::HeaderValue::from_bytes(long.as_bytes()).unwrap());
        assert_eq!(agents.reduced(&headers), agents.reduced(&headers));
    }
}
