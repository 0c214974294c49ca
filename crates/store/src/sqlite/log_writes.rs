//! Fewer and larger writes to the log of a cell.
//!
//! SQLite writes each page of a commit to its log by two calls to the system, one of 24 bytes and one of the page, and
//! a commit of payments has some hundreds of pages. This is a layer between SQLite and the log, in the way that SQLite
//! offers ([`ffi::sqlite3_vfs`]): what is written is gathered, and written at once when the log is synced, which ends
//! every commit ([0024](../../../../docs/adr/0024-writes-to-the-log-at-once.md)).
//!
//! Nobody sees the difference: another connection looks at pages in the log only when the index of the log says that
//! they are there, which is after the sync; this one reads through the same layer, which writes first. So it is only
//! for connections that sync with every commit. A process that dies with something gathered has not committed it.

#![allow(unsafe_code)]

use rusqlite::ffi;
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// What is gathered at most; a large commit is written in parts. SQLite's own layer below counts the bytes of a write
/// in 17 bits.
const GATHERED_MAX: usize = (1 << 17) - 1;

const NAME: &CStr = c"suanpan-log";

/// The layer below, and where in an open file our part begins, behind that layer's own.
struct Layer {
    below: *mut ffi::sqlite3_vfs,
    own_at: usize,
}

// SAFETY: the layer below is registered for the life of the process and is not changed; SQLite itself uses it from all
// threads.
unsafe impl Send for Layer {}
// SAFETY: as above.
unsafe impl Sync for Layer {}

static LAYER: OnceLock<Option<Layer>> = OnceLock::new();

/// What was written to a log and is not handed on yet.
struct Gathered {
    /// The functions of the layer below.
    below: &'static ffi::sqlite3_io_methods,
    /// Those that SQLite calls, ours and the others of the layer below: made by a box.
    methods: *mut ffi::sqlite3_io_methods,
    bytes: Vec<u8>,
    /// Where in the file they begin.
    at: ffi::sqlite3_int64,
}

/// Returns the name of the layer, and makes it known to SQLite the first time. None when SQLite does not take it: then
/// a connection is opened without.
pub(super) fn name() -> Option<&'static CStr> {
    LAYER.get_or_init(register).as_ref().map(|_| NAME)
}

fn register() -> Option<Layer> {
    // SAFETY: the usual layer lives as long as the process, and so does the copy that is leaked here. The copy asks
    // for more room in each open file, and its functions but the one that opens files are those of the usual layer,
    // which find what they need in the same place.
    unsafe {
        let below = ffi::sqlite3_vfs_find(std::ptr::null());
        let mut own = *below.as_ref()?;
        let room = usize::try_from(own.szOsFile).ok()?;
        let own_at = room.next_multiple_of(align_of::<*mut Gathered>());
        own.szOsFile = c_int::try_from(own_at + size_of::<*mut Gathered>()).ok()?;
        own.pNext = std::ptr::null_mut();
        own.zName = NAME.as_ptr();
        own.xOpen = Some(open);
        let done = ffi::sqlite3_vfs_register(Box::leak(Box::new(own)), 0);
        (done == ffi::SQLITE_OK).then_some(Layer { below, own_at })
    }
}

/// Where an open file keeps what is gathered.
///
/// # Safety
/// The file was given to [`open`], so it has as much room as the layer asks for.
unsafe fn place(file: *mut ffi::sqlite3_file) -> *mut *mut Gathered {
    let own_at = LAYER.get().and_then(Option::as_ref).map_or(0, |layer| layer.own_at);
    // SAFETY: the room ends behind this place, which is aligned: SQLite aligns files to 8 bytes.
    unsafe { file.cast::<u8>().add(own_at).cast() }
}

/// What is gathered for a log that is open.
///
/// # Safety
/// The file is a log that [`open`] has opened and [`close`] has not closed, and SQLite uses a file in one thread at a
/// time.
unsafe fn gathered<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Gathered {
    // SAFETY: `open` put it there, and only `close` takes it away.
    unsafe { &mut **place(file) }
}

