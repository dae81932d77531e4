//! avow-warehouse.
