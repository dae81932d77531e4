//! avow-schemas.
