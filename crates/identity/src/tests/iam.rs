//! Policies, roles, groups and what they let callers do.

mod account;
mod credentials;
mod enforcement;
mod groups;
mod inline_policies;
mod instance_profiles;
mod policies;
mod principals;
mod roles;
mod tags;

use super::*;
use crate::iam::policies::{NewPolicy, Policy};
use crate::iam::roles::{NewRole, Role};

const TRUSTS_BEDROCK: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"bedrock.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

fn allowing(action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
}

fn denying(action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}"#)
}

fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

impl Deployment {
    async fn policy(&self, name: &str, document: &str) -> Policy {
        let new = NewPolicy { name: name.to_owned(), document: document.to_owned(), ..NewPolicy::default() };
        self.identity.create_policy(&self.ctx, new).await.unwrap()
    }

    async fn role(&self, name: &str, trust: &str) -> Role {
        let new = NewRole { name: name.to_owned(), trust: trust.to_owned(), ..NewRole::default() };
        self.identity.create_role(&self.ctx, new).await.unwrap()
    }

    async fn may(&self, ctx: &Ctx, action: &str) -> bool {
        refusal(self, ctx, action, "*").await.is_none()
    }
}

fn code<T>(result: Result<T>) -> (ErrorKind, Option<&'static str>) {
    let error = result.err().expect("an error");
    (error.kind, error.code)
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").message
}
