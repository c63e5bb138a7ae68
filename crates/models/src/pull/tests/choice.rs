use crate::pull::choice::{choose, is_plain};

fn chosen(paths: &[&str], asked: Option<&str>) -> Result<Vec<String>, String> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let chosen = choose("`org/repo`", &paths, asked);
    let chosen = chosen.map_err(|e| format!("{} {}", e.message, e.hint.unwrap_or_default()))?;
    Ok(chosen.into_iter().map(|file| format!("{}={}", file.name, file.path)).collect())
}

#[test]
fn the_only_model_is_chosen() {
    assert_eq!(chosen(&["p/__init__.py", "p/x.gguf"], None).unwrap(), ["x.gguf=p/x.gguf"]);
    assert_eq!(chosen(&["p/x.gguf", "p/y.gguf"], Some("y.gguf")).unwrap(), ["y.gguf=p/y.gguf"]);
    assert_eq!(chosen(&["x.gguf", "p/x.gguf"], Some("x.gguf")).unwrap(), ["x.gguf=x.gguf"]);
}

#[test]
fn the_usual_quantization_is_chosen_and_doubt_is_told() {
    let usual = chosen(&["a-Q4_K_M.gguf", "a-Q8_0.gguf", "mmproj.gguf"], None);
    assert_eq!(usual.unwrap(), ["a-Q4_K_M.gguf=a-Q4_K_M.gguf"]);
    assert!(chosen(&["a-Q5.gguf", "a-Q8_0.gguf"], None).unwrap_err().contains("It has: a-Q5.gguf, a-Q8_0.gguf."));
    assert!(chosen(&["p/x.gguf", "q/x.gguf"], Some("x.gguf")).unwrap_err().contains("several"));
    assert!(chosen(&["p/x.gguf"], Some("y.gguf")).unwrap_err().contains("no `y.gguf`"));
    assert!(chosen(&["p/setup.py"], Some("setup.py")).unwrap_err().contains("no model file"));
    assert!(chosen(&["p/__init__.py"], None).unwrap_err().contains("no model"));
    assert!(chosen(&[], None).is_err());
}

#[test]
fn weights_in_safetensors_come_with_what_lies_beside_them() {
    let bert =
        ["p/m/model.safetensors", "p/m/config.json", "p/m/tokenizer.json", "p/m/1_Pooling/config.json", "p/x.json"];
    assert_eq!(
        chosen(&bert, None).unwrap(),
        [
            "model.safetensors=p/m/model.safetensors",
            "config.json=p/m/config.json",
            "tokenizer.json=p/m/tokenizer.json",
            "1_Pooling/config.json=p/m/1_Pooling/config.json",
        ]
    );
    let root = ["model.safetensors", "config.json", "tokenizer.json", "onnx/model.safetensors"];
    assert_eq!(chosen(&root, None).unwrap()[0], "model.safetensors=model.safetensors");
    let error = chosen(&["model.safetensors", "config.json"], None).unwrap_err();
    assert!(error.contains("`tokenizer.json` is missing"), "{error}");
}

#[test]
fn paths_that_are_more_than_plain_names_are_told() {
    for path in ["a.gguf", "sub/a-1_B.gguf", "1_Pooling/config.json"] {
        assert!(is_plain(path), "{path}");
    }
    for path in ["", "/tmp/x", "../x", "a/../x", "a//x", "./x", ".hidden", "a/.git", "a b", "a\\b", "C:x", "x\0", "ä"]
    {
        assert!(!is_plain(path), "{path:?}");
    }
}
