//! `craton accounts`.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use crate::args::{Accounts, Format, Global};
use crate::client::Client;
use crate::connection::{Credentials, write_credentials};
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Accounts, global: &Global, format: Format) -> Result<()> {
    match command {
        Accounts::List => list(client, format).await,
        Accounts::Create { id } => create(client, id, global, format).await,
    }
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let accounts = client.listing("/accounts").await?;
    if format == Format::Json {
        return output::json(&accounts);
    }
    let row = |account: &Value| {
        let manages = if account["management"] == true { "the deployment" } else { "" };
        [text(account, "accountId"), text(account, "createdAt"), manages.to_owned()]
    };
    let rows: Vec<[String; 3]> = items(&accounts).iter().map(row).collect();
    output::line(output::table(["ACCOUNT", "CREATED", "MANAGES"], &rows))
}

async fn create(client: &Client, id: Option<String>, global: &Global, format: Format) -> Result<()> {
    let body = id.map_or_else(|| json!({}), |id| json!({ "accountId": id }));
    let answer = client.craton(Method::POST, "/accounts", Some(&body)).await?;
    let credentials: Credentials =
        serde_json::from_value(answer.clone()).context("the server's answer holds no access key")?;
    // The server shows the secret only now; its data folder, where it is on this machine, keeps it for `craton env --account`.
    let kept = client.is_of_data_folder() && write_credentials(global.data(), &credentials).is_ok();
    if format == Format::Json {
        return output::json(&answer);
    }
    output::line(format!("account            {}", credentials.account_id))?;
    output::line(format!("access key id      {}", credentials.access_key_id))?;
    output::line(format!("secret access key  {}", credentials.secret_access_key))?;
    if kept {
        output::note(&format!("Kept in the data folder: eval \"$(craton env --account {})\"", credentials.account_id));
    } else {
        output::note("The secret is shown only now.");
    }
    Ok(())
}
