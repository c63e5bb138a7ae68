use proptest::prelude::*;

use super::*;
use crate::Plain;

fn converted(dtype: Dtype, block: &[u8], format: Format) -> Result<Vec<u8>, Option<Unfit>> {
    let mut out = Vec::new();
    match Converter::default().convert(Stored::Plain(dtype), block, 1, format, &Plain, &mut out) {
        Ok(()) => Ok(out),
        Err(Fault::Unfit(unfit)) => Err(Some(unfit)),
        Err(Fault::Quantizer(_)) => Err(None),
    }
}

#[test]
fn what_is_not_finite_or_too_large_is_found() {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let halves = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    for not in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for format in [Format::F16, Format::F32, Format::Q8_0] {
            let unfit = converted(Dtype::F32, &floats(&[1.0, not]), format).unwrap_err();
            assert_eq!(unfit, Some(Unfit::NotFinite(1)));
        }
    }
    assert_eq!(converted(Dtype::F16, &halves(&[0x3c00, 0x7c00]), Format::F16), Err(Some(Unfit::NotFinite(1))));
    assert_eq!(converted(Dtype::F16, &halves(&[0xfe00]), Format::F32), Err(Some(Unfit::NotFinite(0))));
    assert_eq!(converted(Dtype::BF16, &halves(&[0x7f80]), Format::F16), Err(Some(Unfit::NotFinite(0))));
    assert_eq!(converted(Dtype::F32, &floats(&[65504.0, -65504.0]), Format::F16).unwrap(), halves(&[0x7bff, 0xfbff]));
    assert_eq!(converted(Dtype::F32, &floats(&[0.0, 70000.0]), Format::F16), Err(Some(Unfit::TooLarge(1, 70000.0))));
    assert_eq!(converted(Dtype::BF16, &halves(&[0x4800]), Format::F16), Err(Some(Unfit::TooLarge(0, 131_072.0))));
    assert_eq!(converted(Dtype::F32, &floats(&[0.0; 32]), Format::Q4K), Err(None));
}

proptest! {
    #[test]
    fn halves_are_rounded_to_the_nearest(values in prop::collection::vec(-60000.0_f32..60000.0, 1..80)) {
        let block: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let expected: Vec<u8> = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        prop_assert_eq!(converted(Dtype::F32, &block, Format::F16).unwrap(), expected);
    }

    #[test]
    fn single_precision_keeps_every_half(bits in prop::collection::vec(any::<u16>(), 1..80)) {
        let finite: Vec<u16> = bits.into_iter().filter(|bits| f16::from_bits(*bits).is_finite()).collect();
        let block: Vec<u8> = finite.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let single = converted(Dtype::F16, &block, Format::F32).unwrap();
        prop_assert_eq!(converted(Dtype::F32, &single, Format::F16).unwrap(), block);
    }

    #[test]
    fn brain_floats_become_what_they_are(bits in prop::collection::vec(any::<u16>(), 1..80)) {
        let finite: Vec<u16> = bits.into_iter().filter(|bits| bf16::from_bits(*bits).is_finite()).collect();
        let block: Vec<u8> = finite.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let expected: Vec<u8> = finite.iter().flat_map(|bits| (u32::from(*bits) << 16).to_le_bytes()).collect();
        prop_assert_eq!(converted(Dtype::BF16, &block, Format::F32).unwrap(), expected);
    }

    #[test]
    fn rows_of_a_head_alternate_between_its_halves(heads in 1_usize..4, half in 1_usize..6, row in 1_usize..5) {
        let rows = 2 * half;
        let block: Vec<u8> = (0..heads * rows * row).map(|at| at as u8).collect();
        let mut out = Vec::new();
        interleave(&block, rows, row, &mut out);
        for head in 0..heads {
            for part in 0..2 {
                for pair in 0..half {
                    let from = (head * rows + part * half + pair) * row;
                    let to = (head * rows + 2 * pair + part) * row;
                    prop_assert_eq!(&out[to..to + row], &block[from..from + row]);
                }
            }
        }
    }
}
