//! The credential report: every user of an account and what credentials each has, as a table in CSV.

mod store;

use base::{Error, ErrorKind, PageRequest, Result, Timestamp};

use super::signing_certificates;
use crate::credentials::access_keys::{AccessKey, LastUse, Status};
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::users::User;

/// The columns (IAM User Guide, "Credential reports").
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                      password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                      access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                      access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                      access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
                      cert_2_active,cert_2_last_rotated";
/// What stands where there is nothing.
const NOTHING: &str = "N/A";
/// How many users are read at once.
const BATCH: u32 = 500;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialReport {
    /// The table in CSV.
    pub content: String,
    /// When it was made.
    pub made: Timestamp,
}

impl Identity {
    /// Makes the account's report anew. Whether it is the account's first one: AWS tells then that it was started.
    ///
    /// # Errors
    /// The store's.
    pub async fn generate_credential_report(&self, ctx: &Ctx) -> Result<bool> {
        self.flush_last_used().await?;
        let mut lines = vec![HEADER.to_owned(), self.root_line(ctx).await?];
        let mut page = PageRequest { limit: BATCH, after: None };
        loop {
            let users = self.list_users(ctx, "/", &page).await?;
            for user in &users.items {
                lines.push(self.user_line(ctx, user).await?);
            }
            page.after = users.next_after;
            if page.after.is_none() {
                break;
            }
        }
        let report = CredentialReport { content: lines.join("\n"), made: self.0.clock.now() };
        store::put(&self.0.store, ctx.account(), &report).await
    }

    /// The report that was made last.
    ///
    /// # Errors
    /// Conflict (`ReportNotPresent`), where none was made.
    pub async fn credential_report(&self, ctx: &Ctx) -> Result<CredentialReport> {
        store::read(&self.0.store, ctx.account()).await?.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "No report exists. Call GenerateCredentialReport first.")
                .with_code("ReportNotPresent")
        })
    }

    async fn root_line(&self, ctx: &Ctx) -> Result<String> {
        let (made, keys) = store::root(&self.0.store, ctx.account()).await?;
        let mut fields = vec!["<root_account>".to_owned(), format!("arn:aws:iam::{}:root", ctx.account())];
        fields.push(time(made));
        fields
            .extend(["not_supported", "no_information", "not_supported", "not_supported", "false"].map(str::to_owned));
        fields.extend(self.key_fields(ctx, &keys).await?);
        fields.extend(["false", NOTHING, "false", NOTHING].map(str::to_owned));
        Ok(fields.join(","))
    }

    async fn user_line(&self, ctx: &Ctx, user: &User) -> Result<String> {
        let page = PageRequest { limit: BATCH, after: None };
        let mut keys = self.list_access_keys(ctx, Some(&user.name), &page).await?.items;
        keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        let certificates = signing_certificates::store::of_user(&self.0.store, &user.id).await?;
        let mut fields = vec![csv(&user.name), csv(&user.arn), time(user.created)];
        // Users have no passwords here.
        fields.extend(["false", NOTHING, NOTHING, NOTHING, "false"].map(str::to_owned));
        let ids: Vec<String> = keys.into_iter().map(|key| key.id).collect();
        fields.extend(self.key_fields(ctx, &ids).await?);
        for at in 0..2 {
            fields.extend(match certificates.get(at) {
                Some(one) => [(one.status == Status::Active).to_string(), time(one.created)],
                None => ["false".to_owned(), NOTHING.to_owned()],
            });
        }
        Ok(fields.join(","))
    }

    /// The ten fields of two access keys.
    async fn key_fields(&self, ctx: &Ctx, ids: &[String]) -> Result<Vec<String>> {
        let mut fields = Vec::new();
        for at in 0..2 {
            let key = match ids.get(at) {
                Some(id) => Some(self.access_key_last_used(ctx, id).await?),
                None => None,
            };
            fields.extend(of_key(key));
        }
        Ok(fields)
    }
}

fn of_key(key: Option<(AccessKey, LastUse)>) -> [String; 5] {
    let nothing = || NOTHING.to_owned();
    match key {
        Some((key, last)) => [
            (key.status == Status::Active).to_string(),
            time(key.created),
            key.last_used.map_or_else(nothing, time),
            last.region.unwrap_or_else(nothing),
            last.service.unwrap_or_else(nothing),
        ],
        None => ["false".to_owned(), nothing(), nothing(), nothing(), nothing()],
    }
}

/// A time as reports have it: `2024-05-01T10:20:30+00:00`.
fn time(at: Timestamp) -> String {
    let text = at.to_iso8601();
    let seconds = text.split(['.', 'Z']).next().unwrap_or(&text);
    format!("{seconds}+00:00")
}

/// A field, in quotes where a comma would end it: names of users may have commas.
fn csv(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
