//! A safetensors file as anybody may upload it: its header, and an index of shards. No bytes may do more than be
//! refused; a header that is read places its tensors side by side from its own end to the file's, and an index names
//! plain files.

use checkpoint::safetensors::{Header, LONGEST_HEADER, header_length, is_plain_name, parse_index};

/// A file's beginning; the file ends where the header's last tensor does, or with the bytes themselves.
pub fn run(data: &[u8]) {
    if let Ok(index) = parse_index(data) {
        assert!(index.values().all(|file| is_plain_name(file)), "an index names a file elsewhere");
    }
    let Some((prefix, rest)) = data.split_first_chunk::<8>() else { return };
    // As the file is, and as if more tensors followed.
    for more in [0, 4, 64, 1 << 20] {
        let file = data.len() as u64 + more;
        let Ok(length) = header_length(*prefix, file) else { continue };
        assert!(length <= LONGEST_HEADER && length <= file - 8, "a header longer than its file");
        let Some(json) = rest.get(..length as usize) else { continue };
        if let Ok(header) = Header::parse(json, file) {
            check(&header, 8 + length, file);
        }
    }
}

fn check(header: &Header, from: u64, to: u64) {
    let mut at = from;
    let mut names = std::collections::HashSet::new();
    for entry in &header.entries {
        assert_eq!(entry.offset, at, "a gap, or two tensors upon each other");
        let elements: u64 = entry.shape.iter().product();
        assert_eq!(entry.bytes, elements * entry.dtype.size(), "a tensor of another size than its shape");
        assert!(names.insert(&entry.name), "two tensors of one name");
        at += entry.bytes;
    }
    assert_eq!(at, to, "bytes that belong to no tensor");
}
