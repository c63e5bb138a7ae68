use super::*;

fn texts(lengths: &[usize]) -> Vec<Tokens> {
    lengths.iter().map(|&length| Tokens { kept: vec![7; length], before_truncation: length }).collect()
}

fn indices(batches: &[Batch]) -> Vec<usize> {
    let mut all: Vec<_> = batches.iter().flatten().map(|(index, _)| *index).collect();
    all.sort_unstable();
    all
}

#[test]
fn every_text_is_in_exactly_one_batch() {
    let lengths: Vec<usize> = (0..500).map(|i| 2 + i * 37 % 255).collect();
    let batches = batches(texts(&lengths), 2);
    assert_eq!(indices(&batches), (0..500).collect::<Vec<_>>());
    for batch in &batches {
        let tokens: usize = batch.iter().map(|(_, tokens)| tokens.len()).sum();
        assert!(tokens <= BATCH_TOKENS || batch.len() == 1, "a batch of {tokens} tokens");
    }
}

#[test]
fn a_few_texts_are_spread_over_the_threads() {
    assert_eq!(batches(texts(&[20; 8]), 2).len(), 2);
    assert_eq!(batches(texts(&[20]), 2).len(), 1);
    assert_eq!(batches(texts(&[]), 2).len(), 0);
}

#[test]
fn the_longest_texts_come_first() {
    let batches = batches(texts(&[3, 200, 30, 250]), 1);
    let lengths: Vec<_> = batches.iter().flatten().map(|(_, tokens)| tokens.len()).collect();
    assert_eq!(lengths, [250, 200, 30, 3]);
}
