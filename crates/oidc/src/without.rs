//! A build without the feature `client`: there is no provider.

use crate::{Begun, Flow, Identity, InvalidSettings, OidcError, Settings};

/// None can be made.
#[derive(Debug)]
pub enum Provider {}

impl Provider {
    /// # Errors
    /// Always.
    pub fn new(_: Settings) -> Result<Self, InvalidSettings> {
        Err(InvalidSettings::NotBuilt)
    }

    /// Does not come to that.
    ///
    /// # Errors
    /// None.
    pub async fn begin(&self, _: &str, _: i64) -> Result<Begun, OidcError> {
        match *self {}
    }

    /// Does not come to that.
    ///
    /// # Errors
    /// None.
    pub fn resume(&self, _: &str, _: &str, _: Option<&str>, _: i64) -> Result<Flow, OidcError> {
        match *self {}
    }

    /// Does not come to that.
    ///
    /// # Errors
    /// None.
    pub async fn identify(&self, _: &Flow, _: &str) -> Result<Identity, OidcError> {
        match *self {}
    }

    /// Does not come to that.
    ///
    /// # Errors
    /// None.
    pub async fn probe(&self) -> Result<String, OidcError> {
        match *self {}
    }

    /// Does not come to that.
    pub fn redirect_url(&self) -> &str {
        match *self {}
    }
}
