use super::*;

#[test]
fn the_floor_is_no_nearness_and_the_same_meaning_is_all_of_it() {
    assert_eq!(above(0.75, 0.75), 0.0);
    assert_eq!(above(0.75, 1.0), 1.0);
    assert_eq!(above(0.75, 0.875), 0.5);
    assert!(above(0.75, 0.7) < 0.0);
    assert_eq!(above(0.0, 0.3), 0.3);
}

#[test]
fn a_model_for_which_all_texts_are_alike_finds_none_near() {
    assert!(above(1.0, 0.999) <= 0.0);
    assert!(above(1.0, 1.0).is_finite());
}

#[test]
fn the_floor_is_that_of_the_texts_language() {
    let floors = [0.1, 0.2, 0.5, 0.4, 0.3];
    for (floor, unrelated) in floors.iter().zip(&UNRELATED) {
        assert_eq!(floor_of(&floors, &unrelated.sentences.join("\n")), *floor, "{}", unrelated.language);
    }
    let russian = "Сколько времени варится яйцо и какая река течёт через Вену? Никто этого не знает.";
    assert_eq!(floor_of(&floors, russian), 0.3);
    assert_eq!(floor_of(&floors, "1 + 1"), 0.1);
}

#[test]
fn the_median_is_the_middle_one() {
    assert_eq!(median([0.9, 0.1, 0.5].into_iter()), 0.5);
    assert_eq!(median([0.1, 0.2, 0.3, 0.4].into_iter()), 0.3);
    assert_eq!(median(std::iter::empty()), 0.0);
}

#[test]
fn vectors_without_a_length_have_no_direction() {
    assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    assert!((cosine(&[3.0, 0.0], &[0.5, 0.0]) - 1.0).abs() < 1e-6);
}
