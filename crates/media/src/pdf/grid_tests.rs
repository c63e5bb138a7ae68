use super::*;

fn glyph(text: &str, x: f32, y: f32) -> Placed {
    Placed { text: text.to_owned(), x0: x, x1: x + 5.0, y, size: 10.0, heading: None }
}

/// Lines around two columns and two rows.
fn lines() -> Vec<Line> {
    let along = [0.0, 20.0, 40.0].map(|y| Line::between((0.0, y), (100.0, y)).unwrap());
    let across = [0.0, 50.0, 100.0].map(|x| Line::between((x, 0.0), (x, 40.0)).unwrap());
    [along, across].concat()
}

#[test]
fn what_stands_between_lines_is_a_table() {
    let glyphs = vec![
        glyph("a", 10.0, 15.0),
        glyph("b", 60.0, 15.0),
        glyph("c", 10.0, 35.0),
        glyph("d", 60.0, 35.0),
        glyph("e", 10.0, 60.0),
    ];
    let (tables, rest) = tables(lines(), glyphs);
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].text, "| a | b |\n| --- | --- |\n| c | d |");
    assert_eq!(rest.len(), 1);
}

#[test]
fn cells_without_a_line_between_them_are_one() {
    let mut lines = lines();
    lines.retain(|line| *line != Line::between((50.0, 0.0), (50.0, 40.0)).unwrap());
    lines.push(Line::between((50.0, 20.0), (50.0, 60.0)).unwrap());
    lines.push(Line::between((0.0, 60.0), (100.0, 60.0)).unwrap());
    lines.push(Line::between((0.0, 40.0), (0.0, 60.0)).unwrap());
    lines.push(Line::between((100.0, 40.0), (100.0, 60.0)).unwrap());
    let glyphs = vec![
        glyph("a", 48.0, 15.0),
        glyph("c", 10.0, 35.0),
        glyph("d", 60.0, 35.0),
        glyph("e", 10.0, 55.0),
        glyph("f", 60.0, 55.0),
    ];
    let (tables, _) = tables(lines, glyphs);
    assert_eq!(tables[0].text, "| a |  |\n| --- | --- |\n| c | d |\n| e | f |");
}

#[test]
fn a_frame_and_an_empty_grid_are_no_tables() {
    let frame = vec![
        Line::between((0.0, 0.0), (100.0, 0.0)).unwrap(),
        Line::between((0.0, 40.0), (100.0, 40.0)).unwrap(),
        Line::between((0.0, 0.0), (0.0, 40.0)).unwrap(),
        Line::between((100.0, 0.0), (100.0, 40.0)).unwrap(),
    ];
    let (found, rest) = tables(frame, vec![glyph("a", 10.0, 15.0)]);
    assert!(found.is_empty() && rest.len() == 1);
    let (found, rest) = tables(lines(), vec![glyph("a", 10.0, 15.0)]);
    assert!(found.is_empty() && rest.len() == 1);
}
