//! Which weights a container names, and which pulled or imported model that is.

use std::collections::BTreeMap;

use base::{Error, Result};
use identity::Ctx;
use serde::{Deserialize, Serialize};

use super::catalogue::NewHostedModel;
use super::resource::{self, EndpointStatus, EndpointVariant, Hosted};
use super::store::{self, Scope};
use crate::catalogue::Origin;
use crate::loaded::{Sources, Weights};
use crate::{HubModel, ImportedModel, Models, bucket_region};

/// The variables that name a model.
const OWN_VARIABLE: &str = "CRATON_MODEL_ID";
const HUB_VARIABLE: &str = "HF_MODEL_ID";
/// The repositories of the images whose work the engine does: the serving containers of AWS and their publishers.
const SERVING_IMAGES: &[&str] = &[
    "huggingface-pytorch-tgi-inference",
    "huggingface-pytorch-inference",
    "huggingface-pytorch-inference-neuronx",
    "huggingface-vllm-inference",
    "djl-inference",
    "vllm",
    "vllm-openai",
    "tei",
    "tei-cpu",
    "text-generation-inference",
    "text-embeddings-inference",
];

/// What a container says.
#[derive(Debug, Clone, Default)]
pub struct Container {
    /// The image.
    pub image: Option<String>,
    /// Where the weights lie: `s3://…`.
    pub location: Option<String>,
    /// Whether the licence's terms are accepted, where that is said.
    pub eula: Option<bool>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

/// Which weights a hosted model has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Those of a model of the hub, by its id there.
    Hub(String),
    /// Those of a model of the catalogue or the library, by its name.
    Local(String),
    /// Those of an imported model, by its ARN.
    Imported(String),
    /// Those that were imported from a bucket to be hosted.
    Bucket {
        /// Where they lie: `s3://…`.
        uri: String,
        /// The ARN of the job that imports them.
        job: String,
        /// The ARN of the imported model.
        model: String,
    },
}

impl Source {
    /// The ARN of the imported model, where it is one.
    #[must_use]
    pub fn imported(&self) -> Option<&str> {
        match self {
            Self::Imported(arn) => Some(arn),
            Self::Bucket { model, .. } => Some(model),
            Self::Hub(_) | Self::Local(_) => None,
        }
    }
}

/// The model that answers for a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Its name: a pulled model's, or an imported model's.
    pub name: String,
    /// Whether that is another model than the one that was named.
    pub substituted: bool,
    /// Why it is that one, where another was named.
    pub why: Option<String>,
    /// Whether it embeds text, and does not generate it.
    pub embeds: bool,
}

impl Models {
    /// The weights that a container names.
    ///
    /// # Errors
    /// Invalid, where it names none that are known here or the licence's terms are not accepted; NotImplemented, for images
    /// and places that are not served.
    pub(super) async fn source_of(&self, ctx: &Ctx, new: &NewHostedModel) -> Result<Source> {
        let container = &new.container;
        check_image(container.image.as_deref())?;
        let variable = |name: &str| named_by(&container.environment, name);
        if let Some(named) = variable(OWN_VARIABLE) {
            return self.local_source(ctx, named, container.eula).await;
        }
        if let Some(source) = self.bucket_source(ctx, new).await? {
            return Ok(source);
        }
        if let Some(location) = &container.location {
            let model = self.hub_model_at(location)?;
            accepted(&model, container.eula)?;
            self.require_terms(ctx, &model.entry, container.eula == Some(true)).await?;
            return Ok(Source::Hub(model.id));
        }
        match variable(HUB_VARIABLE) {
            // A path in the container says that the weights come with it.
            Some(named) if !named.starts_with('/') => {
                let entry = self.entry_of_repository(named).unwrap_or_else(|| named.to_owned());
                self.local_source(ctx, &entry, container.eula).await
            }
            _ => Err(Error::invalid("The container names no weights that are known here.").with_hint(format!(
                "Name a model of the hub by its `ModelDataSource`, or a pulled or imported model in the variable `{OWN_VARIABLE}`."
            ))),
        }
    }

    /// The imported model that a container with these variables hosts, where it is one.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn imported_of(
        &self,
        ctx: &Ctx,
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<ImportedModel>> {
        let named = [OWN_VARIABLE, HUB_VARIABLE].iter().find_map(|name| named_by(environment, name));
        match named {
            Some(named) => self.find_imported(ctx, named).await,
            None => Ok(None),
        }
    }

