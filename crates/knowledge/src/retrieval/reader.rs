//! Who reads: by which names, and in which groups, resolved anew for each query.

use std::collections::BTreeSet;

use base::{Arn, ErrorKind, PageRequest, Result};
use identity::{Ctx, Principal};
use search::Caller;

use crate::documents::chunk::caller;
use crate::open::Knowledge;

/// Groups that are read at once; AWS lets a user be in ten.
const GROUPS: u32 = 100;
/// The tag of a session of a role, or of the role, that names the groups it is in, with blanks between them. The session's takes
/// the place of the role's, an empty one too: whoever may set either grants documents, or leaves a group that is denied them.
const GROUPS_TAG: &str = "groups";

impl Knowledge {
    /// The user that the application names, or else the caller, as the index takes them.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn reader(&self, ctx: &Ctx, user: Option<&str>) -> Result<Caller> {
        let (mut names, mut groups) = (BTreeSet::new(), BTreeSet::new());
        let user = match user {
            Some(user) => {
                names.insert(user.to_owned());
                Some(user_name(ctx, user).unwrap_or(user).to_owned())
            }
            None => {
                names.insert(ctx.principal().arn());
                if let Principal::Role(session) = ctx.principal() {
                    let role = &session.role;
                    names.insert(format!("arn:aws:iam::{}:role{}{}", role.account, role.path, role.role_name));
                    names.insert(role.role_name.clone());
                    let tagged = role.tags.iter().filter(|(key, _)| key == GROUPS_TAG);
                    groups.extend(tagged.flat_map(|(_, value)| value.split_whitespace()).map(str::to_owned));
                }
                ctx.principal().user_name().map(str::to_owned)
            }
        };
        if let Some(name) = user {
            match self.inner.identity.get_user(ctx, Some(&name)).await {
                Ok(found) => {
                    names.extend([found.name, found.arn]);
                    let page = PageRequest { limit: GROUPS, after: None };
                    let found = self.inner.identity.list_groups_for_user(ctx, &name, &page).await?;
                    groups.extend(found.items.into_iter().map(|group| group.name));
                }
                // The application's users need be none of ours.
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(caller(&names, &groups))
    }
}

/// The name of the account's user that an ARN names.
fn user_name<'a>(ctx: &Ctx, arn: &'a str) -> Option<&'a str> {
    let parsed: Arn = arn.parse().ok()?;
    let is_user = parsed.service == "iam" && parsed.account == ctx.account().as_str();
    (is_user && parsed.resource.starts_with("user/")).then(|| arn.rsplit('/').next()).flatten()
}
