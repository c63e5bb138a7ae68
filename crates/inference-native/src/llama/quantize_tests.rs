use std::ffi::CString;
use std::path::Path;

use checkpoint::{FileType, Folder, ModelFile, Plain, Quantization, Quantizer};

use super::*;
use crate::NativeQuantizer;
use crate::sample::{Random, SMALL, Sample, Sizes, converted, read_gguf, write};

/// What llama.cpp's own quantizer makes of a file.
fn quantized(file: &[u8], to: impl Into<FileType>) -> Vec<u8> {
    quantized_again(file, to.into(), false)
}

fn quantized_again(file: &[u8], to: FileType, again: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, made) = (folder.path().join("from.gguf"), folder.path().join("to.gguf"));
    std::fs::write(&from, file).unwrap();
    let path = |path: &Path| CString::new(path.to_str().unwrap()).unwrap();
    crate::llama::ready();
    // SAFETY: a plain value.
    let mut parameters = unsafe { sys::llama_model_quantize_default_params() };
    parameters.ftype = to.number();
    parameters.allow_requantize = again;
    parameters.nthread = 2;
    let (from, to_path) = (path(&from), path(&made));
    // SAFETY: both paths end with a zero and outlive the call.
    let outcome = unsafe { sys::llama_model_quantize(from.as_ptr(), to_path.as_ptr(), &raw const parameters) };
    assert_eq!(outcome, 0);
    std::fs::read(made).unwrap()
}

fn assert_as_llama_cpp_quantizes(source: &dyn checkpoint::Source, quantization: Quantization) {
    let whole = converted(source, Quantization::F16, &NativeQuantizer);
    let (theirs_said, theirs) = read_gguf(&quantized(&whole, quantization));
    let (ours_said, ours) = read_gguf(&converted(source, quantization, &NativeQuantizer));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, tensor) in &ours {
        assert_eq!((tensor.kind, &tensor.shape), (theirs[name].kind, &theirs[name].shape), "{name}");
        assert!(tensor.bytes == theirs[name].bytes, "{name}");
    }
    for (key, value) in &ours_said {
        assert_eq!(Some(value), theirs_said.get(key), "{key}");
    }
}

#[test]
fn a_checkpoint_is_quantized_bit_for_bit_as_llama_cpp_does() {
    let sizes = Sizes { hidden: 256, inner: 512, layers: 10, heads: 4, kv_heads: 2 };
    for tied in [false, true] {
        let mut sample = Sample::new("LlamaForCausalLM", sizes, "F16");
        sample.config["tie_word_embeddings"] = tied.into();
        for quantization in [Quantization::Q8_0, Quantization::Q4KM] {
            assert_as_llama_cpp_quantizes(&sample.files(), quantization);
        }
    }
}

#[test]
fn rows_that_blocks_do_not_divide_fall_back_as_llama_cpp_does() {
    // 64 = 2 × 32, 96 = 3 × 32, and 80 is no multiple of 32.
    for sizes in [SMALL, Sizes { hidden: 80, inner: 96, layers: 9, heads: 2, kv_heads: 1 }] {
        for class in ["MistralForCausalLM", "Qwen2ForCausalLM"] {
            for quantization in [Quantization::Q8_0, Quantization::Q4KM] {
                assert_as_llama_cpp_quantizes(&Sample::new(class, sizes, "F16").files(), quantization);
            }
        }
    }
}

#[test]
fn the_plain_quantizer_packs_as_ggml_does() {
    let mut random = Random(3);
    let mut values: Vec<f32> = (0..64 * 1024).map(|_| random.weight() * 37.0).collect();
    values[..32].fill(0.0);
    // Quotients halfway between two integers are rounded away from zero.
    values[32..64].iter_mut().zip(0_i16..).for_each(|(value, at)| *value = f32::from(at) + 0.5);
    values[63] = 127.0;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    Plain.quantize(Format::Q8_0, &values, 256, &mut ours).unwrap();
    pack(Format::Q8_0, &values, 256, &mut theirs).unwrap();
    assert_eq!(ours, theirs);
}