    /// Refuses to remove weights that an endpoint hosts: a pulled model's, by its name, or an imported model's, by its ARN.
    ///
    /// # Errors
    /// Conflict, naming the endpoint where it is the caller's.
    pub(crate) async fn check_unhosted(&self, ctx: &Ctx, model: &str) -> Result<()> {
        let hosts = |variant: &EndpointVariant| match (&variant.source, &variant.served) {
            (Source::Imported(arn) | Source::Bucket { model: arn, .. }, _) => arn == model,
            (_, Some(served)) => served.name == model,
            (Source::Local(name), None) => name == model,
            (Source::Hub(id), None) => self.hub_model_by_id(id).is_some_and(|named| named.entry == model),
        };
        for (scope, kept) in store::endpoints(&self.inner.store).await? {
            let Hosted { name, body, .. } = resource::endpoint(&scope, kept)?;
            let pending = body.pending.iter().flat_map(|pending| &pending.variants);
            let is_served = !matches!(body.status, EndpointStatus::Failed | EndpointStatus::Deleting);
            if is_served && body.variants.iter().chain(pending).any(hosts) {
                let is_own = scope == Scope::of(ctx);
                let whose = if is_own { format!("the endpoint `{name}`") } else { "an endpoint elsewhere".to_owned() };
                let error = Error::conflict(format!("The model `{model}` is hosted by {whose}."));
                return Err(match is_own {
                    true => error.with_hint(format!("Delete the endpoint first: `craton endpoints delete {name}`.")),
                    false => {
                        error.with_hint("It is another account's, or in another region: it must be deleted first.")
                    }
                });
            }
        }
        Ok(())
    }

    /// The model of the hub whose artifacts lie there.
    fn hub_model_at(&self, location: &str) -> Result<HubModel> {
        let place = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let Some((_, key)) = place.filter(|(bucket, _)| bucket_region(bucket).is_some()) else {
            return Err(Error::invalid(format!("The location `{location}` is no S3 URI."))
                .with_hint("It looks like `s3://BUCKET/PREFIX/`."));
        };
        self.hub_model_by_artifact(key).ok_or_else(|| {
            Error::invalid(format!("Could not find model data at {location}."))
                .with_hint("`ListHubContents` lists the models of the hub.")
        })
    }

    /// A model of the catalogue, the library or the account, by its name or ARN. Terms that its licence wants accepted are by
    /// `eula`, or were by the account before.
    async fn local_source(&self, ctx: &Ctx, named: &str, eula: Option<bool>) -> Result<Source> {
        if let Some(model) = self.find_imported(ctx, named).await? {
            return Ok(Source::Imported(model.arn.to_string()));
        }
        if let Some(model) = self.hub_model_by_id(named) {
            self.require_terms(ctx, &model.entry, eula == Some(true)).await?;
            return Ok(Source::Local(model.entry));
        }
        if self.inner.catalogue.get(named).is_some() || self.inner.library.manifest(named).await?.is_some() {
            self.require_terms(ctx, named, eula == Some(true)).await?;
            return Ok(Source::Local(named.to_owned()));
        }
        Err(Error::invalid(format!("Could not find model data: there is no model `{named}`."))
            .with_hint("`craton models list` shows the names; imported models are named by name or ARN."))
    }

    /// The catalogue's name of the weights in a repository of the model hub, or of its publisher's own. Anybody's repository
    /// of the same name is another model, such as one that was tuned further.
    fn entry_of_repository(&self, repository: &str) -> Option<String> {
        let is_it = |origin: &Origin| match origin {
            Origin::Hub { repo, .. } => repo.eq_ignore_ascii_case(repository),
            Origin::Packages { .. } => false,
        };
        let entry = self
            .inner
            .catalogue
            .entries()
            .iter()
            .find(|entry| entry.repository.eq_ignore_ascii_case(repository) || entry.sources.iter().any(is_it));
        entry.map(|entry| entry.name.clone())
    }

