//! Tables with lines around their cells.

use super::segments::{Placed, Segment, rows, segments};
use crate::table;

/// How far off each other lines may be that are one, and how far from touching those that touch.
const NEAR: f32 = 3.0;
/// Lines beyond which a page is a drawing.
const MOST_LINES: usize = 1500;
/// Cells of a table.
const MOST_CELLS: usize = 10_000;

/// A line along or across the lines of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    across: bool,
    /// Where it is: its y, or its x where it runs across.
    at: f32,
    from: f32,
    to: f32,
}

impl Line {
    /// None for one that runs neither way.
    pub(super) fn between((x0, y0): (f32, f32), (x1, y1): (f32, f32)) -> Option<Self> {
        match ((y0 - y1).abs() <= 1.0, (x0 - x1).abs() <= 1.0) {
            (true, false) => Some(Self { across: false, at: y0, from: x0.min(x1), to: x0.max(x1) }),
            (false, true) => Some(Self { across: true, at: x0, from: y0.min(y1), to: y0.max(y1) }),
            _ => None,
        }
    }

    fn covers(&self, at: f32) -> bool {
        (self.from - NEAR..=self.to + NEAR).contains(&at)
    }

    /// Whether a line that runs the other way meets it.
    fn meets(&self, other: &Self) -> bool {
        self.covers(other.at) && other.covers(self.at)
    }
}

/// The tables that lines draw, and the characters outside them.
pub(super) fn tables(lines: Vec<Line>, glyphs: Vec<Placed>) -> (Vec<Segment>, Vec<Placed>) {
    let lines = joined(lines);
    if lines.len() > MOST_LINES {
        return (Vec::new(), glyphs);
    }
    let grids: Vec<Grid> = connected(lines).into_iter().filter_map(Grid::of).collect();
    let mut inside: Vec<Vec<Placed>> = grids.iter().map(|_| Vec::new()).collect();
    let mut outside = Vec::new();
    for glyph in glyphs {
        // The smallest grid around it: tables stand in frames.
        let around = (0..grids.len()).filter(|at| grids[*at].holds(&glyph));
        match around.min_by(|a, b| grids[*a].area().total_cmp(&grids[*b].area())) {
            Some(at) => inside[at].push(glyph),
            None => outside.push(glyph),
        }
    }
    let mut tables = Vec::new();
    for (grid, glyphs) in grids.iter().zip(inside) {
        match grid.table(&glyphs) {
            Some(table) => tables.push(table),
            None => outside.extend(glyphs),
        }
    }
    (tables, outside)
}

/// Lines with those that lie on each other as one.
fn joined(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|a, b| a.across.cmp(&b.across).then(a.at.total_cmp(&b.at)).then(a.from.total_cmp(&b.from)));
    let mut joined: Vec<Line> = Vec::new();
    for line in lines {
        let near =
            joined.iter_mut().rev().take_while(|other| other.across == line.across && line.at - other.at <= NEAR);
        let mut near = near.filter(|other| line.from <= other.to + NEAR && other.from <= line.to + NEAR);
        match near.next() {
            Some(other) => {
                other.from = other.from.min(line.from);
                other.to = other.to.max(line.to);
            }
            None => joined.push(line),
        }
    }
    joined
}

/// Lines that meet, directly or through others.
fn connected(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut groups: Vec<Vec<Line>> = Vec::new();
    let mut left = lines;
    while let Some(first) = left.pop() {
        let mut group = vec![first];
        let mut at = 0;
        while let Some(line) = group.get(at).copied() {
            let meets = |other: &Line| other.across != line.across && line.meets(other);
            let (met, apart) = left.into_iter().partition(meets);
            group.extend::<Vec<Line>>(met);
            left = apart;
            at += 1;
        }
        groups.push(group);
    }
    groups
}

/// Lines that divide a rectangle.
struct Grid {
    lines: Vec<Line>,
    /// The columns' and rows' edges.
    xs: Vec<f32>,
    ys: Vec<f32>,
}

