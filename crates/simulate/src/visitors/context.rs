//! How an event reaches the server: what the request around it says, and what dimensions the server derives from that.
//!
//! A request carries one context, so events are batched by it. Rules, from the contract: a request with a token speaks for
//! others (device, browser and os unknown, bot `no`); an import is such a request with `?import=1`; a beacon has an
//! `Origin` or none. The country header is trusted on every kind of request: whoever may set it speaks for the visitor.

use super::agents::AGENTS;

/// The `source` that the server stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A beacon whose page is named by `Origin`.
    Origin,
    /// A beacon without `Origin`.
    Anonymous,
    /// A server-side caller with a bearer token.
    Token,
    /// A token of scope `admin` with `?import=1`.
    Import,
}

impl Source {
    /// The value of the dimension.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Anonymous => "none",
            Self::Token => "token",
            Self::Import => "import",
        }
    }

    /// Whether the request carries the bearer token.
    pub(crate) const fn has_token(self) -> bool {
        matches!(self, Self::Token | Self::Import)
    }
}

/// Everything that events of one request share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Context {
    pub(crate) source: Source,
    /// Index into [`AGENTS`]; 0 where a token makes it meaningless, so that such contexts fall together.
    pub(crate) agent: usize,
    /// Value of the country header; none: the header is not sent.
    pub(crate) country: Option<&'static str>,
    /// The site whose origin is sent; none where the source is not [`Source::Origin`].
    pub(crate) origin: Option<usize>,
}

impl Context {
    /// A visitor's browser on a page of `site`.
    pub(crate) const fn page(site: usize, agent: usize, country: Option<&'static str>) -> Self {
        Self { source: Source::Origin, agent, country, origin: Some(site) }
    }

    /// A beacon that names no origin.
    pub(crate) const fn anonymous(agent: usize, country: Option<&'static str>) -> Self {
        Self { source: Source::Anonymous, agent, country, origin: None }
    }

    /// A caller with a token, for a visitor of `country`.
    pub(crate) const fn token(import: bool, country: Option<&'static str>) -> Self {
        Self { source: if import { Source::Import } else { Source::Token }, agent: 0, country, origin: None }
    }

    /// The dimension `device`.
    pub(crate) fn device(&self) -> &'static str {
        if self.source.has_token() { "unknown" } else { AGENTS[self.agent].device }
    }

    /// The dimension `browser`.
    pub(crate) fn browser(&self) -> &'static str {
        if self.source.has_token() { "unknown" } else { AGENTS[self.agent].browser }
    }

    /// The dimension `os`.
    pub(crate) fn os(&self) -> &'static str {
        if self.source.has_token() { "unknown" } else { AGENTS[self.agent].os }
    }

    /// The dimension `bot`.
    pub(crate) fn bot(&self) -> &'static str {
        if !self.source.has_token() && AGENTS[self.agent].bot { "yes" } else { "no" }
    }
}
