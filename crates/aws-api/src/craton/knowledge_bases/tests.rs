use super::*;

fn chunk(span: Range<usize>, parent: Option<Range<usize>>) -> Chunk {
    Chunk { key: String::new(), span, parent, page: None, tokens: 0, text: String::new() }
}

#[test]
fn places_of_chunks_are_told_in_characters() {
    let text = "für 5 € am Tag";
    let euro = text.find('€').unwrap();
    let chunks = [chunk(0..euro, Some(0..text.len())), chunk(euro..text.len() + 9, None)];
    let counted = Counted::of(text, &chunks);
    let told: Vec<Value> = chunks.iter().map(|chunk| described(chunk, &counted)).collect();
    assert_eq!((&told[0]["start"], &told[0]["end"]), (&json!(0), &json!(6)));
    assert_eq!(told[0]["parent"], json!({ "start": 0, "end": 14 }));
    assert_eq!((&told[1]["start"], &told[1]["end"], &told[1]["parent"]), (&json!(6), &json!(14), &Value::Null));
}

#[test]
fn every_place_is_as_many_characters_as_stand_before_it() {
    let text = "aä€𝄞 ä\n€a";
    let chunks: Vec<Chunk> = (0..=text.len()).rev().map(|start| chunk(start..text.len(), Some(0..start))).collect();
    let counted = Counted::of(text, &chunks);
    for place in 0..=text.len() {
        assert_eq!(counted.at(place), text[..text.floor_char_boundary(place)].chars().count(), "{place}");
    }
}
