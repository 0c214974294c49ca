//! A layer between SQLite and its files that notes what is written and what is synced, in the order in which it was.

#![allow(unsafe_code)]

use rusqlite::ffi;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// What was done to a file.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        to: usize,
    },
    /// Everything before is on the disk.
    Sync,
    /// The file is gone: SQLite syncs its folder at once.
    Delete,
}

/// All that was done to the files of the folder that is watched, by the names of the files.
#[derive(Debug, Default)]
struct Watch {
    folder: PathBuf,
    ops: Vec<(String, Op)>,
    /// Files that are open, by where SQLite keeps them: the name, where it is watched, and the functions that work.
    open: HashMap<usize, (Option<String>, Methods)>,
    /// Our table of functions for each of SQLite's.
    tables: HashMap<usize, Methods>,
}

/// A table of functions; tables live for ever.
#[derive(Debug, Clone, Copy)]
struct Methods(&'static ffi::sqlite3_io_methods);

impl Watch {
    /// The name of a file, where it is watched.
    fn name(&self, path: &CStr) -> Option<String> {
        let path = Path::new(path.to_str().ok()?);
        (path.parent() == Some(&self.folder)).then(|| path.file_name()?.to_str().map(str::to_owned)).flatten()
    }
}

static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Watch>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches the files of a folder from now on. All that was noted before is forgotten.
pub(crate) fn watch(folder: &Path) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    let mut watch = lock();
    let watch = watch.get_or_insert_default();
    watch.folder = folder.to_owned();
    watch.ops.clear();
}

/// How many operations were noted.
pub(crate) fn noted() -> usize {
    lock().as_ref().map_or(0, |watch| watch.ops.len())
}

/// Takes what was noted, and watches no more.
pub(crate) fn taken() -> Vec<(String, Op)> {
    lock().as_mut().map_or_else(Vec::new, |watch| {
        watch.folder = PathBuf::new();
        std::mem::take(&mut watch.ops)
    })
}

/// Puts a copy of the usual layer, with another way to open files, in the place of the usual one.
fn register() {
    // SAFETY: the default VFS lives as long as the process, and so does the copy that is leaked here. The copy opens
    // files of the same size with the same data, as the functions that it was copied with expect.
    unsafe {
        let usual = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!usual.is_null(), "SQLite has no way to files");
        let mut own = *usual;
        own.pNext = std::ptr::null_mut();
        own.zName = c"watched".as_ptr();
        own.xOpen = Some(open);
        own.xDelete = Some(delete);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(own)), 1), ffi::SQLITE_OK);
    }
}

/// Opens a file as the usual layer does, and puts our functions before its own.
unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: what SQLite gives is handed on as it is; the file is looked at only when it was opened, and then has a
    // table of functions that lives for ever.
    unsafe {
        let usual = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let Some(open) = (*usual).xOpen else { return ffi::SQLITE_ERROR };
        let done = open(vfs, name, file, flags, out);
        if done != ffi::SQLITE_OK || (*file).pMethods.is_null() {
            return done;
        }
        let mut watch = lock();
        let watch = watch.get_or_insert_default();
        let watched = (!name.is_null()).then(|| watch.name(CStr::from_ptr(name))).flatten();
        let working = Methods(&*(*file).pMethods);
        let table = watch.tables.entry((*file).pMethods.addr()).or_insert_with(|| {
            let mut own = *working.0;
            own.xWrite = Some(write);
            own.xTruncate = Some(truncate);
            own.xSync = Some(sync);
            Methods(Box::leak(Box::new(own)))
        });
        (*file).pMethods = table.0;
        watch.open.insert(file.addr(), (watched, working));
        done
    }
}

/// Deletes a file as the usual layer does.
unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let mut watch = lock();
    // SAFETY: what SQLite gives is handed on as it is, and it gives a name.
    unsafe {
        let usual = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let Some(delete) = (*usual).xDelete else { return ffi::SQLITE_ERROR };
        let done = delete(vfs, name, sync);
        if let (ffi::SQLITE_OK, Some(watch)) = (done, watch.as_mut())
            && let Some(name) = watch.name(CStr::from_ptr(name))
        {
            watch.ops.push((name, Op::Delete));
        }
        done
    }
}

/// Does something to a file by the function that works, and notes it when it is done and the file is watched. Nobody
/// else writes meanwhile, so that the order of the notes is that of the files.
fn noting(
    file: *mut ffi::sqlite3_file,
    op: impl FnOnce() -> Op,
    work: impl FnOnce(&ffi::sqlite3_io_methods) -> Option<c_int>,
) -> c_int {
    let mut watch = lock();
    let Some(watch) = watch.as_mut() else { return ffi::SQLITE_IOERR };
    let Some((name, working)) = watch.open.get(&file.addr()).cloned() else { return ffi::SQLITE_IOERR };
    let done = work(working.0).unwrap_or(ffi::SQLITE_IOERR);
    if let (ffi::SQLITE_OK, Some(name)) = (done, name) {
        // A file that was opened before its folder was watched no more is not noted.
        if !watch.folder.as_os_str().is_empty() {
            watch.ops.push((name, op()));
        }
    }
    done
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    let op = || {
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: SQLite gives as many bytes as it says.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), count) }.to_vec();
        Op::Write { at: usize::try_from(at).unwrap_or(0), bytes }
    };
    // SAFETY: what SQLite gives is handed on as it is, to the function that was there for this file.
    noting(file, op, |working| working.xWrite.map(|write| unsafe { write(file, bytes, count, at) }))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    let op = || Op::Truncate { to: usize::try_from(size).unwrap_or(0) };
    // SAFETY: as in `write`.
    noting(file, op, |working| working.xTruncate.map(|truncate| unsafe { truncate(file, size) }))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as in `write`.
    noting(file, || Op::Sync, |working| working.xSync.map(|sync| unsafe { sync(file, flags) }))
}
