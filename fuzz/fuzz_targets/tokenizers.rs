#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| craton_fuzz::tokenizers::run(data));
