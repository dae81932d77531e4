//! avow-control.
