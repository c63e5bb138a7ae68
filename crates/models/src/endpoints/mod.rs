//! Endpoints: models that are hosted, each variant with a deployment of its own in the pool of loaded models.
//!
//! A *model* names weights ([`Source`]), an *endpoint configuration* variants, and an *endpoint* hosts them. Its row says
//! what is to be; [`lifecycle`] brings that about, and goes on with it after a restart. A variant's replicas are those of one
//! deployment: to change their number another deployment is loaded, from the same mapped weights, and takes over. Requests
//! that run keep the one they began on.

mod asynchronous;
mod bucket;
mod catalogue;
mod deploy;
mod driving;
mod figures;
mod instance_types;
mod invoke;
mod lifecycle;
mod live;
mod market;
mod metrics;
mod ownership;
mod resource;
mod running;
mod scaling;
mod store;
mod weights;

#[cfg(test)]
mod asynchronous_tests;
#[cfg(test)]
mod mending_tests;
#[cfg(test)]
mod ownership_tests;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;

pub use asynchronous::{AcceptedInvocation, Asynchronous, LaterInvocation};
pub(crate) use asynchronous::{AsynchronousHandler, JOB_KIND};
pub use catalogue::{HostingFilter, HostingOrder, NewEndpointConfig, NewHostedModel};
pub use figures::{EndpointFigures, Spread, VariantFigures};
pub use invoke::EndpointTarget;
pub use lifecycle::{EndpointChange, NewEndpoint, Retained, VariantWish};
pub(crate) use live::{Invocation, Registry};
pub use market::{MarketWish, NewMarketEndpoint};
pub use resource::{
    Endpoint, EndpointConfig, EndpointStatus, EndpointVariant, Hosted, HostedModel, HostingKind, Market, Pending,
    Rollout, VariantSpec,
};
pub use running::Hosting;
pub use scaling::Scaling;
pub(crate) use store::TABLES;
pub use weights::{Container, Served as ServedModel, Source};

/// The principal of the service that hosts models.
const SERVICE: &str = "sagemaker.amazonaws.com";
