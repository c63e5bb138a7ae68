//! `craton demo`: a server, the default models, and a boto3 script against them.

mod samples;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::IsTerminal as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::{DEFAULT_MODELS, USUAL, jobs, models};
use crate::args::{Chapter, Demo, Global};
use crate::client::Client;
use crate::connection::Connection;
use crate::{output, shell};

const KNOWLEDGE: &str = include_str!("../../../../demo/knowledge.py");
/// The script that the chapter `knowledge` runs against Craton and against moto's server.
const KNOWLEDGE_SCRIPT: &str = include_str!("../../../../demo/knowledge_script.py");
const FOUNDATION: &str = include_str!("../../../../demo/foundation.py");
const PERMISSIONS: &str = include_str!("../../../../demo/permissions.py");
const IMPORT: &str = include_str!("../../../../demo/import.py");
const HUB: &str = include_str!("../../../../demo/hub.py");
const EVALUATION: &str = include_str!("../../../../demo/evaluation.py");
const INFERENCE: &str = include_str!("../../../../demo/inference.py");
/// The checkpoint that scripts/checkpoint/make.sh makes, beside the test models.
const CHECKPOINT: &str = "SmolLM2-135M-Instruct-checkpoint";
/// Succeeds where boto3 is there and has what the script calls.
const HAS_BOTO3: &str = "import boto3; client = boto3.client('bedrock-runtime', region_name='us-east-1', \
                         aws_access_key_id='x', aws_secret_access_key='x'); client.converse_stream";
/// Succeeds where moto's server can be started, which the chapter `knowledge` runs its script against too.
const HAS_MOTO: &str = "import moto.server, flask_cors";
/// What is installed into the demo's own environment; moto's extra `server` brings far more than these calls need.
const BOTO3: &[&str] = &["boto3>=1.40"];
const BOTO3_AND_MOTO: &[&str] = &["boto3>=1.40", "moto>=5.1", "flask", "flask-cors"];
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(super) fn run(args: &Demo, global: &Global) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(play(args, global))
}

async fn play(args: &Demo, global: &Global) -> Result<()> {
    let checkpoint = match args.chapter {
        Some(Chapter::Import) => Some(checkpoint(args.checkpoint.as_deref())?),
        _ => None,
    };
    if let Some(pairs) = &args.pairs {
        ensure!(
            pairs.is_dir(),
            "there is no folder `{}`\nhint: --pairs names a folder with JSON lines or CSV",
            pairs.display()
        );
    }
    let python = match &args.python {
        Some(python) => {
            ensure!(
                succeeds(Command::new(python).args(["-c", HAS_BOTO3])).await,
                "`{}` has no boto3 that knows `converse_stream`\nhint: install one there: pip install --upgrade boto3",
                python.display()
            );
            python.clone()
        }
        None => python_of_demo(args.chapters().contains(&Chapter::Knowledge)).await?,
    };
    let (connection, mut server) = match running(global).await {
        Some(connection) => (connection, None),
        None => {
            let (connection, server) = start(args, global).await?;
            (connection, Some(server))
        }
    };
    let result = show(args, &connection, &python, checkpoint.as_deref(), global).await;
    if let (Ok(()), Some(server)) = (&result, server.as_mut())
        && (args.keep || std::io::stdin().is_terminal())
    {
        output::note("\nThe server runs until Ctrl-C.");
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped?,
            ended = server.wait() => bail!("the server ended by itself ({})", ended?),
        }
    }
    if let Some(server) = server {
        stop(server).await?;
    }
    result
}

/// The server that runs on the data folder already, if one does.
async fn running(global: &Global) -> Option<Connection> {
    let connection = Connection::find(global, |_| None).ok()?;
    let client = Client::new(connection.clone()).ok()?;
    client.craton(Method::GET, "/status", None).await.ok().map(|_| connection)
}

