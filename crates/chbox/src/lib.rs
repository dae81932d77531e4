//! avow-chbox.
