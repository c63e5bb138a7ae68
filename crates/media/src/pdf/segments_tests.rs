use super::*;

/// Characters one after the other, each as wide as half its size.
fn written(text: &str, x: f32, y: f32, size: f32) -> Vec<Placed> {
    let place = |(at, character): (usize, char)| {
        let x0 = x + at as f32 * size / 2.0;
        Placed { text: character.to_string(), x0, x1: x0 + size / 2.0, y, size, heading: None }
    };
    text.chars().enumerate().map(place).collect()
}

fn texts(glyphs: &[Placed]) -> Vec<String> {
    rows(segments(glyphs))
        .iter()
        .map(|row| row.segments.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" / "))
        .collect()
}

#[test]
fn rows_come_from_top_to_bottom_however_they_are_written() {
    let glyphs = [written("second", 10.0, 30.0, 10.0), written("first", 10.0, 10.0, 10.0)].concat();
    assert_eq!(texts(&glyphs), ["first", "second"]);
}

#[test]
fn gaps_are_spaces_and_wide_ones_divide() {
    let glyphs =
        [written("one", 10.0, 10.0, 10.0), written("two", 28.0, 10.0, 10.0), written("three", 80.0, 10.0, 10.0)];
    assert_eq!(texts(&glyphs.concat()), ["one two / three"]);
}

#[test]
fn words_that_are_written_in_any_order_stand_in_theirs() {
    let glyphs = [written("two", 28.0, 10.0, 10.0), written("one", 10.0, 10.0, 10.0)].concat();
    assert_eq!(texts(&glyphs), ["one two"]);
}

#[test]
fn a_raised_sign_belongs_to_its_line() {
    let glyphs = [written("m", 10.0, 10.0, 10.0), written("2", 15.0, 6.0, 6.0), written("of land", 20.0, 10.0, 10.0)];
    assert_eq!(texts(&glyphs.concat()), ["m2 of land"]);
}

#[test]
fn spaced_letters_are_words() {
    let letters: Vec<Placed> = "TERMSOFUSE"
        .chars()
        .enumerate()
        .flat_map(|(at, character)| {
            let word = match at {
                0..5 => 0.0,
                5..7 => 8.0,
                _ => 16.0,
            };
            written(&character.to_string(), 10.0 + at as f32 * 8.0 + word / 2.0, 10.0, 10.0)
        })
        .collect();
    assert_eq!(texts(&letters), ["TERMS OF USE"]);
}

#[test]
fn hebrew_is_read_from_the_right_however_it_is_written() {
    let visual = written("םולש", 10.0, 10.0, 10.0);
    assert_eq!(texts(&visual), ["שלום"]);
    let mut in_reading_order = visual;
    in_reading_order.reverse();
    assert_eq!(texts(&in_reading_order), ["שלום"]);
}
