//! avow-ledger.
