use base::{FixedClock, Timestamp};
use serde_json::json;

use super::*;
use crate::chat::ToolCall;

const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const CHATML_DEFAULT_SYSTEM: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe kind<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const HERMES: &str = r#"{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
    {{- "<tools>" }}
    {%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\n</tools> answer as <tool_call></tool_call><|im_end|>\n" }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not (loop.first and tools)) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>assistant' }}
        {%- if message.content %}{{- '\n' + message.content }}{%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '\n<tool_call>\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}{{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"#;
const LLAMA3: &str = "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        {%- set date_string = strftime_now('%d %b %Y') %}\n    {%- endif %}\n{%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = '' %}\n{%- endif %}\n{{- '<|start_header_id|>system<|end_header_id|>\n\n' }}\n{{- 'Today Date: ' + date_string + '\n\n' }}\n{%- if tools is not none %}\n{%- for t in tools %}\n{{- t | tojson(indent=4) }}\n{{- '\n\n' }}\n{%- endfor %}\n{%- endif %}\n{{- system_message }}\n{{- '<|eot_id|>' }}\n{%- for message in messages %}\n    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}\n        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}\n    {%- elif 'tool_calls' in message %}\n        {%- if not message.tool_calls|length == 1 %}\n            {{- raise_exception('This model only supports single tool-calls at once!') }}\n        {%- endif %}\n        {%- set tool_call = message.tool_calls[0].function %}\n        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}\n        {{- '{\"name\": \"' + tool_call.name + '\", \"parameters\": ' }}\n        {{- tool_call.arguments | tojson }}\n        {{- '}<|eot_id|>' }}\n    {%- else %}\n        {{- '<|start_header_id|>ipython<|end_header_id|>\n\n' + message.content + '<|eot_id|>' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}\n{%- endif %}\n";
const MISTRAL: &str = "{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content'] %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}{{- bos_token }}{%- set ns = namespace(index=0) %}{%- for message in loop_messages %}{%- if message.role == 'user' or (message.role == 'assistant' and message.tool_calls is not defined) %}{%- if (message['role'] == 'user') != (ns.index % 2 == 0) %}{{- raise_exception('conversation roles must alternate') }}{%- endif %}{%- set ns.index = ns.index + 1 %}{%- endif %}{%- endfor %}{%- for message in loop_messages %}{%- if message['role'] == 'user' %}{%- if loop.last and tools %}{{- '[AVAILABLE_TOOLS] ' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}{%- endif %}{{- '[INST] ' }}{%- if loop.first and system is defined %}{{- system + '\n\n' }}{%- endif %}{{- message['content'] + '[/INST]' }}{%- elif message.tool_calls is defined %}{{- '[TOOL_CALLS] [' }}{%- for call in message.tool_calls %}{%- if call.id|length != 9 %}{{- raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{%- endif %}{{- call.function|tojson|trim|replace('}}', '}}') }}{%- endfor %}{{- ']' + eos_token }}{%- elif message['role'] == 'tool' %}{{- '[TOOL_RESULTS] ' + message.content + '[/TOOL_RESULTS]' }}{%- else %}{{- ' ' + message['content']|trim + eos_token }}{%- endif %}{%- endfor %}";
const GEMMA: &str = "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}";

fn template(source: &str) -> ChatTemplate {
    let tokens = Tokens { bos: "<s>".to_owned(), eos: "</s>".to_owned() };
    // 2026-01-31T12:00:00Z
    ChatTemplate::new(source, tokens, Arc::new(FixedClock::new(Timestamp(1_769_860_800_000)))).unwrap()
}

fn chat(messages: &[(Role, &str)]) -> ChatPrompt {
    ChatPrompt::new(messages.iter().map(|(role, content)| ChatMessage::new(*role, *content)).collect())
}

fn conversation() -> ChatPrompt {
    chat(&[(Role::System, "Be brief."), (Role::User, "Hi"), (Role::Assistant, "Hello"), (Role::User, "Bye <b>")])
}

fn with_tools() -> ChatPrompt {
    let arguments = json!({"city": "Zürich", "days": [1, 2]});
    let mut prompt = chat(&[(Role::User, "Weather?"), (Role::Assistant, ""), (Role::Tool, "sunny")]);
    let call = ToolCall { id: "toolu_1".to_owned(), name: "weather".to_owned(), arguments };
    prompt.messages[1].tool_calls = vec![call];
    prompt.messages[2].tool_call_id = Some("toolu_1".to_owned());
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    prompt.tools = vec![ToolSpec { name: "weather".to_owned(), description: "Tells the weather".to_owned(), schema }];
    prompt
}

#[test]
fn chatml_is_rendered() {
    let expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
                    <|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye <b><|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(template(CHATML).render(&conversation()).unwrap(), expected);
    let alone = template(CHATML_DEFAULT_SYSTEM).render(&chat(&[(Role::User, "Hi")])).unwrap();
    assert_eq!(alone, "<|im_start|>system\nBe kind<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

#[test]
fn llama_3_is_rendered_with_the_clocks_date() {
    let expected = "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 31 Jan 2026\n\nBe brief.<|eot_id|>\
                    <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>\
                    <|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>\
                    <|start_header_id|>user<|end_header_id|>\n\nBye <b><|eot_id|>\
                    <|start_header_id|>assistant<|end_header_id|>\n\n";
    assert_eq!(template(LLAMA3).render(&conversation()).unwrap(), expected);
}

#[test]
fn llama_3_shows_tools_and_calls() {
    let llama = template(LLAMA3);
    assert_eq!(llama.tool_format(), ToolFormat::Llama3);
    let text = llama.render(&with_tools()).unwrap();
    assert!(
        text.contains("{\n    \"type\": \"function\",\n    \"function\": {\n        \"name\": \"weather\","),
        "{text}"
    );
    assert!(
        text.contains(r#"{"name": "weather", "parameters": {"city": "Zürich", "days": [1, 2]}}<|eot_id|>"#),
        "{text}"
    );
}

#[test]
fn mistral_is_rendered() {
    let mistral = template(MISTRAL);
    assert_eq!(
        mistral.render(&conversation()).unwrap(),
        "<s>[INST] Be brief.\n\nHi[/INST] Hello</s>[INST] Bye <b>[/INST]"
    );
    assert_eq!(mistral.tool_format(), ToolFormat::Mistral);
    let text = mistral.render(&with_tools()).unwrap();
    let expected = "<s>[INST] Weather?[/INST][TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": \
                    {\"city\": \"Zürich\", \"days\": [1, 2]}}]</s>[TOOL_RESULTS] sunny[/TOOL_RESULTS]";
    assert_eq!(text, expected);
}

#[test]
fn gemma_gets_the_system_text_in_the_first_user_message() {
    let expected = "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n\
                    <start_of_turn>user\nBye <b><end_of_turn>\n<start_of_turn>model\n";
    assert_eq!(template(GEMMA).render(&conversation()).unwrap(), expected);
}

#[test]
fn hermes_shows_tools_and_calls() {
    let hermes = template(HERMES);
    assert_eq!(hermes.tool_format(), ToolFormat::Hermes);
    let expected = "<|im_start|>system\n<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"weather\", \
                    \"description\": \"Tells the weather\", \"parameters\": {\"type\": \"object\", \"properties\": \
                    {\"city\": {\"type\": \"string\"}}}}}\n</tools> answer as <tool_call></tool_call><|im_end|>\n\
                    <|im_start|>user\nWeather?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n{\"name\": \"weather\", \
                    \"arguments\": {\"city\": \"Zürich\", \"days\": [1, 2]}}\n</tool_call><|im_end|>\n\
                    <|im_start|>user\n<tool_response>\nsunny\n</tool_response><|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(hermes.render(&with_tools()).unwrap(), expected);
}

#[test]
fn a_template_without_tools_is_told_of_them_in_the_system_message() {
    let chatml = template(CHATML);
    assert_eq!(chatml.tool_format(), ToolFormat::Instructed);
    let text = chatml.render(&with_tools()).unwrap();
    assert!(
        text.starts_with("<|im_start|>system\nYou can call these tools:\n<tools>\n{\"name\": \"weather\""),
        "{text}"
    );
    assert!(text.contains("<|im_start|>assistant\n<tool_call>\n{\"name\": \"weather\", \"arguments\": "), "{text}");
    assert!(text.contains("<|im_start|>user\n<tool_response>\nsunny\n</tool_response><|im_end|>"), "{text}");
}

#[test]
fn the_last_message_is_continued() {
    let mut prompt = chat(&[(Role::User, "Hi"), (Role::Assistant, "The answer is ")]);
    prompt.continue_last = true;
    let text = template(CHATML).render(&prompt).unwrap();
    assert_eq!(text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nThe answer is ");
    prompt.messages.pop();
    assert!(matches!(template(CHATML).render(&prompt), Err(Error::Template { .. })));
}

#[test]
fn neighbours_of_one_role_are_joined_where_the_template_refuses_them() {
    let prompt = chat(&[(Role::User, "One"), (Role::User, "Two")]);
    assert!(template(GEMMA).render(&prompt).unwrap().contains("One\n\nTwo"));
    assert!(template(CHATML).render(&prompt).unwrap().contains("One<|im_end|>"));
}

#[test]
fn what_a_template_refuses_is_said() {
    let refusing = template("{{ raise_exception('only on Mondays') }}");
    let refused = refusing.render(&conversation()).unwrap_err();
    assert_eq!(refused, Error::Template { reason: "only on Mondays".to_owned() });
    assert!(ChatTemplate::new("{% if %}", Tokens::default(), Arc::new(base::SystemClock)).is_err());
}

#[test]
fn python_methods_and_namespaces_work() {
    let source = "{% set ns = namespace(n=0) %}{% for m in messages|selectattr('role', 'equalto', 'user') %}\
                  {% set ns.n = ns.n + 1 %}{{ m.content.strip().split(' ')[0].upper() }}{% endfor %}{{ ns.n }}\
                  {% if messages[0].content.startswith('Hi') %}!{% endif %}";
    let prompt = chat(&[(Role::User, " Hi there"), (Role::User, "Bye now")]);
    assert_eq!(template(source).render(&prompt).unwrap(), "HIBYE2");
}

#[test]
fn endless_templates_run_out_of_steps() {
    let macros = "{% macro again() %}{% for i in range(9) %}{{ again() }}{% endfor %}{% endmacro %}{{ again() }}";
    for (source, reason) in [
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "steps"),
        ("{% for a in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}", "recursion"),
        (macros, "recursion"),
        ("{% for i in range(10000000000) %}{% endfor %}", "range has too many elements"),
    ] {
        let template = template(&format!("{{% if messages[0].content == 'go' %}}{source}{{% endif %}}fine"));
        let Err(Error::Template { reason: said }) = template.render(&chat(&[(Role::User, "go")])) else {
            panic!("{source}")
        };
        assert!(said.contains(reason), "{said}");
        assert_eq!(template.render(&chat(&[(Role::User, "stay")])).unwrap(), "fine");
        let at_once = ChatTemplate::new(source, Tokens::default(), Arc::new(base::SystemClock));
        assert_eq!(at_once.is_err(), reason == "steps", "refusing is a template's right, being endless is not");
    }
}

#[test]
fn two_thousand_messages_take_a_twentieth_of_the_steps() {
    let mut said = vec![(Role::System, "Be brief.")];
    said.extend([(Role::User, "Hi"), (Role::Assistant, "Hello")].repeat(1_000));
    said.push((Role::User, "Bye"));
    for source in [CHATML, CHATML_DEFAULT_SYSTEM, HERMES, LLAMA3, MISTRAL, GEMMA] {
        let messages = chat(&said[usize::from(source == GEMMA)..]).messages;
        let messages = messages::all(&messages, ToolFormat::Instructed);
        let variables = json!({"messages": messages, "tools": null, "bos_token": "<s>", "eos_token": "</s>",
            "add_generation_prompt": true});
        let steps = Jinja::new(source).unwrap().steps(&variables);
        assert!((10_000..jinja::MOST_STEPS / 20).contains(&steps), "{steps}");
    }
}

#[test]
fn a_template_of_a_megabyte_is_refused() {
    let long = ChatTemplate::new(&"x".repeat(1 << 20), Tokens::default(), Arc::new(base::SystemClock));
    assert!(matches!(long, Err(Error::Template { reason }) if reason.contains("1048576 bytes")));
}
