//! Measures the engine through the scheduler: `engine_bench MODEL.gguf [ROUNDS] [DECODE_THREADS]`.
//!
//! Prints tokens per second of reading 512 tokens, of writing 128 after one, and of eight chats of 512 + 128 side by
//! side with the time to their first tokens.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use inference::{
    Completion, GenerateRequest, Generator, LoadOptions, Loaded, Loader, ModelFiles, Prompt, Sampling, Token,
};
use inference_native::NativeLoader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let main = PathBuf::from(arguments.next().ok_or("usage: engine_bench MODEL.gguf [ROUNDS] [DECODE_THREADS]")?);
    let rounds: u32 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let decode_threads = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let files = ModelFiles { dir: main.parent().map(PathBuf::from).unwrap_or_default(), main };
    let options = LoadOptions { context_per_sequence: 1024, decode_threads, ..LoadOptions::default() };
    let Loaded::Generator(model) = NativeLoader::default().load(&files, &options)? else {
        return Err("the model does not generate".into());
    };
    let model = model.as_ref();
    run(model, 64, 16, 1, 0)?;
    for round in 1..=rounds {
        let (read, _) = run(model, 512, 1, 1, round * 100)?;
        let (write, answers) = run(model, 1, 128, 1, round * 100 + 1)?;
        let written = answers.iter().map(|answer| answer.finish.timing.decode.as_secs_f64()).sum::<f64>();
        let (all, chats) = run(model, 512, 128, 8, round * 100 + 2)?;
        let mut first: Vec<Duration> = chats.iter().map(|chat| chat.finish.timing.first_token).collect();
        first.sort();
        println!(
            "prefill 512: {:.1} t/s   decode 128: {:.1} t/s (whole {:.2} s)   8 chats: {:.1} t/s, first token {:.2} to {:.2} s",
            512.0 / read,
            127.0 / written,
            write,
            8.0 * 640.0 / all,
            first[0].as_secs_f64(),
            first[first.len() - 1].as_secs_f64(),
        );
    }
    Ok(())
}

/// Seconds until `count` requests of `prompt` tokens were all answered with `answer` tokens.
fn run(
    model: &dyn Generator,
    prompt: u32,
    answer: u32,
    count: u32,
    salt: u32,
) -> Result<(f64, Vec<Completion>), inference::Error> {
    let request = |at: u32| {
        let token = |place: u32| 1000 + (place * 7919 + (salt + at) * 104_729) % 20_000;
        let tokens: Vec<Token> = (0..prompt).map(token).collect();
        // No answer ends early: the tokens that end one are unlikely enough to be banned.
        let sampling = Sampling { logit_bias: (0..3).map(|token| (token, -100.0)).collect(), ..Sampling::greedy() };
        GenerateRequest {
            prompt: Prompt::Tokens(tokens),
            max_tokens: Some(answer),
            sampling,
            ..GenerateRequest::default()
        }
    };
    let start = Instant::now();
    let streams = (0..count).map(|at| model.generate(request(at))).collect::<Result<Vec<_>, _>>()?;
    let answers = streams.into_iter().map(|stream| block_on(stream.collect())).collect::<Result<Vec<_>, _>>()?;
    Ok((start.elapsed().as_secs_f64(), answers))
}
