//! Characters into pieces of lines, and pieces into rows.

use super::rtl;

/// Parts of the letters' size: the gap that is a space between words; the widest within a piece of a line, for pieces
/// that were written one after the other and for others; and how far characters of a line may be off it.
const SPACE: f32 = 0.15;
const WIDEST_GAP: f32 = 1.0;
const WIDEST_STRAY_GAP: f32 = 0.6;
const OFF_LINE: f32 = 0.3;
/// How far a raised or lowered sign of smaller letters may be off its line.
const OFF_LINE_SMALL: f32 = 0.7;

/// A character where lines run from left to right: its left and right ends, and the line that it stands on.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) heading: Option<u8>,
}

/// A piece of a line, or a table.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) text: String,
    pub(super) x0: f32,
    pub(super) x1: f32,
    /// The line that its characters stand on; a table's upper edge.
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) heading: Option<u8>,
    pub(super) table: bool,
}

/// Pieces side by side, from left to right.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) segments: Vec<Segment>,
}

impl Row {
    pub(super) fn y(&self) -> f32 {
        self.segments.first().map_or(0.0, |segment| segment.y)
    }

    pub(super) fn size(&self) -> f32 {
        self.segments.iter().map(|segment| segment.size).fold(0.0, f32::max)
    }

    pub(super) fn x0(&self) -> f32 {
        self.segments.first().map_or(0.0, |segment| segment.x0)
    }

    pub(super) fn x1(&self) -> f32 {
        self.segments.iter().map(|segment| segment.x1).fold(f32::MIN, f32::max)
    }

    pub(super) fn is_table(&self) -> bool {
        self.segments.iter().any(|segment| segment.table)
    }

    /// Its text as it is read.
    pub(super) fn text(&self) -> String {
        let mut pieces: Vec<&str> = self.segments.iter().map(|segment| segment.text.as_str()).collect();
        if rtl::is_right_to_left(pieces.iter().flat_map(|piece| piece.chars())) {
            pieces.reverse();
        }
        pieces.join(" ")
    }
}

/// Joins characters, in the order in which they are written, into pieces of lines.
pub(super) fn segments(glyphs: &[Placed]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut open: Option<Builder> = None;
    for glyph in glyphs {
        if glyph.text.trim().is_empty() {
            if let Some(builder) = open.as_mut().filter(|builder| builder.is_on_line(glyph)) {
                builder.space = true;
            }
            continue;
        }
        let joined = open.as_mut().is_some_and(|builder| builder.join(glyph));
        if !joined {
            segments.extend(open.replace(Builder::new(glyph)).map(Builder::finish));
        }
    }
    segments.extend(open.map(Builder::finish));
    segments
}

/// Sorts pieces into rows from top to bottom, and joins those of a row that touch.
pub(super) fn rows(mut segments: Vec<Segment>) -> Vec<Row> {
    segments.sort_by(|a, b| a.y.total_cmp(&b.y).then(a.x0.total_cmp(&b.x0)));
    let mut rows: Vec<Row> = Vec::new();
    for segment in segments {
        let fits = |row: &Row| {
            let nearest = row.size().min(segment.size) * 0.4;
            !row.is_table() && !segment.table && (segment.y - row.y()).abs() <= nearest
        };
        match rows.last_mut().filter(|row| fits(row)) {
            Some(row) => row.segments.push(segment),
            None => rows.push(Row { segments: vec![segment] }),
        }
    }
    for row in &mut rows {
        row.segments.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        let right_to_left = rtl::is_right_to_left(row.segments.iter().flat_map(|segment| segment.text.chars()));
        let pieces = std::mem::take(&mut row.segments);
        for piece in pieces {
            match row.segments.last_mut() {
                Some(last) if !right_to_left && touches(last, &piece) => append(last, &piece),
                _ => row.segments.push(piece),
            }
        }
    }
    rows
}

fn touches(left: &Segment, right: &Segment) -> bool {
    let gap = right.x0 - left.x1;
    gap <= WIDEST_STRAY_GAP * left.size.max(right.size)
}

