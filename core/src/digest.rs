//! A short fingerprint of samples, for comparing machines: FNV-1a, 64 bits (Fowler, Noll & Vo 1991).

/// Hash of a sequence of `f32`, by their bits in little-endian order.
///
/// ```
/// use tinyscore::Digest;
/// let mut digest = Digest::new();
/// digest.update(&[1.0, -2.5]);
/// assert_eq!(digest.finish(), 0x09e6_29ee_2dfd_b3f8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// The hash of nothing.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds values in order.
    pub fn update(&mut self, values: &[f32]) {
        for byte in values.iter().flat_map(|v| v.to_bits().to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// The hash of all values so far.
    pub const fn finish(&self) -> u64 {
        self.0
    }
}
