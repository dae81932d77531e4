//! The box as a process: how it opens, ends, and keeps others out.

use avow_chbox::{Engine, EngineConfig};

use crate::harness::{self, TestBox};

/// libchdb crashes a process that exits with connections open; a box that drains and closes ends with status 0.
#[test]
fn a_box_that_closes_its_engine_ends_cleanly() {
    for _ in 0..3 {
        let own = TestBox::start();
        let data = own.data.clone();
        let status = own.stop();
        assert!(status.success(), "{status}");
        assert!(!data.exists());
    }
}

#[test]
fn a_second_process_is_kept_off_the_data() {
    let own = TestBox::start();
    let error = Engine::open(harness::config(&own.data)).unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert!(own.stop().success());
}

#[test]
fn a_missing_library_says_how_to_get_it() {
    let data = tempfile::tempdir().unwrap();
    let config = EngineConfig { library: data.path().join("libchdb.so"), ..harness::config(data.path()) };
    let error = Engine::open(config).unwrap_err().to_string();
    assert!(error.contains("make engine"), "{error}");
    let config = EngineConfig { library: std::env::current_exe().unwrap(), ..harness::config(data.path()) };
    let error = Engine::open(config).unwrap_err().to_string();
    assert!(error.contains("cannot load the ClickHouse engine"), "{error}");
}
