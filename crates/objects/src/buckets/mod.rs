//! Buckets: made, listed, removed.

pub(crate) mod cors;
pub(crate) mod lookup;
mod names;
pub(crate) mod policy;
mod policy_status;
pub(crate) mod settings;
pub(crate) mod store;

use base::{AccountId, Region, Result as BaseResult, Timestamp};
use identity::{Access, Ctx, Principal};

use crate::error::{Code, Error, Result};
use crate::listing::successor;
use crate::locks::LockConfiguration;
use crate::open::Objects;
use crate::tags::{self, Pairs};
use settings::PublicAccessBlock;
use store::{BucketRow, ListQuery, Settings};

/// How many buckets an account may have (S3's default quota).
const MOST_BUCKETS: i64 = 10_000;

/// Which bucket a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRef {
    /// The bucket's name.
    pub name: String,
    /// The account that the caller takes for its owner; any other is refused.
    pub expected_owner: Option<String>,
}

impl BucketRef {
    /// The bucket `name`, whoever owns it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), expected_owner: None }
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name, unique among all accounts.
    pub name: String,
    /// The account that it belongs to.
    pub owner: AccountId,
    /// The region that it was made in.
    pub region: Region,
    /// When it was made.
    pub created: Timestamp,
}

impl Bucket {
    /// The bucket's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }
}

/// Whether a bucket keeps the versions of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    Unversioned,
    /// It does.
    Enabled,
    /// It did; new objects have the version `null`.
    Suspended,
}

impl Versioning {
    /// S3's name; empty where it was never set.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unversioned => "",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    fn parse(text: &str) -> BaseResult<Self> {
        let all = [Self::Unversioned, Self::Enabled, Self::Suspended];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| base::Error::internal(format!("versioning `{text}`")))
    }
}

/// A bucket to be made.
#[derive(Debug, Clone, Default)]
pub struct NewBucket {
    /// Its name.
    pub name: String,
    /// `LocationConstraint`: the region, where it is not `us-east-1`.
    pub location: Option<String>,
    /// `x-amz-object-ownership`; only `BucketOwnerEnforced` exists here.
    pub ownership: Option<String>,
    /// Whether an access control list other than `private` was given.
    pub acl: bool,
    /// Whether it has object lock, and keeps versions therefore.
    pub object_lock: bool,
    /// The bucket's tags.
    pub tags: Pairs,
}

/// Which of the caller's buckets are asked for.
#[derive(Debug, Clone, Default)]
pub struct ListBuckets {
    /// Only names that begin with it.
    pub prefix: Option<String>,
    /// Only those of that region.
    pub region: Option<String>,
    /// How many at most: 1 to 10,000.
    pub limit: Option<u32>,
    /// Where the page before ended.
    pub token: Option<String>,
}

/// Some of an account's buckets, by name.
#[derive(Debug, Clone)]
pub struct BucketPage {
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// The account.
    pub owner: AccountId,
    /// Where the next page begins, if there is one.
    pub next_token: Option<String>,
}

