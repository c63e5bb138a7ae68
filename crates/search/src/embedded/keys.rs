//! Many keys put into order.

/// The bytes of a key that are compared at once.
const HEAD: usize = 8;

/// The numbers below `count`, ascending by their keys, which have no byte 0.
///
/// Eight bytes of each key are copied beside its number and sorted there, and those that are equal are told apart by the next
/// eight: keys lie apart in a file, and comparing two of them where they lie would wait for the memory twice.
pub(super) fn sorted<'a>(count: usize, key: impl Fn(u32) -> &'a [u8]) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..count as u32).collect();
    let mut open = vec![(0..count, 0)];
    while let Some((range, from)) = open.pop() {
        let part = &mut numbers[range.clone()];
        let mut heads: Vec<(u64, u32)> = part.iter().map(|number| (head(key(*number), from), *number)).collect();
        heads.sort_unstable();
        part.iter_mut().zip(&heads).for_each(|(number, (_, sorted))| *number = *sorted);
        let mut start = range.start;
        for group in heads.chunk_by(|(one, _), (other, _)| one == other) {
            let end = start + group.len();
            // Keys whose last head has a byte to spare have ended, and are the same.
            if group.len() > 1 && group[0].0.trailing_zeros() < u8::BITS {
                open.push((start..end, from + HEAD));
            }
            start = end;
        }
    }
    numbers
}

/// The bytes of a key from a place on, as a number in whose order they are: zeros follow the key's end.
fn head(key: &[u8], from: usize) -> u64 {
    let rest = key.get(from..).unwrap_or_default();
    let mut bytes = [0; HEAD];
    let count = rest.len().min(HEAD);
    bytes[..count].copy_from_slice(&rest[..count]);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;
    use crate::embedded::tests::rng;

    fn assert_sorted(keys: &[String]) {
        let found = sorted(keys.len(), |number| keys[number as usize].as_bytes());
        let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
        expected.sort_by_key(|number| &keys[*number as usize]);
        assert_eq!(found, expected, "{keys:?}");
    }

    #[test]
    fn keys_are_sorted_as_texts_are() {
        let mut rng = rng(41);
        for _ in 0..300 {
            let beginning = "source/".repeat(rng.random_range(0..5));
            let count = rng.random_range(0..200);
            let letters = |rng: &mut rand_chacha::ChaCha8Rng| {
                let length = rng.random_range(1..20);
                (0..length).map(|_| ['a', 'b', '\u{1}', 'é', '語'][rng.random_range(0..5)]).collect::<String>()
            };
            let keys: std::collections::HashSet<String> =
                (0..count).map(|_| format!("{beginning}{}", letters(&mut rng))).collect();
            assert_sorted(&keys.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_key_comes_before_those_that_it_begins() {
        let lengths = [24, 8, 17, 16, 7, 9, 1, 15, 23, 25];
        assert_sorted(&lengths.map(|length| "x".repeat(length)));
    }

    #[test]
    fn the_same_key_twice_ends_the_work_nevertheless() {
        let keys = ["sixteen letters.", "b", "sixteen letters.", "b"];
        assert_eq!(sorted(4, |number| keys[number as usize].as_bytes()), [1, 3, 0, 2]);
    }
}
