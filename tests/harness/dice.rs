//! Numbers that nobody chose, the same ones again for the same seed.

/// A seed, and how far its numbers have been drawn.
pub struct Dice(pub u64);

impl Dice {
    pub fn new() -> Self {
        Self(getrandom::u64().unwrap())
    }

    /// One below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Dice of one's own, so that what others draw changes nothing.
    pub fn split(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }
}