impl Objects {
    /// Makes a bucket in the caller's account. Like AWS, `us-east-1` answers success to an owner who makes it again.
    ///
    /// # Errors
    /// InvalidBucketName, BucketAlreadyOwnedByYou, BucketAlreadyExists, TooManyBuckets, those of a location that does
    /// not fit, AccessControlListNotSupported, InvalidTag, AccessDenied.
    pub async fn create_bucket(&self, ctx: &Ctx, new: NewBucket) -> Result<Bucket> {
        names::check(&new.name)?;
        let region = location(ctx.region(), new.location.as_deref())?;
        tags::check_bucket(&new.tags)?;
        let arn = format!("arn:aws:s3:::{}", new.name);
        let mut ask = identity::Ask::new("s3:CreateBucket", &arn)
            .owned_by(ctx.account().clone())
            .key("s3:locationconstraint", region.as_str());
        if !new.tags.is_empty() {
            ask = ask.request_tags(&new.tags);
        }
        self.identity().permit(ctx, &ask, Access::Write).await?;
        if new.object_lock {
            for action in ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"] {
                let ask = identity::Ask::new(action, &arn).owned_by(ctx.account().clone());
                self.identity().permit(ctx, &ask, Access::Write).await?;
            }
        }
        if new.acl {
            return Err(settings::no_acls());
        }
        settings::check_ownership(new.ownership.as_deref())?;
        if store::count(self.store(), ctx.account()).await? >= MOST_BUCKETS {
            return Err(Error::new(Code::TooManyBuckets, "You have attempted to create more buckets than allowed"));
        }
        let bucket = Bucket { name: new.name, owner: ctx.account().clone(), region, created: self.now() };
        let settings = Settings {
            public_access: Some(settings::to_json(&PublicAccessBlock::ALL)?),
            tags: if new.tags.is_empty() { None } else { Some(settings::to_json(&new.tags)?) },
            ownership: Some("BucketOwnerEnforced".to_owned()),
            object_lock: new.object_lock.then(|| settings::to_json(&LockConfiguration::default())).transpose()?,
            ..Settings::default()
        };
        let versioning = if new.object_lock { Versioning::Enabled } else { Versioning::Unversioned };
        let row = BucketRow { bucket, versioning, policy: None, principals: None, settings };
        match store::insert(self.store(), &row).await? {
            None => Ok(row.bucket),
            Some(taken) => taken_by(ctx, taken.bucket),
        }
    }

    /// Removes an empty bucket; unfinished multipart uploads go with it.
    ///
    /// # Errors
    /// BucketNotEmpty, NoSuchBucket, AccessDenied.
    pub async fn delete_bucket(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:DeleteBucket", Access::Write).await?;
        store::delete(self.store(), &row.bucket.name, self.now()).await?;
        self.nudge();
        Ok(())
    }

    /// The buckets of the caller's account, by name.
    ///
    /// # Errors
    /// InvalidArgument, for a limit out of range or a token that is none; AccessDenied.
    pub async fn list_buckets(&self, ctx: &Ctx, asked: &ListBuckets) -> Result<BucketPage> {
        let ask = identity::Ask::new("s3:ListAllMyBuckets", "*").owned_by(ctx.account().clone());
        self.identity().permit(ctx, &ask, Access::Read).await?;
        let limit = asked.limit.unwrap_or(10_000);
        if !(1..=10_000).contains(&limit) {
            return Err(Error::invalid_argument("Argument max-buckets must be an integer between 1 and 10000"));
        }
        let page = base::PageRequest::from_token(limit, asked.token.as_deref())
            .map_err(|_| Error::invalid_argument("The continuation token provided is incorrect"))?;
        let prefix = asked.prefix.as_deref().unwrap_or_default();
        let end = successor(prefix);
        let query = ListQuery {
            account: ctx.account(),
            region: asked.region.as_deref(),
            from: prefix,
            to: end.as_deref(),
            after: page.after.as_deref(),
            limit: i64::from(limit) + 1,
        };
        let found = store::list(self.store(), &query).await?;
        let page = base::Page::cut(&page, found, |bucket| bucket.name.clone());
        let next_token = page.next_token();
        Ok(BucketPage { buckets: page.items, owner: ctx.account().clone(), next_token })
    }

    /// The bucket, for a caller who may list it.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn head_bucket(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<Bucket> {
        Ok(self.bucket(ctx, bucket, "s3:ListBucket", Access::Read).await?.bucket)
    }

    /// The bucket's region; `None` for `us-east-1`.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn bucket_location(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<Option<String>> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketLocation", Access::Read).await?;
        let region = row.bucket.region.as_str();
        Ok((region != "us-east-1").then(|| region.to_owned()))
    }

    /// The bucket, for a caller who may do `action` to it, such as `s3:GetLifecycleConfiguration`: for reading settings
    /// that buckets here do not have.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn bucket_for(&self, ctx: &Ctx, bucket: &BucketRef, action: &str) -> Result<Bucket> {
        Ok(self.bucket(ctx, bucket, action, Access::Read).await?.bucket)
    }

    /// The bucket's row, for a caller who may do `action` to it.
    pub(crate) async fn bucket(
        &self,
        ctx: &Ctx,
        bucket: &BucketRef,
        action: &str,
        access: Access,
    ) -> Result<BucketRow> {
        let row = self.known_bucket(ctx, bucket, action).await?;
        let ask = self.ask_bucket(ctx, &row, action)?;
        self.identity().permit(ctx, &ask, access).await?;
        self.check_owner(&row, bucket)?;
        Ok(row)
    }

    /// The bucket's row, unchecked. Of a bucket that does not exist learns only who might do `action` to it.
    pub(crate) async fn known_bucket(&self, ctx: &Ctx, bucket: &BucketRef, action: &str) -> Result<BucketRow> {
        if let Some(row) = store::read(self.store(), &bucket.name).await? {
            return self.with_present_principals(row).await;
        }
        // The policies of the caller's account come first (S3 User Guide, "How Amazon S3 authorizes a request"); a
        // stranger has none.
        if !matches!(ctx.principal(), Principal::Anonymous { .. }) {
            let arn = format!("arn:aws:s3:::{}", bucket.name);
            let ask = identity::Ask::new(action, arn).owned_by(ctx.account().clone());
            self.identity().permit(ctx, &ask, Access::Read).await?;
        }
        Err(Error::no_such_bucket(&bucket.name))
    }

    /// # Errors
    /// AccessDenied, where the caller expected another owner.
    pub(crate) fn check_owner(&self, row: &BucketRow, bucket: &BucketRef) -> Result<()> {
        let Some(expected) = &bucket.expected_owner else { return Ok(()) };
        if expected.parse::<AccountId>().is_err() {
            return Err(Error::new(
                Code::InvalidBucketOwnerAWSAccountID,
                "The value of the expected bucket owner parameter must be an AWS account ID",
            ));
        }
        if expected != row.bucket.owner.as_str() {
            return Err(Error::new(Code::AccessDenied, "Access Denied")
                .with_hint("The bucket does not belong to the expected owner."));
        }
        Ok(())
    }
}

