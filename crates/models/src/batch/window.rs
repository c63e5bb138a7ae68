//! Records that are sorted together, so that those whose prompts begin alike follow one another.

use std::collections::HashSet;
use std::sync::Arc;

use base::{Error, Result, Timestamp};
use identity::Ctx;

use super::lines::Line;
use super::record::{self, Record};
use super::{Asked, Dialects, InvocationType, RecordBody};
use crate::{ChatRequest, Content, RawPrompt, Resolved};

/// A record to be answered.
pub(super) struct Item {
    /// Which of the job's files, from 0.
    pub(super) file: u32,
    /// Which of its lines, from 0.
    pub(super) line: u32,
    /// Its id.
    pub(super) id: String,
    /// What it asks for, or why it cannot be asked.
    pub(super) asked: Result<Asked>,
    /// The role, as it was assumed for this window.
    pub(super) role: Arc<Ctx>,
}

/// Lines that were read.
#[derive(Default)]
pub(super) struct Window {
    lines: Vec<(u32, u32, Line, bool)>,
    bytes: usize,
}

impl Window {
    /// Adds a line; `kept`, where the record is answered already.
    pub(super) fn push(&mut self, (file, number): (u32, u32), line: Line, kept: bool) {
        self.bytes += if let Line::Whole(bytes) = &line { bytes.len() } else { 0 };
        self.lines.push((file, number, line, kept));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether it holds as many bytes or records.
    pub(super) fn is_full(&self, bytes: usize, records: usize) -> bool {
        self.bytes >= bytes || self.lines.len() >= records
    }
}

/// The ids of a file's records so far.
#[derive(Default)]
pub(super) struct Seen {
    file: u32,
    ids: HashSet<u128>,
}

impl Seen {
    /// Whether the id is new in the file. Files come one after another.
    fn is_new(&mut self, file: u32, id: &str) -> bool {
        if file != self.file {
            *self = Self { file, ids: HashSet::new() };
        }
        self.ids.insert(record::id_hash(id))
    }
}

/// What reading the records of a job needs.
pub(super) struct Reading {
    pub(super) job: String,
    pub(super) kind: InvocationType,
    pub(super) resolved: Resolved,
    pub(super) dialects: Arc<dyn Dialects>,
    pub(super) time: Timestamp,
    pub(super) role: Arc<Ctx>,
}

impl Reading {
    /// The records of a window that are not answered, sorted by their prompts. Computes.
    pub(super) fn sorted(&self, window: Window, seen: &mut Seen) -> Vec<Item> {
        let items = window.lines.into_iter().filter_map(|(file, number, line, kept)| {
            let record = record::read(&self.job, (file, number), &line);
            // Also those that are answered count as seen.
            let is_new = !record.named || seen.is_new(file, &record.id);
            (!kept).then(|| self.item((file, number), record, is_new))
        });
        let mut items: Vec<Item> = items.collect();
        items.sort_by_cached_key(|item| item.asked.as_ref().map(prompt).unwrap_or_default());
        items
    }

    fn item(&self, (file, line): (u32, u32), record: Record, is_new: bool) -> Item {
        let asked = match record.broken {
            Some(error) => Err(error),
            None if !is_new => Err(record::duplicate(line, &record.id)),
            None => self.dialects.decode(RecordBody {
                kind: self.kind,
                resolved: &self.resolved,
                body: &record.input,
                unique: &format!("{}{:04x}{line:08x}", self.job, file & 0xffff),
                time: self.time,
            }),
        };
        Item { file, line, id: record.id, asked, role: self.role.clone() }
    }
}

/// The text that a record is sorted by: its prompt from the beginning, as far as that can be told without the model's
/// template.
fn prompt(asked: &Asked) -> String {
    match asked {
        Asked::Chat(request, _) => conversation(request),
        Asked::Completion(request, _) => format!("{}\n{}", request.system.join("\n"), request.prompt),
        Asked::Continuation(request, _) => match &request.prompt {
            RawPrompt::Text(text) => text.clone(),
            RawPrompt::Tokens(tokens) => tokens.iter().filter_map(|token| char::from_u32(*token)).collect(),
        },
        Asked::Embed(request, _) => request.texts.concat(),
    }
}

fn conversation(request: &ChatRequest) -> String {
    let mut text = request.system.join("\n");
    for tool in &request.tools {
        text.push_str(&tool.name);
        text.push_str(&tool.schema.to_string());
    }
    for content in request.messages.iter().flat_map(|message| &message.content) {
        text.push('\n');
        match content {
            Content::Text(piece) | Content::ToolResult { content: piece, .. } => text.push_str(piece),
            Content::ToolUse { name, input, .. } => text.push_str(&format!("{name}{input}")),
            Content::CutToolUse { name, arguments, .. } => text.push_str(&format!("{name}{arguments}")),
            Content::Unsupported { what } => text.push_str(what),
        }
    }
    text
}

/// The error of a window whose reader was lost.
pub(super) fn lost(error: tokio::task::JoinError) -> Error {
    Error::internal(error)
}
