use serde_json::json;

use super::*;
use crate::template::pool::{MOST_BUSY, MOST_IDLE_OF_ONE};

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn program() -> Program {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/template_worker");
    assert!(path.exists(), "`{}` is missing: `cargo build -p inference --examples`", path.display());
    Program { path, arguments: Vec::new() }
}

fn workers(source: &str) -> Workers {
    Workers::new(&program(), source).unwrap()
}

fn render(workers: &Workers, said: &str) -> Result<String, Refusal> {
    workers.render(json!({"messages": [{"role": "user", "content": said}]}), Timestamp(1_769_860_800_000))
}

fn exceeded(outcome: Result<String, Refusal>) -> String {
    match outcome {
        Err(Refusal::Exceeded(reason)) => reason,
        other => panic!("{:.200}", format!("{other:?}")),
    }
}

/// Templates that ask for more memory, or a deeper stack, than there is.
const EXPLODING: &[(&str, &str)] = &[
    (
        "text that doubles",
        "{% set ns = namespace(x='doubles ') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    ),
    (
        "captured text that doubles",
        "{% set ns = namespace(x='doubles ') %}\
         {% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
    ),
    (
        "replaced text that squares",
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(9) %}{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}",
    ),
    ("a wide indent", "{{ 'one\\ntwo' | indent(900000000) }}"),
    ("many slices", "{{ [1] | slice(900000000) | length }}"),
    ("a repeated list", "{{ ((range(100000) | list) * 10000) | list | length }}"),
    (
        "constants",
        "{{ 'a' * 99999999 ~ 'a' * 99999999 ~ 'a' * 99999999 ~ 'a' * 99999999 ~ 'a' * 99999999 ~ 'a' * 99999999 }}",
    ),
    (
        "a list in a list in a list",
        "{% set ns = namespace(x=[]) %}{% for a in range(30) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}\
         {% endfor %}{% endfor %}{{ ns.x }}",
    ),
    (
        "a tree of one leaf",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}\
         {{ ns.x | string | length }}",
    ),
    ("long text", "{% for a in range(10000) %}{% for i in range(100) %}{{ 'text ' * 1000 }}{% endfor %}{% endfor %}"),
];

#[test]
fn a_template_is_rendered_apart_as_here() {
    let source = "{{ strftime_now('%Y') }}{% for message in messages %}{{ message | tojson }}{% endfor %}";
    let workers = workers(source);
    let here = super::super::jinja::Jinja::new(source).unwrap();
    for said in ["Hello", "\"quoted\"\nand Zürich 👋", ""] {
        let variables = json!({"messages": [{"role": "user", "content": said}], "none": null});
        let now = Timestamp(1_769_860_800_000);
        assert_eq!(workers.render(variables.clone(), now), here.render(&variables, now));
    }
    assert!(render(&workers, "Hi").unwrap().starts_with("2026"));
}

#[test]
fn what_a_template_refuses_comes_back() {
    let refused = render(&workers("{{ raise_exception('only on Mondays') }}"), "Hi");
    assert_eq!(refused, Err(Refusal::Refused("only on Mondays".to_owned())));
    let malformed = Workers::new(&program(), "{% if %}");
    assert!(matches!(malformed, Err(Refusal::Refused(_))));
}

#[test]
fn exploding_templates_end_with_an_error_and_the_next_conversation_is_rendered() {
    for (name, source) in EXPLODING {
        let source = format!("{{% if messages[0].content == 'go' %}}{source}{{% endif %}}fine");
        let workers = match Workers::patient(&program(), &source, Duration::from_secs(2)) {
            Ok(workers) => workers,
            // Constants are computed when the template is read.
            Err(Refusal::Exceeded(_)) if *name == "constants" => continue,
            Err(other) => panic!("{name}: {other:?}"),
        };
        exceeded(render(&workers, "go"));
        assert_eq!(render(&workers, "stay").unwrap(), "fine", "{name}");
    }
}

