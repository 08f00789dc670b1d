//! The writer's log reaches the operating system in few large writes.
//!
//! SQLite hands each changed page to the write-ahead log in two writes, 24 bytes and then the page, and a commit of many
//! closures changes some hundred pages: a fifth of the writer's time went into those calls. Here they are gathered in
//! memory and written together when the log is to be flushed, which SQLite asks for at the end of each commit, before it
//! lets anybody see the new pages. So nothing else can tell the difference.
//!
//! It is a file system of SQLite's (<https://sqlite.org/vfs.html>) that differs from the usual one in the log alone:
//! other files are opened by the usual one, in the memory that SQLite has set aside for them, and never come here again.

#![allow(unsafe_code, reason = "SQLite's file systems are tables of C functions; this file alone has to do with them")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::{Connection, OpenFlags, ffi};

use super::super::Durability;

/// So much is gathered at most.
const GATHERED_MAX: usize = 512 * 1024;
/// The usual file system takes less than 128 KiB at a time.
const WRITTEN_MAX: usize = 31 * 4096;

/// How large a place in the connection's own room is, and how many there are.
const PLACE_BYTES: c_int = 1_200;
const PLACES: c_int = 2_000;

/// Opens the connection that writes `path`. Its `synchronous` must be FULL: what it gathers is written where it flushes.
pub(super) fn open(path: &std::path::Path, durability: Durability) -> rusqlite::Result<Connection> {
    static MACHINE: OnceLock<c_int> = OnceLock::new();
    static PROCESS: OnceLock<c_int> = OnceLock::new();
    let (name, registered, is_flushed) = match durability {
        Durability::Machine => (c"haat-machine", &MACHINE, true),
        Durability::Process => (c"haat-process", &PROCESS, false),
    };
    let code = *registered.get_or_init(|| register(name, is_flushed));
    if code != ffi::SQLITE_OK {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
    }
    let conn = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), name)?;
    widen(&conn)?;
    Ok(conn)
}

/// Gives the connection room for small things (its "lookaside"), so that they need no allocator: the statements that are kept
/// prepared fill SQLite's usual 40 places, and what each run needs would find none.
fn widen(conn: &Connection) -> rusqlite::Result<()> {
    let own = ptr::null_mut::<c_void>();
    // SAFETY: the connection is open and has prepared nothing; SQLite allocates the room itself where it is given none.
    let code = unsafe { ffi::sqlite3_db_config(conn.handle(), ffi::SQLITE_DBCONFIG_LOOKASIDE, own, PLACE_BYTES, PLACES) };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)) }
}

/// Before a transaction: forgets what was gathered in one that was undone. Written later it could meet what somebody else
/// has put in its place since.
pub(super) fn forget(conn: &Connection) {
    with_gathered(conn, |gathered| gathered.bytes.clear());
}

/// What the connection's log has gathered, if it has one of ours.
fn with_gathered<T>(conn: &Connection, f: impl FnOnce(&mut Gathered) -> T) -> Option<T> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open, and SQLite stores a pointer to its log's file, if it has one.
    let asked =
        unsafe { ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_JOURNAL_POINTER, (&raw mut file).cast()) };
    // SAFETY: it is a file of the connection; one that is not open has no methods.
    if asked != ffi::SQLITE_OK || file.is_null() || !ptr::eq(unsafe { (*file).pMethods }, &raw const METHODS) {
        return None;
    }
    // SAFETY: these methods are those of logs only, and nothing else is done with the connection meanwhile.
    Some(f(&mut unsafe { log(file) }.gathered))
}

/// What the file system knows.
struct System {
    /// The usual one.
    usual: *mut ffi::sqlite3_vfs,
    /// Whether commits reach the disk, or the operating system only.
    is_flushed: bool,
}

/// An open log. SQLite knows it by its first field; the usual file system's file lies behind it in the same memory.
#[repr(C)]
struct Log {
    base: ffi::sqlite3_file,
    gathered: Gathered,
    is_flushed: bool,
}

/// Bytes that follow each other, not yet written.
#[derive(Default)]
struct Gathered {
    start: i64,
    bytes: Vec<u8>,
}

impl Gathered {
    /// Whether `len` bytes for `at` can be gathered with what is there.
    fn takes(&self, at: i64, len: usize) -> bool {
        let end = i64::try_from(self.bytes.len()).ok().and_then(|len| self.start.checked_add(len));
        self.bytes.is_empty() || (end == Some(at) && self.bytes.len() + len <= GATHERED_MAX)
    }

    fn add(&mut self, at: i64, bytes: &[u8]) {
        if self.bytes.is_empty() {
            self.start = at;
        }
        self.bytes.extend_from_slice(bytes);
    }
}

/// Calls a method of the usual file, which has all that SQLite's first version of them asks for.
macro_rules! usual {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let usual = usual($file);
        // SAFETY: the file was opened by the usual file system, which has set its methods.
        match unsafe { (*(*usual).pMethods).$method } {
            // SAFETY: the arguments are SQLite's own, for this very method.
            Some(method) => unsafe { method(usual $(, $argument)*) },
            None => ffi::SQLITE_IOERR,
        }
    }};
}

