//! `craton demo`: a server, the default models, and a boto3 script against them.

use std::fs::{self, File};
use std::io::IsTerminal as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::jobs;
use crate::args::{Demo, Global};
use crate::client::Client;
use crate::connection::Connection;
use crate::output;

/// The models that answer where nothing else was chosen.
const DEFAULT_MODELS: &[&str] = &["smollm2-135m-instruct", "all-minilm-l6-v2"];
const SCRIPT: &str = include_str!("../../../../demo/foundation.py");
const START_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(super) fn run(args: &Demo, global: &Global) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(play(args, global))
}

async fn play(args: &Demo, global: &Global) -> Result<()> {
    let python = match &args.python {
        Some(python) => python.clone(),
        None => python_with_boto3().await?,
    };
    let (connection, mut server) = match running(global).await {
        Some(connection) => (connection, None),
        None => {
            let (connection, server) = start(args, global).await?;
            (connection, Some(server))
        }
    };
    let result = show(&connection, &python).await;
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
    let usual = "127.0.0.1:4566";
    let listen = if TcpListener::bind(usual).is_ok() { usual } else { "127.0.0.1:0" };
    let log_path = data.join("demo-server.log");
    let log = File::create(&log_path).with_context(|| format!("cannot write `{}`", log_path.display()))?;
    let _ = fs::remove_file(data.join("endpoint.json"));
    let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
    command.arg("up").arg("--data-dir").arg(data).args(["--listen", listen]);
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

async fn show(connection: &Connection, python: &Path) -> Result<()> {
    let client = Client::new(connection.clone())?;
    for name in DEFAULT_MODELS {
        ready(&client, name).await?;
    }
    let folder = cache_folder()?;
    let script = folder.join("foundation.py");
    fs::write(&script, SCRIPT).with_context(|| format!("cannot write `{}`", script.display()))?;
    let mut command = Command::new(python);
    command
        .arg(&script)
        .env("AWS_ENDPOINT_URL", &connection.url)
        .env("AWS_DEFAULT_REGION", &connection.region)
        .env("AWS_ACCESS_KEY_ID", &connection.credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &connection.credentials.secret_access_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONUNBUFFERED", "1")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_PROFILE");
    if let Some(certificate) = &connection.certificate {
        command.env("AWS_CA_BUNDLE", certificate);
    }
    let status = command.status().await.with_context(|| format!("cannot run `{}`", python.display()))?;
    ensure!(status.success(), "the demo script failed ({status})");
    output::line(format!("\nConsole: {}/console/", connection.url))?;
    output::line(format!("Sign in with access key {}", connection.credentials.access_key_id))?;
    output::line(format!("          and secret    {}", connection.credentials.secret_access_key))?;
    output::line("Your own code:  eval \"$(craton env)\" && python your_script.py")?;
    output::line("If the server has ended, start it again with:  craton up   (or: make up)")
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
    jobs::follow(client, &answer["job"], name).await?;
    Ok(())
}

fn cache_folder() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder =
        base.context("there is no home folder for the demo's files\nhint: set XDG_CACHE_HOME")?.join("craton/demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder)
}

/// A Python that can import boto3: the system's, or a virtual environment in the cache folder, made at first use.
async fn python_with_boto3() -> Result<PathBuf> {
    let environment = cache_folder()?.join("venv");
    for python in [environment.join("bin/python"), PathBuf::from("python3")] {
        if succeeds(Command::new(&python).args(["-c", "import boto3"])).await {
            return Ok(python);
        }
    }
    output::note("setting up Python with boto3 for the demo's client");
    let hint = "\nhint: on Debian: apt-get install python3-venv; or name a Python that has boto3 with --python";
    let python = environment.join("bin/python");
    ensure!(
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await,
        "cannot make a Python environment in `{}`{hint}",
        environment.display()
    );
    ensure!(
        succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet", "boto3>=1.40"])).await,
        "cannot install boto3 with pip{hint}"
    );
    Ok(python)
}

async fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}
