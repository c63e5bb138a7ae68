//! The figures of endpoints as Prometheus reads them: of those that are there, and of no others. They are written when they
//! are asked for, so that what an endpoint had goes with it.

use std::fmt::Write as _;

use super::figures::{EndpointFigures, VariantFigures};
use super::resource::{Endpoint, Hosted};
use super::store::Scope;
use crate::Models;

/// A series of each variant: its name, and its value.
type Series = (&'static str, fn(&EndpointFigures, &VariantFigures) -> f64);

const GAUGES: [Series; 9] = [
    ("craton_endpoint_in_service", |endpoint, _| if endpoint.status.answers() { 1.0 } else { 0.0 }),
    ("craton_endpoint_instances", |_, variant| f64::from(variant.instances)),
    ("craton_endpoint_desired_instances", |_, variant| f64::from(variant.desired_instances)),
    ("craton_endpoint_memory_bytes", |_, variant| exact(variant.memory_bytes)),
    ("craton_endpoint_tokens_per_second", |_, variant| variant.tokens_per_second),
    ("craton_endpoint_queue", |_, variant| f64::from(variant.queue)),
    ("craton_endpoint_running", |_, variant| f64::from(variant.running)),
    ("craton_endpoint_slots", |_, variant| f64::from(variant.slots)),
    ("craton_endpoint_cached_tokens_share", |_, variant| variant.cached_tokens_share),
];
const COUNTERS: [Series; 3] = [
    ("craton_endpoint_invocations_total", |_, variant| exact(variant.invocations)),
    ("craton_endpoint_errors_total", |_, variant| exact(variant.errors)),
    ("craton_endpoint_throttled_total", |_, variant| exact(variant.throttled)),
];

/// Exact up to 2^53.
#[expect(clippy::cast_precision_loss)]
const fn exact(count: u64) -> f64 {
    count as f64
}

impl Models {
    /// What all endpoints of the deployment do, in Prometheus's text format.
    #[must_use]
    pub fn endpoint_metrics(&self) -> String {
        written(&self.inner.endpoints.published())
    }

    /// Has an endpoint's figures be told from now on, as they are now.
    pub(super) fn publish_endpoint(&self, scope: &Scope, endpoint: &Hosted<Endpoint>) {
        self.inner.endpoints.publish(scope, self.figures_of(endpoint));
    }
}

fn written(endpoints: &[(Scope, EndpointFigures)]) -> String {
    let mut text = String::new();
    let each = || {
        endpoints.iter().flat_map(|(scope, endpoint)| {
            endpoint.variants.iter().map(move |variant| (labels(scope, endpoint, variant), endpoint, variant))
        })
    };
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{line}");
    };
    for (kind, series) in [("gauge", GAUGES.as_slice()), ("counter", &COUNTERS)] {
        for (name, value) in series {
            line(format_args!("# TYPE {name} {kind}"));
            for (labels, endpoint, variant) in each() {
                line(format_args!("{name}{{{labels}}} {}", value(endpoint, variant)));
            }
        }
    }
    for name in ["first_token", "latency"] {
        line(format_args!("# TYPE craton_endpoint_{name}_quantile_seconds gauge"));
        for (labels, _, variant) in each() {
            let times = if name == "latency" { variant.latency } else { variant.first_token };
            for (quantile, time) in [("0.5", times.p50), ("0.95", times.p95), ("0.99", times.p99)] {
                let seconds = time.as_secs_f64();
                line(format_args!(
                    "craton_endpoint_{name}_quantile_seconds{{{labels},quantile=\"{quantile}\"}} {seconds}"
                ));
            }
        }
    }
    text
}

/// None of the names holds what would have to be escaped.
fn labels(scope: &Scope, endpoint: &EndpointFigures, variant: &VariantFigures) -> String {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let (endpoint, variant) = (&endpoint.name, &variant.name);
    format!("account=\"{account}\",region=\"{region}\",endpoint=\"{endpoint}\",variant=\"{variant}\"")
}

#[cfg(test)]
mod tests {
    use super::super::live::Registry;
    use super::super::resource::{EndpointStatus, EndpointVariant, VariantSpec};
    use super::super::weights::Source;
    use super::*;

    fn figures(name: &str, invocations: u64) -> EndpointFigures {
        let spec = VariantSpec { name: "All".to_owned(), instances: 2, ..VariantSpec::default() };
        let variant = EndpointVariant { spec, source: Source::Local("m".to_owned()), served: None };
        EndpointFigures {
            name: name.to_owned(),
            arn: format!("arn:{name}"),
            status: EndpointStatus::InService,
            failure: None,
            lacks: None,
            market: None,
            variants: vec![VariantFigures { invocations, ..super::super::figures::described(&variant) }],
            created: base::Timestamp(1),
            last_used: None,
        }
    }

    #[test]
    fn series_are_those_of_the_endpoints_that_are_there_and_count_what_they_did() {
        let (registry, scope) = (
            Registry::default(),
            Scope { account: "123456789012".parse().unwrap(), region: "us-east-1".parse().unwrap() },
        );
        registry.publish(&scope, figures("chat", 7));
        registry.publish(&scope, figures("gone", 9));
        registry.unpublish("arn:gone");
        let text = written(&registry.published());
        let labels = "account=\"123456789012\",region=\"us-east-1\",endpoint=\"chat\",variant=\"All\"";
        assert!(text.contains("# TYPE craton_endpoint_invocations_total counter\n"), "{text}");
        assert!(text.contains(&format!("craton_endpoint_invocations_total{{{labels}}} 7\n")), "{text}");
        assert!(text.contains(&format!("craton_endpoint_in_service{{{labels}}} 1\n")), "{text}");
        assert!(text.contains(&format!("craton_endpoint_latency_quantile_seconds{{{labels},quantile=\"0.95\"}} 0\n")));
        assert!(!text.contains("gone"));
        // A variant that was made again counts from the beginning.
        registry.publish(&scope, figures("chat", 1));
        assert!(written(&registry.published()).contains(&format!("craton_endpoint_invocations_total{{{labels}}} 1\n")));
    }
}
