use futures::executor::block_on;

use super::*;
use crate::samples::{SMALL, Sample};

const UNLIMITED: Room = Room {
    disk: u64::MAX,
    memory: u64::MAX,
    context: 256,
    parallel: 2,
    shared_cells: 256,
    replicas: 1,
    cache_type: inference::CacheType::F16,
};

/// A folder with a checkpoint in it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in Sample::new("MistralForCausalLM", SMALL, "BF16").files().0 {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn found(folder: &Path, quantization: &str, room: Room) -> Value {
    block_on(examined(folder, quantization, room)).unwrap()
}

#[test]
fn a_folder_is_told_of_with_its_sizes_in_every_quantization() {
    let folder = folder();
    let answer = found(folder.path(), "Q8_0", UNLIMITED);
    assert_eq!((&answer["passes"], &answer["report"]["findings"]), (&json!(true), &json!([])));
    assert_eq!((&answer["model"]["architecture"], &answer["model"]["dtype"]), (&json!("mistral"), &json!("BF16")));
    let sizes = answer["sizes"].as_array().unwrap();
    let names: Vec<&str> = sizes.iter().map(|size| size["quantization"].as_str().unwrap()).collect();
    assert_eq!(names, ["F16", "Q8_0", "Q4_K_M"]);
    assert_eq!(sizes[1]["bytes"], answer["model"]["modelBytes"]);
    let number = |size: &Value, name: &str| size[name].as_u64().unwrap();
    assert!(number(&sizes[0], "bytes") > number(&sizes[1], "bytes"));
    // Keys and values in half precision for 2 requests of 256 tokens and what requests share, and working buffers.
    let beside = number(&sizes[0], "memoryBytes") - number(&sizes[0], "bytes");
    let working = inference::working_bytes(answer["model"]["vocabulary"].as_u64().unwrap(), SMALL.hidden);
    let cells = 2 * 256 + u64::from(UNLIMITED.shared_cells);
    assert_eq!(beside - working, cells * 2 * 2 * SMALL.layers * SMALL.kv_heads * SMALL.hidden / SMALL.heads);
}

#[test]
fn what_is_missing_is_told_with_its_file_and_the_fix() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let answer = found(folder.path(), "F16", UNLIMITED);
    assert_eq!((&answer["passes"], &answer["sizes"]), (&json!(false), &json!([])));
    let finding = &answer["report"]["findings"][0];
    assert_eq!((&finding["severity"], &finding["file"]), (&json!("error"), &json!("tokenizer.json")));
    assert!(!finding["fix"].as_str().unwrap().is_empty());
    assert_eq!(answer["model"]["class"], "MistralForCausalLM");
}

#[test]
fn a_model_that_has_no_room_here_is_told_with_the_sizes_that_it_could_have() {
    let folder = folder();
    let answer = found(folder.path(), "F16", Room { disk: 1, memory: 1, ..UNLIMITED });
    assert_eq!((&answer["passes"], answer["sizes"].as_array().unwrap().len()), (&json!(false), 3));
    assert_eq!(answer["report"]["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_folder_that_is_none_is_an_error() {
    let error = examine_checkpoint(Path::new("/no/such/folder"), "F16", Path::new(".")).unwrap_err().to_string();
    assert!(error.contains("`/no/such/folder` is not a folder\nhint: "), "{error}");
}
