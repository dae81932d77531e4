//! avow-simulate.
