//! Tries a model.
use inference::*;
use inference_native::NativeLoader;
fn main() {
    let main = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let files = ModelFiles { dir: main.parent().unwrap().to_owned(), main };
    let loader = NativeLoader::default();
    println!("{:?}", loader.inspect(&files));
    let Loaded::Generator(g) = loader.load(&files, &LoadOptions { decode_threads: 1, ..Default::default() }).unwrap()
    else {
        panic!()
    };
    println!("{:?}", g.info());
    let text = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n".to_owned();
    let r = GenerateRequest {
        prompt: Prompt::Text { text, parse_special: true, add_bos: true },
        max_tokens: Some(64),
        sampling: Sampling::greedy(),
        ..Default::default()
    };
    println!("{:?}", futures::executor::block_on(g.generate(r).unwrap().collect()));
}
