//! What the service demands of a conversation's turns, whether they come by Converse or in a Nova body.

use base::{Error, Result};
use models::{Content, Message, ToolSpec};

/// The user begins, and the roles alternate.
pub(super) fn check_order<R: PartialEq>(roles: impl IntoIterator<Item = R>, user: R) -> Result<()> {
    let mut roles = roles.into_iter();
    let mut last = roles.next().filter(|first| *first == user).ok_or_else(|| {
        Error::invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        )
    })?;
    for role in roles {
        if role == last {
            return Err(Error::invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
            ));
        }
        last = role;
    }
    Ok(())
}

/// Every turn has a content block.
pub(super) fn check_content(lengths: impl IntoIterator<Item = usize>) -> Result<()> {
    match lengths.into_iter().position(|length| length == 0) {
        Some(at) => Err(Error::invalid(format!(
            "The content field in the Message object at messages.{at} is empty. Add a ContentBlock object to the content field and try again."
        ))),
        None => Ok(()),
    }
}

/// Every call of a turn is answered in the next, and nothing else is.
pub(super) fn check_tool_results(messages: &[Message]) -> Result<()> {
    let mut calls: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let results: Vec<&str> = message
            .content
            .iter()
            .filter_map(|block| if let Content::ToolResult { id, .. } = block { Some(id.as_str()) } else { None })
            .collect();
        if results.len() > calls.len() {
            return Err(Error::invalid(format!(
                "The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of previous turn."
            )));
        }
        let open: Vec<&str> = calls.iter().filter(|id| !results.contains(id)).copied().collect();
        if !open.is_empty() {
            return Err(Error::invalid(format!(
                "Expected toolResult blocks at messages.{at}.content for the following Ids: {}",
                open.join(", ")
            )));
        }
        calls = message
            .content
            .iter()
            .filter_map(|block| if let Content::ToolUse { id, .. } = block { Some(id.as_str()) } else { None })
            .collect();
    }
    Ok(())
}

/// A conversation in which tools were called says which there are.
pub(super) fn check_without_tools(messages: &[Message]) -> Result<()> {
    let is_tool = |block: &Content| matches!(block, Content::ToolUse { .. } | Content::ToolResult { .. });
    if messages.iter().any(|message| message.content.iter().any(is_tool)) {
        return Err(Error::invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    Ok(())
}

/// The tool that must be called is on offer.
pub(super) fn check_choice(tools: &[ToolSpec], name: &str) -> Result<()> {
    if tools.iter().any(|known| known.name == name) {
        return Ok(());
    }
    Err(Error::invalid(format!("The tool {name} of toolConfig.toolChoice.tool.name is not among toolConfig.tools.")))
}