async fn start(args: &Demo, global: &Global) -> Result<(Connection, Child)> {
    let data = global.data();
    fs::create_dir_all(data).with_context(|| format!("cannot make the data folder `{}`", data.display()))?;
    let usual = global.places.listen.unwrap_or(USUAL);
    // Another program may have the usual port: then any free one does.
    let listen = if TcpListener::bind(usual).is_ok() { usual } else { SocketAddr::new(usual.ip(), 0) };
    let log_path = data.join("demo-server.log");
    let log = File::create(&log_path).with_context(|| format!("cannot write `{}`", log_path.display()))?;
    let _ = fs::remove_file(data.join("endpoint.json"));
    let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
    command.arg("up").arg("--data-dir").arg(data).args(["--listen", &listen.to_string()]);
    if let Some(dir) = &args.models_dir {
        command.arg("--models-dir").arg(dir);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    let mut server = command.spawn().context("cannot start the server")?;
    let deadline = tokio::time::Instant::now() + START_LIMIT;
    loop {
        if let Some(connection) = running(global).await {
            return Ok((connection, server));
        }
        if let Some(status) = server.try_wait()? {
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            bail!("the server ended at once ({status}):\n{}", log.trim());
        }
        ensure!(
            tokio::time::Instant::now() < deadline,
            "the server did not start\nhint: its log is `{}`",
            log_path.display()
        );
        tokio::time::sleep(POLL).await;
    }
}

/// Asks the server to finish, so that it leaves nothing half done.
async fn stop(mut server: Child) -> Result<()> {
    let id = server.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        rustix::process::kill_process(id, rustix::process::Signal::TERM).context("cannot stop the server")?;
    }
    server.wait().await?;
    Ok(())
}

/// The models that a chapter asks, which are pulled before.
fn needed(chapter: Chapter, args: &Demo) -> Vec<&str> {
    match chapter {
        Chapter::Knowledge | Chapter::Foundation | Chapter::Inference | Chapter::Evaluation => DEFAULT_MODELS.to_vec(),
        Chapter::Hub if args.models.is_empty() => DEFAULT_MODELS[..1].to_vec(),
        Chapter::Hub => args.models.iter().map(String::as_str).collect(),
        Chapter::Permissions | Chapter::Import => Vec::new(),
    }
}

async fn show(
    args: &Demo,
    connection: &Connection,
    python: &Path,
    checkpoint: Option<&Path>,
    global: &Global,
) -> Result<()> {
    let client = Client::new(connection.clone())?;
    let folder = cache_folder()?;
    for chapter in args.chapters() {
        for name in needed(*chapter, args) {
            ready(&client, name).await?;
        }
        let mut command = Command::new(python);
        command.arg(script(*chapter, &folder)?).env("PYTHONUNBUFFERED", "1");
        point_at(&mut command, connection, std::env::vars_os().map(|(name, _)| name));
        // The script runs our own commands on the same server.
        let this = std::env::current_exe().context("cannot find this program's own file")?;
        command.env("CRATON_BIN", this).env("CRATON_DATA_DIR", std::path::absolute(global.data())?);
        if *chapter == Chapter::Knowledge {
            command.env("CRATON_DEMO_SAMPLES", samples::write_documents(&folder)?);
        }
        if *chapter == Chapter::Evaluation {
            command.env("CRATON_DEMO_SAMPLES", samples::write_reports(&folder)?);
            if let Some(pairs) = &args.pairs {
                command.env("CRATON_DEMO_PAIRS", std::path::absolute(pairs)?);
            }
            command.env("CRATON_DEMO_RECORDS", args.records.to_string());
        }
        if !args.models.is_empty() {
            command.env("CRATON_DEMO_MODELS", args.models.join(","));
        }
        if let Some(checkpoint) = checkpoint {
            command.env("CRATON_DEMO_CHECKPOINT", checkpoint);
        }
        let status = command.status().await.with_context(|| format!("cannot run `{}`", python.display()))?;
        ensure!(status.success(), "the demo script failed ({status})");
    }
    output::line(format!("\nConsole: {}/console/", connection.url))?;
    output::line(format!("Sign in with access key {}", connection.credentials.access_key_id))?;
    output::line(format!("          and secret    {}", connection.credentials.secret_access_key))?;
    let here = match &global.data_dir {
        Some(dir) => format!(" --data-dir {}", shell::word(&dir.display().to_string())),
        None => String::new(),
    };
    let program = program(std::env::var_os("PATH").as_deref());
    output::line(format!("Your own code:  eval \"$({program} env{here})\" && python your_script.py"))?;
    output::line(format!("If the server has ended, start it again with:  {program} up{here}"))
}

