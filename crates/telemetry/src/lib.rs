//! avow-telemetry.