#[test]
fn blocks_have_the_sizes_that_ggml_gives_them() {
    use Format::{F16, F32, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    for format in [F32, F16, Q8_0, Q5_0, Q5_1, Q4K, Q5K, Q6K] {
        // SAFETY: the numbers are ggml's own.
        let theirs = unsafe { (sys::ggml_blck_size(format.number()), sys::ggml_type_size(format.number())) };
        let (numbers, bytes) = format.block();
        assert_eq!((numbers as i64, bytes as usize), theirs, "{format:?}");
    }
}

#[test]
fn rows_that_are_no_blocks_are_refused() {
    let mut out = Vec::new();
    assert!(pack(Format::Q4K, &[0.0; 64], 64, &mut out).is_err());
    assert!(pack(Format::Q8_0, &[0.0; 48], 32, &mut out).is_err());
    assert!(out.is_empty());
}

/// What we make of a file.
fn ours(file: &[u8], to: FileType, again: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, file).unwrap();
    let plan = ModelFile::open(&path).unwrap().plan(to, again).unwrap();
    futures::executor::block_on(write(&plan, &Folder(folder.path().to_owned()), &NativeQuantizer))
}

fn assert_same_model(ours: &[u8], theirs: &[u8]) {
    let ((ours_said, ours), (theirs_said, theirs)) = (read_gguf(ours), read_gguf(theirs));
    assert_eq!(ours_said, theirs_said);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, tensor) in &ours {
        assert_eq!((tensor.kind, &tensor.shape), (theirs[name].kind, &theirs[name].shape), "{name}");
        assert!(tensor.bytes == theirs[name].bytes, "{name}");
    }
}

#[test]
fn a_file_is_quantized_bit_for_bit_as_llama_cpp_does() {
    let sizes = Sizes { hidden: 256, inner: 512, layers: 10, heads: 4, kv_heads: 2 };
    for (class, dtype, sizes) in [
        ("LlamaForCausalLM", "F16", sizes),
        ("Qwen2ForCausalLM", "F32", sizes),
        ("MistralForCausalLM", "F16", SMALL),
        ("LlamaForCausalLM", "F16", Sizes { hidden: 80, inner: 96, layers: 9, heads: 2, kv_heads: 1 }),
    ] {
        let mut sample = Sample::new(class, sizes, dtype);
        sample.config["tie_word_embeddings"] = (sizes.layers == 9).into();
        let whole = converted(&sample.files(), Quantization::F16, &NativeQuantizer);
        for to in FileType::ALL.into_iter().filter(|to| *to != FileType::F16) {
            assert_same_model(&ours(&whole, to, false), &quantized(&whole, to));
        }
    }
}

#[test]
fn a_quantized_file_is_packed_again_as_llama_cpp_does() {
    let sizes = Sizes { hidden: 256, inner: 512, layers: 9, heads: 4, kv_heads: 2 };
    let source = Sample::new("LlamaForCausalLM", sizes, "F16").files();
    let packed = converted(&source, Quantization::Q8_0, &NativeQuantizer);
    for to in [FileType::Q4KM, FileType::Q5KS] {
        assert_same_model(&ours(&packed, to, true), &quantized_again(&packed, to, true));
    }
}

#[test]
fn element_types_are_as_ggml_has_them() {
    for number in 0..64 {
        let Some(known) = ElementType::of(number) else { continue };
        // SAFETY: the number is one of ggml's, which the names show.
        let (name, block, bytes) = unsafe {
            let name = std::ffi::CStr::from_ptr(sys::ggml_type_name(number)).to_str().unwrap();
            (name, sys::ggml_blck_size(number), sys::ggml_type_size(number))
        };
        assert_eq!((known.block as i64, known.bytes as usize), (block, bytes), "{name}");
        assert!(known.name.eq_ignore_ascii_case(name), "{} is {name}", known.name);
    }
    let mut out = Vec::new();
    assert!(unpack(8, &[0; 33], &mut out).is_err() && unpack(63, &[], &mut out).is_err());
}
