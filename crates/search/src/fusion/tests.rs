use super::*;

fn scored(scores: &[(u32, f64)]) -> Vec<Scored<u32>> {
    scores.iter().map(|(id, score)| Scored { id: *id, score: *score }).collect()
}

fn of(scores: &'static [(u32, f64)]) -> impl Fn(u32) -> Option<f64> {
    move |id| scores.iter().find(|(known, _)| *known == id).map(|(_, score)| *score)
}

const LEXICAL: &[(u32, f64)] = &[(1, 8.0), (2, 4.0)];
const VECTOR: &[(u32, f64)] = &[(2, 1.0), (3, 0.0), (1, -1.0)];

fn fused(fusion: Fusion) -> Vec<Fused<u32>> {
    let (lexical, vector) = (of(LEXICAL), of(VECTOR));
    let lexical = Side { candidates: scored(LEXICAL), score: &lexical };
    let vector = Side { candidates: scored(&VECTOR[..2]), score: &vector };
    fuse(fusion, Some(lexical), Some(vector), 10, |id| id)
}

#[test]
fn reciprocal_ranks_are_relative_to_being_first_on_both_sides() {
    let found = fused(Fusion::ReciprocalRank { k: 60.0, lexical: 1.0, vector: 1.0 });
    let ids: Vec<u32> = found.iter().map(|fused| fused.id).collect();
    assert_eq!(ids, [2, 1, 3]);
    assert!((found[0].score - (1.0 / 62.0 + 1.0 / 61.0) * 61.0 / 2.0).abs() < 1e-12);
    // Not among the vector side's candidates: its similarity is told, its rank is not, and it gives nothing.
    assert_eq!(found[1].vector, Some(Part { rank: None, score: -1.0, normalised: 0.0 }));
    assert!((found[1].score - 0.5).abs() < 1e-12);
}

#[test]
fn weights_move_the_normalised_scores() {
    let found = fused(Fusion::Weighted { lexical: 0.25, vector: 0.75 });
    assert_eq!(found[0].id, 2);
    assert!((found[0].score - (0.25 * 0.5 + 0.75)).abs() < 1e-12);
    assert_eq!(found[1].id, 1);
    assert!((found[1].score - 0.25).abs() < 1e-12, "below the vector side's last candidate, which counts 0");
    assert_eq!((found[2].id, found[2].score), (3, 0.0));
    assert_eq!((found[2].lexical, found[2].vector.and_then(|part| part.rank)), (None, Some(2)));
}

#[test]
fn cosines_count_by_their_place_between_the_candidates() {
    // A model whose cosines are all alike tells as much as one whose are not.
    for (least, step) in [(-0.5, 0.5), (0.8, 0.01)] {
        let cosine = move |id: u32| Some(least + step * f64::from(id));
        let candidates = [3, 2, 1].into_iter().map(|id| Scored { id, score: cosine(id).unwrap() }).collect();
        let none = |_: u32| None::<f64>;
        let lexical = Side { candidates: Vec::new(), score: &none };
        let vector = Side { candidates, score: &cosine };
        let found = fuse(Fusion::default(), Some(lexical), Some(vector), 10, |id| id);
        let normalised: Vec<f64> = found.iter().filter_map(|fused| fused.vector).map(|part| part.normalised).collect();
        for (got, expected) in normalised.iter().zip([1.0, 0.5, 0.0]) {
            assert!((got - expected).abs() < 1e-12, "{normalised:?}");
        }
    }
    let same = of(&[(7, 0.25), (8, 0.25)]);
    let (lexical, none) = (scored(&[(9, 2.0)]), |id: u32| (id == 9).then_some(2.0));
    let lexical = Side { candidates: lexical, score: &none };
    let vector = Side { candidates: scored(&[(7, 0.25), (8, 0.25)]), score: &same };
    let found = fuse(Fusion::Weighted { lexical: 1.0, vector: 1.0 }, Some(lexical), Some(vector), 10, |id| id);
    assert_eq!(found.iter().map(|fused| (fused.id, fused.score)).collect::<Vec<_>>(), [(7, 0.5), (8, 0.5), (9, 0.5)]);
}

#[test]
fn one_side_alone_keeps_its_order() {
    let vector = of(VECTOR);
    let side = Side { candidates: scored(VECTOR), score: &vector };
    let found = fuse(Fusion::default(), None, Some(side), 2, |id| id);
    let scores: Vec<(u32, f64)> = found.iter().map(|fused| (fused.id, fused.score)).collect();
    assert_eq!(scores, [(2, 1.0), (3, 0.5)]);
}

#[test]
fn equal_scores_are_in_the_order_of_the_keys() {
    let equal = of(&[(5, 1.0), (4, 1.0), (6, 1.0)]);
    let side = Side { candidates: scored(&[(5, 1.0), (4, 1.0), (6, 1.0)]), score: &equal };
    let found = fuse(Fusion::default(), Some(side), None, 2, std::cmp::Reverse);
    assert_eq!(found.iter().map(|fused| fused.id).collect::<Vec<_>>(), [6, 5]);
}

#[test]
fn weights_that_mean_nothing_are_refused() {
    for bad in [
        Fusion::Weighted { lexical: 0.0, vector: 0.0 },
        Fusion::Weighted { lexical: -1.0, vector: 2.0 },
        Fusion::ReciprocalRank { k: f64::NAN, lexical: 1.0, vector: 1.0 },
    ] {
        assert!(matches!(bad.validate(), Err(Error::Invalid { .. })), "{bad:?}");
    }
    assert_eq!(Fusion::default().validate(), Ok(()));
}