/// Writes a chapter's script, and what it runs itself, into `folder`; gives its path.
fn script(chapter: Chapter, folder: &Path) -> Result<PathBuf> {
    let (name, text) = match chapter {
        Chapter::Knowledge => ("knowledge.py", KNOWLEDGE),
        Chapter::Foundation => ("foundation.py", FOUNDATION),
        Chapter::Permissions => ("permissions.py", PERMISSIONS),
        Chapter::Import => ("import.py", IMPORT),
        Chapter::Inference => ("inference.py", INFERENCE),
        Chapter::Hub => ("hub.py", HUB),
        Chapter::Evaluation => ("evaluation.py", EVALUATION),
    };
    for (name, text) in [(name, text), ("knowledge_script.py", KNOWLEDGE_SCRIPT)] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(folder.join(name))
}

/// Lets an AWS client see the server and nothing that is set for other services.
fn point_at(command: &mut Command, connection: &Connection, variables: impl Iterator<Item = OsString>) {
    for name in variables.filter(|name| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", &connection.url)
        .env("AWS_DEFAULT_REGION", &connection.region)
        .env("AWS_ACCESS_KEY_ID", &connection.credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &connection.credentials.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // Profiles name endpoints and keys too.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        // A proxy does not reach this machine.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*");
    if let Some(certificate) = &connection.certificate {
        command.env("AWS_CA_BUNDLE", certificate);
    }
}

/// What to type for this program: its name where PATH finds it, else its full path.
fn program(path: Option<&OsStr>) -> String {
    let Ok(this) = std::env::current_exe().and_then(fs::canonicalize) else { return "craton".to_owned() };
    let found =
        std::env::split_paths(path.unwrap_or_default()).map(|dir| dir.join("craton")).find(|file| file.is_file());
    let is_this = found.and_then(|file| fs::canonicalize(file).ok()).is_some_and(|file| file == this);
    if is_this { "craton".to_owned() } else { shell::word(&this.display().to_string()) }
}

/// Pulls a default model where it is not here yet.
async fn ready(client: &Client, name: &str) -> Result<()> {
    let card = client.craton(Method::GET, &format!("/models/{name}"), None).await?;
    if card["state"] == "ready" {
        return Ok(());
    }
    output::note(&format!(
        "pulling {name} ({}, {})",
        card["downloadBytes"].as_u64().map(output::bytes).unwrap_or_default(),
        card.pointer("/licence/name").and_then(Value::as_str).unwrap_or("licence unknown"),
    ));
    let answer = client.craton(Method::POST, "/models/pull", Some(&json!({ "source": name }))).await?;
    jobs::follow(client, &answer["job"], name, models::PULL_BROKEN_OFF).await?;
    Ok(())
}

/// The checkpoint to import: the one that is named, else the one that is made for tests.
fn checkpoint(named: Option<&Path>) -> Result<PathBuf> {
    let folder = match (named, variable("CRATON_TEST_MODELS")) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(models)) => models.join(CHECKPOINT),
        (None, None) => cache()?.join("craton/test-models").join(CHECKPOINT),
    };
    ensure!(
        folder.join("config.json").is_file(),
        "there is no checkpoint in `{}`\nhint: scripts/fetch-test-models.sh makes one, as `make demo CHAPTER=import` does; or name \
         a folder of your own with --checkpoint",
        folder.display()
    );
    Ok(std::path::absolute(folder)?)
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache() -> Result<PathBuf> {
    let base = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    base.context("there is no home folder for the demo's files\nhint: set XDG_CACHE_HOME")
}

fn cache_folder() -> Result<PathBuf> {
    let folder = cache()?.join("craton/demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder)
}

/// A Python with a boto3 that is new enough, and with moto where `compares`: the system's, or a virtual environment in the cache
/// folder, made at first use.
async fn python_of_demo(compares: bool) -> Result<PathBuf> {
    let environment = cache_folder()?.join("venv");
    let checks: &[&str] = if compares { &[HAS_BOTO3, HAS_MOTO] } else { &[HAS_BOTO3] };
    for python in [environment.join("bin/python"), PathBuf::from("python3")] {
        if succeeds(Command::new(&python).args(["-c", &checks.join("\n")])).await {
            return Ok(python);
        }
    }
    let (wanted, names) = if compares { (BOTO3_AND_MOTO, "boto3 and moto") } else { (BOTO3, "boto3") };
    output::note(&format!("setting up Python with {names} for the demo's client"));
    let hint = "\nhint: on Debian: apt-get install python3-venv; or name a Python that has boto3 with --python";
    let python = environment.join("bin/python");
    ensure!(
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await,
        "cannot make a Python environment in `{}`{hint}",
        environment.display()
    );
    ensure!(
        succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--upgrade"]).args(wanted)).await,
        "cannot install {names} with pip{hint}"
    );
    Ok(python)
}

async fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Credentials;

    #[test]
    fn the_script_sees_the_server_and_no_other_service() {
        let connection = Connection {
            url: "http://127.0.0.1:1".into(),
            region: "eu-west-1".into(),
            certificate: None,
            credentials: Credentials {
                account_id: "111122223333".into(),
                access_key_id: "AKIAKEPT".into(),
                secret_access_key: "kept".into(),
                session_token: None,
            },
            is_of_data_folder: true,
        };
        let mut command = Command::new("python3");
        let set = [
            "AWS_BEARER_TOKEN_BEDROCK",
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "AWS_ACCESS_KEY_ID",
            "PATH",
        ];
        point_at(&mut command, &connection, set.into_iter().map(OsString::from));
        let given: Vec<_> = command.as_std().get_envs().collect();
        let value = |name: &str| given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        for name in ["AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] {
            assert_eq!(value(name), Some(None), "{name} is removed");
        }
        assert_eq!(value("AWS_ACCESS_KEY_ID"), Some(Some(OsStr::new("AKIAKEPT"))));
        assert_eq!(value("PATH"), None, "the rest stays");
    }

    #[test]
    fn a_checkpoint_is_looked_for_before_anything_is_started() {
        let dir = tempfile::tempdir().unwrap();
        let error = checkpoint(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains(&*dir.path().to_string_lossy()) && error.contains("hint:"), "{error}");
        fs::write(dir.path().join("config.json"), "{}").unwrap();
        assert_eq!(checkpoint(Some(dir.path())).unwrap(), dir.path());
    }

    #[test]
    fn a_chapter_pulls_the_models_that_it_asks() {
        use clap::Parser as _;
        let models = |words: &str| {
            let cli = crate::args::Cli::try_parse_from(words.split(' ')).unwrap();
            let crate::args::Command::Demo(args) = cli.command else { unreachable!() };
            args.chapters().iter().flat_map(|chapter| needed(*chapter, &args)).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(models("craton demo knowledge"), DEFAULT_MODELS);
        assert_eq!(models("craton demo evaluation"), DEFAULT_MODELS);
        assert_eq!(models("craton demo hub"), DEFAULT_MODELS[..1]);
        assert_eq!(models("craton demo hub --models a,b"), ["a", "b"]);
        assert!(models("craton demo permissions").is_empty());
    }

    #[test]
    fn a_program_that_path_does_not_find_is_named_in_full() {
        let this = fs::canonicalize(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(program(None), shell::word(&this.display().to_string()));
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("craton"), "another").unwrap();
        assert_eq!(program(Some(dir.path().as_os_str())), shell::word(&this.display().to_string()));
        fs::remove_file(dir.path().join("craton")).unwrap();
        std::os::unix::fs::symlink(&this, dir.path().join("craton")).unwrap();
        assert_eq!(program(Some(dir.path().as_os_str())), "craton");
    }
}
