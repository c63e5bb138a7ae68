//! What is on a page: characters and lines with their places, in points from the page's upper left corner.

use std::collections::HashSet;

use hayro_interpret::font::{Glyph as PdfGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::{Dict, Name, String as PdfString};
use hayro_interpret::hayro_syntax::page::Page as PdfPage;
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use unicode_normalization::UnicodeNormalization;

use super::text_string;

/// Units of a font's glyphs in its size.
const UNITS_PER_EM: f64 = 1000.0;
/// Lines that are kept of a page; a drawing with more of them holds no tables.
const MOST_RULES: usize = 4000;
/// How thick a filled rectangle may be to be a line, and how short a line.
const THICKEST: f64 = 2.5;
const SHORTEST: f64 = 5.0;

/// A character, or several that one sign stands for.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    pub(super) text: String,
    /// Where it stands on its line.
    pub(super) at: (f32, f32),
    /// The direction of its line, of length 1.
    pub(super) along: (f32, f32),
    pub(super) width: f32,
    /// The size of its font.
    pub(super) size: f32,
    /// Whether lines run from top to bottom, and from right to left.
    pub(super) vertical: bool,
    /// The level of the heading that it is marked as part of.
    pub(super) heading: Option<u8>,
    /// Whether it is marked as no part of the document, such as a page's number.
    artifact: bool,
}

/// A straight line from one point to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) from: (f32, f32),
    pub(super) to: (f32, f32),
}

/// A page.
pub(super) struct Page {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) rules: Vec<Rule>,
    pub(super) width: f32,
    pub(super) height: f32,
    /// Signs that are letters or the like, and known.
    pub(super) letters: usize,
    /// Signs of which the file does not say what they are.
    pub(super) unknown: usize,
    pub(super) pictures: usize,
}

/// Interprets a page.
pub(super) fn read<'a>(page: &PdfPage<'a>, cache: &InterpreterCache<'a>, settings: &InterpreterSettings) -> Page {
    let (width, height) = page.render_dimensions();
    let transform = page.initial_transform(true).to_kurbo();
    let bounds = Rect::new(0.0, 0.0, width.into(), height.into());
    let mut context = Context::new(transform, bounds, cache, page.xref(), settings.clone());
    let mut collector = Collector { bounds: bounds.inflate(1.0, 1.0), ..Collector::default() };
    interpret_page(page, &mut context, &mut collector);
    let Collector { mut glyphs, mut rules, unknown, pictures, .. } = collector;
    if glyphs.iter().any(|glyph| !glyph.artifact && !glyph.text.trim().is_empty()) {
        glyphs.retain(|glyph| !glyph.artifact);
    }
    if rules.len() >= MOST_RULES {
        rules.clear();
    }
    let letters = glyphs.iter().filter(|glyph| !glyph.text.trim().is_empty()).count();
    Page { glyphs, rules, width, height, letters, unknown, pictures }
}

#[derive(Default)]
struct Collector {
    bounds: Rect,
    glyphs: Vec<Glyph>,
    rules: Vec<Rule>,
    unknown: usize,
    pictures: usize,
    marks: Vec<Mark>,
    /// What stands where, in half points: what is drawn twice is there once.
    drawn: HashSet<(char, i32, i32)>,
}

/// A marked piece of the content.
#[derive(Default)]
struct Mark {
    artifact: bool,
    heading: Option<u8>,
    /// What it says in truth, and whether that has been written.
    says: Option<(String, bool)>,
}

impl Collector {
    fn glyph(&mut self, glyph: &PdfGlyph<'_>, vertical: bool, transform: Affine) {
        let [a, b, c, d, ..] = transform.as_coeffs();
        let along = (a.hypot(b) * UNITS_PER_EM, c.hypot(d) * UNITS_PER_EM);
        let origin = transform * Point::ZERO;
        let shown = self.bounds.contains(origin) && along.0 > 0.01 && along.1 > 0.01;
        if !shown {
            return;
        }
        let Some(text) = self.text(glyph) else { return };
        let place = |coordinate: f64| (coordinate * 2.0).round() as i32;
        let first = text.chars().next().unwrap_or(' ');
        if first != ' ' && !self.drawn.insert((first, place(origin.x), place(origin.y))) {
            return;
        }
        let advance = match glyph {
            PdfGlyph::Outline(glyph) => glyph.advance_width(),
            PdfGlyph::Type3(glyph) => glyph.advance_width(),
        };
        let advance = advance.filter(|advance| *advance > 0.0).map_or(0.5, |advance| f64::from(advance) / UNITS_PER_EM);
        let unit = a.hypot(b);
        let mark = self.marks.iter().rev();
        self.glyphs.push(Glyph {
            text,
            at: (origin.x as f32, origin.y as f32),
            along: if vertical { (0.0, 1.0) } else { ((a / unit) as f32, (b / unit) as f32) },
            // A font that stands in for another is drawn narrower or wider than its signs are apart.
            width: if vertical { along.1 as f32 } else { (advance * along.0.max(along.1)) as f32 },
            size: along.1 as f32,
            vertical,
            heading: mark.clone().find_map(|mark| mark.heading),
            artifact: mark.clone().any(|mark| mark.artifact),
        });
    }

