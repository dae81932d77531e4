//! avow-processor.
