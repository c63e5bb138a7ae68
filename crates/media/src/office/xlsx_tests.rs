use super::*;

#[test]
fn numbers_are_shown_in_fifteen_digits() {
    for (number, text) in [
        (0.1 + 0.2, "0.3"),
        (29.0, "29"),
        (-1.5, "-1.5"),
        (1e15, "1000000000000000"),
        (0.0, "0"),
        (123_456.789, "123456.789"),
    ] {
        assert_eq!(decimal(number), text);
    }
}
