//! HTML: what a reader of the page reads, without its navigation and its programs.

mod tree;

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};

use crate::encoding::decode;
use crate::extracted::{Output, squeeze};
use crate::limits::Budget;
use crate::{BlockKind, Extracted, Format, Result, table};
use tree::{Node, NodeId, Tree};

/// Bytes in which a page declares its encoding.
const HEAD: usize = 1024;

pub(crate) fn extract(bytes: &[u8], charset: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let declared = charset.map(str::to_owned).or_else(|| declared_charset(bytes));
    let decoded = decode(bytes, declared.as_deref());
    let mut parser = parse_document(Tree::default(), ParseOpts::default());
    // In pieces, so that the time is looked at.
    let mut rest = decoded.text.as_ref();
    while !rest.is_empty() {
        budget.check_time()?;
        let (piece, after) = rest.split_at(rest.floor_char_boundary(1 << 16));
        parser.process(piece.into());
        rest = after;
    }
    let tree = parser.finish().into_nodes();
    let mut output = Output::new(budget);
    output.warnings.extend(decoded.warning.filter(|_| declared.is_none()));
    let mut page =
        Page { tree: &tree, output: &mut output, line: String::new(), kind: BlockKind::Paragraph, lists: vec![] };
    page.walk(0)?;
    page.flush()?;
    output.title_from_heading();
    output.finish(Format::Html)
}

/// The encoding that a page declares in its `meta`.
fn declared_charset(bytes: &[u8]) -> Option<String> {
    let head: String = bytes.iter().take(HEAD).map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let (_, after) = head.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let label: String = label.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c)).collect();
    (!label.is_empty()).then_some(label)
}

/// Elements of which a reader reads nothing, or nothing that belongs to the page.
const UNREAD: &[&str] = &[
    "audio", "button", "canvas", "datalist", "embed", "iframe", "input", "map", "math", "meta", "nav", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "video",
];

/// Elements that begin and end a line. Others are part of one.
const LINES: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

struct Page<'a, 'b> {
    tree: &'a [Node],
    output: &'a mut Output<'b>,
    /// What has been read of a line.
    line: String,
    kind: BlockKind,
    /// The lists that are open: the number of the next item, or none in one with bullets.
    lists: Vec<Option<u32>>,
}

/// A step of a walk that needs no recursion: pages nest as deep as they like.
enum Step {
    Enter(NodeId),
    Leave(NodeId),
}

