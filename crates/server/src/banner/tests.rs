use super::*;

#[test]
fn the_advice_can_be_pasted_as_it_stands() {
    let better = Recommended { name: "large-it".to_owned(), terms_must_be_accepted: true };
    let [_, pull, alias] = advice(&better, " --data-dir 'my data'");
    assert_eq!(pull.trim(), "craton models pull large-it --accept-terms --data-dir 'my data'");
    assert_eq!(alias.trim(), format!("craton models alias set {EXAMPLE} large-it --data-dir 'my data'"));
    let open = Recommended { terms_must_be_accepted: false, ..better };
    assert_eq!(advice(&open, "")[1].trim(), "craton models pull large-it");
}
