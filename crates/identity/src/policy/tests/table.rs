//! Every combination of what the types of policies can say, against formulas written down here on their own.

use super::*;

/// What a policy says about the request; `Absent`: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Absent,
    Allow,
    Nothing,
    Deny,
}
use Says::{Absent, Allow, Deny, Nothing};

/// What the resource's policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    AllowsAccount,
    AllowsPrincipal,
    Silent,
    Denies,
}

/// Who asks, and how the resource's policy names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    User,
    SessionNamedBySession,
    SessionNamedByRole,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    who: Who,
    same_account: bool,
    identity: Says,
    resource: Resource,
    boundary: Says,
    session: Says,
    control: Says,
    granted: bool,
}

const WHO: [Who; 3] = [Who::User, Who::SessionNamedBySession, Who::SessionNamedByRole];
const RESOURCE: [Resource; 4] =
    [Resource::AllowsAccount, Resource::AllowsPrincipal, Resource::Silent, Resource::Denies];
const SAYS: [Says; 4] = [Absent, Allow, Nothing, Deny];

fn rows(granted: &[bool]) -> Vec<Row> {
    let mut rows = Vec::new();
    for who in WHO {
        for same_account in [true, false] {
            for identity in [Allow, Nothing, Deny] {
                for resource in RESOURCE {
                    for boundary in SAYS {
                        for session in SAYS {
                            for control in SAYS {
                                rows.extend(granted.iter().map(|granted| Row {
                                    who,
                                    same_account,
                                    identity,
                                    resource,
                                    boundary,
                                    session,
                                    control,
                                    granted: *granted,
                                }));
                            }
                        }
                    }
                }
            }
        }
    }
    rows
}

impl Row {
    fn denies(self) -> bool {
        self.resource == Resource::Denies || [self.identity, self.boundary, self.session, self.control].contains(&Deny)
    }

    /// Neither boundary nor session policy withholds.
    fn is_uncapped(self) -> bool {
        self.boundary != Nothing && self.session != Nothing
    }

    fn identity_side(self) -> bool {
        self.identity == Allow && self.is_uncapped()
    }

    fn named(self) -> bool {
        self.resource == Resource::AllowsPrincipal && (self.who != Who::SessionNamedByRole || self.is_uncapped())
    }

    /// Buckets, secrets: the union inside an account, both sides between accounts.
    fn ordinary(self) -> bool {
        if self.denies() || self.control == Nothing {
            return false;
        }
        let shared = matches!(self.resource, Resource::AllowsAccount | Resource::AllowsPrincipal);
        if self.same_account { self.named() || self.identity_side() } else { shared && self.identity_side() }
    }

    /// Keys and roles: the policy must name the caller, or the account, and then identity policies count.
    fn consenting(self) -> bool {
        if self.denies() || self.control == Nothing {
            return false;
        }
        let delegated = self.resource == Resource::AllowsAccount;
        if self.granted {
            true
        } else if self.same_account {
            self.named() || (delegated && self.identity_side())
        } else {
            (delegated || self.resource == Resource::AllowsPrincipal) && self.identity_side()
        }
    }

    /// Whose words a denial uses.
    fn denying_type(self, resource_type: PolicyType) -> PolicyType {
        let explicit = [
            (self.control == Deny, PolicyType::ServiceControl),
            (self.resource == Resource::Denies, resource_type),
            (self.identity == Deny, PolicyType::Identity),
            (self.boundary == Deny, PolicyType::Boundary),
            (self.session == Deny, PolicyType::Session),
            (self.control == Nothing, PolicyType::ServiceControl),
        ];
        if let Some((_, policy_type)) = explicit.into_iter().find(|(applies, _)| *applies) {
            return policy_type;
        }
        let keeps_silent = self.resource == Resource::Silent;
        let must_consent = resource_type == PolicyType::Trust && self.same_account && keeps_silent;
        let names_role = self.same_account && self.resource == Resource::AllowsPrincipal;
        let implicit = [
            (must_consent, resource_type),
            (self.identity == Nothing && !names_role, PolicyType::Identity),
            (self.boundary == Nothing, PolicyType::Boundary),
            (self.session == Nothing, PolicyType::Session),
            (true, resource_type),
        ];
        implicit.into_iter().find(|(applies, _)| *applies).unwrap().1
    }
}

/// The request of a row and its policies, for one action and one kind of resource policy.
struct Bench {
    kind: Kind,
    action: &'static str,
    resource: String,
    documents: Vec<(Says, Kind, Arc<Document>)>,
    of_resource: Vec<(Who, Resource, Arc<Document>)>,
}

