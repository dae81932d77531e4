//! The control plane: sites, tokens, people, banners and writers' schemas, as they stand in `consent.control`. Every role follows the
//! topic and keeps a [`Directory`] in memory; a change is made by appending to the topic and is in force in this process once
//! the call returns, elsewhere as soon as the follower there reads it (well within 5 s).

mod directory;
mod follow;
pub mod password;
mod snapshot;
mod token;

pub use directory::{Banner, BannerVersion, Directory, People, ServiceVersion, SessionLimits, SiteHistory};
pub use follow::{
    Asked, Control, ControlError, MarkKind, NewPerson, NewSession, NewShare, NewToken, PeopleError, PersonChange,
};
pub use token::{Access, Caller, Entry};
