//! From a request to its operation, on the raw path: slashes and escapes are significant.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::request::Parts;

use crate::errors::WireError;
use crate::generated::SERVICES;
use crate::schema::{Operation, Protocol, Service, UNNAMED};

/// A request whose operation is served.
#[derive(Debug, Clone)]
pub struct Routed {
    /// The service.
    pub service: &'static Service,
    /// The operation; its schema is there.
    pub operation: &'static Operation,
    /// Path labels by name, as they stand in the raw path (still escaped).
    pub labels: Vec<(&'static str, String)>,
}

/// A request that cannot be served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RouteError {
    /// AWS has the operation, Craton does not yet.
    #[error("`{}` of `{}` is not implemented", operation.name, service.id)]
    NotImplemented {
        /// The service.
        service: &'static Service,
        /// The operation.
        operation: &'static Operation,
    },
    /// The service has no such operation.
    #[error("unknown operation")]
    Unknown {
        /// The service that the scope names.
        service: &'static Service,
    },
    /// A request of the Query protocol without an action.
    #[error("no action")]
    MissingAction {
        /// The service that the scope names.
        service: &'static Service,
    },
    /// The service has no such action, or not in that version of its API.
    #[error("unknown action `{action}`")]
    UnknownAction {
        /// The service that the scope names.
        service: &'static Service,
        /// What the request names.
        action: String,
        /// The version that it names.
        version: Option<String>,
    },
    /// No service has this scope.
    #[error("unknown service `{scope}`")]
    UnknownScope {
        /// The service part of the credential scope.
        scope: String,
    },
}

impl RouteError {
    /// The service whose error shape the answer has.
    #[must_use]
    pub fn service(&self) -> &'static Service {
        match self {
            Self::NotImplemented { service, .. }
            | Self::Unknown { service }
            | Self::MissingAction { service }
            | Self::UnknownAction { service, .. } => service,
            Self::UnknownScope { .. } => &UNNAMED,
        }
    }

    /// The answer.
    #[must_use]
    pub fn to_wire(&self) -> WireError {
        match self {
            Self::NotImplemented { service, operation } => {
                let code = match service.protocol {
                    Protocol::Query | Protocol::RestXml => "NotImplemented",
                    _ => "NotImplementedException",
                };
                let message = format!("The operation {} of {} is not implemented.", operation.name, service.id);
                WireError::with_status(501, code, message)
            }
            Self::MissingAction { .. } => {
                WireError::with_status(400, "MissingAction", "The request must contain the parameter Action.")
            }
            Self::UnknownAction { action, version, .. } => {
                let version = version.as_deref().unwrap_or("NO_VERSION_SPECIFIED");
                let message = format!("Could not find operation {action} for version {version}");
                WireError::with_status(400, "InvalidAction", message)
            }
            Self::Unknown { service } => match service.protocol {
                Protocol::RestXml => WireError::with_status(
                    405,
                    "MethodNotAllowed",
                    "The specified method is not allowed against this resource.",
                ),
                Protocol::Json10 | Protocol::Json11 => {
                    WireError::with_status(400, "UnknownOperationException", "The X-Amz-Target names no operation.")
                }
                Protocol::RestJson | Protocol::Query => {
                    WireError::with_status(404, "UnknownOperationException", "No operation has this method and path.")
                }
            },
            Self::UnknownScope { scope } => WireError::with_status(
                404,
                "UnknownOperationException",
                format!("The service `{scope}` of the credential scope is not known."),
            ),
        }
    }
}

/// The services whose SigV4 scope is `scope`, in the order in which [`route`] tries them.
#[must_use]
pub fn services_for_scope(scope: &str) -> &'static [&'static Service] {
    SCOPES.get(scope).map_or(&[], |routes| &routes.services)
}

/// Finds the operation of a request whose signature scope names `scope`.
///
/// # Errors
/// When no served operation fits; the error names the operation if AWS has it.
pub fn route(scope: &str, parts: &Parts, body: &[u8]) -> Result<Routed, RouteError> {
    let Some(routes) = SCOPES.get(scope) else { return Err(RouteError::UnknownScope { scope: scope.to_owned() }) };
    let found = match parts.headers.get("x-amz-target") {
        Some(target) => routes.by_target(target.as_bytes()),
        None => match (routes.by_path(parts), routes.query_service()) {
            (None, Some(service)) => Some(by_action(service, parts, body)?),
            (found, _) => found,
        },
    };
    match found {
        Some(routed) if routed.operation.served() => Ok(routed),
        Some(routed) => Err(RouteError::NotImplemented { service: routed.service, operation: routed.operation }),
        None => Err(RouteError::Unknown { service: routes.services[0] }),
    }
}

static SCOPES: LazyLock<HashMap<&'static str, Routes>> = LazyLock::new(|| {
    let mut scopes: HashMap<&'static str, Routes> = HashMap::new();
    for service in SERVICES {
        scopes.entry(service.signing_name).or_default().add(service);
    }
    scopes.values_mut().for_each(Routes::sort);
    scopes
});