/// The answer to a name that is taken.
fn taken_by(ctx: &Ctx, taken: Bucket) -> Result<Bucket> {
    if taken.owner != *ctx.account() {
        return Err(Error::new(
            Code::BucketAlreadyExists,
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Please select a different name and try again.",
        ));
    }
    if ctx.region().as_str() == "us-east-1" && taken.region.as_str() == "us-east-1" {
        return Ok(taken);
    }
    Err(Error::new(
        Code::BucketAlreadyOwnedByYou,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ))
}

/// The regions of AWS (AWS General Reference, "Amazon S3 endpoints"). A client may be set to another one, such as
/// `local`; then its buckets are there.
const REGIONS: [&str; 38] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// The region of a bucket that is made through `called` (S3 API Reference, "CreateBucket").
fn location(called: &Region, constraint: Option<&str>) -> Result<Region> {
    let illegal = |constraint: &str| {
        Error::new(
            Code::IllegalLocationConstraintException,
            format!(
                "The {constraint} location constraint is incompatible for the region specific endpoint this request was \
                 sent to."
            ),
        )
    };
    let invalid = || Error::new(Code::InvalidLocationConstraint, "The specified location-constraint is not valid");
    match (called.as_str(), constraint.filter(|constraint| !constraint.is_empty())) {
        ("us-east-1", None) => Ok(called.clone()),
        (_, None) => Err(illegal("unspecified")),
        ("us-east-1", Some("us-east-1")) => Err(invalid()),
        (_, Some("EU")) => "eu-west-1".parse().map_err(|_| invalid()),
        (called_name, Some(constraint)) => {
            let region: Region = constraint.parse().map_err(|_| invalid())?;
            if region == *called {
                return Ok(region);
            }
            match called_name {
                "us-east-1" if REGIONS.contains(&constraint) => Ok(region),
                "us-east-1" => Err(invalid()),
                _ => Err(illegal(constraint)),
            }
        }
    }
}
