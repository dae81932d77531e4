//! avow-tests.