/// Everything that one scope can reach; never empty.
#[derive(Debug, Default)]
struct Routes {
    services: Vec<&'static Service>,
    /// REST operations by method and number of segments.
    exact: HashMap<(&'static str, usize), Vec<PathRoute>>,
    /// REST operations whose last label may span segments.
    greedy: Vec<PathRoute>,
}

/// A REST operation with its path taken apart.
#[derive(Debug)]
struct PathRoute {
    service: &'static Service,
    operation: &'static Operation,
    segments: Vec<Segment>,
    /// Required query parameters, each with its value if that matters.
    query: Vec<(&'static str, Option<&'static str>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Label(&'static str),
    Greedy(&'static str),
}

impl Routes {
    fn add(&mut self, service: &'static Service) {
        self.services.push(service);
        if !matches!(service.protocol, Protocol::RestJson | Protocol::RestXml) {
            return;
        }
        for operation in service.operations {
            let route = PathRoute::new(service, operation);
            if matches!(route.segments.last(), Some(Segment::Greedy(_))) {
                self.greedy.push(route);
            } else {
                self.exact.entry((operation.method, route.segments.len())).or_default().push(route);
            }
        }
    }

    /// The most specific routes come first. The sort is stable, so that otherwise the order of the services decides.
    fn sort(&mut self) {
        self.exact.values_mut().for_each(|routes| routes.sort_by_key(PathRoute::generality));
        self.greedy.sort_by_key(PathRoute::generality);
    }

    fn by_target(&self, target: &[u8]) -> Option<Routed> {
        let (prefix, name) = std::str::from_utf8(target).ok()?.rsplit_once('.')?;
        let json = |service: &&&Service| matches!(service.protocol, Protocol::Json10 | Protocol::Json11);
        let service = *self.services.iter().filter(json).find(|service| service.target_prefix == prefix)?;
        Some(Routed { service, operation: service.operation(name)?, labels: Vec::new() })
    }

    fn query_service(&self) -> Option<&'static Service> {
        self.services.iter().find(|service| service.protocol == Protocol::Query).copied()
    }

    fn by_path(&self, parts: &Parts) -> Option<Routed> {
        let path = raw_segments(parts.uri.path())?;
        let exact = self.exact.get(&(parts.method.as_str(), path.len()));
        let mut routes = exact.into_iter().flatten().chain(&self.greedy);
        routes.find_map(|route| route.matches(parts, &path))
    }
}

/// The operation that a form names. A version that is not named is the service's own.
fn by_action(service: &'static Service, parts: &Parts, body: &[u8]) -> Result<Routed, RouteError> {
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let value = |key: &[u8]| {
        let value = form_value(body, key).or_else(|| form_value(query, key)).filter(|value| !value.is_empty());
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let action = value(b"Action").ok_or(RouteError::MissingAction { service })?;
    let version = value(b"Version");
    match service.operation(&action).filter(|_| version.is_none() || version.as_deref() == service.version()) {
        Some(operation) => Ok(Routed { service, operation, labels: Vec::new() }),
        None => Err(RouteError::UnknownAction { service, action, version }),
    }
}

/// The segments between slashes; a trailing slash leaves an empty last one, and empty ones in the middle stay.
fn raw_segments(path: &str) -> Option<Vec<&str>> {
    Some(path.strip_prefix('/')?.split('/').collect())
}

/// The value of `key` in `a=b&c=d`, unescaped values only (an operation's name needs no escapes).
fn form_value<'a>(form: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    form.split(|&byte| byte == b'&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix(b"="))
}

impl PathRoute {
    fn new(service: &'static Service, operation: &'static Operation) -> Self {
        let (path, query) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
        let parameter = |text: &'static str| match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        Self {
            service,
            operation,
            segments: path.trim_start_matches('/').split('/').map(Segment::new).collect(),
            query: query.split('&').filter(|text| !text.is_empty()).map(parameter).collect(),
        }
    }

    /// Smaller is more specific: parameters and headers first, then literals from the left.
    fn generality(&self) -> (usize, usize, Vec<u8>) {
        let demands = self.query.iter().map(|(_, value)| 1 + usize::from(value.is_some())).sum::<usize>();
        let kinds = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Label(_) => 1,
            Segment::Greedy(_) => 2,
        });
        (usize::MAX - demands, usize::MAX - self.operation.required_headers.len(), kinds.collect())
    }

    fn matches(&self, parts: &Parts, path: &[&str]) -> Option<Routed> {
        if self.operation.method != parts.method.as_str() {
            return None;
        }
        let labels = self.labels(path)?;
        let query = parts.uri.query().unwrap_or_default();
        let demanded = self.query.iter().all(|demand| query.split('&').any(|pair| fits(pair, *demand)));
        let headed = self.operation.required_headers.iter().all(|name| parts.headers.contains_key(*name));
        (demanded && headed).then_some(Routed { service: self.service, operation: self.operation, labels })
    }

    /// The labels, if the path fits. A label is never empty.
    fn labels(&self, path: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let mut labels = Vec::new();
        for (at, segment) in self.segments.iter().enumerate() {
            let here = path.get(at)?;
            match segment {
                Segment::Literal(text) if text == here => {}
                Segment::Label(name) if !here.is_empty() => labels.push((*name, (*here).to_owned())),
                Segment::Greedy(name) => {
                    let rest = path[at..].join("/");
                    return (!rest.is_empty()).then(|| {
                        labels.push((*name, rest));
                        labels
                    });
                }
                _ => return None,
            }
        }
        (path.len() == self.segments.len()).then_some(labels)
    }
}

fn fits(pair: &str, (name, value): (&str, Option<&str>)) -> bool {
    let (key, found) = pair.split_once('=').unwrap_or((pair, ""));
    key == name && value.is_none_or(|value| value == found)
}

impl Segment {
    fn new(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(label) => label.strip_suffix('+').map_or(Self::Label(label), Self::Greedy),
            None => Self::Literal(text),
        }
    }
}
