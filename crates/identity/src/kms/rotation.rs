//! Changing a key's material: on demand and by time. What was encrypted before stays decryptable.

use ::store::crash::point;
use base::{Page, PageRequest, Timestamp};

use super::access::Want;
use super::error::{Code, Error, Result};
use super::key::{Manager, Rotation, RotationType};
use super::{KeyRef, Kms, store};
use crate::ctx::Ctx;

/// How often material changes where nothing is said, in days.
const DEFAULT_PERIOD: u32 = 365;

/// How often it can change, in days.
const PERIODS: std::ops::RangeInclusive<u32> = 90..=2_560;

/// The most rotations on demand of one key (KMS Developer Guide, "Quotas").
const MOST_ON_DEMAND: usize = 25;

/// How many keys one upkeep rotates at most before others get their turn.
const BATCH: i64 = 100;

const DAY: i64 = 24 * 3600;

/// One change of a key's material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRotation {
    /// When.
    pub time: Timestamp,
    /// What caused it.
    pub kind: RotationType,
}

impl Kms {
    /// Lets the key's material change by itself, every `period_days` (90 to 2,560; 365 where nothing is said).
    ///
    /// # Errors
    /// AccessDenied, NotFound, Disabled, InvalidState, Validation.
    pub async fn enable_rotation(&self, ctx: &Ctx, key: &KeyRef, period_days: Option<u32>) -> Result<()> {
        let period_days = period_days.unwrap_or(DEFAULT_PERIOD);
        let want = Want::write("EnableKeyRotation").key("kms:RotationPeriodInDays", period_days.to_string());
        let found = self.permitted(ctx, key, &want).await?;
        if !PERIODS.contains(&period_days) {
            let (least, most) = (PERIODS.start(), PERIODS.end());
            return Err(Error::validation(format!("RotationPeriodInDays must be between {least} and {most}.")));
        }
        found.loaded.usable()?;
        let next = self.0.0.clock.now().plus_seconds(i64::from(period_days) * DAY);
        let rotation = Rotation { period_days, next };
        store::set_rotation(&self.0.0.store, &found.loaded.key.id, Some(rotation)).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// Keeps the key's material from changing by itself.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Disabled, InvalidState.
    pub async fn disable_rotation(&self, ctx: &Ctx, key: &KeyRef) -> Result<()> {
        let found = self.permitted(ctx, key, &Want::write("DisableKeyRotation")).await?;
        found.loaded.usable()?;
        store::set_rotation(&self.0.0.store, &found.loaded.key.id, None).await?;
        self.0.0.kms.clear();
        Ok(())
    }

    /// The key's ARN, and how its material changes by itself, if it does.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn rotation_status(&self, ctx: &Ctx, key: &KeyRef) -> Result<(String, Option<Rotation>)> {
        let found = self.permitted(ctx, key, &Want::read("GetKeyRotationStatus").across_accounts()).await?;
        found.loaded.changeable()?;
        Ok((found.loaded.arn.clone(), found.loaded.key.rotation))
    }

    /// Changes the key's material now. The key's ARN.
    ///
    /// # Errors
    /// AccessDenied, NotFound, Disabled, InvalidState; LimitExceeded after 25 times.
    pub async fn rotate_on_demand(&self, ctx: &Ctx, key: &KeyRef) -> Result<String> {
        let found = self.permitted(ctx, key, &Want::write("RotateKeyOnDemand")).await?;
        found.loaded.usable()?;
        let loaded = &found.loaded;
        if loaded.key.manager == Manager::Aws {
            return Err(Error::new(Code::UnsupportedOperation, "AWS managed keys cannot be rotated on demand."));
        }
        let on_demand = loaded.backing.iter().filter(|backing| backing.rotation == Some(RotationType::OnDemand));
        if on_demand.count() >= MOST_ON_DEMAND {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("The key was rotated on demand {MOST_ON_DEMAND} times already."),
            ));
        }
        let backing = self.new_backing(&loaded.key, Some(RotationType::OnDemand))?;
        point("kms.rotation.before");
        store::rotate(&self.0.0.store, &loaded.key.id, &backing, None).await?;
        point("kms.rotation.after");
        self.0.0.kms.clear();
        Ok(loaded.arn.clone())
    }

    /// The changes of the key's material, the latest first.
    ///
    /// # Errors
    /// AccessDenied, NotFound; InvalidState, where the key is to be deleted.
    pub async fn list_rotations(&self, ctx: &Ctx, key: &KeyRef, page: &PageRequest) -> Result<Page<PastRotation>> {
        let found = self.permitted(ctx, key, &Want::read("ListKeyRotations")).await?;
        found.loaded.changeable()?;
        let done: usize = page
            .after
            .as_deref()
            .unwrap_or("0")
            .parse()
            .map_err(|_| Error::new(Code::InvalidMarker, "The marker is invalid."))?;
        let past = found
            .loaded
            .backing
            .iter()
            .rev()
            .filter_map(|backing| backing.rotation.map(|kind| PastRotation { time: backing.since, kind }));
        let past: Vec<_> = past.skip(done).take(page.limit as usize + 1).collect();
        let after = (done + page.limit as usize).to_string();
        Ok(Page::cut(page, past, |_| after.clone()))
    }

    /// Changes the material of the keys whose time has come: maintenance.
    pub(crate) async fn rotate_due_keys(&self) -> base::Result<()> {
        let now = self.0.0.clock.now();
        loop {
            let due = store::due_for_rotation(&self.0.0.store, now, BATCH).await?;
            for key in &due {
                let Some(rotation) = key.rotation else { continue };
                let backing = self.new_backing(key, Some(RotationType::Automatic))?;
                let next = now.plus_seconds(i64::from(rotation.period_days) * DAY);
                point("kms.rotation.before");
                store::rotate(&self.0.0.store, &key.id, &backing, Some((rotation.next, next))).await?;
                point("kms.rotation.after");
                self.0.0.kms.clear();
            }
            if due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }
}
