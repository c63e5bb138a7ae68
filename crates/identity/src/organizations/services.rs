//! The services that the management account lets work in the whole organization. What is enabled is kept and listed; no
//! service here does anything in accounts of an organization by itself.

use base::{Page, PageRequest, Timestamp};

use super::refusal::{Refusal, Result};
use super::{Intent, page, store};
use crate::ctx::Ctx;
use crate::open::Identity;

/// The services that can be enabled (Organizations User Guide, "AWS services that you can use with AWS Organizations").
const SERVICES: &[&str] = &[
    "access-analyzer",
    "account",
    "auditmanager",
    "aws-artifact-account-sync",
    "backup",
    "cloudtrail",
    "compute-optimizer",
    "config",
    "config-multiaccountsetup",
    "controltower",
    "cost-optimization-hub.bcm",
    "detective",
    "devops-guru",
    "ds",
    "fms",
    "guardduty",
    "health",
    "iam",
    "inspector2",
    "ipam",
    "license-manager",
    "license-manager-linux-subscriptions",
    "license-manager.member-account",
    "license-management.marketplace",
    "macie",
    "malware-protection.guardduty",
    "member.org.stacksets.cloudformation",
    "networkmanager",
    "notifications",
    "opsdatasync.ssm",
    "ram",
    "reachabilityanalyzer.networkinsights",
    "reporting.trustedadvisor",
    "resource-explorer-2",
    "securityhub",
    "securitylake",
    "servicecatalog",
    "servicequotas",
    "ssm",
    "sso",
    "storage-lens.s3",
    "tagpolicies.tag",
    "wellarchitected",
];

/// A service that may work in the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnabledService {
    /// `config.amazonaws.com`
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

impl Identity {
    /// Lets a service work in the organization; one that may already is no error.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`; `InvalidInputException`, where there is no such service.
    pub async fn enable_service_access(&self, ctx: &Ctx, service: &str) -> Result<()> {
        let intent = Intent::write("organizations:EnableAWSServiceAccess", &[]);
        let organization = self.manage(ctx, intent).await?;
        check(service)?;
        Ok(store::enable_service(&self.0.store, &organization.id, service, self.0.clock.now()).await?)
    }

    /// Lets a service work in the organization no more; one that may not is no error.
    ///
    /// # Errors
    /// As [`Identity::enable_service_access`].
    pub async fn disable_service_access(&self, ctx: &Ctx, service: &str) -> Result<()> {
        let intent = Intent::write("organizations:DisableAWSServiceAccess", &[]);
        let organization = self.manage(ctx, intent).await?;
        check(service)?;
        Ok(store::disable_service(&self.0.store, &organization.id, service).await?)
    }

    /// The services that may work in the organization, by name.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_service_access(&self, ctx: &Ctx, request: &PageRequest) -> Result<Page<EnabledService>> {
        let intent = Intent::read("organizations:ListAWSServiceAccessForOrganization", &[]);
        let organization = self.manage(ctx, intent).await?;
        let services = store::enabled_services(&self.0.store, &organization.id).await?;
        Ok(page(request, services.into_iter(), |service| service.name.clone()))
    }
}

fn check(service: &str) -> Result<()> {
    let name = service.strip_suffix(".amazonaws.com");
    if name.is_some_and(|name| SERVICES.contains(&name)) {
        return Ok(());
    }
    let message = "You specified an unrecognized service principal.";
    Err(Refusal::input("UNRECOGNIZED_SERVICE_PRINCIPAL", message))
}
