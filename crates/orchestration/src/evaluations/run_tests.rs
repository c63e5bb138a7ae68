use super::*;

#[test]
fn results_that_would_have_one_place_get_two() {
    assert_eq!(folder("arn:aws:bedrock:us-east-1::foundation-model/m"), folder("m"));
    let mut taken = Vec::new();
    let names: Vec<String> =
        ["m", "m-2", "m", "n", "m"].iter().map(|name| unlike(&mut taken, (*name).to_owned())).collect();
    assert_eq!(names, ["m", "m-2", "m-3", "n", "m-4"]);
}