impl Bench {
    fn new(kind: Kind, action: &'static str, resource: &str) -> Self {
        let mut documents = Vec::new();
        for kind in [Kind::Managed, Kind::Session, Kind::ServiceControl] {
            for (says, effect, action) in
                [(Allow, "Allow", action), (Nothing, "Allow", "ec2:*"), (Deny, "Deny", action)]
            {
                let document = one(kind, json!({"Effect": effect, "Action": action, "Resource": "*"}));
                documents.push((says, kind, Arc::new(document)));
            }
        }
        let mut of_resource = Vec::new();
        for who in WHO {
            for says in RESOURCE {
                of_resource.push((who, says, Arc::new(Self::resource_document(kind, action, who, says))));
            }
        }
        Self { kind, action, resource: resource.to_owned(), documents, of_resource }
    }

    fn resource_document(kind: Kind, action: &str, who: Who, says: Resource) -> Document {
        let named = match who {
            Who::User => format!("arn:aws:iam::{OTHER}:user/ada"),
            Who::SessionNamedBySession => format!("arn:aws:sts::{OTHER}:assumed-role/importer/run-1"),
            Who::SessionNamedByRole => format!("arn:aws:iam::{OTHER}:role/jobs/importer"),
        };
        let (effect, principal) = match says {
            Resource::AllowsAccount => ("Allow", json!({"AWS": OTHER})),
            Resource::AllowsPrincipal => ("Allow", json!({"AWS": named})),
            Resource::Silent => ("Allow", json!({"AWS": "999999999999"})),
            Resource::Denies => ("Deny", json!({"AWS": [OTHER]})),
        };
        let mut statement = json!({"Effect": effect, "Principal": principal, "Action": action});
        if kind != Kind::Trust {
            statement["Resource"] = json!("*");
        }
        one(kind, statement)
    }

    fn document(&self, says: Says, kind: Kind) -> Option<Attached> {
        let found = self.documents.iter().find(|document| document.0 == says && document.1 == kind)?;
        Some(Attached { id: "policy".into(), document: Arc::clone(&found.2) })
    }

    fn decide(&self, row: Row) -> Decision {
        let caller = if row.who == Who::User { user(OTHER, "ada") } else { session(OTHER) };
        let account = if row.same_account { OTHER } else { OWN };
        let request = Request::builder(caller, self.action, self.resource.as_str())
            .resource_account(account.parse().unwrap())
            .build();
        let of_resource = self.of_resource.iter().find(|document| document.0 == row.who && document.1 == row.resource);
        let grantee = request.caller().arn();
        let grant = Grant { id: "g".into(), grantee, operations: vec!["Decrypt".to_owned()], constraint: None };
        let policies = Policies {
            service_control: self
                .document(row.control, Kind::ServiceControl)
                .into_iter()
                .map(|policy| vec![policy])
                .collect(),
            resource: of_resource.map(|found| Attached { id: "r".into(), document: Arc::clone(&found.2) }),
            grants: if row.granted { vec![grant] } else { Vec::new() },
            identity: self.document(row.identity, Kind::Managed).into_iter().collect(),
            boundary: self.document(row.boundary, Kind::Managed),
            session: self.document(row.session, Kind::Session).map(|policy| vec![policy]),
        };
        decide(&request, &policies)
    }

    fn check(&self, granted: &[bool], expected: fn(Row) -> bool, resource_type: PolicyType) -> (usize, usize) {
        let (mut allowed, mut denied) = (0, 0);
        for row in rows(granted) {
            let decision = self.decide(row);
            assert_eq!(decision.allowed, expected(row), "{:?} {row:?}: {:?}", self.kind, decision.reason);
            if decision.allowed {
                allowed += 1;
            } else {
                denied += 1;
                let words = if resource_type == PolicyType::Resource && self.kind.must_consent() {
                    // Keys follow the same order as roles but have the words of resources.
                    match row.denying_type(PolicyType::Trust) {
                        PolicyType::Trust => PolicyType::Resource,
                        other => other,
                    }
                } else {
                    row.denying_type(resource_type)
                };
                assert_eq!(decision.reason.policy_type, words, "{:?} {row:?}", self.kind);
            }
        }
        (allowed, denied)
    }
}

#[test]
fn ordinary_resources_follow_the_formula_in_every_case() {
    for kind in [Kind::Bucket, Kind::Secret, Kind::Resource] {
        let bench = Bench::new(kind, "s3:GetObject", "arn:aws:s3:::bucket/key");
        let (allowed, denied) = bench.check(&[false], Row::ordinary, PolicyType::Resource);
        assert_eq!((allowed, denied), (184, 4_424));
    }
}

#[test]
fn keys_and_grants_follow_the_formula_in_every_case() {
    let bench = Bench::new(Kind::Key, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1");
    let (allowed, denied) = bench.check(&[false, true], Row::consenting, PolicyType::Resource);
    assert_eq!((allowed, denied), (808, 8_408));
}

#[test]
fn roles_follow_the_formula_in_every_case() {
    let bench = Bench::new(Kind::Trust, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r");
    let (allowed, denied) = bench.check(&[false], Row::consenting, PolicyType::Trust);
    assert_eq!((allowed, denied), (160, 4_448));
}
