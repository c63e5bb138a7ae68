//! Object lock: of buckets, of versions, and in the headers of uploads.

use std::time::{Duration, UNIX_EPOCH};

use objects::{DefaultRetention as Default_, LockConfiguration, ObjectLock, Period, Retention, RetentionMode};
use s3s::dto::*;

use super::Craton;
use super::convert::{bucket, malformed_xml, timestamp};
use super::errors::Told;
use super::table::{Asked, Done, done};
use super::tags::object;

pub(crate) async fn put_configuration(
    s3: &Craton,
    asked: Asked<PutObjectLockConfigurationInput>,
) -> Done<PutObjectLockConfigurationOutput> {
    let Asked { ctx, input, .. } = asked;
    let wanted = input
        .object_lock_configuration
        .ok_or_else(|| Told::new(400, "MissingRequestBodyError", "Request Body is empty"))?;
    if wanted.object_lock_enabled.as_ref().map(ObjectLockEnabled::as_str) != Some("Enabled") {
        return Err(malformed_xml());
    }
    let default = wanted.rule.map(|rule| rule.default_retention.ok_or_else(malformed_xml)).transpose()?;
    let lock = LockConfiguration { default: default.map(default_retention).transpose()? };
    s3.objects.put_lock_configuration(&ctx, &bucket(input.bucket, input.expected_bucket_owner), lock).await?;
    done(PutObjectLockConfigurationOutput::default())
}

fn default_retention(asked: DefaultRetention) -> Result<Default_, Told> {
    let mode = asked.mode.as_ref().and_then(|mode| RetentionMode::of(mode.as_str())).ok_or_else(malformed_xml)?;
    // A period of less than a day is refused by its value, not as a number that is none.
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    let period = match (asked.days, asked.years) {
        (Some(days), None) => Period::Days(count(days)),
        (None, Some(years)) => Period::Years(count(years)),
        _ => return Err(malformed_xml()),
    };
    Ok(Default_ { mode, period })
}

pub(crate) async fn configuration(
    s3: &Craton,
    asked: Asked<GetObjectLockConfigurationInput>,
) -> Done<GetObjectLockConfigurationOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.lock_configuration(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let rule = found.default.map(|default| {
        let number = |count: u32| Some(i32::try_from(count).unwrap_or(i32::MAX));
        let (days, years) = match default.period {
            Period::Days(days) => (number(days), None),
            Period::Years(years) => (None, number(years)),
        };
        let mode = Some(ObjectLockRetentionMode::from_static(default.mode.as_str()));
        ObjectLockRule { default_retention: Some(DefaultRetention { days, mode, years }) }
    });
    let object_lock_enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    done(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(ObjectLockConfiguration { object_lock_enabled, rule }),
    })
}

pub(crate) async fn put_retention(
    s3: &Craton,
    asked: Asked<PutObjectRetentionInput>,
) -> Done<PutObjectRetentionOutput> {
    let Asked { ctx, input, .. } = asked;
    let wanted = input.retention.ok_or_else(|| Told::new(400, "MissingRequestBodyError", "Request Body is empty"))?;
    let retention = match (wanted.mode, wanted.retain_until_date) {
        (Some(mode), Some(until)) => Some(Retention {
            mode: RetentionMode::of(mode.as_str()).ok_or_else(malformed_xml)?,
            until_ms: timestamp(until).as_millis(),
        }),
        (None, None) => None,
        _ => return Err(malformed_xml()),
    };
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    s3.objects.put_retention(&ctx, &object, retention, bypass).await?;
    done(PutObjectRetentionOutput::default())
}

pub(crate) async fn retention(s3: &Craton, asked: Asked<GetObjectRetentionInput>) -> Done<GetObjectRetentionOutput> {
    let Asked { ctx, input, .. } = asked;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let found = s3.objects.retention(&ctx, &object).await?;
    let retention = ObjectLockRetention {
        mode: Some(ObjectLockRetentionMode::from_static(found.mode.as_str())),
        retain_until_date: Some(until(&found)),
    };
    done(GetObjectRetentionOutput { retention: Some(retention) })
}

pub(crate) async fn put_legal_hold(
    s3: &Craton,
    asked: Asked<PutObjectLegalHoldInput>,
) -> Done<PutObjectLegalHoldOutput> {
    let Asked { ctx, input, .. } = asked;
    let wanted = input.legal_hold.ok_or_else(|| Told::new(400, "MissingRequestBodyError", "Request Body is empty"))?;
    let hold = wanted.status.as_ref().and_then(|status| held(status.as_str())).ok_or_else(malformed_xml)?;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    s3.objects.put_legal_hold(&ctx, &object, hold).await?;
    done(PutObjectLegalHoldOutput::default())
}

pub(crate) async fn legal_hold(s3: &Craton, asked: Asked<GetObjectLegalHoldInput>) -> Done<GetObjectLegalHoldOutput> {
    let Asked { ctx, input, .. } = asked;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let status = status(s3.objects.legal_hold(&ctx, &object).await?);
    done(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status: Some(status) }) })
}

fn held(status: &str) -> Option<bool> {
    match status {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => None,
    }
}

fn status(hold: bool) -> ObjectLockLegalHoldStatus {
    ObjectLockLegalHoldStatus::from_static(if hold { "ON" } else { "OFF" })
}

fn until(retention: &Retention) -> Timestamp {
    let ms = u64::try_from(retention.until_ms).unwrap_or(0);
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(ms))
}

/// What an upload's headers ask for.
pub(crate) fn asked(
    mode: Option<&ObjectLockMode>,
    until: Option<Timestamp>,
    hold: Option<&ObjectLockLegalHoldStatus>,
) -> Result<ObjectLock, Told> {
    let invalid = |message: &str| Told::new(400, "InvalidArgument", message);
    let retention = match (mode, until) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(Retention {
            mode: RetentionMode::of(mode.as_str()).ok_or_else(|| invalid("Unknown wormMode directive."))?,
            until_ms: timestamp(until).as_millis(),
        }),
        _ => {
            return Err(invalid(
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            ));
        }
    };
    let hold =
        hold.map(|hold| held(hold.as_str()).ok_or_else(|| invalid("Legal Hold must be either of 'ON' or 'OFF'")));
    Ok(ObjectLock { retention, legal_hold: hold.transpose()? })
}

/// What an upload's headers ask for, from the fields of any of s3s's structures.
macro_rules! lock_in {
    ($input:expr) => {
        $crate::s3::locks::asked(
            $input.object_lock_mode.as_ref(),
            $input.object_lock_retain_until_date.take(),
            $input.object_lock_legal_hold_status.as_ref(),
        )
    };
}
pub(crate) use lock_in;

/// What an answer says of what protects its object: mode, date, hold.
pub(crate) type LockOut = (Option<ObjectLockMode>, Option<Timestamp>, Option<ObjectLockLegalHoldStatus>);

/// What an answer says of what protects its object.
pub(crate) fn told(lock: &ObjectLock) -> LockOut {
    let mode = lock.retention.map(|retention| ObjectLockMode::from_static(retention.mode.as_str()));
    (mode, lock.retention.as_ref().map(until), lock.legal_hold.map(status))
}
