//! Bitmaps.

/// Which fields there are: the bitmap as one number, field 1 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Present(pub(super) u128);

impl Present {
    const fn bit(number: u8) -> u128 {
        if number == 0 || number > 128 { 0 } else { 1 << (128 - number as u32) }
    }

    pub(super) const fn has(self, number: u8) -> bool {
        self.0 & Present::bit(number) != 0
    }

    pub(super) const fn set(&mut self, number: u8) {
        self.0 |= Present::bit(number);
    }

    pub(super) const fn clear(&mut self, number: u8) {
        self.0 &= !Present::bit(number);
    }

    /// How many fields of a smaller number there are.
    pub(super) const fn before(self, number: u8) -> usize {
        let smaller = if number <= 1 { 0 } else { self.0 >> (129 - number as u32) };
        smaller.count_ones() as usize
    }
}

impl Iterator for Present {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let zeros = self.0.leading_zeros();
        let number = u8::try_from(zeros).ok().filter(|zeros| *zeros < 128)? + 1;
        self.clear(number);
        Some(number)
    }
}
