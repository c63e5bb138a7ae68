use std::path::PathBuf;

use futures::executor::block_on;

use super::*;
use crate::samples::{Random, SMALL, Sample, converted, read_gguf, write};
use crate::{Folder, Plain, Quantization};

struct OnDisk {
    folder: tempfile::TempDir,
}

impl OnDisk {
    fn new(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.gguf"), bytes).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("model.gguf")
    }

    fn open(&self) -> Result<ModelFile> {
        ModelFile::open(&self.path())
    }

    fn written(&self, plan: &Plan) -> Vec<u8> {
        block_on(write(plan, &Folder(self.folder.path().to_owned()), &Plain))
    }
}

fn half(class: &str) -> Vec<u8> {
    converted(&Sample::new(class, SMALL, "F16").files(), Quantization::F16, &Plain)
}

fn problem(outcome: Result<impl std::fmt::Debug>) -> String {
    let Err(Error::Refused(finding)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(finding.file.as_deref(), Some("model.gguf"));
    finding.problem
}

#[test]
fn a_file_in_half_precision_becomes_byte_for_byte_what_its_checkpoint_becomes() {
    for class in ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"] {
        let disk = OnDisk::new(&half(class));
        let file = disk.open().unwrap();
        assert_eq!(file.format(), "F16");
        let plan = file.plan(FileType::Q8_0, false).unwrap();
        assert_eq!(plan.source_bytes(), file.weights_bytes());
        let direct = converted(&Sample::new(class, SMALL, "F16").files(), Quantization::Q8_0, &Plain);
        assert!(disk.written(&plan) == direct, "{class}");
    }
}

#[test]
fn weights_that_are_quantized_are_packed_again_only_where_that_is_asked_for() {
    let packed = converted(&Sample::new("LlamaForCausalLM", SMALL, "F16").files(), Quantization::Q8_0, &Plain);
    let disk = OnDisk::new(&packed);
    let file = disk.open().unwrap();
    assert_eq!(file.format(), "Q8_0");
    let refusal = problem(file.plan(FileType::Q4KM, false));
    assert!(refusal.contains("quantized already") && refusal.contains("Q8_0"), "{refusal}");
    assert!(file.plan(FileType::Q4KM, true).unwrap().bytes() < packed.len() as u64);
}

#[test]
fn what_would_not_become_smaller_is_refused() {
    let disk = OnDisk::new(&half("LlamaForCausalLM"));
    assert!(problem(disk.open().unwrap().plan(FileType::F16, false)).starts_with("as F16 its weights would take"));
    let packed = converted(&Sample::new("LlamaForCausalLM", SMALL, "F16").files(), Quantization::Q8_0, &Plain);
    let disk = OnDisk::new(&packed);
    for to in [FileType::Q8_0, FileType::F16] {
        assert!(problem(disk.open().unwrap().plan(to, true)).contains("would take"), "{to:?}");
    }
}

#[test]
fn what_the_file_says_of_its_model_stays() {
    let file = half("LlamaForCausalLM");
    let disk = OnDisk::new(&file);
    let plan = disk.open().unwrap().plan(FileType::Q8_0, false).unwrap();
    let ((before, _), (mut after, _)) = (read_gguf(&file), read_gguf(&disk.written(&plan)));
    let number = |value: u32| [4_u32.to_le_bytes(), value.to_le_bytes()].concat();
    assert_eq!(after.insert("general.file_type".to_owned(), number(1)), Some(number(7)));
    assert_eq!(before, after);
}

#[test]
fn a_damaged_file_is_named() {
    let whole = half("LlamaForCausalLM");
    let disk = OnDisk::new(b"not a model at all");
    assert_eq!(problem(disk.open()), "it is not a GGUF file");
    for length in [3, 4, 20, 100, 1000] {
        let refusal = problem(OnDisk::new(&whole[..length]).open());
        assert!(refusal.contains("truncated") || refusal.contains("do not fit"), "{length}: {refusal}");
    }
    assert!(problem(OnDisk::new(&whole[..whole.len() - 64]).open()).contains("truncated"));
    std::fs::remove_file(disk.path()).unwrap();
    assert!(problem(disk.open()).contains("cannot be read"));
}

#[test]
fn a_header_with_any_byte_changed_is_read_or_refused() {
    let whole = half("LlamaForCausalLM");
    let length = whole.len() as u64;
    let mut random = Random(11);
    for _ in 0..3000 {
        let mut damaged = whole.clone();
        let at = random.below(2000.min(whole.len()));
        damaged[at] = random.below(256) as u8;
        // It ends, and takes no more memory than the file.
        drop(Header { input: damaged.as_slice(), at: 0, length }.read());
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused_with_the_tensor() {
    let mut file = half("LlamaForCausalLM");
    let end = file.len();
    // The last tensor's last number: infinity, in either precision.
    file[end - 64..].fill(0x7c);
    file[end - 64..].chunks_exact_mut(4).for_each(|four| four.copy_from_slice(&[0, 0x7c, 0x80, 0x7f]));
    let disk = OnDisk::new(&file);
    let plan = disk.open().unwrap().plan(FileType::Q8_0, false).unwrap();
    let mut sink = crate::samples::Kept::default();
    let source = Folder(disk.folder.path().to_owned());
    let written = block_on(plan.write(&source, &mut sink, &Plain, &mut |_| std::ops::ControlFlow::Continue(())));
    let refusal = problem(written);
    assert!(refusal.contains("tensor `") && refusal.contains("not a number"), "{refusal}");
}

#[test]
fn a_part_of_a_model_is_refused() {
    let whole = half("LlamaForCausalLM");
    // One more pair: `split.count` = 2, as 16 bits.
    let pairs = u64::from_le_bytes(whole[16..24].try_into().unwrap());
    let mut split = whole[..16].to_vec();
    split.extend((pairs + 1).to_le_bytes());
    split.extend(11_u64.to_le_bytes());
    split.extend(b"split.count");
    split.extend(2_u32.to_le_bytes());
    split.extend(2_u16.to_le_bytes());
    split.extend(&whole[24..]);
    split.extend([0; 64]);
    assert_eq!(problem(OnDisk::new(&split).open()), "it is one part of 2");
}

#[test]
fn types_are_found_by_name_in_any_case() {
    for to in FileType::ALL {
        assert_eq!(FileType::from_name(&to.name().to_lowercase()), Some(to));
    }
    assert_eq!(FileType::from_name("q2_k"), None);
}
