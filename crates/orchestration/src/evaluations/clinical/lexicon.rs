//! The words that the rules know.

/// A finding: its name, and the words that mean it. A phrase is found where its words follow one another, each by its stem.
#[derive(Debug)]
pub(super) struct Finding {
    /// Its name.
    pub(super) name: &'static str,
    /// Phrases that say that it is there.
    pub(super) phrases: &'static [&'static str],
    /// Phrases that say that it is not there.
    pub(super) normal: &'static [&'static str],
    /// How soon somebody must act: 2 at once, 1 soon, 0 at leisure.
    pub(super) urgency: u8,
}

const fn finding(name: &'static str, phrases: &'static [&'static str], urgency: u8) -> Finding {
    Finding { name, phrases, normal: &[], urgency }
}

pub(super) const FINDINGS: &[Finding] = &[
    finding("pneumothorax", &["pneumothorax", "pneumothoraces", "collapsed lung"], 2),
    finding("pneumoperitoneum", &["pneumoperitoneum", "free air", "free intraperitoneal air"], 2),
    finding("pneumomediastinum", &["pneumomediastinum"], 2),
    finding("aortic dissection", &["aortic dissection", "dissection"], 2),
    finding("pulmonary embolism", &["pulmonary embolism", "pulmonary emboli", "pulmonary embolus"], 2),
    finding("hemorrhage", &["hemorrhage", "haemorrhage", "hematoma", "haematoma"], 2),
    finding("tension", &["midline shift", "mediastinal shift"], 2),
    finding("pneumonia", &["pneumonia"], 1),
    finding("consolidation", &["consolidation", "airspace disease", "air space disease", "airspace opacity"], 1),
    finding("pleural effusion", &["effusion", "pleural fluid", "hydrothorax"], 1),
    Finding {
        name: "pulmonary edema",
        phrases: &["edema", "oedema", "vascular congestion", "pulmonary congestion"],
        normal: &["normal pulmonary vascularity", "pulmonary vascularity is normal", "normal vascularity"],
        urgency: 1,
    },
    Finding {
        name: "fracture",
        phrases: &["fracture"],
        normal: &["no acute bony", "no acute osseous", "bones are intact", "osseous structures are intact"],
        urgency: 1,
    },
    finding("mass", &["mass", "tumor", "tumour", "neoplasm"], 1),
    finding("nodule", &["nodule", "nodular opacity"], 1),
    finding("abscess", &["abscess"], 1),
    finding("lymphadenopathy", &["lymphadenopathy", "adenopathy"], 1),
    finding("opacity", &["opacity", "opacification", "infiltrate"], 1),
    finding("atelectasis", &["atelectasis"], 0),
    Finding {
        name: "cardiomegaly",
        phrases: &[
            "cardiomegaly",
            "enlarged heart",
            "heart is enlarged",
            "heart is mildly enlarged",
            "heart is moderately enlarged",
            "heart is severely enlarged",
            "enlarged cardiac silhouette",
            "cardiac silhouette is enlarged",
            "cardiac enlargement",
            "heart size is enlarged",
        ],
        normal: &[
            "heart size is normal",
            "normal heart size",
            "heart is normal in size",
            "heart is normal",
            "normal heart",
            "cardiac silhouette is normal",
            "normal cardiac silhouette",
            "heart is of normal size",
            "heart size within normal limits",
            "heart size is within normal limits",
            "heart size normal",
        ],
        urgency: 0,
    },
    finding("hernia", &["hernia"], 0),
    finding("emphysema", &["emphysema", "hyperinflation", "hyperexpansion"], 0),
    finding("scoliosis", &["scoliosis"], 0),
    finding("degenerative change", &["degenerative change", "spondylosis", "osteophyte"], 0),
    finding("granuloma", &["granuloma", "granulomatous disease"], 0),
    finding("pleural thickening", &["pleural thickening"], 0),
    finding("scarring", &["scar", "scarring", "fibrosis"], 0),
    finding("calcification", &["calcification"], 0),
];

/// Phrases that say of what follows them, up to the clause's end, that it is not there.
pub(super) const NEGATIONS: &[&str] = &[
    "no",
    "not",
    "without",
    "negative for",
    "free of",
    "absence of",
    "absent",
    "denies",
    "never",
    "neither",
    "nor",
    "rather than",
    "resolution of",
    "resolved",
    "ruled out",
    "rules out",
    "excluded",
    "clear of",
];

/// Phrases that say the same of what precedes them in the clause.
pub(super) const NEGATIONS_AFTER: &[&str] = &[
    "is absent",
    "are absent",
    "is not seen",
    "are not seen",
    "not identified",
    "not present",
    "has resolved",
    "have resolved",
    "is excluded",
    "are excluded",
    "is ruled out",
    "unlikely",
    "not demonstrated",
    "not visualized",
];

/// Phrases with a negation in them that say nothing is absent.
pub(super) const NO_NEGATIONS: &[&str] = &[
    "not only",
    "no change in",
    "no change",
    "no interval change",
    "not significantly changed",
    "no significant change",
    "not excluded",
    "cannot be excluded",
    "not ruled out",
];

/// Words at which a negation ends.
pub(super) const ENDS_OF_NEGATION: &[&str] =
    &["but", "however", "although", "though", "except", "yet", "which", "with"];

/// Words that say that something is not certain.
pub(super) const UNCERTAIN: &[&str] = &[
    "possible",
    "possibly",
    "may",
    "might",
    "could",
    "suspected",
    "suspicious",
    "questionable",
    "probable",
    "probably",
    "likely",
    "cannot",
    "versus",
    "definite",
    "excluded",
];

/// Phrases after which a sentence tells what its findings may mean, rather than what is seen.
pub(super) const INFERRED: &[&str] = &[
    "consistent with",
    "compatible with",
    "in keeping with",
    "concerning for",
    "suggests",
    "suggestive",
    "reflects",
    "represents",
    "differential",
];

/// The sides.
pub(super) const LEFT: &[&str] = &["left"];
pub(super) const RIGHT: &[&str] = &["right"];
pub(super) const BOTH: &[&str] = &["bilateral", "bilaterally", "both"];

/// Units of length, each in millimetres.
pub(super) const UNITS: &[(&str, f64)] = &[("mm", 1.0), ("millimeter", 1.0), ("cm", 10.0), ("centimeter", 10.0)];

/// Words that readers outside the specialty do not know, and plain ones for them.
pub(super) const OBSCURE: &[(&str, &str)] = &[
    ("eventration", "a raised part of the diaphragm"),
    ("inspissated", "thickened"),
    ("lucency", "a dark area"),
    ("lucencies", "dark areas"),
    ("silhouetting", "a lost border"),
    ("costophrenic", "the lower corner of the lung"),
    ("azygos", "a vein beside the spine"),
    ("hemidiaphragm", "half of the diaphragm"),
    ("hemidiaphragms", "halves of the diaphragm"),
    ("retrocardiac", "behind the heart"),
    ("bibasilar", "at the bases of both lungs"),
    ("cephalization", "vessels that widen toward the top of the lung"),
    ("reticulonodular", "of lines and dots"),
    ("tortuous", "winding"),
    ("s/p", "after"),
    ("w/o", "without"),
    ("r/o", "to rule out"),
];
