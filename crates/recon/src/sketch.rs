//! An invertible Bloom lookup table: the difference of two multisets from a few MiB.
//!
//! Every (key, value) element is added to three cells on the left and taken from the same three on
//! the right. What both sides hold cancels. If what remains is not more than the cells can bear
//! (about 1.35 cells an element), it is found by peeling: a cell with one element left gives that
//! element, which is then taken out of its other two cells. Sketches of parts add up, so threads,
//! machines and parties each make their own.
//!
//! Source: Goodrich and Mitzenmacher, "Invertible Bloom Lookup Tables" (2011); difference digests by
//! Eppstein, Goodrich, Uyeda and Varghese, "What's the Difference?" (SIGCOMM 2011).

/// One cell: number of elements, and the sums of their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(align(32))]
pub(crate) struct Cell {
    pub(crate) count: u64,
    pub(crate) key: u64,
    pub(crate) value: u64,
    pub(crate) check: u64,
}

/// An element: the hash of its key and of its key and value together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// Lower half of the key's hash.
    pub key: u64,
    /// Hash of the compared values and the key's upper half.
    pub value: u64,
}

/// A sketch of a multiset, or of the difference of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    cells: Vec<Cell>,
    third: u64,
    salt: u64,
}

/// What peeling found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Elements that are only, or more often, on the left; repeated as often as they are surplus.
    pub left: Vec<Element>,
    /// The same for the right.
    pub right: Vec<Element>,
}

struct Pure {
    element: Element,
    check: u64,
    times: i64,
}

/// Surplus copies of one element that peeling can tell from one cell.
const COPIES_MAX: u64 = 12;

