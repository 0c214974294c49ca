//! Proofs that a leaf is in a tree, and that a tree was only appended to.

use super::{Frontier, Hash, PATH_HASHES_MAX, node_hash};

/// Gives the hash of a complete subtree: its level, 0 for leaves, and its place in the level.
type Nodes<'a, E> = &'a mut dyn FnMut(u32, u64) -> Result<Hash, E>;

/// Returns the hash of a complete subtree from the hashes of its leaves.
///
/// # Errors
/// When a leaf cannot be had.
pub fn subtree<E>(level: u32, place: u64, mut leaf: impl FnMut(u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut frontier = Frontier::default();
    for at in place << level..(place + 1) << level {
        frontier.push(leaf(at)?);
    }
    Ok(frontier.root())
}

/// Returns the hashes that lead from leaf `index` to the root of the tree with `size` leaves, lowest first (RFC
/// 9162, 2.1.3.1). `nodes` is asked for complete subtrees only, at most two for each level.
///
/// # Errors
/// When a subtree cannot be had.
///
/// # Panics
/// When the index is not below the size.
pub fn inclusion_path<E>(
    index: u64,
    size: u64,
    mut nodes: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(index < size, "leaf {index} is not in a tree of {size}");
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push(range(middle, high, &mut nodes)?);
            high = middle;
        } else {
            path.push(range(low, middle, &mut nodes)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Returns whether `path` leads from a leaf to the root (RFC 9162, 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size || path.len() > PATH_HASHES_MAX {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for other in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(other, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Returns the hashes which show that the tree with `new` leaves begins with that of `old` leaves (RFC 9162, 2.1.4.1).
///
/// # Errors
/// When a subtree cannot be had.
///
/// # Panics
/// When `old` is more than `new`.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    mut nodes: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    assert!(old <= new, "a tree of {new} leaves does not begin with {old}");
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(path);
    }
    let (mut low, mut high) = (0, new);
    let mut whole = true;
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            path.push(range(middle, high, &mut nodes)?);
            high = middle;
        } else {
            path.push(range(low, middle, &mut nodes)?);
            (low, whole) = (middle, false);
        }
    }
    if !whole {
        path.push(range(low, high, &mut nodes)?);
    }
    path.reverse();
    Ok(path)
}

/// Returns whether the tree of size and root `new` begins with that of size and root `old` (RFC 9162, 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size || path.len() > PATH_HASHES_MAX {
        return false;
    }
    if old_size == 0 {
        return path.is_empty() && *old_root == Frontier::default().root();
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    // A complete old tree is itself the first hash.
    let (start, rest) = match (old_size.is_power_of_two(), path.split_first()) {
        (true, _) => (old_root, path),
        (false, Some((first, rest))) => (first, rest),
        (false, None) => return false,
    };
    let shift = (old_size - 1).trailing_ones();
    // A run of ones to the top would shift everything away; only sizes that are powers of two have it.
    let (mut node, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old_hash, mut new_hash) = (*start, *start);
    for other in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(other, &old_hash);
            new_hash = node_hash(other, &new_hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new_hash = node_hash(&new_hash, other);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// Returns the hash over the leaves from `low` to before `high`, a range that occurs in a tree.
fn range<E>(low: u64, high: u64, nodes: Nodes<'_, E>) -> Result<Hash, E> {
    let size = high - low;
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return nodes(level, low >> level);
    }
    let middle = low + split(size);
    let left = range(low, middle, nodes)?;
    let right = range(middle, high, nodes)?;
    Ok(node_hash(&left, &right))
}

/// Returns the largest power of two below a size of at least 2.
const fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}
