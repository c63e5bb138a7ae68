//! The inference profiles of AWS's own: a geography's prefix before a model's id.

/// A geography whose profiles prefix a model id.
#[derive(Debug)]
pub(crate) struct Geography {
    /// What stands before the model's id.
    pub(crate) prefix: &'static str,
    /// What stands before the model's name.
    pub(super) name: &'static str,
    /// Where AWS answers such requests; empty: in the request's own region.
    pub(super) regions: &'static [&'static str],
    /// Whether its profiles are listed; the others are understood and not told.
    pub(super) listed: bool,
}

/// All of them.
pub(crate) const GEOGRAPHIES: &[Geography] = &[
    Geography { prefix: "us.", name: "US", regions: &["us-east-1", "us-east-2", "us-west-2"], listed: true },
    Geography {
        prefix: "eu.",
        name: "EU",
        regions: &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"],
        listed: true,
    },
    Geography {
        prefix: "apac.",
        name: "APAC",
        regions: &["ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"],
        listed: true,
    },
    Geography { prefix: "global.", name: "Global", regions: &[], listed: true },
    Geography { prefix: "us-gov.", name: "US-GOV", regions: &["us-gov-east-1", "us-gov-west-1"], listed: false },
    Geography { prefix: "jp.", name: "JP", regions: &["ap-northeast-1", "ap-northeast-3"], listed: false },
    Geography { prefix: "au.", name: "AU", regions: &["ap-southeast-2", "ap-southeast-4"], listed: false },
    Geography { prefix: "ca.", name: "CA", regions: &["ca-central-1", "ca-west-1"], listed: false },
    Geography { prefix: "sa.", name: "SA", regions: &["sa-east-1"], listed: false },
];

/// The geography of a profile's id, and the model's id behind it.
pub(crate) fn split(id: &str) -> Option<(&'static Geography, &str)> {
    // Only a vendor's id follows a prefix: `us.anthropic.claude…`, never `us.`-something of Craton's own.
    GEOGRAPHIES
        .iter()
        .find_map(|geography| id.strip_prefix(geography.prefix).map(|model| (geography, model)))
        .filter(|(_, model)| model.contains('.'))
}
