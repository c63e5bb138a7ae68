use super::*;

#[test]
fn the_tree_is_tidy() {
    run(&crate::root()).unwrap();
}

#[test]
fn a_long_file_is_named() {
    let lines = "x\n".repeat(601);
    assert_eq!(sources::check_text("crates/a/src/b.rs", &lines).len(), 1);
    assert!(sources::check_text("crates/a/src/tests.rs", &lines).is_empty());
    assert!(sources::check_text("crates/a/src/generated/b.rs", &lines).is_empty());
}

#[test]
fn forbidden_words_are_named() {
    // Cut in two, because this file is checked as well.
    let block = concat!("uns", "afe { f() }");
    let bad = [
        concat!("// TO", "DO: later"),
        concat!("#[ign", "ore]"),
        concat!("\"/ro", "ot/x\""),
        block,
        concat!("process::", "exit(1)"),
    ];
    for bad in bad {
        assert_eq!(sources::check_text("crates/base/src/x.rs", bad).len(), 1, "{bad}");
    }
    assert!(sources::check_text("crates/inference-native/src/x.rs", block).is_empty());
    assert!(sources::check_text("crates/search/src/scan.rs", block).is_empty());
    assert_eq!(sources::check_text("crates/search/src/scan.rs", &"x\n".repeat(301)).len(), 1);
    assert_eq!(sources::check_text("crates/search/src/vectors.rs", block).len(), 1);
    assert_eq!(sources::check_text("crates/models/src/invoke.rs", "let q = \"SELECT a FROM b\";").len(), 1);
    assert!(sources::check_text("crates/models/src/store.rs", "let q = \"SELECT a FROM b\";").is_empty());
}

#[test]
fn a_forbidden_edge_is_named() {
    let found =
        layers::check_edges([("models", "knowledge", false), ("models", "store", false), ("base", "tokio", false)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(layers::check_edges([("aws-api", "store", true)]).is_empty());
    assert_eq!(layers::check_edges([("aws-api", "store", false), ("base", "store", true)]).len(), 2);
}

#[test]
fn a_licence_that_is_not_allowed_is_named() {
    let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into_iter().collect();
    let is_allowed = |expression| licences::is_allowed(expression, &allowed);
    assert!(is_allowed("MIT") && is_allowed("MIT/GPL-3.0") && is_allowed("GPL-2.0-only OR MIT"));
    assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
    assert!(!is_allowed("Apache-2.0") && !is_allowed("MIT AND MPL-2.0") && !is_allowed("") && !is_allowed("mine"));
}
