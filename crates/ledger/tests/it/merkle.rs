//! Merkle trees against their definition.

use proptest::prelude::*;
use std::convert::Infallible;
use suanpan_ledger::merkle::{
    Frontier, Hash, consistency_proof, inclusion_path, leaf_hash, node_hash, root, subtree,
    verify_consistency, verify_inclusion,
};

/// The root as RFC 9162, 2.1.1 defines it.
fn defined(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => *blake3::hash(b"").as_bytes(),
        [leaf] => *blake3::hash(&[&[0], leaf.as_slice()].concat()).as_bytes(),
        leaves => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            *blake3::hash(&[&[1][..], &defined(left), &defined(right)].concat()).as_bytes()
        }
    }
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|at| vec![at as u8; at * 37 % 1_500]).collect()
}

fn nodes(leaves: &[Vec<u8>]) -> impl FnMut(u32, u64) -> Result<Hash, Infallible> + '_ {
    |level, place| subtree(level, place, |at| Ok(leaf_hash(&leaves[at as usize])))
}

fn root_of(leaves: &[Vec<u8>]) -> Hash {
    root(leaves.iter().map(Vec::as_slice))
}

#[test]
fn roots_are_those_of_the_definition() {
    for count in 0..70 {
        let leaves = leaves(count);
        assert_eq!(root_of(&leaves), defined(&leaves), "{count} leaves");
    }
    assert_eq!(hex(&root_of(&[])), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    assert_ne!(leaf_hash(&[1; 64]), node_hash(&[1; 32], &[1; 32]));
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_frontier_shows_each_subtree_once_and_can_be_taken_up_again() {
    let leaves = leaves(37);
    let mut frontier = Frontier::default();
    let mut completed = 0;
    for leaf in &leaves {
        frontier.push_with(leaf_hash(leaf), |level, place, hash| {
            completed += 1;
            assert_eq!(nodes(&leaves)(level, place), Ok(*hash), "level {level}, place {place}");
        });
        frontier = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec()).unwrap();
    }
    assert_eq!(completed, 37 + 18 + 9 + 4 + 2 + 1);
    assert_eq!(frontier.root(), defined(&leaves));
    assert_eq!(Frontier::from_parts(3, vec![[0; 32]]), None);
}

#[test]
fn each_leaf_is_shown_to_be_in_each_tree() {
    for size in 1..40_u64 {
        let leaves = leaves(size as usize);
        let root = root_of(&leaves);
        for index in 0..size {
            let Ok(path) = inclusion_path(index, size, nodes(&leaves));
            let leaf = leaf_hash(&leaves[index as usize]);
            assert!(verify_inclusion(&leaf, index, size, &path, &root), "{index} of {size}");
            for other in 0..size + 3 {
                assert_eq!(
                    verify_inclusion(&leaf, other, size, &path, &root),
                    other == index,
                    "{other} for {index}"
                );
            }
            for at in 0..path.len() {
                let mut wrong = path.clone();
                wrong[at][at % 32] ^= 4;
                assert!(!verify_inclusion(&leaf, index, size, &wrong, &root));
                wrong = path.clone();
                wrong.remove(at);
                assert!(!verify_inclusion(&leaf, index, size, &wrong, &root));
            }
            let longer = [path.as_slice(), &[root]].concat();
            assert!(!verify_inclusion(&leaf, index, size, &longer, &root));
            assert!(!verify_inclusion(&root, index, size, &path, &root) || size == 1);
        }
    }
}

#[test]
fn each_tree_is_shown_to_begin_with_each_smaller_one() {
    for new in 0..34_u64 {
        let leaves = leaves(new as usize);
        let new_root = root_of(&leaves);
        for old in 0..=new {
            let old_root = root_of(&leaves[..old as usize]);
            let Ok(path) = consistency_proof(old, new, nodes(&leaves));
            assert!(verify_consistency((old, &old_root), (new, &new_root), &path), "{old} of {new}");
            if old > 0 {
                let mut wrong = old_root;
                wrong[0] ^= 1;
                assert!(!verify_consistency((old, &wrong), (new, &new_root), &path));
                assert!(!verify_consistency((old, &old_root), (new, &wrong), &path));
            }
            for at in 0..path.len() {
                let mut wrong = path.clone();
                wrong[at][31] ^= 128;
                assert!(
                    !verify_consistency((old, &old_root), (new, &new_root), &wrong),
                    "{at}: {old} of {new}"
                );
                assert!(!verify_consistency((old, &old_root), (new, &new_root), &path[..at]));
            }
            let longer = [path.as_slice(), &[new_root]].concat();
            assert!(!verify_consistency((old, &old_root), (new, &new_root), &longer));
        }
    }
}

proptest! {
    // Whatever numbers come: an answer, and that is no.
    #[test]
    fn made_up_proofs_are_refused(
        index in any::<u64>(), size in any::<u64>(), path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        small in 0..70_u64,
    ) {
        let root = [7; 32];
        for (index, size) in [(index, size), (small, size), (index, small), (u64::MAX - 1, u64::MAX), (small / 2, small)] {
            prop_assert!(!verify_inclusion(&[1; 32], index, size, &path, &root));
            prop_assert!(!verify_consistency((index, &[1; 32]), (size, &root), &path));
        }
    }
}
