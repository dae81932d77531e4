//! avow-ingest.
