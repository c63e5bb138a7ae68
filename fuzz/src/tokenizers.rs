//! A tokenizer's file as anybody may upload it: `tokenizer.json` or SentencePiece's `tokenizer.model`. No bytes may do
//! more than be refused, with words.

use checkpoint::tokenizer::{SentencePieceModel, check_json};

/// The whole file, read as either.
pub fn run(data: &[u8]) {
    for rows in [1, 300] {
        if let Err(refusal) = check_json(data, rows) {
            assert!(!refusal.problem.is_empty(), "refused without a word");
        }
    }
    match SentencePieceModel::parse(data) {
        Ok(model) => {
            assert!(!model.pieces.is_empty(), "a model of nothing");
            for piece in &model.pieces {
                assert!(!piece.text.is_empty() && piece.score.is_finite(), "a token that is none");
            }
        }
        Err(refusal) => assert!(!refusal.problem.is_empty(), "refused without a word"),
    }
}
