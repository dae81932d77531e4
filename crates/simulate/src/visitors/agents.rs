//! The user agents that simulated visitors have, with what a server must make of each.
//!
//! The table holds only agents whose classification leaves no room: device class `desktop`, `mobile` or `tablet`, families
//! `Chrome`, `Firefox`, `Safari`, `Edge`, systems `Windows`, `macOS`, `Linux`, `Android`, `iOS`. For bots the rule is: bot `yes`, and
//! device, browser and os are all `unknown`; only bots that name no platform are used.

/// One user agent and its dimensions.
pub(crate) struct Agent {
    /// The `User-Agent` header.
    pub(crate) header: &'static str,
    pub(crate) device: &'static str,
    pub(crate) browser: &'static str,
    pub(crate) os: &'static str,
    pub(crate) bot: bool,
    /// Relative frequency.
    pub(crate) weight: u32,
}

const fn human(
    weight: u32,
    device: &'static str,
    browser: &'static str,
    os: &'static str,
    header: &'static str,
) -> Agent {
    Agent { header, device, browser, os, bot: false, weight }
}

const fn bot(weight: u32, header: &'static str) -> Agent {
    Agent { header, device: "unknown", browser: "unknown", os: "unknown", bot: true, weight }
}

/// All agents; [`crate::visitors::context::Context::agent`] is an index into it.
pub(crate) const AGENTS: [Agent; 16] = [
    human(
        26,
        "desktop",
        "Chrome",
        "Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    human(
        22,
        "mobile",
        "Chrome",
        "Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    ),
    human(
        18,
        "mobile",
        "Safari",
        "iOS",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    ),
    human(
        8,
        "desktop",
        "Safari",
        "macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    ),
    human(
        6,
        "desktop",
        "Edge",
        "Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    ),
    human(
        6,
        "desktop",
        "Firefox",
        "Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    ),
    human(4, "desktop", "Firefox", "Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    human(
        3,
        "desktop",
        "Chrome",
        "macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    human(
        2,
        "desktop",
        "Chrome",
        "Linux",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    human(2, "mobile", "Firefox", "Android", "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"),
    human(
        2,
        "tablet",
        "Safari",
        "iOS",
        "Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    ),
    human(
        2,
        "tablet",
        "Chrome",
        "Android",
        "Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    bot(2, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    bot(1, "curl/8.5.0"),
    // Suspected by its form, not named by anybody.
    bot(2, "Foo/1.0"),
    bot(1, "python-requests/2.31.0"),
];
