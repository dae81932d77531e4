//! avow-api.
