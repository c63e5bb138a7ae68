//! Passports of judges for people: how far a judge agrees with them, metric by metric.

use anyhow::Result;
use serde_json::Value;

use crate::args::Format;
use crate::fields::text;
use crate::output;

/// The figures, and what each is called; all have an interval of 95 %.
const FIGURES: [(&str, &str); 8] = [
    ("kappa", "Cohen's kappa"),
    ("quadraticKappa", "quadratic-weighted kappa"),
    ("spearman", "Spearman's rho"),
    ("kendall", "Kendall's tau-b"),
    ("balancedAccuracy", "balanced accuracy of the labels"),
    ("bias", "bias (above 0: too kind)"),
    ("verbosity", "liking of long answers"),
    ("position", "effect of labels listed from the highest"),
];

/// Prints the passports of the server's answer.
pub(super) fn show(answer: &Value, format: Format) -> Result<()> {
    if format == Format::Json {
        return output::json(answer);
    }
    let passports = answer["passports"].as_array().map_or(&[][..], Vec::as_slice);
    if passports.is_empty() {
        output::note("the judge was not calibrated");
    }
    passports.iter().try_for_each(|passport| output::line(card(passport)))
}

/// A passport in lines.
fn card(passport: &Value) -> String {
    let usable = if passport["usable"] == true { "usable" } else { "not usable for this metric" };
    let mut card =
        format!("{}: {usable}, by {} answers that people rated\n", text(passport, "metricName"), passport["items"]);
    // What cannot be told, as one side always says the same, has a dash; the effect of an order that was not varied no line.
    for (name, title) in FIGURES.iter().filter(|(name, _)| *name != "position" || passport[*name].is_object()) {
        card.push_str(&format!("  {title:<42}{}\n", figure(&passport[*name])));
    }
    let baseline = passport["baseline"].as_f64().unwrap_or_default();
    card.push_str(&format!("  {:<42}{baseline:.2}\n", "accuracy of always saying the same"));
    for method in passport["methods"].as_array().into_iter().flatten() {
        let title = format!("balanced accuracy by the {}", text(method, "method"));
        card.push_str(&format!("  {title:<42}{}\n", figure(&method["balancedAccuracy"])));
    }
    card.push_str(&format!("  {}", recommendation(passport)));
    card
}

/// A figure with its interval.
fn figure(figure: &Value) -> String {
    let of = |name: &str| figure[name].as_f64();
    match (of("value"), of("low"), of("high")) {
        (Some(value), Some(low), Some(high)) => format!("{value:.2} [{low:.2}, {high:.2}]"),
        _ => "-".to_owned(),
    }
}

/// What to decide by.
fn recommendation(passport: &Value) -> String {
    let (usable, telling) = (passport["usable"] == true, passport["recommendedBeatsBaseline"] == true);
    match passport["recommended"].as_str() {
        Some(method) if passport["outdated"] == true => {
            format!(
                "recommended: the {method}, but it was fitted by an earlier version of the server: run the evaluation again, and calibrate the judge by the new job"
            )
        }
        Some(method) if telling => {
            let instead = if usable { "" } else { ", as the judge tells nothing" };
            format!("recommended: the {method}{instead}; reports tell what people would probably say by it")
        }
        _ => "recommended: do not decide by this metric, or calibrate a larger judge".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passport(usable: bool) -> Value {
        let of = |value: f64| json!({"value": value, "low": value - 0.1, "high": value + 0.1});
        json!({
            "metricName": "Builtin.Correctness", "items": 60, "kappa": of(0.5), "quadraticKappa": of(0.625), "spearman": of(0.7),
            "kendall": of(0.65), "balancedAccuracy": of(0.6), "baseline": 1.0 / 3.0, "bias": of(-0.05), "verbosity": null,
            "position": null, "usable": usable, "recommendedBeatsBaseline": usable, "recommended": "expected score",
            "methods": [{"method": "label", "balancedAccuracy": of(0.6)}, {"method": "expected score", "balancedAccuracy": of(0.75)}],
        })
    }

    #[test]
    fn a_passport_has_every_figure_with_its_interval() {
        let card = card(&passport(true));
        for line in [
            "Builtin.Correctness: usable, by 60 answers that people rated",
            "  Cohen's kappa                             0.50 [0.40, 0.60]",
            "  quadratic-weighted kappa                  0.62 [0.53, 0.72]",
            "  Spearman's rho                            0.70 [0.60, 0.80]",
            "  Kendall's tau-b                           0.65 [0.55, 0.75]",
            "  balanced accuracy of the labels           0.60 [0.50, 0.70]",
            "  bias (above 0: too kind)                  -0.05 [-0.15, 0.05]",
            "  liking of long answers                    -",
            "  accuracy of always saying the same        0.33",
            "  balanced accuracy by the expected score   0.75 [0.65, 0.85]",
            "  recommended: the expected score; reports tell what people would probably say by it",
        ] {
            assert!(card.lines().any(|one| one == line), "`{line}` is not in\n{card}");
        }
        assert!(!card.contains("listed from the highest"), "{card}");
    }

    #[test]
    fn what_is_not_usable_is_not_recommended() {
        let unusable = card(&passport(false));
        assert!(unusable.starts_with("Builtin.Correctness: not usable for this metric"), "{unusable}");
        assert!(unusable.ends_with("do not decide by this metric, or calibrate a larger judge"), "{unusable}");
        let mut other = passport(false);
        (other["recommended"], other["recommendedBeatsBaseline"]) = (json!("Craton.RougeL"), json!(true));
        assert!(card(&other).contains("recommended: the Craton.RougeL, as the judge tells nothing"));
        let mut before = passport(true);
        (before["recommended"], before["outdated"]) = (json!("classifier"), json!(true));
        assert!(card(&before).ends_with("fitted by an earlier version of the server: run the evaluation again, and calibrate the judge by the new job"));
    }
}
