use super::*;

const LISTS: &str = r#"<w:numbering xmlns:w="w">
<w:abstractNum w:abstractNumId="0">
  <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
  <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
  <w:lvl w:ilvl="2"><w:start w:val="4"/><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="(%3)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="1"/></w:num>
</w:numbering>"#;

#[test]
fn numbers_follow_from_the_order_of_paragraphs() {
    let mut numbering = Numbering::read(LISTS).unwrap();
    let mut next = |list: &str, level| numbering.next(list, level).unwrap_or_default();
    let labels =
        [("1", 0), ("1", 0), ("1", 1), ("1", 1), ("1", 2), ("1", 0), ("1", 1), ("2", 0), ("2", 0), ("3", 0), ("9", 0)];
    let labels: Vec<String> = labels.into_iter().map(|(list, level)| next(list, level)).collect();
    assert_eq!(labels, ["1.", "2.", "2.a)", "2.b)", "(iv)", "3.", "3.a)", "7.", "8.", "-", ""]);
}

#[test]
fn letters_and_roman_numerals_go_on() {
    assert_eq!([1, 26, 27, 53].map(letters), ["a", "z", "aa", "aaa"]);
    assert_eq!([4, 9, 14, 1994, 4000].map(roman), ["iv", "ix", "xiv", "mcmxciv", "4000"]);
}
