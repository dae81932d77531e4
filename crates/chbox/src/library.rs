//! The binding of libchdb: the one file of the workspace that holds `unsafe` code.
//!
//! Everything here turns libchdb's C interface (26.7; the npm package carries no header) into owned Rust values with
//! the interface's own rules built in: a connection runs one statement at a time (`&mut`), an insert that is
//! dropped unfinished is cancelled, a result's memory lives as long as the [`Answer`] that owns it. Nothing here knows of
//! HTTP. All calls block; callers run them on blocking threads.
#![allow(unsafe_code, reason = "libchdb is a C library; this file is its only caller")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{EngineError, OpenError};

type Handle = *mut c_void;

/// Declares the table of C functions and how it is filled from the library.
macro_rules! functions {
    ($($name:ident: ($($argument:ty),*) $(-> $result:ty)?;)*) => {
        struct Functions { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Functions {
            /// # Safety
            /// `library` must be libchdb with the signatures declared below.
            unsafe fn load(library: &libloading::Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    $($name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }?,)*
                })
            }
        }
    };
}

functions! {
    chdb_version: () -> *const c_char;
    chdb_set_signal_handlers_enabled: (c_int);
    chdb_connect: (c_int, *mut *mut c_char) -> *mut Handle;
    chdb_close_conn: (*mut Handle);
    chdb_query_with_params_n: (Handle, *const u8, usize, *const u8, usize,
        *const *const u8, *const usize, *const *const u8, *const usize, usize) -> Handle;
    chdb_stream_insert_with_params_n: (Handle, *const u8, usize, *const u8, usize,
        *const *const u8, *const usize, *const *const u8, *const usize, usize) -> Handle;
    chdb_stream_append: (Handle, *const u8, usize) -> c_int;
    chdb_stream_done: (Handle) -> Handle;
    chdb_stream_cancel_insert: (Handle);
    chdb_stream_insert_error: (Handle) -> *const c_char;
    chdb_destroy_insert_stream: (Handle);
    chdb_destroy_query_result: (Handle);
    chdb_result_buffer: (Handle) -> *const u8;
    chdb_result_length: (Handle) -> usize;
    chdb_result_error: (Handle) -> *const c_char;
    chdb_result_rows_read: (Handle) -> u64;
    chdb_result_bytes_read: (Handle) -> u64;
    chdb_result_storage_rows_read: (Handle) -> u64;
    chdb_result_storage_bytes_read: (Handle) -> u64;
    chdb_result_rows_written: (Handle) -> u64;
    chdb_result_bytes_written: (Handle) -> u64;
    chdb_classify_query_n: (Handle, *const u8, usize, *const u8, usize, *mut Classification) -> c_int;
}

/// The loaded library. It is never unloaded: its threads run in its code until the process ends.
pub(crate) struct Library {
    functions: Functions,
}

impl Library {
    /// Loads libchdb from `path` and keeps its hands off this process's signal handlers.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, OpenError> {
        if !path.is_file() {
            return Err(OpenError::LibraryMissing { path: path.to_owned() });
        }
        #[cfg(target_arch = "x86_64")]
        if !std::arch::is_x86_feature_detected!("avx2") {
            return Err(OpenError::NoAvx2);
        }
        let unloadable = |reason: libloading::Error| OpenError::Library { path: path.to_owned(), reason };
        use libloading::os::unix;
        // SAFETY: libchdb's initialisers have no precondition; RTLD_LOCAL keeps its bundled C++ runtime to itself.
        let library =
            unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map_err(unloadable)?;
        let library = libloading::Library::from(library);
        // SAFETY: the signatures above are those of chdb.h 26.7; a missing name is an error, not a null pointer.
        let functions = unsafe { Functions::load(&library) }.map_err(unloadable)?;
        std::mem::forget(library);
        // SAFETY: may be called at any time; it must precede the first connection, and does.
        unsafe { (functions.chdb_set_signal_handlers_enabled)(0) };
        Ok(Arc::new(Self { functions }))
    }

    /// The library's version, such as `26.7.3`.
    pub(crate) fn version(&self) -> String {
        // SAFETY: returns a static NUL-terminated string.
        unsafe { text((self.functions.chdb_version)()) }.unwrap_or_default()
    }

    /// Opens a connection. The first one of a process starts the engine on `path`; `options` are `--name=value` words:
    /// server options count on the first connection only, query settings on this connection only. A NUL in an option,
    /// a setting's bad value and an engine that cannot start all give `None` (libchdb does not say which).
    pub(crate) fn connect(self: &Arc<Self>, path: &Path, options: &[String]) -> Option<Connection> {
        let mut words = vec![CString::from(c"clickhouse"), CString::new(format!("--path={}", path.display())).ok()?];
        for option in options {
            words.push(CString::new(option.as_str()).ok()?);
        }
        let mut arguments: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(arguments.len()).ok()?;
        // SAFETY: argc and argv describe `words`, which outlive the call; libchdb copies what it keeps.
        let outer = unsafe { (self.functions.chdb_connect)(count, arguments.as_mut_ptr()) };
        if outer.is_null() {
            return None;
        }
        // SAFETY: a non-null answer points to the connection's handle.
        let handle = unsafe { *outer };
        Some(Connection { library: Arc::clone(self), outer, handle })
    }
}