/// Opens a file by the layer below, and puts our functions before those of a log.
unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(layer) = LAYER.get().and_then(Option::as_ref) else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: what SQLite gives is handed on as it is. The file is looked at only when it was opened, and then has a
    // table of functions that lives for ever. Our table lives as long as the file is open.
    unsafe {
        let Some(open) = (*layer.below).xOpen else { return ffi::SQLITE_CANTOPEN };
        let done = open(layer.below, name, file, flags, out);
        if done != ffi::SQLITE_OK || flags & ffi::SQLITE_OPEN_WAL == 0 {
            return done;
        }
        let Some(below) = (*file).pMethods.as_ref() else { return done };
        let methods = Box::into_raw(Box::new(ffi::sqlite3_io_methods {
            xClose: Some(close),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            xFileSize: Some(file_size),
            ..*below
        }));
        let own = Box::into_raw(Box::new(Gathered { below, methods, bytes: Vec::new(), at: 0 }));
        place(file).write(own);
        (*file).pMethods = methods;
        done
    }
}

/// Hands on what is gathered.
///
/// # Safety
/// As for [`gathered`].
unsafe fn hand_on(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as the caller says.
    let own = unsafe { gathered(file) };
    if own.bytes.is_empty() {
        return ffi::SQLITE_OK;
    }
    let (Some(write), Ok(count)) = (own.below.xWrite, c_int::try_from(own.bytes.len())) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: the bytes are there until they are cleared.
    let done = unsafe { write(file, own.bytes.as_ptr().cast(), count, own.at) };
    // After an error too: SQLite rolls back, and writes all of it anew when it tries again.
    own.bytes.clear();
    done
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives as many bytes as it says, of a log that is open.
    unsafe {
        let Ok(length) = usize::try_from(count) else { return ffi::SQLITE_IOERR_WRITE };
        let own = gathered(file);
        let follows = own.at + own.bytes.len() as ffi::sqlite3_int64 == at;
        if !follows || own.bytes.len() + length > GATHERED_MAX {
            let done = hand_on(file);
            if done != ffi::SQLITE_OK {
                return done;
            }
        }
        if own.bytes.is_empty() {
            own.at = at;
        }
        own.bytes.extend_from_slice(std::slice::from_raw_parts(bytes.cast::<u8>(), length));
        ffi::SQLITE_OK
    }
}

/// Hands on what is gathered, and then has the layer below do something.
///
/// # Safety
/// As for [`gathered`].
unsafe fn then(
    file: *mut ffi::sqlite3_file,
    work: impl FnOnce(&'static ffi::sqlite3_io_methods) -> Option<c_int>,
) -> c_int {
    // SAFETY: as the caller says.
    let (done, below) = unsafe { (hand_on(file), gathered(file).below) };
    if done == ffi::SQLITE_OK { work(below).unwrap_or(ffi::SQLITE_IOERR) } else { done }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: what SQLite gives is handed on as it is.
    unsafe { then(file, |below| below.xRead.map(|read| read(file, to, count, at))) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as in `read`.
    unsafe { then(file, |below| below.xTruncate.map(|truncate| truncate(file, size))) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as in `read`.
    unsafe { then(file, |below| below.xSync.map(|sync| sync(file, flags))) }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, to: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: as in `read`.
    unsafe { then(file, |below| below.xFileSize.map(|size| size(file, to))) }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as in `read`. What was gathered is taken away here and not used again: the layer below gets its own
    // functions back first.
    unsafe {
        let written = hand_on(file);
        let own = Box::from_raw(*place(file));
        (*file).pMethods = own.below;
        drop(Box::from_raw(own.methods));
        let closed = own.below.xClose.map_or(ffi::SQLITE_IOERR, |close| close(file));
        if closed == ffi::SQLITE_OK { written } else { closed }
    }
}
