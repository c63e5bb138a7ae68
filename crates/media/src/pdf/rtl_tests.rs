use super::*;

#[test]
fn text_that_stands_from_right_to_left_is_turned() {
    assert_eq!(logical("םולש".to_owned()), "שלום");
    assert_eq!(logical("2026 תנשב ,םולש".to_owned()), "שלום, בשנת 2026");
    assert_eq!(logical("(ריחמ) 1,250.50 לש".to_owned()), "של 1,250.50 (מחיר)");
    assert_eq!(logical("left to right".to_owned()), "left to right");
}
