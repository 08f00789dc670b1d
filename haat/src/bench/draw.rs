//! Numbers that look random and are the same in every run.

/// The number that belongs to `number` and `salt`: the output function of SplitMix64.
pub fn draw(number: u64, salt: u64) -> u64 {
    let mut z = number.wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread() {
        let mut tens = [0; 10];
        (0..10_000).for_each(|n| tens[(draw(n, 3) % 10) as usize] += 1);
        assert!(tens.iter().all(|count| (900..1_100).contains(count)), "{tens:?}");
        assert_ne!(draw(1, 2), draw(2, 1));
    }
}