/// As [`usual!`], once everything that was gathered is written. Where that fails, pages of the transaction are lost that
/// SQLite believes to be written, and it must not go on with it as it does after some errors, such as a full disk.
macro_rules! written {
    ($file:expr, $method:ident $(, $argument:expr)*) => {
        match write_gathered($file) {
            ffi::SQLITE_OK => usual!($file, $method $(, $argument)*),
            _ => ffi::SQLITE_IOERR_WRITE,
        }
    };
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Later versions add what only the database's own file needs.
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// Adds the file system under `name`, for good.
fn register(name: &'static CStr, is_flushed: bool) -> c_int {
    // SAFETY: it asks for the usual file system, which stays.
    let usual = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    if usual.is_null() {
        return ffi::SQLITE_ERROR;
    }
    // SAFETY: it was found, and is plain data. Its other functions do not look at which file system they are called for,
    // so that those of the usual one serve as they are.
    let mut own = unsafe { *usual };
    own.zName = name.as_ptr();
    own.pNext = ptr::null_mut();
    own.szOsFile = own.szOsFile.saturating_add(BEFORE_USUAL as c_int);
    own.pAppData = Box::into_raw(Box::new(System { usual, is_flushed })).cast();
    own.xOpen = Some(open_file);
    // SAFETY: it is never freed, as SQLite demands.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(own)), 0) }
}

/// Where the usual file lies in a log's memory, which SQLite aligns to eight bytes.
const BEFORE_USUAL: usize = size_of::<Log>().next_multiple_of(8);

/// The log behind a file of this file system.
///
/// # Safety
/// `file` must be a log that [`open_file`] has opened and that is not closed; SQLite calls the methods of one file one after the other.
unsafe fn log<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Log {
    // SAFETY: as above; `base` is its first field.
    unsafe { &mut *file.cast::<Log>() }
}

fn usual(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    file.wrapping_byte_add(BEFORE_USUAL)
}

unsafe extern "C" fn open_file(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: `register` has put it there.
    let system = unsafe { &*(*vfs).pAppData.cast::<System>() };
    // SAFETY: the usual file system's function for opening.
    let Some(open) = (unsafe { (*system.usual).xOpen }) else { return ffi::SQLITE_CANTOPEN };
    if flags & ffi::SQLITE_OPEN_WAL == 0 {
        // SAFETY: the memory is larger than the usual file system asks for.
        return unsafe { open(system.usual, name, file, flags, flags_out) };
    }
    // SAFETY: the memory has room for both, one behind the other.
    let opened = unsafe { open(system.usual, name, usual(file), flags, flags_out) };
    if opened == ffi::SQLITE_OK {
        let base = ffi::sqlite3_file { pMethods: &raw const METHODS };
        let log = Log { base, gathered: Gathered::default(), is_flushed: system.is_flushed };
        // SAFETY: nothing has been put there.
        unsafe { ptr::write(file.cast::<Log>(), log) };
    } else {
        // SAFETY: SQLite reads it, to know whether the file is to be closed.
        unsafe { (*file).pMethods = ptr::null() };
    }
    opened
}

/// Writes what was gathered. What cannot be written is forgotten: the transaction fails, and SQLite writes its pages anew.
fn write_gathered(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: only methods of open logs come here.
    let gathered = &mut unsafe { log(file) }.gathered;
    let (mut at, mut written) = (gathered.start, ffi::SQLITE_OK);
    for piece in gathered.bytes.chunks(WRITTEN_MAX) {
        written = usual!(file, xWrite, piece.as_ptr().cast(), piece.len() as c_int, at);
        if written != ffi::SQLITE_OK {
            break;
        }
        at += piece.len() as i64;
    }
    gathered.bytes.clear();
    written
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: SQLite gives as many bytes as it says.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(len).unwrap_or(0)) };
    // SAFETY: SQLite calls it for an open log.
    if !unsafe { log(file) }.gathered.takes(at, bytes.len()) {
        let written = write_gathered(file);
        if written != ffi::SQLITE_OK {
            return written;
        }
    }
    // SAFETY: as above.
    unsafe { log(file) }.gathered.add(at, bytes);
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls it for an open log.
    let log = unsafe { log(file) };
    // Where nothing is new, it is not a commit that asks, but the copying of the log into the database; what begins at the
    // start is the header of a log that is begun anew, which must be there before anything that stands under it.
    let is_commit = !log.gathered.bytes.is_empty() && log.gathered.start != 0;
    let written = write_gathered(file);
    if written != ffi::SQLITE_OK || (is_commit && !log.is_flushed) { written } else { usual!(file, xSync, flags) }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // What is still there was never committed.
    let closed = usual!(file, xClose);
    // SAFETY: SQLite does not call this log again.
    unsafe { ptr::drop_in_place(&raw mut log(file).gathered) };
    closed
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, bytes: *mut c_void, len: c_int, at: i64) -> c_int {
    written!(file, xRead, bytes, len, at)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    written!(file, xTruncate, size)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    written!(file, xFileSize, size)
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    written!(file, xFileControl, what, argument)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    usual!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    usual!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, is_locked: *mut c_int) -> c_int {
    usual!(file, xCheckReservedLock, is_locked)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    usual!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    usual!(file, xDeviceCharacteristics)
}

#[cfg(test)]
mod tests;
