//! What each command does: one file a command.

mod accounts;
pub(crate) mod backup;
mod batch;
mod chat;
pub(crate) mod completions;
mod demo;
mod doctor;
mod embed;
mod endpoints;
mod env;
pub(crate) mod eval;
mod hub;
mod iam;
pub(crate) mod import;
mod invoke;
mod jobs;
mod kb;
mod keys;
mod models;
mod objects;
mod pools;
mod profiles;
mod quantize;
mod quotas;
mod requests;
mod score;
mod status;
mod tune;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};

use crate::args::{Backup, Command, Format, Global};
use crate::client::Client;
use crate::connection::Connection;
use crate::eval_args::Eval;

/// The models that answer where nothing else was chosen.
const DEFAULT_MODELS: [&str; 2] = ["smollm2-135m-instruct", "all-minilm-l6-v2"];

/// The address of a server that is told no other.
const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);

/// Runs `command`, one that looks for a server.
pub(crate) fn run(command: Command, global: &Global) -> Result<()> {
    match command {
        // `cli::run` does these before.
        Command::Up(_) | Command::RootKey(_) | Command::Completions { .. } => Ok(()),
        Command::Env => env::run(global),
        Command::Doctor(args) => doctor::run(&args, global),
        Command::Demo(args) => demo::run(&args, global),
        Command::Status => connected(global, async |client, format| status::run(&client, format).await),
        Command::Accounts(args) => {
            connected(global, async |client, format| accounts::run(&client, args, global, format).await)
        }
        Command::Requests(args) => {
            connected(global, async |client, format| requests::run(&client, &args, format).await)
        }
        Command::Quotas(args) => connected(global, async |client, format| quotas::run(&client, args, format).await),
        Command::Iam(args) => connected(global, async |client, format| iam::run(&client, args, format).await),
        Command::Backup(Backup::Create { path, without_root_key }) => {
            connected(global, async |client, format| backup::create(&client, path, without_root_key, format).await)
        }
        // `cli::run` does these before.
        Command::Backup(_) => Ok(()),
        Command::Keys(args) => connected(global, async |client, format| keys::run(&client, args, format).await),
        Command::Models(args) => connected(global, async |client, format| models::run(&client, args, format).await),
        Command::Deploy(args) => connected(global, async |client, _| endpoints::deploy(&client, *args, global).await),
        Command::Endpoints(args) => connected(global, async |client, _| endpoints::run(&client, args, global).await),
        Command::Import(args) => connected(global, async |client, _| import::run(&client, args, global).await),
        Command::Batch(args) => connected(global, async |client, _| batch::run(&client, args, global).await),
        Command::Kb(args) => connected(global, async |client, _| kb::run(&client, args, global).await),
        Command::Eval(Eval::Convert(args)) => eval::convert::run(&args),
        Command::Eval(args) => connected(global, async |client, _| eval::run(&client, args, global).await),
        Command::Jobs(args) => connected(global, async |client, format| jobs::run(&client, args, format).await),
        Command::Chat(args) => connected(global, async |client, format| chat::run(&client, *args, format).await),
        Command::Invoke(args) => connected(global, async |client, _| invoke::run(&client, &args).await),
        Command::Score(args) => connected(global, async |client, format| score::run(&client, &args, format).await),
        Command::Embed(args) => connected(global, async |client, format| embed::run(&client, args, format).await),
    }
}

/// Runs a command that talks to the server.
fn connected(global: &Global, command: impl AsyncFnOnce(Client, Format) -> Result<()>) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let connection = Connection::find(global, |name| std::env::var(name).ok())?;
        command(Client::new(connection)?, global.output).await
    })
}

/// One path segment of a request.
pub(crate) fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