/// Returns the inverse of an odd number modulo 2^64, by Newton's iteration.
fn inverse_of_odd(odd: u64) -> u64 {
    let mut inverse = odd;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

impl Sketch {
    /// Makes an empty sketch of at least `cells` cells.
    #[must_use]
    pub fn new(cells: usize, salt: u64) -> Sketch {
        let third = cells.div_ceil(3).max(8);
        Sketch { cells: vec![Cell::default(); third * 3], third: third as u64, salt }
    }

    /// Returns the number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Returns the salt that spreads elements over cells.
    #[must_use]
    pub(crate) fn salt(&self) -> u64 {
        self.salt
    }

    /// Returns how many differences a sketch of so many cells finds with near certainty.
    #[must_use]
    pub fn capacity(cells: usize) -> usize {
        // 1.22 cells an element is the threshold of three hashes; a tenth is left for luck.
        cells * 100 / 136
    }

    #[inline(always)]
    fn check(&self, element: Element) -> u64 {
        let product = u128::from(element.key ^ self.salt)
            * u128::from(element.value.rotate_left(29) ^ element.key ^ 0xE703_7ED1_A0B4_28DB);
        (product as u64) ^ (product >> 64) as u64
    }

    #[inline(always)]
    fn places(&self, element: Element, check: u64) -> [usize; 3] {
        let place = |hash: u64| (((hash & 0xFFFF_FFFF) * self.third) >> 32) as usize;
        let third = self.third as usize;
        [
            place(check),
            third + place(check >> 32),
            2 * third + place((element.key ^ element.value.rotate_left(17)) >> 13),
        ]
    }

    /// Adds an element (`sign` 1) or takes it away (`sign` -1 as two's complement).
    #[inline(always)]
    fn change(&mut self, element: Element, sign: u64) {
        let check = self.check(element);
        for place in self.places(element, check) {
            let cell = &mut self.cells[place];
            cell.count = cell.count.wrapping_add(sign);
            if sign == 1 {
                cell.key = cell.key.wrapping_add(element.key);
                cell.value = cell.value.wrapping_add(element.value);
                cell.check = cell.check.wrapping_add(check);
            } else {
                cell.key = cell.key.wrapping_sub(element.key);
                cell.value = cell.value.wrapping_sub(element.value);
                cell.check = cell.check.wrapping_sub(check);
            }
        }
    }

    /// Adds an element.
    #[inline(always)]
    pub fn add(&mut self, element: Element) {
        self.change(element, 1);
    }

    /// Takes an element away, whether it was added or not.
    #[inline(always)]
    pub fn subtract(&mut self, element: Element) {
        self.change(element, u64::MAX);
    }

    /// Adds all of another sketch of the same size and salt.
    ///
    /// # Panics
    /// When size or salt differ.
    pub fn merge(&mut self, other: &Sketch) {
        self.combine(other, u64::wrapping_add);
    }

    /// Takes all of another sketch of the same size and salt away.
    ///
    /// # Panics
    /// When size or salt differ.
    pub fn subtract_all(&mut self, other: &Sketch) {
        self.combine(other, u64::wrapping_sub);
    }

    fn combine(&mut self, other: &Sketch, with: impl Fn(u64, u64) -> u64) {
        assert!(self.third == other.third && self.salt == other.salt, "sketches of one shape");
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            cell.count = with(cell.count, more.count);
            cell.key = with(cell.key, more.key);
            cell.value = with(cell.value, more.value);
            cell.check = with(cell.check, more.check);
        }
    }

    /// Takes the difference apart. `None` when there is more than the cells can bear.
    #[must_use]
    pub fn peel(mut self) -> Option<Difference> {
        let mut found = Difference::default();
        // A sketch never yields more than it could hold: a corrupt one must not run for ever.
        let most = self.cells.len() * 2;
        let mut queue: Vec<usize> = (0..self.cells.len()).collect();
        while let Some(at) = queue.pop() {
            let Some(Pure { element, check, times }) = self.pure(at) else { continue };
            let copies = times.unsigned_abs() as usize;
            for _ in 0..copies {
                if times > 0 {
                    found.left.push(element);
                    self.subtract(element);
                } else {
                    found.right.push(element);
                    self.add(element);
                }
            }
            if found.left.len() + found.right.len() > most {
                return None;
            }
            queue.extend(self.places(element, check));
        }
        if self.cells.iter().any(|c| *c != Cell::default()) {
            return None;
        }
        found.left.sort_unstable();
        found.right.sort_unstable();
        Some(found)
    }

    /// Returns the element of a cell that holds only one, and how often (negative: on the right).
    fn pure(&self, at: usize) -> Option<Pure> {
        let cell = &self.cells[at];
        let times = cell.count.cast_signed();
        let size = times.unsigned_abs();
        if size == 0 || size > COPIES_MAX {
            return None;
        }
        // The sums are `times` times the parts, modulo 2^64. Dividing by the odd factor is exact; a
        // factor of 2^k leaves 2^k possibilities for each part, of which the check picks one.
        let (sign, twos) = (if times < 0 { u64::MAX } else { 1 }, size.trailing_zeros());
        let inverse = inverse_of_odd(size >> twos).wrapping_mul(sign);
        let base = |sum: u64| sum.wrapping_mul(inverse);
        let (key, value) = (base(cell.key), base(cell.value));
        if twos > 0 && ((key | value) & ((1 << twos) - 1)) != 0 {
            return None;
        }
        let top = |n: u64| if twos == 0 { 0 } else { n << (64 - twos) };
        for high_key in 0..1_u64 << twos {
            for high_value in 0..1_u64 << twos {
                let element =
                    Element { key: key >> twos | top(high_key), value: value >> twos | top(high_value) };
                let check = self.check(element);
                if check.wrapping_mul(cell.count) == cell.check && self.places(element, check).contains(&at) {
                    return Some(Pure { element, check, times });
                }
            }
        }
        None
    }

    /// Returns the cells as bytes: count, key, value, check of each, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.cells
            .iter()
            .flat_map(|c| [c.count, c.key, c.value, c.check])
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    /// Reads cells from bytes; `None` when their number is not a multiple of three.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], salt: u64) -> Option<Sketch> {
        if !bytes.len().is_multiple_of(96) || bytes.len() < 96 * 8 {
            return None;
        }
        let word =
            |b: &[u8], n: usize| u64::from_le_bytes(b[n * 8..n * 8 + 8].try_into().expect("eight bytes"));
        let cells: Vec<Cell> = bytes
            .chunks_exact(32)
            .map(|b| Cell { count: word(b, 0), key: word(b, 1), value: word(b, 2), check: word(b, 3) })
            .collect();
        let third = cells.len() as u64 / 3;
        Some(Sketch { cells, third, salt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(from: u64, count: u64) -> impl Iterator<Item = Element> {
        (from..from + count).map(|n| {
            let mixed = |x: u64| {
                let p = u128::from(x ^ 0x9E37_79B9_7F4A_7C15)
                    .wrapping_mul(0xD1B5_4A32_D192_ED03_A076_1D64_78BD_642F);
                (p >> 40) as u64
            };
            Element { key: mixed(n), value: mixed(n + 1_000_000) }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_difference_comes_back_exactly(common in 0_u64..3000, left in 0_u64..200, right in 0_u64..200, twice in 0_u64..20, salt in any::<u64>()) {
            // A small sketch fails by chance now and then; another salt then does it.
            for salt in (0..8_u64).map(|n| salt.wrapping_add(n)) {
            let mut a = Sketch::new(900, salt);
            let mut b = Sketch::new(900, salt);
            elements(0, common).for_each(|e| { a.add(e); b.add(e); });
            elements(1 << 20, left).for_each(|e| a.add(e));
            elements(2 << 20, right).for_each(|e| b.add(e));
            // A surplus copy of something that both have.
            elements(0, twice.min(common)).for_each(|e| b.add(e));
            a.subtract_all(&b);
            let Some(got) = a.peel() else { continue };
            let mut want_left: Vec<_> = elements(1 << 20, left).collect();
            let mut want_right: Vec<_> = elements(2 << 20, right).chain(elements(0, twice.min(common))).collect();
            want_left.sort_unstable();
            want_right.sort_unstable();
            prop_assert_eq!(got, Difference { left: want_left, right: want_right });
            return Ok(());
            }
            prop_assert!(false, "eight salts failed");
        }

        #[test]
        fn surplus_copies_of_one_element_are_counted(copies in 1_usize..12, other in 0_u64..50, salt in any::<u64>()) {
            for salt in (0..8_u64).map(|n| salt.wrapping_add(n)) {
            let mut a = Sketch::new(300, salt);
            let element = elements(5, 1).next().unwrap();
            (0..copies).for_each(|_| a.subtract(element));
            elements(100, other).for_each(|e| a.add(e));
            let Some(got) = a.peel() else { continue };
            prop_assert_eq!(got.right, vec![element; copies]);
            prop_assert_eq!(got.left.len() as u64, other);
            return Ok(());
            }
            prop_assert!(false, "eight salts failed");
        }

        #[test]
        fn too_many_differences_are_admitted(count in 1000_u64..3000) {
            let mut a = Sketch::new(900, 7);
            elements(0, count).for_each(|e| a.add(e));
            prop_assert_eq!(a.peel(), None);
        }

        #[test]
        fn bytes_round_trip_and_garbage_does_not_hang(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            if let Some(sketch) = Sketch::from_bytes(&bytes, 1) {
                prop_assert_eq!(sketch.to_bytes(), bytes);
                let _ = sketch.peel();
            }
        }
    }
}
