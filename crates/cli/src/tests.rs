use clap::CommandFactory as _;

use super::*;

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples() {
    check_examples(&Cli::command(), "");
}

fn check_examples(command: &clap::Command, path: &str) {
    let path = format!("{path} {}", command.get_name());
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let name = path.trim();
    assert!(help.contains(&format!("\n  {name}")) || help.contains(&format!("$({name}")), "`{name}` shows no example");
    for nested in command.get_subcommands().filter(|nested| nested.get_name() != "help") {
        check_examples(nested, &path);
    }
}

#[test]
fn examples_can_be_typed() {
    let mut seen = 0;
    each_example(&Cli::command(), &mut |example| {
        let Some(words) = words(example) else { return };
        seen += 1;
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("`{example}`: {error}");
        }
    });
    assert!(seen > 30, "{seen}");
}

fn each_example(command: &clap::Command, check: &mut impl FnMut(&str)) {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.lines().map(str::trim).filter(|line| line.starts_with("craton ")).for_each(&mut *check);
    command.get_subcommands().for_each(|nested| each_example(nested, check));
}

/// The words of a simple command; none where a shell does more with it, or it goes on in the next line.
fn words(example: &str) -> Option<Vec<&str>> {
    let command = example.split("   ").next().unwrap_or(example);
    let command = command.split(['<', '>']).next().unwrap_or(command).trim();
    let parts = command.split('"').enumerate().flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part],
    });
    (!command.contains(['\'', '\\'])).then(|| parts.collect())
}

#[test]
fn errors_show_causes_and_hints_apart() {
    let error = anyhow::anyhow!("the disk is full\nhint: delete something").context("cannot write `x`");
    assert_eq!(output::error_text(&error), "error: cannot write `x`: the disk is full\nhint: delete something");
}

#[test]
fn tables_align_by_characters() {
    let rows = [["ä".to_owned(), "1".to_owned()], ["bcd".to_owned(), String::new()]];
    assert_eq!(output::table(["A", "B"], &rows), "A    B\nä    1\nbcd");
}

#[test]
fn sizes_are_for_people() {
    assert_eq!(output::bytes(999), "999 B");
    assert_eq!(output::bytes(98_362_432), "98.3 MB");
    assert_eq!(output::bytes(1_500_000_000), "1.5 GB");
}

mod connection {
    use crate::args::Global;
    use crate::connection::{Connection, Credentials, Endpoint, write_credentials, write_endpoint};

    fn kept(data: &std::path::Path) -> Global {
        let endpoint = Endpoint {
            url: "http://127.0.0.1:1".into(),
            process_id: 1,
            account_id: "111122223333".into(),
            region: "eu-west-1".into(),
            certificate: None,
        };
        write_endpoint(data, &endpoint).unwrap();
        let credentials = Credentials {
            account_id: "111122223333".into(),
            access_key_id: "AKIAKEPT".into(),
            secret_access_key: "kept".into(),
            session_token: None,
        };
        write_credentials(data, &credentials).unwrap();
        Global { data_dir: Some(data.into()), ..Global::default() }
    }

    #[test]
    fn credentials_for_aws_are_not_sent_to_the_server_of_a_data_folder() {
        let dir = tempfile::tempdir().unwrap();
        let global = kept(dir.path());
        let aws_only =
            |name: &str| name.starts_with("AWS_").then(|| "real".to_owned()).filter(|_| name != "AWS_ENDPOINT_URL");
        let found = Connection::find(&global, aws_only).unwrap();
        assert_eq!(found.credentials.access_key_id, "AKIAKEPT");
    }

    fn all(name: &str) -> Option<String> {
        Some(if name == "AWS_ENDPOINT_URL" { "http://127.0.0.1:2/".into() } else { "given".to_owned() })
    }

    #[test]
    fn the_environment_wins_where_it_names_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let Global { data_dir, .. } = kept(dir.path());
        let places = crate::settings_file::Places { data_dir, ..Default::default() };
        let global = Global { places, ..Global::default() };
        let found = Connection::find(&global, all).unwrap();
        assert_eq!((found.url.as_str(), found.credentials.access_key_id.as_str()), ("http://127.0.0.1:2", "given"));
        assert!(!found.is_of_data_folder);
        // Without it the folder of `craton.toml` does.
        let found = Connection::find(&global, |_| None).unwrap();
        assert_eq!((found.credentials.access_key_id.as_str(), found.is_of_data_folder), ("AKIAKEPT", true));
    }

    #[test]
    fn a_data_folder_that_is_named_wins_over_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let global = kept(dir.path());
        let found = Connection::find(&global, all).unwrap();
        assert_eq!((found.url.as_str(), found.credentials.access_key_id.as_str()), ("http://127.0.0.1:1", "AKIAKEPT"));
        let elsewhere = Global { endpoint: Some("http://127.0.0.1:3".into()), ..global };
        let found = Connection::find(&elsewhere, all).unwrap();
        assert_eq!((found.url.as_str(), found.credentials.access_key_id.as_str()), ("http://127.0.0.1:3", "AKIAKEPT"));
        assert!(!found.is_of_data_folder);
    }

    #[test]
    fn an_account_is_looked_up_in_the_data_folder_only() {
        let dir = tempfile::tempdir().unwrap();
        for account in ["999988887777", "../../etc/passwd"] {
            let global = Global { account: Some(account.into()), ..kept(dir.path()) };
            let error = Connection::find(&global, |_| Some("x".into())).unwrap_err();
            assert!(format!("{error:#}").contains(account), "{error:#}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn kept_credentials_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        kept(dir.path());
        let file = dir.path().join("credentials/111122223333.json");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