    /// The model that answers for a source now.
    ///
    /// # Errors
    /// NotFound, where it is not pulled, or gone; Conflict, while it is being imported; as [`Models::is_here`] and
    /// [`Models::hub_served`].
    pub(super) async fn answering(&self, ctx: &Ctx, source: &Source) -> Result<Served> {
        match source {
            Source::Hub(id) => {
                let gone = || Error::not_found(format!("The hub has no model `{id}`."));
                let model = self.hub_model_by_id(id).ok_or_else(gone)?;
                let found = self.hub_served(ctx, &model).await?;
                let embeds = self.embeds(&found.name).await?;
                Ok(Served {
                    name: found.name,
                    substituted: found.substituted,
                    why: found.substituted.then_some(found.why),
                    embeds,
                })
            }
            Source::Local(name) => {
                let embeds = self.embeds(name).await?;
                Ok(Served { name: name.clone(), substituted: false, why: None, embeds })
            }
            Source::Imported(_) | Source::Bucket { .. } => {
                if !self.is_here(ctx, source).await? {
                    return Err(
                        Error::conflict("The weights are being imported.").with_hint("Wait until that has ended.")
                    );
                }
                let model = self.imported_model(ctx, source.imported().unwrap_or_default()).await?;
                Ok(Served { name: model.name, substituted: false, why: None, embeds: false })
            }
        }
    }

    async fn embeds(&self, name: &str) -> Result<bool> {
        match self.inner.library.manifest(name).await? {
            Some(manifest) => Ok(manifest.facts.embeds),
            None => Err(crate::invoke::not_pulled(name)),
        }
    }

    /// Where the weights lie of the model that answers for a variant.
    ///
    /// # Errors
    /// NotFound, where it is not pulled; Damaged, where its files are; Denied, where its key may not be used; Unavailable,
    /// where the variant's volume is smaller than they are.
    pub(super) async fn weights(&self, ctx: &Ctx, variant: &EndpointVariant, served: &Served) -> Result<Sources> {
        let volume = variant.spec.volume_gb;
        if let Some(arn) = variant.source.imported() {
            let model = self.imported_model(ctx, arn).await?;
            check_volume(volume, &served.name, model.bytes)?;
            return Ok(Sources::of(Weights::Sealed(self.sealed(&model).await?), &served.name));
        }
        let name = &served.name;
        let Some(manifest) = self.inner.library.manifest(name).await? else {
            return Err(crate::invoke::not_pulled(name));
        };
        check_volume(volume, name, manifest.files.iter().map(|file| file.bytes).sum())?;
        let files = self.inner.library.files(name, &manifest).await?;
        Ok(Sources::of(Weights::Known(files, manifest.digest()), name))
    }
}

/// What a variable says, where it says anything.
fn named_by<'a>(environment: &'a BTreeMap<String, String>, variable: &str) -> Option<&'a str> {
    environment.get(variable).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// # Errors
/// Unavailable, where files of so many bytes are more than a volume of so many GB holds.
fn check_volume(volume_gb: Option<u32>, name: &str, bytes: u64) -> Result<()> {
    match volume_gb {
        Some(volume) if bytes > u64::from(volume) << 30 => Err(Error::unavailable(format!(
            "The files of the model `{name}` have {} MiB, and `VolumeSizeInGB` is {volume}.",
            bytes.div_ceil(1 << 20)
        ))
        .with_hint("Raise `VolumeSizeInGB`, or leave it out: files are read where they are.")),
        _ => Ok(()),
    }
}

/// # Errors
/// Invalid, where the licence asks for the acceptance of its terms and they are not accepted.
pub(super) fn accepted(model: &HubModel, eula: Option<bool>) -> Result<()> {
    if !model.eula || eula == Some(true) {
        return Ok(());
    }
    let licence = &model.licence;
    Err(Error::invalid(format!(
        "The model \"{}\" requires accepting its end-user license agreement (EULA): `AcceptEula` must be true.",
        model.id
    ))
    .with_hint(format!("Read `{}` at {} and accept it.", licence.name, licence.url)))
}

/// # Errors
/// NotImplemented, for an image that does something else than serve a language model.
fn check_image(image: Option<&str>) -> Result<()> {
    let Some(image) = image else { return Ok(()) };
    let repository = image.rsplit('/').next().unwrap_or(image).split([':', '@']).next().unwrap_or(image);
    if SERVING_IMAGES.contains(&repository) {
        return Ok(());
    }
    Err(Error::not_implemented(format!("Custom images are not implemented (`{image}`).")).with_hint(
        "Models are served by Craton's own engine, in place of the text generation and embedding containers.",
    ))
}
