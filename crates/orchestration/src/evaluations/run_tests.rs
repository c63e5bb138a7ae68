use super::*;

#[test]
fn results_that_would_have_one_place_get_two() {
    assert_eq!(folder("arn:aws:bedrock:us-east-1::foundation-model/m"), folder("m"));
    let mut taken = Vec::new();
    let names: Vec<String> =
        ["m", "m-2", "m", "n", "m"].iter().map(|name| unlike(&mut taken, (*name).to_owned())).collect();
    assert_eq!(names, ["m", "m-2", "m-3", "n", "m-4"]);
}

#[test]
fn what_another_dataset_or_other_prompts_gave_is_not_gone_on_with() {
    let now = digest("text");
    assert!(check_digest(&now, "s3://b/d", "text", true).is_ok());
    let changed = check_digest(&now, "s3://b/d", "other", true).unwrap_err();
    assert!(changed.message.contains("`s3://b/d` changed"), "{changed}");
    // A job that began before forms were told apart.
    let before = sha256(b"text");
    let refused = check_digest(&before, "s3://b/d", "text", true).unwrap_err();
    assert!(refused.message.contains("asked judges otherwise"), "{refused}");
    assert!(check_digest(&before, "s3://b/d", "text", false).is_ok(), "no judge is asked");
    assert!(check_digest(&before, "s3://b/d", "other", false).is_err());
    assert!(is_of_this_form(Some(&now)) && is_of_this_form(None) && !is_of_this_form(Some(&before)));
}