fn append(left: &mut Segment, right: &Segment) {
    if right.x0 - left.x1 > SPACE * left.size.max(right.size) {
        left.text.push(' ');
    }
    left.text.push_str(&right.text);
    left.x1 = left.x1.max(right.x1);
    left.size = left.size.max(right.size);
    left.heading = left.heading.or(right.heading);
}

/// A piece that is being written.
struct Builder {
    text: String,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    heading: Option<u8>,
    /// A space was written.
    space: bool,
    /// Where spaces were put for gaps, and how wide those are.
    gaps: Vec<(usize, f32)>,
    glyphs: usize,
    /// It grows to the left: letters come in the order of their reading.
    leftwards: bool,
}

impl Builder {
    fn new(glyph: &Placed) -> Self {
        Self {
            text: glyph.text.clone(),
            x0: glyph.x0,
            x1: glyph.x1,
            y: glyph.y,
            size: glyph.size,
            heading: glyph.heading,
            space: false,
            gaps: Vec::new(),
            glyphs: 1,
            leftwards: false,
        }
    }

    fn is_on_line(&self, glyph: &Placed) -> bool {
        let off = (glyph.y - self.y).abs();
        let (small, large) = (self.size.min(glyph.size), self.size.max(glyph.size));
        off <= OFF_LINE * large || (small < 0.8 * large && off <= OFF_LINE_SMALL * large)
    }

    /// Takes a character if it goes on where the piece ends.
    fn join(&mut self, glyph: &Placed) -> bool {
        if !self.is_on_line(glyph) {
            return false;
        }
        let size = self.size.max(glyph.size);
        let near = |gap: f32| (-0.5 * size..=WIDEST_GAP * size).contains(&gap);
        let (after, before) = (glyph.x0 - self.x1, self.x0 - glyph.x1);
        let may_go_left = self.leftwards || self.glyphs == 1;
        let leftwards = may_go_left && near(before) && rtl::is_right_to_left(glyph.text.chars());
        // A mark that stands upon its letter.
        let upon = glyph.x0 >= self.x0 - 0.1 * size && glyph.x1 <= self.x1 + 0.1 * size && self.glyphs > 0;
        let rightwards = near(after) && !self.leftwards;
        if !(leftwards || rightwards || upon) {
            return false;
        }
        let gap = if leftwards { before } else { after };
        if self.space && gap > -0.3 * size {
            self.text.push(' ');
        } else if gap > SPACE * size {
            self.gaps.push((self.text.len(), gap));
            self.text.push(' ');
        }
        self.space = false;
        self.leftwards |= leftwards;
        self.text.push_str(&glyph.text);
        self.glyphs += 1;
        if glyph.size > self.size {
            self.y = glyph.y;
            self.size = glyph.size;
        }
        self.x0 = self.x0.min(glyph.x0);
        self.x1 = self.x1.max(glyph.x1);
        self.heading = self.heading.or(glyph.heading);
        true
    }

    fn finish(mut self) -> Segment {
        self.close_spaced_letters();
        let text = match self.leftwards {
            true => self.text,
            false => rtl::logical(self.text),
        };
        Segment { text, x0: self.x0, x1: self.x1, y: self.y, size: self.size, heading: self.heading, table: false }
    }

    /// Takes the spaces out of l e t t e r s that are spaced; the wider gaps between words stay.
    fn close_spaced_letters(&mut self) {
        if self.glyphs < 4 || self.gaps.len() * 10 < (self.glyphs - 1) * 7 {
            return;
        }
        let mut widths: Vec<f32> = self.gaps.iter().map(|(_, width)| *width).collect();
        widths.sort_by(f32::total_cmp);
        let usual = widths[widths.len() / 2];
        for (at, width) in self.gaps.iter().rev() {
            if *width < 1.6 * usual {
                self.text.remove(*at);
            }
        }
    }
}

#[cfg(test)]
#[path = "segments_tests.rs"]
mod tests;
