use super::*;

/// Numbers without a pattern, in -1..1.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 40) as f32 / (1 << 23) as f32 - 1.0)
    };
    std::iter::repeat_n((), count).scan(seed, |state, ()| next(state)).collect()
}

fn apply(linear: &Linear, x: &[f32], rows: usize) -> Vec<f32> {
    let (mut packed, mut out) = (Rows::default(), Vec::new());
    packed.pack(x, rows, linear.inputs(), linear.inputs());
    linear.apply(&packed, &mut out, |x| x);
    bytemuck::cast_slice(&out).to_vec()
}

#[test]
fn a_linear_layer_is_the_product_plus_the_bias_for_every_number_of_rows() {
    let (inputs, outputs) = (96, 2 * PANEL);
    let (weight, bias) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
    let linear = Linear::new(&weight, &bias, inputs);
    assert_eq!((linear.inputs(), linear.outputs()), (inputs, outputs));
    for rows in 1..=2 * TILE + 1 {
        let x = numbers(rows * inputs, rows as u64);
        let got = apply(&linear, &x, rows);
        assert_eq!(got.len(), rows * outputs);
        for (index, got) in got.iter().enumerate() {
            let (row, output) = (index / outputs, index % outputs);
            let product = |i: usize| f64::from(x[row * inputs + i]) * f64::from(weight[output * inputs + i]);
            let expected = (0..inputs).map(product).sum::<f64>() + f64::from(bias[output]);
            assert!((f64::from(*got) - expected).abs() < 1e-5, "{rows} rows, row {row}, output {output}");
        }
    }
}

#[test]
fn a_row_gives_the_same_bits_alone_and_at_every_place_among_others() {
    let (inputs, outputs) = (64, PANEL);
    let linear = Linear::new(&numbers(inputs * outputs, 3), &numbers(outputs, 4), inputs);
    let row = numbers(inputs, 5);
    let alone = apply(&linear, &row, 1);
    for rows in 1..=TILE + 7 {
        for place in 0..rows {
            let mut x = numbers(rows * inputs, 6);
            x[place * inputs..][..inputs].copy_from_slice(&row);
            let among = apply(&linear, &x, rows);
            assert_eq!(among[place * outputs..][..outputs], alone, "row {place} of {rows}");
        }
    }
}

#[test]
fn rows_are_packed_from_the_columns_that_the_stride_leaves() {
    let source: Vec<f32> = (0..30).map(|x| x as f32).collect();
    let mut rows = Rows::default();
    rows.pack(&source[2..], 3, 10, 4);
    let column = |index: usize| [rows.tiles[index][0], rows.tiles[index][1], rows.tiles[index][2]];
    assert_eq!(column(0), [2.0, 12.0, 22.0]);
    assert_eq!(column(3), [5.0, 15.0, 25.0]);
}
