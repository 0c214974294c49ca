//! Two allocators in one: the system's, and a faster one for the server.
//!
//! A payment makes and drops some hundred small texts on one thread, and the system's allocator took a fifth of the
//! writer's time for them. A reconciliation promises to stay within its memory limit, and the faster allocator keeps
//! too much of what its threads gave back. So the server turns the faster one on when it begins; memory goes back to
//! where it came from. Decision 0020.

use libmimalloc_sys::mi_is_in_heap_region;
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: Either = Either;

static FAST: AtomicBool = AtomicBool::new(false);

/// Takes memory from the faster allocator from now on.
pub(crate) fn be_fast() {
    FAST.store(true, Ordering::Relaxed);
}

struct Either;

impl Either {
    /// Whether memory came from the faster allocator. Nothing did before it was turned on.
    fn is_fast(memory: *const u8) -> bool {
        // SAFETY: the function only looks the address up in a table of its own pages.
        FAST.load(Ordering::Relaxed) && unsafe { mi_is_in_heap_region(memory.cast()) }
    }
}

// SAFETY: both allocators keep the contract of `GlobalAlloc`, and memory is only ever given back to, or moved by, the
// one that it came from: addresses of the system's allocator are not in the table of the other. A thread that does not
// see yet that the faster one was turned on can hold none of its memory: it would have got it through a lock or
// channel after that.
unsafe impl GlobalAlloc for Either {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract.
        unsafe { if FAST.load(Ordering::Relaxed) { MiMalloc.alloc(layout) } else { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let fast = FAST.load(Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { if fast { MiMalloc.alloc_zeroed(layout) } else { System.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, and the allocator is the one that gave the memory.
        unsafe {
            if Either::is_fast(memory) {
                MiMalloc.dealloc(memory, layout);
            } else {
                System.dealloc(memory, layout);
            }
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract, and the allocator is the one that gave the memory.
        unsafe {
            if Either::is_fast(memory) {
                MiMalloc.realloc(memory, layout, bytes)
            } else {
                System.realloc(memory, layout, bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_both_goes_back_to_where_it_came_from() {
        let before: Vec<Vec<u8>> = (1..200).map(|size| vec![7; size * 97]).collect();
        assert!(before.iter().all(|piece| !Either::is_fast(piece.as_ptr())));
        be_fast();
        let after: Vec<Vec<u8>> = (1..200).map(|size| vec![9; size * 9_973]).collect();
        assert!(after.iter().all(|piece| Either::is_fast(piece.as_ptr())));
        assert!(before.iter().all(|piece| !Either::is_fast(piece.as_ptr())));
        let grown = before.into_iter().map(|mut piece| {
            piece.extend_from_slice(&[8; 5_000]);
            piece
        });
        for (at, piece) in grown.enumerate() {
            assert_eq!((piece[0], piece[piece.len() - 1], piece.len()), (7, 8, (at + 1) * 97 + 5_000));
        }
        std::thread::spawn(move || drop(after)).join().unwrap();
    }
}
