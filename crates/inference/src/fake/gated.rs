//! A fake whose steps a test lets through, so that what happens in the middle of an answer can be tried without waiting for
//! the right moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{FakeBackend, FakeLoader, FakeOpen};
use crate::backend::{Backend, Care, Input, Layout, Open};
use crate::engine::{Facts, LoadOptions, Loaded, Loader, ModelFiles};
use crate::reading::{Passage, Reading};
use crate::{Error, Result};

/// Before each step the engine comes by here. It is open at first. Cheap to clone; all clones are one gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<Steps>, Condvar)>);

#[derive(Debug, Default)]
struct Steps {
    /// Steps that may be made; none: any number.
    allowed: Option<usize>,
    /// Whether the engine stands here.
    waits: bool,
    panics: bool,
    /// What was read in each step, as text.
    read: Vec<String>,
}

impl Gate {
    /// Lets nothing through from now on.
    pub fn close(&self) {
        self.lock().allowed = Some(0);
    }

    /// Lets so many steps more through.
    pub fn allow(&self, steps: usize) {
        if let Some(allowed) = &mut self.lock().allowed {
            *allowed += steps;
        }
        self.0.1.notify_all();
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.lock().allowed = None;
        self.0.1.notify_all();
    }

    /// Has the engine panic in its next step.
    pub fn panic_next(&self) {
        self.lock().panics = true;
    }

    /// Blocks until the engine stands at the closed gate.
    pub fn wait_until_held(&self) {
        let steps = self.lock();
        let held = |steps: &mut Steps| !steps.waits || steps.allowed != Some(0);
        drop(self.0.1.wait_while(steps, held).unwrap_or_else(PoisonError::into_inner));
    }

    /// What was read in each step so far, as text: of a prompt a piece at once, of answers a token each.
    #[must_use]
    pub fn read(&self) -> Vec<String> {
        self.lock().read.clone()
    }

    fn pass(&self, batch: &[Input]) {
        let mut steps = self.lock();
        steps.waits = true;
        self.0.1.notify_all();
        let stays = |steps: &mut Steps| steps.allowed == Some(0);
        steps = self.0.1.wait_while(steps, stays).unwrap_or_else(PoisonError::into_inner);
        steps.waits = false;
        if let Some(allowed) = &mut steps.allowed {
            *allowed -= 1;
        }
        let bytes: Vec<u8> = batch.iter().filter_map(|input| u8::try_from(input.token).ok()).collect();
        steps.read.push(String::from_utf8_lossy(&bytes).into_owned());
        let panics = std::mem::take(&mut steps.panics);
        drop(steps);
        assert!(!panics, "as the test asked");
    }

    fn lock(&self) -> MutexGuard<'_, Steps> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`FakeLoader`] some of whose models have a gate.
#[derive(Debug, Clone, Default)]
pub struct GatedLoader {
    /// The gates, by the name of the folder that the model's files lie in.
    pub gates: HashMap<String, Gate>,
    /// Models for whose caches there is no memory, by the same name, and the bytes that they need.
    pub too_large: HashMap<String, u64>,
    inner: FakeLoader,
}

impl GatedLoader {
    /// One gate, of the model in the folder of this name.
    #[must_use]
    pub fn new(model: &str, gate: &Gate) -> Self {
        Self { gates: HashMap::from([(model.to_owned(), gate.clone())]), ..Self::default() }
    }
}

impl Loader for GatedLoader {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts> {
        self.inner.inspect(files)
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded> {
        let name = files.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(bytes) = self.too_large.get(&name) {
            return Err(Error::NoMemory { what: "caches of its requests".to_owned(), bytes: *bytes });
        }
        match self.gates.get(&name) {
            None => self.inner.load(files, options),
            Some(gate) => {
                let fake = FakeOpen { parallel: options.parallel.max(1), replies: Vec::new() };
                let open = GatedOpen { fake, gate: gate.clone() };
                Ok(Loaded::Generator(Arc::new(self.inner.scheduler(options, 0, open)?)))
            }
        }
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>> {
        self.inner.read_all(files, options, passages, cancelled, done)
    }
}

struct GatedOpen {
    fake: FakeOpen,
    gate: Gate,
}

impl Open for GatedOpen {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        drive(&mut Gated { inner: FakeBackend::new(&self.fake), gate: &self.gate });
        Ok(())
    }
}

struct Gated<'a> {
    inner: FakeBackend,
    gate: &'a Gate,
}

impl Backend for Gated<'_> {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        self.gate.pass(batch);
        self.inner.decode(batch, care)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        self.inner.truncate(sequence, from)
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        self.inner.share(from, to, tokens)
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        self.inner.save(sequence, state)
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        self.inner.restore(sequence, state)
    }
}
