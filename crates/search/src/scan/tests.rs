use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn products_equal_the_plain_sums_at_every_length() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for length in (0..140).chain([384, 1_024, 1_537]) {
        let a: Vec<f32> = (0..length).map(|_| rng.random_range(-1.0..1.0)).collect();
        let b: Vec<f32> = (0..length).map(|_| rng.random_range(-1.0..1.0)).collect();
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-4, "{length}");
        assert!((f64::from(dot_portable(&a, &b)) - plain).abs() < 1e-4, "{length}");
        let a: Vec<i8> = (0..length).map(|_| rng.random_range(-127..=127)).collect();
        let b: Vec<i8> = (0..length).map(|_| rng.random_range(-127..=127)).collect();
        assert_eq!(dot_i8(&a, &b), dot_i8_portable(&a, &b), "{length}");
    }
}

#[test]
fn the_largest_integers_do_not_overflow() {
    let extreme = vec![-127_i8; crate::document::MAX_DIMENSION];
    assert_eq!(dot_i8(&extreme, &extreme), 127 * 127 * crate::document::MAX_DIMENSION as i32);
}

#[test]
fn a_mapped_file_outlives_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, b"content").unwrap();
    let map = Map::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(&map[..], b"content");
}
