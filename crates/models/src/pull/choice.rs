//! Which files of a repository, a package or a folder make up a model.

use base::{Error, Result};

/// The files that belong to weights in safetensors, where they lie beside them.
const COMPANIONS: [&str; 8] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
];
/// Those of them without which the weights cannot be read.
const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];
/// The most names that a hint lists.
const MAX_NAMES: usize = 12;

/// A file that makes up a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Its path in the model's folder.
    pub(crate) name: String,
    /// Its path at the source.
    pub(crate) path: String,
}

/// Chooses among the `paths` of `place` (a repository, a package, a folder): what is loaded comes first, its companions
/// follow. `asked` names a file, by its path or the end of it; without it there must be no doubt.
///
/// # Errors
/// Invalid, where nothing can be loaded, several files could be, or a companion that is needed is missing.
pub(crate) fn choose(place: &str, paths: &[String], asked: Option<&str>) -> Result<Vec<Chosen>> {
    let main = match asked {
        Some(asked) => named(place, paths, asked)?,
        None => undoubted(place, paths)?,
    };
    let (folder, name) = main.rsplit_once('/').map_or(("", main), |(folder, name)| (folder, name));
    let mut chosen = vec![Chosen { name: name.to_owned(), path: main.to_owned() }];
    if name.ends_with(".gguf") {
        return Ok(chosen);
    }
    for companion in COMPANIONS {
        let path = if folder.is_empty() { companion.to_owned() } else { format!("{folder}/{companion}") };
        if paths.contains(&path) {
            chosen.push(Chosen { name: companion.to_owned(), path });
        } else if NEEDED.contains(&companion) {
            return Err(Error::invalid(format!("`{path}` is missing beside `{main}` in {place}.")));
        }
    }
    Ok(chosen)
}

/// Whether a path of a stranger is one of plain names: it stays in its folder, and is no option, URL or hidden file.
pub(crate) fn is_plain(path: &str) -> bool {
    path.split('/').all(is_word)
}

/// Whether a text is a plain name.
pub(crate) fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(allowed)
}

fn is_model(path: &str) -> bool {
    path.ends_with(".gguf") || path.ends_with(".safetensors")
}

fn named<'a>(place: &str, paths: &'a [String], asked: &str) -> Result<&'a str> {
    let tail = format!("/{asked}");
    let ends: Vec<&String> = paths.iter().filter(|path| path.ends_with(&tail)).collect();
    let found = match (paths.iter().find(|path| *path == asked), ends.as_slice()) {
        (Some(exact), _) => exact,
        (None, [only]) => only,
        (None, []) => return Err(has(Error::invalid(format!("There is no `{asked}` in {place}.")), paths)),
        _ => return Err(has(Error::invalid(format!("There are several `{asked}` in {place}.")), paths)),
    };
    if is_model(found) {
        return Ok(found);
    }
    Err(Error::invalid(format!("`{asked}` is no model file.")).with_hint("Name a `.gguf` or a `.safetensors` file."))
}

fn undoubted<'a>(place: &str, paths: &'a [String]) -> Result<&'a str> {
    // A projector of pictures is no model by itself.
    let ggufs: Vec<&String> = paths.iter().filter(|path| path.ends_with(".gguf") && !path.contains("mmproj")).collect();
    let usual: Vec<&String> =
        ggufs.iter().copied().filter(|path| path.to_ascii_lowercase().contains("q4_k_m")).collect();
    let weights: Vec<&String> =
        paths.iter().filter(|path| *path == "model.safetensors" || path.ends_with("/model.safetensors")).collect();
    let root: Vec<&String> = weights.iter().copied().filter(|path| !path.contains('/')).collect();
    match (ggufs.as_slice(), usual.as_slice(), root.as_slice(), weights.as_slice()) {
        ([only], ..) | (_, [only], ..) | ([], _, [only], _) | ([], _, [], [only]) => Ok(only.as_str()),
        ([], _, [], []) => Err(Error::invalid(format!("There is no model that can be loaded in {place}."))
            .with_hint("A model is a `.gguf` file, or `model.safetensors` with `config.json` and `tokenizer.json`.")),
        _ => Err(has(Error::invalid(format!("There are several models in {place}, and one must be named.")), paths)),
    }
}

/// Names the model files that there are.
fn has(error: Error, paths: &[String]) -> Error {
    let names: Vec<&str> = paths.iter().filter(|path| is_model(path)).take(MAX_NAMES).map(String::as_str).collect();
    if names.is_empty() { error } else { error.with_hint(format!("It has: {}.", names.join(", "))) }
}
