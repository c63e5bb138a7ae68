use proptest::prelude::*;

use super::*;

fn parse(json: &str, data: u64) -> Result<Header, String> {
    Header::parse(json.as_bytes(), 8 + json.len() as u64 + data)
}

#[test]
fn a_header_says_where_each_tensor_lies() {
    let json = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[8,20]},
        "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"none":{"dtype":"BF16","shape":[0,9],"data_offsets":[8,8]}}   "#;
    let header = parse(json, 20).unwrap();
    let data = 8 + json.len() as u64;
    let places: Vec<_> = header.entries.iter().map(|e| (e.name.as_str(), e.dtype, e.offset - data, e.bytes)).collect();
    assert_eq!(places, [("a", Dtype::F32, 0, 8), ("none", Dtype::BF16, 8, 0), ("b", Dtype::F16, 8, 12)]);
    assert_eq!(header.entries[2].shape, [2, 3]);
}

#[test]
fn lying_headers_are_refused_with_what_is_wrong() {
    let one = |entry: &str| format!(r#"{{"a":{entry}}}"#);
    let two = |second: &str| {
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}},"b":{{"dtype":"F32","shape":[1],"data_offsets":{second}}}}}"#
        )
    };
    let cases = [
        ("[]".to_owned(), 0, "does not begin with `{`"),
        ("{\"a\":".to_owned(), 0, "damaged"),
        (r#"{"a":1}"#.to_owned(), 0, "damaged"),
        (r#"{"__metadata__":{"a":1}}"#.to_owned(), 0, "damaged"),
        (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), 0, "appears twice"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}"#), 8, "unknown field `more`"),
        (one(r#"{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}"#), 8, "duplicate field `shape`"),
        (one(r#"{"dtype":"F31","shape":[2],"data_offsets":[0,8]}"#), 8, "the element type `F31`"),
        (one(r#"{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#), 8, "damaged"),
        (one(r#"{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#), 8, "8 bytes, which is not what F32"),
        (one(r#"{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}"#), 8, "is not what F32"),
        (one(r#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#), 0, "is not what F32"),
        (one(r#"{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}"#), 4, "9 dimensions"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#), 8, "before it begins"),
        (
            one(r#"{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]}"#),
            8,
            "lies nowhere",
        ),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#), 7, "truncated: tensor `a` ends"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#), 9, "1 bytes at its end"),
        (one(r#"{"dtype":"F32","shape":[2],"data_offsets":[4,12]}"#), 12, "4 bytes before tensor `a`"),
        (two("[4,8]"), 8, "`a` and `b` overlap"),
        (two("[12,16]"), 16, "4 bytes before tensor `b`"),
        (
            one(
                r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}"#,
            ),
            16,
            "tensor `a` appears twice",
        ),
    ];
    for (json, data, expected) in cases {
        let problem = parse(&json, data).expect_err(&json);
        assert!(problem.contains(expected), "{json}: {problem}");
    }
    let long = one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#)
        .replace("\"a\"", &format!("\"{}\"", "a".repeat(600)));
    assert!(parse(&long, 8).unwrap_err().contains("600 bytes"));
}

#[test]
fn a_header_longer_than_its_file_or_than_any_is_refused() {
    assert_eq!(header_length(16_u64.to_le_bytes(), 24), Ok(16));
    assert!(header_length(17_u64.to_le_bytes(), 24).unwrap_err().contains("truncated"));
    assert!(header_length(0_u64.to_le_bytes(), 7).unwrap_err().contains("truncated"));
    assert!(header_length(u64::MAX.to_le_bytes(), u64::MAX).unwrap_err().contains("at most"));
    assert!(header_length((LONGEST_HEADER + 1).to_le_bytes(), u64::MAX).unwrap_err().contains("at most"));
}

proptest! {
    #[test]
    fn no_header_places_a_tensor_outside_its_file_or_upon_another(
        tensors in prop::collection::vec((0_u64..40, 0_u64..40, 0_u64..5, prop::sample::select(vec!["F32", "F16", "U8"])), 0..5),
        data in 0_u64..80,
    ) {
        let entries = tensors.iter().enumerate().map(|(at, (from, to, length, dtype))| {
            format!(r#""t{at}":{{"dtype":"{dtype}","shape":[{length}],"data_offsets":[{from},{to}]}}"#)
        });
        let json = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        let file = 8 + json.len() as u64 + data;
        if let Ok(header) = Header::parse(json.as_bytes(), file) {
            let mut at = 8 + json.len() as u64;
            for entry in &header.entries {
                prop_assert_eq!(entry.offset, at);
                prop_assert_eq!(entry.bytes, entry.shape.iter().product::<u64>() * entry.dtype.size());
                at += entry.bytes;
            }
            prop_assert_eq!(at, file);
            prop_assert_eq!(header.entries.len(), tensors.len());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(json in prop::collection::vec(any::<u8>(), 0..200), file in any::<u64>()) {
        drop(Header::parse(&json, file));
    }
}
