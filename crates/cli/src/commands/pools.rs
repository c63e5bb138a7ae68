//! `craton models pool`.

use std::fs;

use anyhow::{Context as _, Result, anyhow, bail};
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Format, Pool};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Pool, format: Format) -> Result<()> {
    match command {
        Pool::List => list(client, format).await,
        Pool::Show { name } => {
            let pool = client.craton(Method::GET, &path(&name), None).await?;
            if format == Format::Json { output::json(&pool) } else { show(&pool) }
        }
        Pool::Set { name, members, queue } => {
            let members = members.iter().map(|text| member(text)).collect::<Result<Vec<Value>>>()?;
            let body = json!({ "members": members, "maxQueue": queue });
            let pool = client.craton(Method::PUT, &path(&name), Some(&body)).await?;
            if format == Format::Json {
                return output::json(&pool);
            }
            output::line(format!("{name} is set; `craton models alias set ID pool:{name}` lets it answer"))
        }
        Pool::Remove { name } => {
            client.craton(Method::DELETE, &path(&name), None).await?;
            if format == Format::Json {
                output::json(&json!({ "removed": name }))
            } else {
                output::line(format!("removed {name}"))
            }
        }
    }
}

fn path(name: &str) -> String {
    format!("/pools/{}", segment(name))
}

/// `URL=MODEL[,weight=N][,max=N][,region=NAME][,key-file=FILE|,no-key]`. A URL may have no comma and no `=`.
fn member(text: &str) -> Result<Value> {
    let mut parts = text.split(',');
    let first = parts.next().unwrap_or_default();
    let Some((url, model)) = first.split_once('=').filter(|(_, model)| !model.is_empty()) else {
        bail!("`{first}` is no member\nhint: give a URL and the server's name of the model: http://host:8000/v1=NAME");
    };
    let mut member = json!({ "baseUrl": url, "model": model });
    for part in parts {
        let number = |value: &str| value.parse::<u32>().map_err(|_| anyhow!("`{part}` is not a number"));
        match part.split_once('=').unwrap_or((part, "")) {
            ("weight", value) => member["weight"] = number(value)?.into(),
            ("max", value) => member["maxInFlight"] = number(value)?.into(),
            ("region", value) => member["region"] = value.into(),
            ("key-file", file) => {
                let key = fs::read_to_string(file).with_context(|| format!("cannot read the key in `{file}`"))?;
                member["apiKey"] = key.trim().into();
            }
            ("no-key", "") => member["apiKey"] = "".into(),
            _ => bail!(
                "`{part}` is nothing that a member has\nhint: there are weight=N, max=N, region=NAME, key-file=FILE, no-key"
            ),
        }
    }
    Ok(member)
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let answer = client.craton(Method::GET, "/pools", None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    let rows: Vec<[String; 5]> = items(&answer)
        .iter()
        .map(|pool| {
            let members = pool["members"].as_array().map_or(&[][..], Vec::as_slice);
            let sum = |name: &str| {
                let counts = members.iter().map(|member| member[name].as_u64());
                counts.sum::<Option<u64>>().map_or_else(|| "-".to_owned(), |sum| sum.to_string())
            };
            let well = members.iter().filter(|member| member["healthy"] != false).count();
            let queued = count(&pool["queued"]);
            [text(pool, "name"), format!("{well} of {}", members.len()), sum("inFlight"), queued, sum("requests")]
        })
        .collect();
    output::line(output::table(["NAME", "MEMBERS UP", "IN FLIGHT", "WAITING", "REQUESTS"], &rows))
}

fn show(pool: &Value) -> Result<()> {
    let waiting = format!("{} requests wait; up to {} of an account may", count(&pool["queued"]), pool["maxQueue"]);
    output::line(format!("{}: {waiting}", text(pool, "name")))?;
    let members = pool["members"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<[String; 9]> = members.iter().map(row).collect();
    let titles = ["MEMBER", "MODEL", "REGION", "HEALTH", "CIRCUIT", "WEIGHT", "IN FLIGHT", "FAILED", "FIRST TOKEN"];
    output::line(output::table(titles, &rows))?;
    for member in members.iter().filter(|member| member["healthy"] == false) {
        if let Some(error) = member["lastError"].as_str() {
            output::line(error)?;
        }
    }
    Ok(())
}

fn row(member: &Value) -> [String; 9] {
    let health = match member["healthy"].as_bool() {
        Some(true) => "up",
        Some(false) => "down",
        None => "not checked",
    };
    let first = member["firstTokenMillis"].as_f64().map_or_else(|| "-".to_owned(), |millis| format!("{millis:.0} ms"));
    [
        text(member, "baseUrl"),
        text(member, "model"),
        text(member, "region"),
        health.to_owned(),
        text(member, "circuit"),
        member["weight"].to_string(),
        format!("{} of {}", count(&member["inFlight"]), member["maxInFlight"]),
        format!("{} of {}", count(&member["failures"]), count(&member["requests"])),
        first,
    ]
}

/// A number; accounts that did not set the pool are not told it.
fn count(number: &Value) -> String {
    number.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[test]
    fn members_are_read_from_one_word() {
        let plain = member("http://h:1/v1=org/model:latest").unwrap();
        assert_eq!(plain, json!({ "baseUrl": "http://h:1/v1", "model": "org/model:latest" }));
        let full = member("http://h/v1=m,weight=2,max=9,region=eu,no-key").unwrap();
        let wanted = json!({
            "baseUrl": "http://h/v1", "model": "m", "weight": 2, "maxInFlight": 9, "region": "eu", "apiKey": "",
        });
        assert_eq!(full, wanted);
        for wrong in ["http://h/v1", "http://h/v1=", "http://h/v1=m,weight=x", "http://h/v1=m,speed=9"] {
            assert!(member(wrong).is_err(), "{wrong}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "sk-1\n").unwrap();
        assert_eq!(member(&format!("http://h/v1=m,key-file={}", file.display())).unwrap()["apiKey"], "sk-1");
    }

    #[test]
    fn what_another_account_is_not_told_is_a_dash() {
        let mut told = json!({
            "baseUrl": "http://h/v1", "model": "m", "region": null, "healthy": true, "circuit": "closed", "weight": 1,
            "maxInFlight": 64, "inFlight": 3, "requests": 9, "failures": 1, "firstTokenMillis": 12.4,
        });
        assert_eq!(row(&told)[6..], ["3 of 64", "1 of 9", "12 ms"]);
        for hidden in ["inFlight", "requests", "failures", "firstTokenMillis"] {
            told[hidden] = Value::Null;
        }
        assert_eq!(row(&told)[6..], ["- of 64", "- of -", "-"]);
    }

    #[tokio::test]
    async fn a_pool_is_set_with_its_members() {
        let (client, asked) = fake::server(&[(200, r#"{"name":"chat"}"#)]);
        let members = vec!["http://h/v1=m".to_owned()];
        let command = Pool::Set { name: "chat".to_owned(), members, queue: Some(7) };
        run(&client, command, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        assert!(asked[0].line.starts_with("PUT /craton/v1/pools/chat HTTP"), "{asked:?}");
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(body, json!({ "members": [{ "baseUrl": "http://h/v1", "model": "m" }], "maxQueue": 7 }));
    }
}