#[test]
fn what_counts_no_steps_ends_when_its_time_is_over() {
    // Much work in one step.
    let source = "{% if messages[0].content == 'go' %}{% for a in range(99999) %}\
        {% set b = range(99999) | map('string') | join %}{% endfor %}{% endif %}fine";
    let workers = Workers::patient(&program(), source, Duration::from_millis(500)).unwrap();
    assert_eq!(exceeded(render(&workers, "go")), "it takes longer than the 0.5 s that a template may take");
    assert_eq!(render(&workers, "stay").unwrap(), "fine");
}

#[test]
fn conversations_are_rendered_side_by_side_and_few_processes_stay() {
    let workers = workers("{% for message in messages %}{{ message.content }}{% endfor %}");
    std::thread::scope(|scope| {
        for at in 0..16 {
            let workers = &workers;
            scope.spawn(move || {
                let said = format!("said {at}");
                assert_eq!(render(workers, &said).unwrap(), said);
            });
        }
    });
    let idle = workers.pool.forget(workers.template).len();
    assert!((1..=MOST_IDLE_OF_ONE).contains(&idle), "{idle}");
}

#[test]
fn a_process_that_was_ended_from_outside_is_replaced() {
    let workers = workers("fine");
    let mut worker = workers.idle().unwrap();
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    assert!(workers.pool.keep(workers.template, worker).is_none());
    assert_eq!(render(&workers, "Hi").unwrap(), "fine");
}

#[test]
fn a_process_that_others_end_at_its_work_says_nothing_of_its_template() {
    let source = "{% if messages[0].content == 'go' %}{% for a in range(99999) %}\
        {% set b = range(99999) | map('string') | join %}{% endfor %}{% endif %}fine";
    for (signal, exceeds) in [("KILL", false), ("TERM", false), ("XCPU", true), ("ABRT", true)] {
        let workers = workers(source);
        let (sender, process) = sync_channel(1);
        std::thread::scope(|scope| {
            let rendered = scope.spawn(|| {
                workers.with_worker(|worker| {
                    sender.send(worker.child.id()).unwrap();
                    let variables = json!({"messages": [{"role": "user", "content": "go"}]});
                    worker.ask(&Request::Render { variables, now: 0 }, workers.patience)
                })
            });
            let process = process.recv().unwrap().to_string();
            assert!(Command::new("kill").args(["-s", signal, &process]).status().unwrap().success());
            let Err(refusal) = rendered.join().unwrap() else { panic!("{signal}") };
            assert_eq!(matches!(refusal, Refusal::Exceeded(_)), exceeds, "{signal}: {refusal:?}");
            assert_eq!(matches!(refusal, Refusal::Unavailable(_)), !exceeds, "{signal}: {refusal:?}");
        });
        assert_eq!(render(&workers, "stay").unwrap(), "fine");
    }
}

#[test]
fn a_template_that_others_keep_busy_is_unavailable() {
    let pool: &'static Pool<Worker> = Box::leak(Box::new(Pool::new()));
    let mut workers = workers("fine");
    workers.patience = Duration::ZERO;
    workers.pool = pool;
    let others: Vec<_> = (0..MOST_BUSY).map(|other| pool.turn(1_000 + other as u64, Duration::ZERO).unwrap()).collect();
    assert!(matches!(render(&workers, "Hi"), Err(Refusal::Unavailable(_))));
    drop(others);
    workers.patience = Duration::from_secs(SECONDS);
    assert_eq!(render(&workers, "Hi").unwrap(), "fine");
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let program = Program { path: "/nonexistent/craton".into(), arguments: Vec::new() };
    assert!(matches!(Workers::new(&program, "fine"), Err(Refusal::Unavailable(_))));
}

#[test]
fn a_long_template_is_not_read() {
    let long = "x".repeat(super::super::jinja::LONGEST_SOURCE + 1);
    assert!(matches!(Workers::new(&program(), &long), Err(Refusal::Exceeded(_))));
}
