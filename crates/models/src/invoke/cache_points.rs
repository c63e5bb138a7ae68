//! Cache points of a conversation as numbers of its prompt's tokens.

use inference::{ChatMessage, ChatPrompt, Generator, Prompt, Token};

use super::render::chat_prompt;
use super::request::{CachePoint, ChatRequest, Message};

/// The prompt's tokens, and after how many of them the beginning is kept. What the template writes differently once more
/// follows is not part of a beginning; a point that the template cannot write by itself keeps nothing.
pub(crate) fn located(
    generator: &dyn Generator,
    request: &ChatRequest,
    prompt: &Prompt,
) -> inference::Result<(Vec<Token>, Vec<usize>)> {
    let whole = generator.read(prompt)?;
    let mut points = Vec::with_capacity(request.cache_points.len());
    for point in &request.cache_points {
        let Ok(text) = generator.render_chat(&beginning(request, *point)) else { continue };
        let beginning = generator.read(&Prompt::Text { text, parse_special: true, add_bos: true })?;
        points.push(whole.iter().zip(&beginning).take_while(|(one, other)| one == other).count());
    }
    points.sort_unstable();
    points.dedup();
    Ok((whole, points))
}

/// The conversation up to a point. After system prompts and tools comes a turn that begins with another letter than the
/// request's own.
fn beginning(request: &ChatRequest, point: CachePoint) -> ChatPrompt {
    let mut tools = request.tools.clone();
    let (system, messages) = match point {
        CachePoint::Message { message, blocks } => {
            let mut messages: Vec<Message> = request.messages.iter().take(message + 1).cloned().collect();
            if let Some(last) = messages.get_mut(message) {
                last.content.truncate(blocks);
            }
            (request.system.clone(), messages)
        }
        CachePoint::System(count) => (request.system.iter().take(count).cloned().collect(), Vec::new()),
        CachePoint::Tools(count) => {
            tools.truncate(count);
            (request.system.iter().map(|text| unlike(text)).collect(), Vec::new())
        }
    };
    let is_head = messages.is_empty();
    let mut chat = chat_prompt(&ChatRequest { system, messages, tools, ..request.clone() });
    if is_head {
        let whole = chat_prompt(request);
        let own = whole.messages.iter().find(|message| message.role == inference::Role::User);
        let other = unlike(own.map_or("", |message| &message.content));
        chat.messages.push(ChatMessage::new(inference::Role::User, other));
    }
    ChatPrompt { add_generation_prompt: false, continue_last: false, ..chat }
}

/// A text that has no beginning in common with `text`.
fn unlike(text: &str) -> String {
    if text.trim_start().starts_with('x') { "o" } else { "x" }.to_owned()
}
