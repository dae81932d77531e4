//! The visitors: where they come from ([`context`], [`agents`]), what sites they visit ([`site`]), when ([`moments`]), what
//! they do there ([`stories`], [`content`]), and in what requests it reaches a server ([`crowd`], [`repeats`], [`flood`]).

pub(crate) mod agents;
pub(crate) mod content;
pub(crate) mod context;
pub(crate) mod crowd;
pub(crate) mod event;
pub(crate) mod flood;
pub(crate) mod moments;
pub(crate) mod repeats;
pub(crate) mod site;
pub(crate) mod stories;
