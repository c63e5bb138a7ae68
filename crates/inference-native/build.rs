//! Builds what makes ggml ask for our kernels.

fn main() {
    println!("cargo:rerun-if-changed=src/llama/kernels/hook.cpp");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("x86_64") {
        cc::Build::new().cpp(true).std("c++17").file("src/llama/kernels/hook.cpp").compile("craton_kernels");
    }
}
