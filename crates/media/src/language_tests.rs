use super::*;

#[test]
fn languages_are_told_by_their_texts() {
    for (code, text) in [
        ("en", "The car is returned within an hour after the rental has ended."),
        ("de", "Das Auto wird binnen einer Stunde nach dem Ende der Miete zurückgegeben."),
        ("ru", "Автомобиль возвращается в течение часа после окончания аренды."),
        ("el", "Το αυτοκίνητο επιστρέφεται μέσα σε μία ώρα από τη λήξη της μίσθωσης."),
        ("zh", "租赁结束后一小时内必须归还汽车,否则将收取额外的费用。"),
        ("ja", "レンタル終了後一時間以内に車を返却してください。"),
        ("ar", "تعاد السيارة خلال ساعة من انتهاء مدة الإيجار ويدفع العميل رسوما عن كل تأخير"),
    ] {
        let language = detect(text).unwrap_or_else(|| panic!("{code}"));
        assert_eq!(language.code, code, "{text}");
        assert!((0.0..=1.0).contains(&language.confidence));
    }
}

#[test]
fn too_little_text_has_no_language() {
    for text in ["", "Hi there", "12345 67890 12345 67890"] {
        assert_eq!(detect(text), None, "{text}");
    }
}

#[test]
fn a_text_without_end_is_told_by_its_beginning() {
    let text = "A sentence about nothing in particular, repeated. ".repeat(100_000);
    assert_eq!(detect(&text).unwrap().code, "en");
}