impl Page<'_, '_> {
    fn walk(&mut self, root: NodeId) -> Result<()> {
        let mut steps = vec![Step::Enter(root)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(node) if self.enter(node)? => {
                    steps.push(Step::Leave(node));
                    steps.extend(self.tree[node].children.iter().rev().map(|child| Step::Enter(*child)));
                }
                Step::Enter(_) => {}
                Step::Leave(node) => self.leave(node)?,
            }
        }
        Ok(())
    }

    /// Begins a node; whether its children are to be walked.
    fn enter(&mut self, node: NodeId) -> Result<bool> {
        let at = &self.tree[node];
        let Some(name) = at.name.as_deref() else {
            push_text(&mut self.line, &at.text);
            return Ok(true);
        };
        if name == "title" && self.output.title.is_none() && self.output.is_empty() {
            self.output.title = Some(squeeze(&text_of(self.tree, node)).replace('\n', " "));
            return Ok(false);
        }
        if is_unread(at) || name == "title" {
            return Ok(false);
        }
        match name {
            "br" => self.line.push('\n'),
            "pre" => {
                self.flush()?;
                self.output.block(BlockKind::Code, &verbatim(self.tree, node))?;
                return Ok(false);
            }
            "table" => {
                self.flush()?;
                if let Some(rows) = rows(self.tree, node) {
                    self.caption(node)?;
                    self.output.block(BlockKind::Table, &table::markdown(&rows))?;
                    return Ok(false);
                }
            }
            _ => {}
        }
        if LINES.contains(&name) {
            self.flush()?;
        }
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.kind = BlockKind::Heading(name.as_bytes()[1] - b'0'),
            "ul" | "menu" => self.lists.push(None),
            "ol" => self.lists.push(Some(at.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1))),
            "li" => self.item(),
            _ => {}
        }
        Ok(true)
    }

    fn item(&mut self) {
        self.kind = BlockKind::ListItem;
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.line.push_str(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.line.push_str("- "),
        }
    }

    fn leave(&mut self, node: NodeId) -> Result<()> {
        let Some(name) = self.tree[node].name.as_deref() else { return Ok(()) };
        if LINES.contains(&name) {
            self.flush()?;
        }
        match name {
            "ul" | "menu" | "ol" => drop(self.lists.pop()),
            // An item of nothing but its bullet.
            "li" => {
                self.line.clear();
                self.kind = BlockKind::Paragraph;
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a line. One of an item that has nothing but its bullet is kept for what follows.
    fn flush(&mut self) -> Result<()> {
        let line = std::mem::take(&mut self.line);
        let content = squeeze(&line);
        if self.kind == BlockKind::ListItem && is_marker(content.trim()) {
            self.line = line;
            return Ok(());
        }
        let kind = std::mem::replace(&mut self.kind, BlockKind::Paragraph);
        self.output.block(kind, &content)
    }

    fn caption(&mut self, table: NodeId) -> Result<()> {
        let is_caption = |child: &&NodeId| self.tree[**child].name.as_deref() == Some("caption");
        let Some(caption) = self.tree[table].children.iter().find(is_caption) else { return Ok(()) };
        let text = squeeze(&text_of(self.tree, *caption));
        self.output.block(BlockKind::Paragraph, &text)
    }
}

/// Whether nothing but the bullet or number of an item stands there.
fn is_marker(text: &str) -> bool {
    text == "-"
        || text.strip_suffix('.').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn is_unread(node: &Node) -> bool {
    let name = node.name.as_deref().unwrap_or_default();
    let hidden = || {
        let style = node.attribute("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
        node.attribute("hidden").is_some()
            || node.attribute("aria-hidden") == Some("true")
            || node.attribute("role") == Some("navigation")
            || style.contains("display:none")
    };
    UNREAD.contains(&name) || hidden()
}

/// Text as a browser shows it: a run of spaces and line breaks is one space.
fn push_text(line: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            ' ' | '\t' | '\n' | '\r' | '\u{c}' => {
                if !line.is_empty() && !line.ends_with([' ', '\n']) {
                    line.push(' ');
                }
            }
            character => line.push(character),
        }
    }
}

/// All nodes under one that are read, in order.
fn readable(tree: &[Node], root: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    let mut left = vec![root];
    std::iter::from_fn(move || {
        loop {
            let node = left.pop()?;
            if !is_unread(&tree[node]) {
                left.extend(tree[node].children.iter().rev());
                return Some(node);
            }
        }
    })
}

/// The text under a node in one line; what begins a line of its own stands apart.
fn text_of(tree: &[Node], root: NodeId) -> String {
    let mut text = String::new();
    let mut steps = vec![Step::Enter(root)];
    while let Some(step) = steps.pop() {
        let (Step::Enter(node) | Step::Leave(node)) = step;
        let at = &tree[node];
        if at.name.as_deref().is_some_and(|name| name == "br" || LINES.contains(&name)) {
            push_text(&mut text, " ");
        }
        if matches!(step, Step::Enter(_)) && !is_unread(at) {
            push_text(&mut text, &at.text);
            steps.push(Step::Leave(node));
            steps.extend(at.children.iter().rev().map(|child| Step::Enter(*child)));
        }
    }
    text
}

/// The text under a node with its spaces and line breaks.
fn verbatim(tree: &[Node], root: NodeId) -> String {
    let mut text = String::new();
    for node in readable(tree, root) {
        text.push_str(&tree[node].text);
        if tree[node].name.as_deref() == Some("br") {
            text.push('\n');
        }
    }
    text
}

/// The cells of a table. None for one that only places things on the page: it has one column, or holds tables,
/// headings or lists.
fn rows(tree: &[Node], table: NodeId) -> Option<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut left: Vec<NodeId> = tree[table].children.iter().rev().copied().collect();
    while let Some(node) = left.pop() {
        match tree[node].name.as_deref() {
            Some("thead" | "tbody" | "tfoot") => left.extend(tree[node].children.iter().rev()),
            Some("tr") if !is_unread(&tree[node]) => {
                let mut row = Vec::new();
                for cell in &tree[node].children {
                    if matches!(tree[*cell].name.as_deref(), Some("td" | "th")) {
                        if readable(tree, *cell).any(|inner| is_structure(&tree[inner])) {
                            return None;
                        }
                        row.push(text_of(tree, *cell));
                        let span =
                            tree[*cell].attribute("colspan").and_then(|span| span.parse().ok()).unwrap_or(1_usize);
                        row.resize(row.len() + span.clamp(1, 64) - 1, String::new());
                    }
                }
                rows.push(row);
            }
            _ => {}
        }
    }
    (rows.iter().any(|row| row.len() > 1)).then_some(rows)
}

fn is_structure(node: &Node) -> bool {
    matches!(node.name.as_deref(), Some("table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "ul" | "ol"))
}

#[cfg(test)]
mod tests;
