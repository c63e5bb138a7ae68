use clap::CommandFactory as _;

use super::*;

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples() {
    for command in Cli::command().get_subcommands().filter(|c| c.get_name() != "help") {
        assert!(command.get_after_help().is_some(), "`craton {}` shows no example", command.get_name());
    }
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

    #[test]
    fn the_environment_wins_where_it_names_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let global = kept(dir.path());
        let all = |name: &str| {
            Some(if name == "AWS_ENDPOINT_URL" { "http://127.0.0.1:2/".into() } else { "given".to_owned() })
        };
        let found = Connection::find(&global, all).unwrap();
        assert_eq!((found.url.as_str(), found.credentials.access_key_id.as_str()), ("http://127.0.0.1:2", "given"));
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
