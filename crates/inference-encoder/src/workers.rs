//! The threads of a loaded model.
//!
//! However many callers there are, no more threads compute than the model was given. Calls take turns task by task, so
//! a single query does not wait for the end of a long list of texts.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use inference::Error;

/// Threads that run tasks, each with its own `B`uffers.
pub(crate) struct Workers<B> {
    queue: Arc<Queue<B>>,
    threads: Vec<JoinHandle<()>>,
}

type Task<B> = Box<dyn FnOnce(&mut B) + Send>;

struct Queue<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
}

struct State<B> {
    /// The tasks that are left of each call, the call whose turn is next in front. None is empty.
    calls: VecDeque<VecDeque<Task<B>>>,
    closed: bool,
}

impl<B: Default + 'static> Workers<B> {
    /// Starts `count` threads.
    pub(crate) fn start(count: usize) -> std::io::Result<Self> {
        let mut workers = Self { queue: Arc::new(Queue::new()), threads: Vec::new() };
        for index in 0..count {
            let queue = Arc::clone(&workers.queue);
            let thread = std::thread::Builder::new().name(format!("encoder-{index}")).spawn(move || queue.work())?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// The number of threads.
    pub(crate) fn count(&self) -> usize {
        self.threads.len()
    }

    /// Computes `work` of every input on the workers and waits for the results, in order.
    pub(crate) fn map<I, O, W>(&self, inputs: Vec<I>, work: W) -> Result<Vec<O>, Error>
    where
        I: Send + 'static,
        O: Send + 'static,
        W: Fn(I, &mut B) -> O + Send + Sync + 'static,
    {
        let mut results: Vec<Option<O>> = inputs.iter().map(|_| None).collect();
        let work = Arc::new(work);
        let (sender, receiver) = mpsc::channel();
        let task = |(index, input): (usize, I)| -> Task<B> {
            let (work, sender) = (Arc::clone(&work), sender.clone());
            // A failed send means that the caller gave up waiting: its results are of no use to anyone.
            Box::new(move |buffers| drop(sender.send((index, work(input, buffers)))))
        };
        self.queue.push(inputs.into_iter().enumerate().map(task).collect());
        drop(sender);
        for (index, result) in receiver {
            results[index] = Some(result);
        }
        // A task that panicked dropped its sender without a result.
        let failed = || Error::Engine { reason: "a thread of the encoder failed".to_owned() };
        results.into_iter().map(|result| result.ok_or_else(failed)).collect()
    }
}

impl<B> Drop for Workers<B> {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A worker catches the panics of its tasks and has none of its own.
            drop(thread.join());
        }
    }
}

impl<B> Queue<B> {
    fn new() -> Self {
        let state = State { calls: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A panic while the lock was held cannot have left the state half changed.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, tasks: VecDeque<Task<B>>) {
        if !tasks.is_empty() {
            self.lock().calls.push_back(tasks);
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Task<B>> {
        let mut state = self.lock();
        loop {
            if let Some(mut call) = state.calls.pop_front() {
                let task = call.pop_front();
                if !call.is_empty() {
                    state.calls.push_back(call);
                }
                return task;
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<B: Default> Queue<B> {
    fn work(&self) {
        let mut buffers = B::default();
        while let Some(task) = self.next() {
            if catch_unwind(AssertUnwindSafe(|| task(&mut buffers))).is_err() {
                buffers = B::default();
            }
        }
    }
}

#[cfg(test)]
mod tests;
