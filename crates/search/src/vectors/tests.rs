use proptest::prelude::{Strategy as _, any, prop};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

struct Table {
    full: Vec<Vec<f32>>,
    short: Vec<Option<Quantised>>,
}

impl Rows for Table {
    fn full(&self, row: u32) -> &[f32] {
        &self.full[row as usize]
    }
    fn short(&self, row: u32) -> Option<(&[i8], f32, f32)> {
        self.short[row as usize].as_ref().map(|short| (short.integers.as_slice(), short.scale, short.error))
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let dimension = vector.len();
    crate::document::unit(&mut vector, Some(dimension), "x").unwrap();
    vector
}

fn table(rng: &mut ChaCha8Rng, rows: usize, dimension: usize, spread: f32) -> Table {
    let centre: Vec<f32> = (0..dimension).map(|_| rng.random_range(-1.0..1.0)).collect();
    let mut full: Vec<Vec<f32>> = Vec::new();
    for at in 0..rows {
        // Some are equal, so that ties cross every boundary.
        let row = if at % 7 == 6 {
            full[at - 3].clone()
        } else {
            unit(centre.iter().map(|x| x + rng.random_range(-spread..spread)).collect())
        };
        full.push(row);
    }
    let short = full.iter().enumerate().map(|(at, row)| (at % 5 != 0).then(|| quantise(row))).collect();
    Table { full, short }
}

#[test]
fn bracketing_finds_what_the_full_scan_finds() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for spread in [0.001, 0.1, 3.0] {
        for dimension in [3, 64, 100] {
            let table = table(&mut rng, 3_000, dimension, spread);
            let among: Vec<u32> = (0..3_000).filter(|row| row % 11 != 0).collect();
            for limit in [1, 10, 100, 2_000] {
                let query = unit((0..dimension).map(|_| rng.random_range(-1.0..1.0)).collect());
                let scored = |row: u32| Scored { id: row, score: f64::from(dot(table.full(row), &query)) };
                let expected = best(among.iter().map(|row| scored(*row)).collect(), limit, |row| row);
                assert_eq!(nearest(&table, among.clone(), &query, limit, |row| row), expected);
            }
        }
    }
}

#[test]
fn bracketing_leaves_most_of_a_varied_set_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut table = table(&mut rng, 4_000, 384, 3.0);
    table.short = table.full.iter().map(|row| Some(quantise(row))).collect();
    let query = table.full[17].clone();
    let kept = bracket(&table, (0..4_000).collect(), &query, 10);
    assert!(kept.len() < 1_000, "{}", kept.len());
}

#[test]
fn a_rounding_error_is_never_understated() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..500 {
        let vector = unit((0..50).map(|_| rng.random_range(-1.0..1.0)).collect());
        let short = quantise(&vector);
        let left = vector.iter().zip(&short.integers).map(|(x, i)| (x - short.scale * f32::from(*i)).powi(2));
        assert!(left.sum::<f32>().sqrt() <= short.error);
    }
    assert_eq!(quantise(&[0.0; 4]).integers, [0; 4]);
}

/// Components of all sizes, down to those of which a 127th is nothing.
fn component() -> impl proptest::strategy::Strategy<Value = f32> {
    let smallest = (-200_i32..=200).prop_map(|times| times as f32 * f32::from_bits(1));
    proptest::prop_oneof![any::<f32>(), smallest, -1.0_f32..1.0]
}

proptest::proptest! {
    /// What multiplies them takes the size of each, which -128 has not in 8 bits.
    #[test]
    fn no_integer_is_the_one_without_an_opposite(vector in prop::collection::vec(component(), 0..60)) {
        let integers = quantise(&vector).integers;
        proptest::prop_assert_eq!(integers.len(), vector.len());
        proptest::prop_assert!(!integers.contains(&i8::MIN), "{:?}: {:?}", vector, integers);
    }
}
