use super::*;

fn terms(text: &str, language: Language) -> Vec<String> {
    tokens(text, language).into_iter().map(|token| token.term).collect()
}

#[test]
fn english_words_are_stemmed_and_folded() {
    assert_eq!(terms("The Cats were RUNNING; 3.5 km!", Language::English), ["the", "cat", "were", "run", "3.5", "km"]);
    assert_eq!(terms("the driver’s car", Language::English), terms("The driver's cars", Language::English));
}

#[test]
fn without_a_language_words_stay_whole() {
    assert_eq!(terms("Running Cats", Language::Any), ["running", "cats"]);
}

#[test]
fn compatibility_forms_and_decomposed_letters_match_the_plain_ones() {
    assert_eq!(terms("ﬁnance Ａ１", Language::Any), ["finance", "a1"]);
    assert_eq!(terms("Cafe\u{301}", Language::Any), terms("CAFÉ", Language::Any));
}

#[test]
fn unspaced_scripts_give_characters_and_pairs() {
    assert_eq!(terms("饮用水", Language::Any), ["饮", "饮用", "用", "用水", "水"]);
    assert_eq!(terms("東京タワー", Language::Any).len(), 9);
    assert_eq!(terms("서울 시", Language::Any), ["서", "서울", "울", "시"]);
    assert!(terms("ประเทศไทย", Language::Any).contains(&"ไท".to_owned()));
}

#[test]
fn scripts_mix_in_one_text() {
    assert_eq!(terms("AWS在北京 region", Language::English), ["aw", "在", "在北", "北", "北京", "京", "region"]);
}

#[test]
fn hindi_words_keep_their_marks() {
    assert_eq!(terms("हिन्दी भाषा", Language::Any), ["हिन्दी", "भाषा"]);
}

#[test]
fn turkish_names_are_found_without_their_suffixes() {
    for text in ["Ankara'nın", "Ankara\u{2019}dan", "ANKARA'YA"] {
        assert_eq!(terms(text, Language::Turkish), terms("Ankara", Language::Turkish), "{text}");
    }
    let found = tokens("Ankara'nın", Language::Turkish);
    assert_eq!((found[0].start, found[0].end), (0, "Ankara'nın".len()));
}

#[test]
fn turkish_has_its_own_i() {
    assert_eq!(terms("IŞIK", Language::Turkish), terms("ışık", Language::Turkish));
    assert_eq!(terms("İZMİR", Language::Turkish), terms("izmir", Language::Turkish));
    assert_eq!(terms("INK", Language::Any), ["ink"]);
}

#[test]
fn elided_articles_are_not_part_of_the_word() {
    let text = "l’hôpital d'Italie";
    let found = tokens(text, Language::French);
    assert_eq!(found[0].term, terms("hôpital", Language::French)[0]);
    assert_eq!(&text[found[0].start..found[0].end], "hôpital");
    assert_eq!(terms("l'eau", Language::English).len(), 1);
    assert_eq!(terms("dell'acqua", Language::Italian), terms("acqua", Language::Italian));
}

#[test]
fn offsets_point_into_the_original_text() {
    for text in ["Ünïcode ﬁrst, 中文テスト ok", "a\u{301}b  c", "สวัสดี x"] {
        for token in tokens(text, Language::Any) {
            let piece = &text[token.start..token.end];
            assert!(terms(piece, Language::Any).contains(&token.term), "{piece}");
        }
    }
}

#[test]
fn a_text_without_spaces_gives_one_short_term() {
    let long = "x".repeat(40_000);
    let found = tokens(&long, Language::English);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].term.len(), found[0].end), (MAX_TERM_CHARS, 40_000));
    assert!(tokens(&"-".repeat(40_000), Language::Any).is_empty());
}

#[test]
fn codes_name_languages() {
    assert_eq!(Language::from_code("pt-BR"), Language::Portuguese);
    assert_eq!(Language::from_code("NB"), Language::Norwegian);
    assert_eq!(Language::from_code("zh"), Language::Any);
    assert_eq!(Language::from_code(""), Language::Any);
}

#[test]
fn the_numbers_in_files_never_change() {
    let expected = [(Language::Any, 0), (Language::English, 4), (Language::German, 7), (Language::Turkish, 18)];
    for (language, number) in expected {
        assert_eq!((language.number(), Language::from_number(number)), (number, Some(language)));
    }
    assert_eq!(Language::from_number(19), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_analysed_within_its_bounds(text in "\\PC{0,80}") {
        for (language, ..) in LANGUAGES {
            for token in tokens(&text, language) {
                proptest::prop_assert!(text.get(token.start..token.end).is_some_and(|piece| !piece.is_empty()));
                proptest::prop_assert!(!token.term.is_empty());
            }
        }
    }
}
