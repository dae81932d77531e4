//! avow-testkit.
