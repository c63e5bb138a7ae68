//! `bedrock-agent-runtime`: asking knowledge bases.

mod acls;
mod asks;
pub(crate) mod errors;
pub(crate) mod filters;
mod generate;
mod generation;
mod rerank;
mod retrieve;
mod search;
pub(crate) mod shapes;

use futures::future::FutureExt as _;
use identity::Access;

pub(crate) use asks::knowledge_base;

use crate::call::{Check, Row};

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "Retrieve",
        action: "bedrock:Retrieve",
        access: Access::Read,
        check: Check::Asks(asks::retrieve),
        handler: |call| retrieve::retrieve(call).boxed(),
    },
    Row {
        operation: "RetrieveAndGenerate",
        action: "bedrock:RetrieveAndGenerate",
        access: Access::Read,
        check: Check::Asks(asks::generate),
        handler: |call| generate::retrieve_and_generate(call).boxed(),
    },
    Row {
        operation: "RetrieveAndGenerateStream",
        action: "bedrock:RetrieveAndGenerate",
        access: Access::Read,
        check: Check::Asks(asks::generate_stream),
        handler: |call| generate::retrieve_and_generate_stream(call).boxed(),
    },
    Row {
        operation: "Rerank",
        action: "bedrock:Rerank",
        access: Access::Read,
        check: Check::Asks(asks::rerank),
        handler: |call| rerank::rerank(call).boxed(),
    },
    Row {
        operation: "GetIngestedDocumentAcl",
        action: "bedrock:GetIngestedDocumentAcl",
        access: Access::Read,
        check: Check::Asks(|call| asks::labelled(call, "bedrock:GetIngestedDocumentAcl")),
        handler: |call| acls::get(call).boxed(),
    },
    Row {
        operation: "CheckIngestedDocumentAcl",
        action: "bedrock:CheckIngestedDocumentAcl",
        access: Access::Read,
        check: Check::Asks(|call| asks::labelled(call, "bedrock:CheckIngestedDocumentAcl")),
        handler: |call| acls::check(call).boxed(),
    },
];
