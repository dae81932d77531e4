//! Everything that goes over the network: bodies ([`body`]), requests and answers ([`client`]), and many of them at once with
//! every event repeated until its 202 ([`sender`]).

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod sender;