/// A named parameter of a statement (`{name:Type}`) and its value as text.
pub(crate) type Parameter = (String, Vec<u8>);

/// What libchdb's own parser says of a text, without running it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classification {
    struct_size: u32,
    /// How many statements the text holds; 0 if it does not parse.
    pub(crate) statements: u32,
    flags: u32,
    /// 0 reads, 1 changes data, 2 changes what is global, 3 control, 4 does not parse.
    pub(crate) class: u32,
}

/// The arrays that the `*_with_params_n` functions take.
struct Parameters {
    names: Vec<*const u8>,
    name_lengths: Vec<usize>,
    values: Vec<*const u8>,
    value_lengths: Vec<usize>,
}

impl Parameters {
    fn new(parameters: &[Parameter]) -> Self {
        Self {
            names: parameters.iter().map(|(name, _)| name.as_ptr()).collect(),
            name_lengths: parameters.iter().map(|(name, _)| name.len()).collect(),
            values: parameters.iter().map(|(_, value)| value.as_ptr()).collect(),
            value_lengths: parameters.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

/// One session with the engine. It runs one statement at a time.
pub(crate) struct Connection {
    library: Arc<Library>,
    outer: *mut Handle,
    handle: Handle,
}

// SAFETY: libchdb's connections may be used from any thread, one call at a time, which `&mut self` and the absence of
// `Sync` guarantee.
unsafe impl Send for Connection {}

impl Connection {
    /// What the engine's parser makes of `sql`.
    pub(crate) fn classify(&mut self, sql: &[u8]) -> Result<Classification, EngineError> {
        let mut found =
            Classification { struct_size: size_of::<Classification>() as u32, statements: 0, flags: 0, class: 4 };
        // SAFETY: the pointers and lengths describe live memory; a null database skips that judgement.
        let state = unsafe {
            (self.library.functions.chdb_classify_query_n)(
                self.handle,
                sql.as_ptr(),
                sql.len(),
                ptr::null(),
                0,
                &raw mut found,
            )
        };
        if state == 0 { Ok(found) } else { Err(EngineError::broken("the engine could not classify the statement")) }
    }

    /// Runs one statement to its end and gives its whole answer. The caller has classified it: libchdb would run
    /// every statement of the text.
    pub(crate) fn query(&mut self, sql: &[u8], format: &str, parameters: &[Parameter]) -> Result<Answer, EngineError> {
        let p = Parameters::new(parameters);
        // SAFETY: all pointers describe live memory for the length of the call.
        let result = unsafe {
            (self.library.functions.chdb_query_with_params_n)(
                self.handle,
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        Answer::take(&self.library, result)
    }

    /// Starts an INSERT whose data follow in pieces; `sql` carries neither `FORMAT` nor data.
    pub(crate) fn insert(
        &mut self,
        sql: &[u8],
        format: &str,
        parameters: &[Parameter],
    ) -> Result<InsertStream<'_>, EngineError> {
        let p = Parameters::new(parameters);
        // SAFETY: as in `query`.
        let stream = unsafe {
            (self.library.functions.chdb_stream_insert_with_params_n)(
                self.handle,
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                p.names.as_ptr(),
                p.name_lengths.as_ptr(),
                p.values.as_ptr(),
                p.value_lengths.as_ptr(),
                parameters.len(),
            )
        };
        if stream.is_null() {
            return Err(EngineError::broken("the engine did not open the insert"));
        }
        let insert = InsertStream { connection: self, stream, over: false };
        // SAFETY: `stream` is the live handle just returned.
        match unsafe { text((insert.connection.library.functions.chdb_stream_insert_error)(stream)) } {
            Some(message) => Err(EngineError::from_text(message)),
            None => Ok(insert),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: `outer` came from chdb_connect and is closed once; streams borrow the connection, so none is left.
        unsafe { (self.library.functions.chdb_close_conn)(self.outer) };
    }
}

/// A result that libchdb allocated: bytes and counters. Its memory is freed when it is dropped.
pub(crate) struct Answer {
    library: Arc<Library>,
    result: Handle,
}

// SAFETY: a finished result is plain memory that no thread of libchdb touches any more.
unsafe impl Send for Answer {}

impl Answer {
    fn take(library: &Arc<Library>, result: Handle) -> Result<Self, EngineError> {
        if result.is_null() {
            return Err(EngineError::broken("the engine gave no answer"));
        }
        let answer = Self { library: Arc::clone(library), result };
        // SAFETY: `result` is live until `answer` is dropped.
        match unsafe { text((library.functions.chdb_result_error)(result)) } {
            Some(message) => Err(EngineError::from_text(message)),
            None => Ok(answer),
        }
    }

    /// The counters that belong to this answer or piece of an answer.
    pub(crate) fn counters(&self) -> Counters {
        let f = &self.library.functions;
        // SAFETY: `result` is live; these functions only read it.
        unsafe {
            Counters {
                result_rows: (f.chdb_result_rows_read)(self.result),
                result_bytes: (f.chdb_result_bytes_read)(self.result),
                read_rows: (f.chdb_result_storage_rows_read)(self.result),
                read_bytes: (f.chdb_result_storage_bytes_read)(self.result),
                written_rows: (f.chdb_result_rows_written)(self.result),
                written_bytes: (f.chdb_result_bytes_written)(self.result),
            }
        }
    }

    /// The answer's bytes, without copying them.
    pub(crate) fn into_bytes(self) -> Bytes {
        if self.as_ref().is_empty() { Bytes::new() } else { Bytes::from_owner(self) }
    }
}

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: buffer and length describe memory that the result owns; an empty result may have no buffer.
        unsafe {
            let buffer = (self.library.functions.chdb_result_buffer)(self.result);
            let length = (self.library.functions.chdb_result_length)(self.result);
            if buffer.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(buffer, length) }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: `result` is destroyed once.
        unsafe { (self.library.functions.chdb_destroy_query_result)(self.result) };
    }
}

/// Rows and bytes of a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) result_rows: u64,
    pub(crate) result_bytes: u64,
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.result_rows += other.result_rows;
        self.result_bytes += other.result_bytes;
        self.read_rows += other.read_rows;
        self.read_bytes += other.read_bytes;
        self.written_rows += other.written_rows;
        self.written_bytes += other.written_bytes;
    }
}

/// An INSERT that is open for data. Dropping it before [`InsertStream::finish`] cancels it.
pub(crate) struct InsertStream<'a> {
    connection: &'a mut Connection,
    stream: Handle,
    over: bool,
}

