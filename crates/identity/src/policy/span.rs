//! Where statements stand in the text of a policy.

/// A place in a text: both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl Position {
    /// The place behind `c`, which stands here.
    fn after(self, c: char) -> Self {
        match c {
            '\n' => Self { line: self.line + 1, column: 1 },
            _ => Self { column: self.column + 1, ..self },
        }
    }
}

/// A part of a text: from its first character to the one behind its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// Behind the last character.
    pub end: Position,
}

/// Where a JSON text first says `word`, as a value or as a member's name.
#[must_use]
pub fn position_of(text: &str, word: &str) -> Option<Position> {
    of_word(text, word, None)
}

/// As [`position_of`], but only what lies in `within`.
pub(super) fn of_word(text: &str, word: &str, within: Option<Span>) -> Option<Position> {
    let mut at = Position { line: 1, column: 1 };
    // Where the string that is being read begins, and its bytes with the quotes.
    let mut begun: Option<(Position, usize)> = None;
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match begun {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((start, from)) if c == '"' => {
                begun = None;
                let is_within = within.is_none_or(|span| span.start <= start && start < span.end);
                let says = || serde_json::from_str::<String>(&text[from..=index]).is_ok_and(|said| said == word);
                if is_within && says() {
                    return Some(start);
                }
            }
            None if c == '"' => begun = Some((at, index)),
            _ => {}
        }
        at = at.after(c);
    }
    None
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
        self.at = self.at.after(c);
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