impl Grid {
    /// None for less than two columns and two rows.
    fn of(lines: Vec<Line>) -> Option<Self> {
        let edges = |across: bool| {
            let mut at: Vec<f32> = lines.iter().filter(|line| line.across == across).map(|line| line.at).collect();
            at.sort_by(f32::total_cmp);
            at.dedup_by(|b, a| *b - *a <= NEAR);
            at
        };
        let (xs, ys) = (edges(true), edges(false));
        let cells = xs.len().saturating_sub(1) * ys.len().saturating_sub(1);
        (xs.len() > 2 && ys.len() > 2 && cells <= MOST_CELLS).then_some(Self { lines, xs, ys })
    }

    fn bounds(&self) -> (f32, f32, f32, f32) {
        let ends = |edges: &[f32]| (edges.first().copied().unwrap_or(0.0), edges.last().copied().unwrap_or(0.0));
        let ((x0, x1), (y0, y1)) = (ends(&self.xs), ends(&self.ys));
        (x0, x1, y0, y1)
    }

    fn area(&self) -> f32 {
        let (x0, x1, y0, y1) = self.bounds();
        (x1 - x0) * (y1 - y0)
    }

    fn holds(&self, glyph: &Placed) -> bool {
        let (x0, x1, y0, y1) = self.bounds();
        let (x, y) = middle(glyph);
        (x0..=x1).contains(&x) && (y0..=y1).contains(&y)
    }

    /// The table; none where too little stands in the cells.
    fn table(&self, glyphs: &[Placed]) -> Option<Segment> {
        let (columns, lines) = (self.xs.len() - 1, self.ys.len() - 1);
        let owners = self.owners(columns, lines);
        let mut cells: Vec<Vec<Placed>> = vec![Vec::new(); columns * lines];
        for glyph in glyphs {
            let (x, y) = middle(glyph);
            let place =
                |edges: &[f32], at: f32| edges.partition_point(|edge| *edge <= at).clamp(1, edges.len() - 1) - 1;
            cells[owners[place(&self.ys, y) * columns + place(&self.xs, x)]].push(glyph.clone());
        }
        let texts: Vec<String> = cells.iter().map(|glyphs| cell_text(glyphs)).collect();
        let written = texts.iter().filter(|text| !text.is_empty()).count();
        let own = (0..owners.len()).filter(|at| owners[*at] == *at).count();
        if written < 4 || written * 10 < own * 3 {
            return None;
        }
        let rows: Vec<Vec<String>> = texts.chunks(columns).map(<[String]>::to_vec).collect();
        let (x0, x1, y0, _) = self.bounds();
        let size = glyphs.iter().map(|glyph| glyph.size).fold(0.0, f32::max);
        let text = table::markdown(&rows);
        Some(Segment { text, x0, x1, y: y0, size, heading: None, table: true })
    }

    /// The cell that each cell is part of: the first of those between which there is no line.
    fn owners(&self, columns: usize, lines: usize) -> Vec<usize> {
        let mut owners: Vec<usize> = (0..columns * lines).collect();
        for line in 0..lines {
            for column in 0..columns {
                let at = line * columns + column;
                let (x, y) = ((self.xs[column] + self.xs[column + 1]) / 2.0, (self.ys[line] + self.ys[line + 1]) / 2.0);
                if column > 0 && !self.divides(true, self.xs[column], y) {
                    owners[at] = owners[at - 1];
                } else if line > 0 && !self.divides(false, self.ys[line], x) {
                    owners[at] = owners[at - columns];
                }
            }
        }
        owners
    }

    /// Whether a line at a place divides what is on its two sides there.
    fn divides(&self, across: bool, at: f32, there: f32) -> bool {
        let mut lines = self.lines.iter().filter(|line| line.across == across && (line.at - at).abs() <= NEAR);
        lines.any(|line| line.from <= there && there <= line.to)
    }
}

fn middle(glyph: &Placed) -> (f32, f32) {
    ((glyph.x0 + glyph.x1) / 2.0, glyph.y - glyph.size * 0.3)
}

fn cell_text(glyphs: &[Placed]) -> String {
    let lines: Vec<String> = rows(segments(glyphs)).iter().map(super::segments::Row::text).collect();
    lines.join(" ")
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
