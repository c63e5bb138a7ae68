//! The context of a request: the proof that its caller is known.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use base::{AccountId, Region, RequestId, Timestamp};

use crate::credentials::api_keys::Surface;
use crate::principal::Principal;

/// How much is kept of what a client calls itself.
const LONGEST_USER_AGENT: usize = 300;

/// Who asks, for which account and region, when, from where and until when. Only this crate makes one, after authentication, so a
/// function that takes a `&Ctx` cannot run for a stranger. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    facts: Arc<Facts>,
    deadline: Option<Instant>,
    called_via: Arc<[&'static str]>,
    called: Option<Arc<Called>>,
    said: Arc<[(String, String)]>,
}

/// What the request is on the wire.
#[derive(Debug)]
struct Called {
    service: &'static str,
    operation: &'static str,
    user_agent: Option<String>,
}

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The request's id.
    pub request_id: RequestId,
    /// The address of the client.
    pub source_ip: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) region: Region,
    pub(crate) principal: Arc<Principal>,
    pub(crate) credential: Credential,
    pub(crate) request_id: RequestId,
    pub(crate) now: Timestamp,
    /// `None` for internal work.
    pub(crate) source_ip: Option<IpAddr>,
    pub(crate) secure: bool,
    /// The resource that a service works for, where the caller is one.
    pub(crate) source: Option<String>,
}

/// What proved who the caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A signature with an access key of a user or of the root.
    AccessKey {
        /// `AKIA…`
        id: String,
    },
    /// A signature with temporary credentials.
    Session {
        /// `ASIA…`
        id: String,
    },
    /// A bearer key.
    ApiKey {
        /// The key's id, not its text; for a key that a client signed, the id of the access key.
        id: String,
        /// Where the key may be used.
        surface: Surface,
    },
    /// A console session.
    Console {
        /// The access key that signed in.
        access_key_id: String,
    },
    /// None: the request is not signed.
    Nothing,
    /// None: work that Craton does later for a caller who was known when it was asked for.
    Internal,
}

impl Ctx {
    pub(crate) fn new(facts: Facts) -> Self {
        Self { facts: Arc::new(facts), deadline: None, called_via: Arc::from([]), called: None, said: Arc::from([]) }
    }

    /// The same caller, whose request the service `name` (`s3`) passes on to another: sets `aws:CalledVia`,
    /// `aws:ViaAWSService` and `kms:ViaService`.
    #[must_use]
    pub fn via(&self, name: &'static str) -> Self {
        let called_via = self.called_via.iter().copied().chain([name]).collect();
        Self { called_via, ..self.clone() }
    }

    /// The same caller, whose request is for the operation `operation` of `service`, from a client that calls itself
    /// `user_agent`. For the audit record alone.
    #[must_use]
    pub fn called_as(&self, service: &'static str, operation: &'static str, user_agent: Option<&str>) -> Self {
        // A name longer than any client's would fill the record.
        let user_agent = user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect());
        Self { called: Some(Arc::new(Called { service, operation, user_agent })), ..self.clone() }
    }

    /// The same caller, of whose request more is known: pairs of condition key (`s3:authType`) and value, for conditions of
    /// the service that the key belongs to.
    #[must_use]
    pub fn with_conditions(&self, said: Vec<(String, String)>) -> Self {
        Self { said: said.into(), ..self.clone() }
    }

    /// What is known of the request, as far as it is for the service whose actions begin with `prefix`.
    pub(crate) fn conditions_of(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let its = move |key: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':'));
        self.said.iter().filter(move |(key, _)| its(key)).map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The operation that was called, where it is one of the service whose actions begin with `prefix`.
    pub(crate) fn operation_of(&self, prefix: &str) -> Option<&'static str> {
        let called = self.called.as_ref()?;
        // Actions of bedrock-runtime, bedrock-agent and their like begin with `bedrock:`.
        let is_its = called.service == prefix || called.service.strip_prefix(prefix)?.starts_with('-');
        (is_its && self.called_via.is_empty()).then_some(called.operation)
    }

    /// What the client calls itself.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.called.as_ref()?.user_agent.as_deref()
    }

    /// The services through which the request came, the first one first.
    #[must_use]
    pub fn called_via(&self) -> &[&'static str] {
        &self.called_via
    }

    /// The same caller, who waits no longer than until `deadline`.
    #[must_use]
    pub fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// When the request's time is over; `None` for internal work.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The same caller, allowed to do on Bedrock what it may and nothing elsewhere: for what a key proves that a client
    /// signed as a bearer token.
    #[must_use]
    pub fn for_bedrock_alone(&self) -> Self {
        let facts = self.facts.as_ref();
        let credential = match &facts.credential {
            Credential::AccessKey { id } | Credential::Session { id } => {
                Credential::ApiKey { id: id.clone(), surface: Surface::Bedrock }
            }
            other => other.clone(),
        };
        Self::new(Facts {
            region: facts.region.clone(),
            principal: Arc::clone(&facts.principal),
            credential,
            request_id: facts.request_id.clone(),
            source: facts.source.clone(),
            ..*facts
        })
        .until(self.deadline)
    }

    /// The same request of another caller, whom the request itself proved.
    pub(crate) fn of(&self, principal: Principal) -> Self {
        let facts = self.facts.as_ref();
        let facts = Facts {
            region: facts.region.clone(),
            principal: Arc::new(principal),
            credential: facts.credential.clone(),
            request_id: facts.request_id.clone(),
            source: facts.source.clone(),
            ..*facts
        };
        Self { facts: Arc::new(facts), ..self.clone() }
    }

    /// The account that the request is for. Rows of any other account do not exist for it.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        self.facts.principal.account()
    }

    /// The region that the request is for.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.facts.region
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.facts.principal
    }

    /// What proved who asks.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.facts.credential
    }

    /// The request's id.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.facts.request_id
    }

    /// When the request was authenticated.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.facts.now
    }

    /// The ARN of the resource that a service works for: `aws:SourceArn`.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.facts.source.as_deref()
    }

    /// Whether the request came over TLS. Internal work does not leave the process: it is.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.facts.secure
    }

    /// Where the request came from; `None` for internal work.
    #[must_use]
    pub fn source_ip(&self) -> Option<IpAddr> {
        self.facts.source_ip
    }
}
