//! A fake engine that tells of every prompt before it is answered.

#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use inference::fake::FakeLoader;
use inference::{
    ChatPrompt, EngineStatus, Facts, GenerateRequest, Generation, Generator, KeptPrefix, LoadOptions, Loaded, Loader,
    ModelFiles, ModelInfo, Passage, Prompt, Reading, Result, ScoreRequest, Scoring, Tenant, Token,
};

/// Is told what is asked.
pub type Note = Arc<dyn Fn(&str) + Send + Sync>;

pub struct NotingLoader(pub Note);

impl Loader for NotingLoader {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts> {
        FakeLoader::default().inspect(files)
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded> {
        Ok(match FakeLoader::default().load(files, options)? {
            Loaded::Generator(inner) => Loaded::Generator(Arc::new(Noting { inner, note: Arc::clone(&self.0) })),
            embedder => embedder,
        })
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>> {
        FakeLoader::default().read_all(files, options, passages, cancelled, done)
    }
}

struct Noting {
    inner: Arc<dyn Generator>,
    note: Note,
}

impl Noting {
    fn tell(&self, prompt: &Prompt) {
        if let Prompt::Text { text, .. } = prompt {
            (self.note)(text);
        }
    }
}

impl Generator for Noting {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    fn status(&self) -> EngineStatus {
        self.inner.status()
    }

    fn tokenize(&self, text: &str, parse_special: bool) -> Result<Vec<Token>> {
        self.inner.tokenize(text, parse_special)
    }

    fn read(&self, prompt: &Prompt) -> Result<Vec<Token>> {
        self.inner.read(prompt)
    }

    fn spelling(&self, token: Token) -> Vec<u8> {
        self.inner.spelling(token)
    }

    fn render_chat(&self, chat: &ChatPrompt) -> Result<String> {
        self.inner.render_chat(chat)
    }

    fn generate(&self, request: GenerateRequest) -> Result<Generation> {
        self.tell(&request.prompt);
        self.inner.generate(request)
    }

    fn score(&self, request: ScoreRequest) -> Result<Scoring> {
        self.tell(&request.prompt);
        self.inner.score(request)
    }

    fn forget(&self, tenant: Tenant) {
        self.inner.forget(tenant);
    }

    fn used_again(&self) -> Vec<KeptPrefix> {
        self.inner.used_again()
    }

    fn remember(&self, prefixes: Vec<KeptPrefix>) {
        self.inner.remember(prefixes);
    }
}
