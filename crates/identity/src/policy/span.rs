//! Where statements stand in the text of a policy.

/// A place in a text: both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A part of a text: from its first character to the one behind its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// Behind the last character.
    pub end: Position,
}

/// The statements of a policy that is known to be valid JSON: the objects in the top level's `Statement`, in order.
pub(super) fn of_statements(text: &str) -> Vec<Span> {
    let mut scanner = Scanner::default();
    text.chars().for_each(|c| scanner.take(c));
    scanner.spans
}

#[derive(Debug)]
struct Scanner {
    at: Position,
    /// The open brackets.
    open: Vec<char>,
    /// The string that is being read, and the last one at the top level.
    string: Option<String>,
    escaped: bool,
    name: String,
    start: Option<Position>,
    spans: Vec<Span>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            at: Position { line: 1, column: 1 },
            open: Vec::new(),
            string: None,
            escaped: false,
            name: String::new(),
            start: None,
            spans: Vec::new(),
        }
    }
}

impl Scanner {
    fn take(&mut self, c: char) {
        match &mut self.string {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if c == '\\' => self.escaped = true,
            Some(text) if c == '"' => {
                if self.open.len() == 1 {
                    self.name = std::mem::take(text);
                }
                self.string = None;
            }
            Some(text) => text.push(c),
            None => self.outside(c),
        }
        self.at = match c {
            '\n' => Position { line: self.at.line + 1, column: 1 },
            _ => Position { column: self.at.column + 1, ..self.at },
        };
    }

    fn outside(&mut self, c: char) {
        match c {
            '"' => self.string = Some(String::new()),
            '{' | '[' => {
                if c == '{' && self.is_statement() {
                    self.start = Some(self.at);
                }
                self.open.push(c);
            }
            '}' | ']' => {
                self.open.pop();
                if c == '}'
                    && self.is_statement()
                    && let Some(start) = self.start.take()
                {
                    let end = Position { column: self.at.column + 1, ..self.at };
                    self.spans.push(Span { start, end });
                }
            }
            _ => {}
        }
    }

    /// Whether an object that opens or closes here is a statement.
    fn is_statement(&self) -> bool {
        self.name == "Statement" && matches!(self.open.as_slice(), ['{'] | ['{', '['])
    }
}
