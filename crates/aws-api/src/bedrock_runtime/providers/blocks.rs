//! Numbers the content blocks of a streamed answer, for the formats that tell when a block begins and ends.

use models::ChatEvent;

/// What happens to a content block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BlockStep<'a> {
    /// A text block begins.
    TextStart(usize),
    /// More text.
    Text(usize, &'a str),
    /// A tool call begins: block, id, name.
    ToolStart(usize, &'a str, &'a str),
    /// More of a tool call's arguments, as JSON text.
    ToolInput(usize, &'a str),
    /// The block is complete.
    Stop(usize),
}

/// The state between events.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    next: usize,
    open: bool,
}

impl Blocks {
    /// The steps of one event, in order.
    pub(crate) fn steps<'a>(&mut self, event: &'a ChatEvent) -> Vec<BlockStep<'a>> {
        let mut steps = Vec::new();
        match event {
            ChatEvent::Started { .. } => {}
            ChatEvent::Text { text, .. } if text.is_empty() => {}
            ChatEvent::Text { text, .. } => {
                if !self.open {
                    steps.push(BlockStep::TextStart(self.next));
                    self.open = true;
                }
                steps.push(BlockStep::Text(self.next, text));
            }
            ChatEvent::ToolUseStart { id, name, .. } => {
                self.close(&mut steps);
                steps.push(BlockStep::ToolStart(self.next, id, name));
                self.open = true;
            }
            ChatEvent::ToolUseInput { json_fragment, .. } => {
                steps.push(BlockStep::ToolInput(self.next, json_fragment));
            }
            ChatEvent::ToolUseEnd { .. } => self.close(&mut steps),
            ChatEvent::Finished { .. } => {
                // An answer has at least one block, as clients take the first one.
                if self.next == 0 && !self.open {
                    steps.extend([BlockStep::TextStart(0), BlockStep::Text(0, "")]);
                    self.open = true;
                }
                self.close(&mut steps);
            }
        }
        steps
    }

    fn close(&mut self, steps: &mut Vec<BlockStep<'_>>) {
        if self.open {
            steps.push(BlockStep::Stop(self.next));
            self.next += 1;
            self.open = false;
        }
    }
}