impl InsertStream<'_> {
    /// Appends data in the insert's format. `false`: the insert has already failed; `finish` says why.
    pub(crate) fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the handle is live; libchdb copies the data.
        data.is_empty()
            || unsafe { (self.connection.library.functions.chdb_stream_append)(self.stream, data.as_ptr(), data.len()) }
                == 0
    }

    /// Ends the data, waits for the engine, and gives the rows and bytes written.
    pub(crate) fn finish(mut self) -> Result<Counters, EngineError> {
        self.over = true;
        // SAFETY: the handle is live; the result it returns is ours.
        let result = unsafe { (self.connection.library.functions.chdb_stream_done)(self.stream) };
        Ok(Answer::take(&self.connection.library, result)?.counters())
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        let functions = &self.connection.library.functions;
        // SAFETY: the handle is live and destroyed once; cancelling precedes destroying if it was not finished.
        unsafe {
            if !self.over {
                (functions.chdb_stream_cancel_insert)(self.stream);
            }
            (functions.chdb_destroy_insert_stream)(self.stream);
        }
    }
}

/// Copies a C string; `None` for null and for an empty one.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: by this function's contract.
    let text = unsafe { CStr::from_ptr(pointer) };
    (!text.is_empty()).then(|| text.to_string_lossy().into_owned())
}
