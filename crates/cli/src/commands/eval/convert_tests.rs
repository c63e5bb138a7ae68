use super::*;

fn args(kind: Kind) -> Convert {
    Convert {
        from: "in.jsonl".into(),
        to: "out.jsonl".into(),
        sample: None,
        seed: 42,
        template: None,
        prompt: "prompt".to_owned(),
        completion: "completion".to_owned(),
        kind,
        split: Vec::new(),
    }
}

#[test]
fn lines_are_those_that_python_writes() {
    let pairs = [("a \"b\"\n".to_owned(), "é 😀\u{7f}".to_owned())];
    let text = dataset(&[&pairs[0]], Kind::Rag, "T: ");
    assert_eq!(
        text,
        "{\"conversationTurns\": [{\"referenceResponses\": [{\"content\": [{\"text\": \"\\u00e9 \\ud83d\\ude00\\u007f\"}]}], \
         \"prompt\": {\"content\": [{\"text\": \"T: a \\\"b\\\"\\n\"}]}}]}\n"
    );
    let model = dataset(&[&pairs[0]], Kind::Model, "");
    assert!(model.starts_with("{\"prompt\": \"a "), "{model}");
}

#[test]
fn the_sample_is_that_of_python() {
    // random.seed(42); random.sample(range(10), 3)
    let pairs: Vec<_> = (0..10).map(|at| (at.to_string(), String::new())).collect();
    let sampled = drawn(&pairs, &Convert { sample: Some(3), ..args(Kind::Model) }).unwrap();
    let prompts: Vec<&str> = sampled.iter().map(|(prompt, _)| prompt.as_str()).collect();
    assert_eq!(prompts, ["1", "0", "4"]);
    let error = drawn(&pairs, &Convert { sample: Some(11), ..args(Kind::Model) }).unwrap_err();
    assert!(error.to_string().contains("there are 10 records"), "{error}");
}

#[test]
fn a_mark_of_the_bytes_order_is_no_part_of_the_first_title() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("in.csv"), dir.path().join("out.jsonl"));
    fs::write(&from, "\u{feff}prompt,completion\na,b\n").unwrap();
    run(&Convert { from, to: to.clone(), ..args(Kind::Model) }).unwrap();
    assert_eq!(fs::read_to_string(to).unwrap(), "{\"prompt\": \"a\", \"referenceResponse\": \"b\"}\n");
}

fn parts(shares: &[(&str, f64)]) -> Vec<Part> {
    shares.iter().map(|(name, share)| Part { name: (*name).to_owned(), share: *share }).collect()
}

#[test]
fn parts_are_disjoint_and_do_not_depend_on_the_other_records() {
    // Every prompt is there twice.
    let pairs: Vec<(String, String)> = (0..400).map(|at| (format!("p{}", at % 200), at.to_string())).collect();
    let all: Vec<&(String, String)> = pairs.iter().collect();
    let wanted = parts(&[("train", 0.8), ("dev", 0.1), ("test", 0.1)]);
    let whole = split(&all, &wanted, 42).unwrap();
    assert_eq!(whole.iter().map(Vec::len).sum::<usize>(), 400);
    assert!((280..=360).contains(&whole[0].len()), "{}", whole[0].len());
    let prompts = |records: &[&(String, String)]| -> std::collections::BTreeSet<String> {
        records.iter().map(|(prompt, _)| prompt.clone()).collect()
    };
    assert!(prompts(&whole[0]).is_disjoint(&prompts(&whole[1])));
    assert!(prompts(&whole[0]).is_disjoint(&prompts(&whole[2])) && prompts(&whole[1]).is_disjoint(&prompts(&whole[2])));
    let mut fewer: Vec<&(String, String)> = all.iter().copied().skip(150).collect();
    fewer.reverse();
    for (part, other) in whole.iter().zip(split(&fewer, &wanted, 42).unwrap()) {
        assert!(other.iter().all(|record| part.contains(record)));
    }
    assert_ne!(split(&all, &wanted, 43).unwrap()[1], whole[1], "another seed is another split");
}

#[test]
fn a_part_without_a_record_is_told() {
    let pair = ("p".to_owned(), "c".to_owned());
    let error = split(&[&pair], &parts(&[("train", 0.5), ("test", 0.5)]), 42).unwrap_err();
    assert!(error.to_string().contains("no record falls to the part"), "{error}");
}

#[test]
fn each_part_has_a_file_beside_the_one_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("in.csv"), dir.path().join("out.jsonl"));
    let lines: String = (0..40).map(|at| format!("p{at},c{at}\n")).collect();
    fs::write(&from, format!("prompt,completion\n{lines}")).unwrap();
    run(&Convert { from, to: to.clone(), split: parts(&[("a", 0.5), ("b", 0.5)]), ..args(Kind::Model) }).unwrap();
    let count = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap().lines().count();
    assert_eq!(count("out-a.jsonl") + count("out-b.jsonl"), 40);
    assert!(!to.exists());
}

#[test]
fn shares_sum_to_one_and_parts_have_names_of_their_own() {
    assert!(check_split(&[]).is_ok() && check_split(&parts(&[("a", 0.7), ("b", 0.2), ("c", 0.1)])).is_ok());
    assert!(check_split(&parts(&[("a", 0.7), ("b", 0.2)])).unwrap_err().to_string().contains("not to 1"));
    assert!(check_split(&parts(&[("a", 0.5), ("a", 0.5)])).unwrap_err().to_string().contains("named twice"));
}