    /// What a sign stands for; none where it is unknown or nothing.
    fn text(&mut self, glyph: &PdfGlyph<'_>) -> Option<String> {
        if let Some((text, written)) = self.marks.iter_mut().rev().find_map(|mark| mark.says.as_mut()) {
            return (!std::mem::replace(written, true)).then(|| text.clone());
        }
        let text = match glyph.as_unicode() {
            Some(BfString::Char(character)) => normalized(std::iter::once(character)),
            Some(BfString::String(text)) => normalized(text.chars()),
            None => {
                self.unknown += 1;
                return None;
            }
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Ligatures and other forms of letters as the letters that they are; bullets of symbol fonts as bullets.
fn normalized(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for character in characters {
        match character {
            '\u{fb00}'..='\u{fb4f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' => {
                text.extend(std::iter::once(character).nfkc());
            }
            '\u{f0b7}' | '\u{f0a7}' | '\u{f076}' | '\u{f0d8}' => text.push('•'),
            '\u{ad}' => text.push('-'),
            ' ' | '\u{a0}' | '\t' | '\u{3000}' => text.push(' '),
            character if character.is_control() => {}
            character => text.push(character),
        }
    }
    text
}

impl<'a> Device<'a> for Collector {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        if self.rules.len() >= MOST_RULES {
            return;
        }
        let filled = matches!(mode, DrawMode::Fill(_));
        let mut start = Point::ZERO;
        let mut last = Point::ZERO;
        let mut shape: Option<Rect> = None;
        for element in path.elements() {
            let (to, begins) = match element {
                PathEl::MoveTo(point) => (props.transform * *point, true),
                PathEl::LineTo(point) | PathEl::QuadTo(_, point) | PathEl::CurveTo(_, _, point) => {
                    (props.transform * *point, false)
                }
                PathEl::ClosePath => (start, false),
            };
            if begins {
                self.thin(shape.take().filter(|_| filled));
                start = to;
            } else if !filled && matches!(element, PathEl::LineTo(_) | PathEl::ClosePath) {
                self.rule(last, to);
            }
            shape = Some(shape.map_or(Rect::from_points(to, to), |shape| shape.union_pt(to)));
            last = to;
        }
        self.thin(shape.filter(|_| filled));
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        let first = self.glyphs.len();
        for glyph in run.glyphs() {
            self.glyph(glyph, vertical, props.transform * glyph.transform());
        }
        // No sign of a run reaches into the next.
        for at in first + 1..self.glyphs.len() {
            let [.., glyph, next] = &mut self.glyphs[..=at] else { continue };
            let (x, y) = (next.at.0 - glyph.at.0, next.at.1 - glyph.at.1);
            let distance = x * glyph.along.0 + y * glyph.along.1;
            if distance > 0.0 && distance < glyph.width {
                glyph.width = distance;
            }
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.pictures += 1;
    }

    fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        let says = properties.and_then(|properties| properties.get::<PdfString<'_>>(b"ActualText".as_slice()));
        let kind = properties.and_then(|properties| properties.get::<Name<'_>>(b"Type".as_slice()));
        let page_furniture = kind.is_none_or(|kind| &*kind == b"Pagination".as_slice());
        self.marks.push(Mark {
            artifact: tag == b"Artifact" && page_furniture,
            heading: match tag {
                [b'H', level @ b'1'..=b'6'] => Some(level - b'0'),
                _ => None,
            },
            says: says.map(|says| (normalized(text_string(says.as_bytes()).chars()), false)),
        });
    }

    fn end_marked_content(&mut self) {
        self.marks.pop();
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}

impl Collector {
    /// A filled shape that is a line.
    fn thin(&mut self, shape: Option<Rect>) {
        let Some(shape) = shape else { return };
        let middle = shape.center();
        if shape.height() <= THICKEST && shape.width() >= SHORTEST {
            self.rule(Point::new(shape.x0, middle.y), Point::new(shape.x1, middle.y));
        } else if shape.width() <= THICKEST && shape.height() >= SHORTEST {
            self.rule(Point::new(middle.x, shape.y0), Point::new(middle.x, shape.y1));
        }
    }

    fn rule(&mut self, from: Point, to: Point) {
        let across = ((from.x - to.x).abs(), (from.y - to.y).abs());
        let straight = across.0.min(across.1) <= 1.0 && across.0.max(across.1) >= SHORTEST;
        if straight && self.rules.len() < MOST_RULES && from.is_finite() && to.is_finite() {
            let point = |point: Point| (point.x as f32, point.y as f32);
            self.rules.push(Rule { from: point(from), to: point(to) });
        }
    }
}
