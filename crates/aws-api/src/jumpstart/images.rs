//! Instance types and container images that specs name. A model runs in this server, whatever the image: the names are
//! those under which clients know how such a container is spoken to.

use models::{CardKind, HubModel};

/// Above so many parameters a model asks for several accelerators on AWS.
const LARGE: u64 = 10_000_000_000;

/// The instance types that a spec offers, the default first: those that AWS would run such a model on. How many replicas
/// an endpoint has is asked of this machine, not of them.
pub(super) fn instances(model: &HubModel) -> &'static [&'static str] {
    match model.kind {
        CardKind::Embedding => &["ml.g5.xlarge", "ml.g5.2xlarge", "ml.g6.xlarge", "ml.m5.xlarge", "ml.m5.2xlarge"],
        CardKind::Text if model.parameters >= LARGE => &[
            "ml.g6.12xlarge",
            "ml.g5.12xlarge",
            "ml.g6.24xlarge",
            "ml.g5.24xlarge",
            "ml.g5.48xlarge",
            "ml.p4d.24xlarge",
        ],
        CardKind::Text => {
            &["ml.g5.2xlarge", "ml.g5.xlarge", "ml.g5.4xlarge", "ml.g6.xlarge", "ml.g6.2xlarge", "ml.g6.12xlarge"]
        }
    }
}

/// The accelerators of the default instance, as the container is told.
pub(super) fn accelerators(model: &HubModel) -> u32 {
    if model.kind == CardKind::Text && model.parameters >= LARGE { 4 } else { 1 }
}

/// The image of the container that speaks as the model's endpoints do.
pub(super) fn image(model: &HubModel, region: &str) -> String {
    let image = match model.kind {
        CardKind::Text => "huggingface-pytorch-tgi-inference:2.4.0-tgi2.4.0-gpu-py311-cu124-ubuntu22.04",
        CardKind::Embedding => "huggingface-pytorch-inference:2.1.0-transformers4.37.0-gpu-py310-cu118-ubuntu20.04",
    };
    format!("763104351884.dkr.ecr.{region}.amazonaws.com/{image}")
}

/// The families of the instance types, such as `g5`.
pub(super) fn families(model: &HubModel) -> Vec<&'static str> {
    let mut families: Vec<&str> = instances(model).iter().filter_map(|name| name.split('.').nth(1)).collect();
    families.sort_unstable();
    families.dedup();
    families
}
