use super::*;
use crate::evaluations::metrics::Builtin;

#[test]
fn results_that_would_have_one_place_get_two() {
    assert_eq!(folder("arn:aws:bedrock:us-east-1::foundation-model/m"), folder("m"));
    let mut taken = Vec::new();
    let names: Vec<String> =
        ["m", "m-2", "m", "n", "m"].iter().map(|name| unlike(&mut taken, (*name).to_owned())).collect();
    assert_eq!(names, ["m", "m-2", "m-3", "n", "m-4"]);
}

#[test]
fn what_another_dataset_gave_is_not_gone_on_with() {
    let now = digest("text");
    // A job that began before forms were told apart kept the hash alone.
    let before = sha256(b"text");
    for first in [&now, &before] {
        assert!(check_text(first, "s3://b/d", "text").is_ok());
        let changed = check_text(first, "s3://b/d", "other").unwrap_err();
        assert!(changed.message.contains("`s3://b/d` changed"), "{changed}");
    }
    assert!(is_of_this_form(Some(&now)) && is_of_this_form(None) && !is_of_this_form(Some(&before)));
}

fn kept(metric: &Metric, has_reference: bool) -> KeptVerdict<'_> {
    KeptVerdict { metric, has_reference, is_on_scale: true }
}

#[test]
fn a_job_goes_on_where_no_verdict_that_is_kept_was_given_on_other_prompts() {
    let (before, coming) = (sha256(b"text"), format!("{}:hash", prompts::FORM + 1));
    let metric = Metric::Builtin;
    let (with_passages, without) = (metric(Builtin::Helpfulness), metric(Builtin::Refusal));
    // Of turns with a reference answer.
    let goes_on = |first: &str, judged: &[&Metric], family| {
        let judged: Vec<KeptVerdict<'_>> = judged.iter().map(|metric| kept(metric, true)).collect();
        check_form(first, "s3://b/d", &judged, family).map_err(|error| error.message)
    };
    let rag = Family::RetrieveAndGenerate;
    assert_eq!(goes_on(&before, &[], rag), Ok(()));
    assert_eq!(goes_on(&before, &[&without, &Metric::Similarity], rag), Ok(()));
    assert_eq!(goes_on(&before, &[&with_passages], Family::Model), Ok(()), "models' answers have no passages");
    let refused = goes_on(&before, &[&without, &with_passages], rag).unwrap_err();
    assert!(refused.contains("asked judges otherwise of the metric `Builtin.Helpfulness`"), "{refused}");
    // Correctness reads passages where there is no ground truth, and only there.
    let correctness = metric(Builtin::Correctness);
    assert_eq!(goes_on(&before, &[&correctness], rag), Ok(()));
    assert!(check_form(&before, "s3://b/d", &[kept(&correctness, true), kept(&correctness, false)], rag).is_err());
    assert!(goes_on(&coming, &[&without], rag).is_err(), "what a form to come changes is not known");
    assert_eq!(goes_on(&coming, &[&Metric::Similarity], rag), Ok(()));
    assert!(goes_on("nonsense:hash", &[&without], rag).is_err());
    let elsewhere = KeptVerdict { is_on_scale: false, ..kept(&without, true) };
    assert!(check_form(&digest("text"), "s3://b/d", &[elsewhere], rag).is_err(), "a verdict on another scale");
}
