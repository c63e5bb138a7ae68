//! A page turned so that its lines run from left to right and follow each other downwards.

use super::grid::{self, Line};
use super::page::{Glyph, Page, Rule};
use super::segments::{Placed, Row, rows, segments};

/// Degrees within which directions are one.
const TURN: f32 = 15.0;

/// A page's rows.
pub(super) struct LaidOut {
    /// Those in the direction of most of the page's text.
    pub(super) rows: Vec<Row>,
    /// Those in other directions, such as a stamp on the margin.
    pub(super) others: Vec<Vec<Row>>,
    /// The page's upper and lower edge, as the rows lie.
    pub(super) edges: (f32, f32),
}

/// Turns a page and finds its rows and tables.
pub(super) fn lay_out(page: Page) -> LaidOut {
    let mut frames: Vec<(Frame, Vec<Placed>)> = Vec::new();
    for glyph in page.glyphs {
        let frame = Frame::of(&glyph);
        let placed = frame.place(glyph);
        match frames.iter_mut().find(|(other, _)| *other == frame) {
            Some((_, glyphs)) => glyphs.push(placed),
            None => frames.push((frame, vec![placed])),
        }
    }
    frames.sort_by_key(|(_, glyphs)| std::cmp::Reverse(glyphs.len()));
    let mut found = frames.into_iter().map(|(frame, glyphs)| (frame, frame_rows(frame, glyphs, &page.rules)));
    let (frame, rows) = found.next().unwrap_or_default();
    let corners = [(0.0, 0.0), (page.width, 0.0), (0.0, page.height), (page.width, page.height)];
    let ys = corners.map(|corner| frame.turn(corner).1);
    let edges = (ys.into_iter().fold(f32::MAX, f32::min), ys.into_iter().fold(f32::MIN, f32::max));
    LaidOut { rows, others: found.map(|(_, rows)| rows).collect(), edges }
}

fn frame_rows(frame: Frame, glyphs: Vec<Placed>, rules: &[Rule]) -> Vec<Row> {
    let lines: Vec<Line> =
        rules.iter().filter_map(|rule| Line::between(frame.turn(rule.from), frame.turn(rule.to))).collect();
    let (mut pieces, rest) = grid::tables(lines, glyphs);
    pieces.extend(segments(&rest));
    rows(pieces)
}

/// A direction of lines, in steps of 15 degrees from the page's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Frame {
    turn: i32,
    vertical: bool,
}

impl Frame {
    fn of(glyph: &Glyph) -> Self {
        let degrees = glyph.along.1.atan2(glyph.along.0).to_degrees();
        let turns = (360.0 / TURN) as i32;
        Self { turn: ((degrees / TURN).round() as i32).rem_euclid(turns), vertical: glyph.vertical }
    }

    /// A point of the page, along the lines and across them.
    fn turn(self, (x, y): (f32, f32)) -> (f32, f32) {
        let (sin, cos) = (self.turn as f32 * TURN).to_radians().sin_cos();
        (x * cos + y * sin, y * cos - x * sin)
    }

    fn place(self, glyph: Glyph) -> Placed {
        let (x, y) = self.turn(glyph.at);
        // The sign of a vertical line stands above its lower left corner.
        let x0 = if self.vertical { x - glyph.size } else { x };
        Placed { text: glyph.text, x0, x1: x0 + glyph.width, y, size: glyph.size, heading: glyph.heading }
    }
}
