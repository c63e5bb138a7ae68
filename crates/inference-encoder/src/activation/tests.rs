use super::*;

/// `count` numbers from `from` to `to`.
fn steps(from: f64, to: f64, count: usize) -> impl Iterator<Item = f32> {
    (0..count).map(move |i| (from + (to - from) * i as f64 / (count - 1) as f64) as f32)
}

fn first(vector: f32x16) -> f64 {
    f64::from(vector.to_array()[0])
}

/// The error function by the series `2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!`, whose terms have one sign.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..400 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[test]
fn gelu_is_as_exact_as_its_documentation_says() {
    for x in steps(-12.0, 12.0, 200_001) {
        let exact = f64::from(x) * 0.5 * (1.0 + erf(f64::from(x) / std::f64::consts::SQRT_2));
        let error = (first(gelu(f32x16::splat(x))) - exact).abs();
        assert!(error <= 4e-7 * f64::from(x.abs().max(1.0)), "gelu({x}) is off by {error:e}");
    }
}

#[test]
fn gelu_of_huge_numbers_is_the_number_or_zero() {
    assert_eq!(first(gelu(f32x16::splat(1e30))), f64::from(1e30_f32));
    assert_eq!(first(gelu(f32x16::splat(-1e15))), 0.0);
}

#[test]
fn the_exponential_is_as_exact_as_its_documentation_says() {
    for x in steps(-87.0, 0.0, 200_001) {
        let exact = f64::from(x).exp();
        let error = (first(exp_of_negative(f32x16::splat(x))) / exact - 1.0).abs();
        assert!(error < 2e-7, "exp({x}) is off by {error:e}");
    }
    assert!(first(exp_of_negative(f32x16::splat(-1e9))) < 2e-38);
}

#[test]
fn softmax_leaves_out_what_stands_after_the_scores() {
    for length in 1..=2 * LANES {
        let mut scores = vectors(&[1e6; 2 * LANES]);
        let numbers: &mut [f32] = bytemuck::cast_slice_mut(&mut scores);
        (0..length).for_each(|i| numbers[i] = -(i as f32));
        let factor = f64::from(softmax_unscaled(&mut scores, length));
        let numbers: &[f32] = bytemuck::cast_slice(&scores);
        let sum: f64 = (0..length).map(|i| (-(i as f64)).exp()).sum();
        for (i, &number) in numbers.iter().enumerate() {
            let expected = if i < length { (-(i as f64)).exp() / sum } else { 0.0 };
            assert!((f64::from(number) * factor - expected).abs() < 1e-6, "{i} of {length}");
        }
    }
}

#[test]
fn a_normalised_row_has_the_learnt_scale_and_shift() {
    let mut row = vectors(&(0..32).map(|x| x as f32).collect::<Vec<_>>());
    Norm::new(&[2.0; 32], &[5.0; 32], 0.0).apply(&mut row);
    let numbers: &[f32] = bytemuck::cast_slice(&row);
    let mean = numbers.iter().sum::<f32>() / 32.0;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 32.0;
    assert!((mean - 5.0).abs() < 1e-5 && (variance - 4.0).abs() < 1e-4, "mean {mean}, variance {variance}");
}
